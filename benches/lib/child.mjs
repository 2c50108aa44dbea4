// One measurement in a process of its own: `node child.mjs '{"measure":"body",…}'` prints its result as JSON.
const job = JSON.parse(process.argv[2])
try {
  const { measure } = await import(`../measure/${job.measure}.mjs`)
  const result = await measure(job)
  // Peers keep sockets and timers; nothing of them is waited for.
  process.stdout.write(JSON.stringify(result), () => process.exit(0))
} catch (error) {
  process.stderr.write(`${process.argv[2]}: ${error.message}`, () => process.exit(1))
}
