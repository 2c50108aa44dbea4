type Process = Pick<NodeJS.Process, 'once' | 'off'>

/** What is to be flushed when the process has nothing more to do. */
const unsent = new Set<() => void>()

/**
 * Sends what is left when a Node, Deno or Bun process runs out of work: once, so that a sink that is down cannot keep the
 * process alive. Ends nothing and swallows nothing.
 */
export function flushAtProcessEnd(flush: () => void): void {
  if (unsent.size === 0) host()?.once('beforeExit', flushAll)
  unsent.add(flush)
}

/** Nothing is left to send. A client that is idle leaves no trace in the process. */
export function forgetProcessEnd(flush: () => void): void {
  if (unsent.delete(flush) && unsent.size === 0) host()?.off('beforeExit', flushAll)
}

function flushAll(): void {
  const flushes = [...unsent]
  unsent.clear()
  for (const flush of flushes) flush()
}

function host(): Process | undefined {
  const { process } = globalThis as { process?: Process }
  return typeof process?.once === 'function' && typeof process.off === 'function' ? process : undefined
}
