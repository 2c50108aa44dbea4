/** A process with a client, to be ended in many ways. */
import { openmeter, Taximeter } from 'taximeter'
import { fileSpool } from 'taximeter/file'
import { flushOnSignals } from 'taximeter/signals'

const { url, spool, record, then, first, flushMs, hostMs } = JSON.parse(process.argv[2])
const meter = new Taximeter({
  source: 'process',
  sink: openmeter({ url, dedup: 'unlimited' }),
  ...(spool && { spool: fileSpool(spool) }),
})
if (flushMs) flushOnSignals(meter, { deadlineMs: flushMs })
// A host with an end of its own, some time after nothing waits any more.
if (hostMs) {
  const look = () => (meter.stats().pending > 0 ? setTimeout(look, 20) : setTimeout(() => process.exit(7), hostMs))
  process.once('SIGTERM', look)
}
const ids = []
for (let n = first; n < first + record; n++) ids.push(meter.record({ type: 'call', subject: 'c', data: { n } }).id)
// Written at once, since the process may not live to the next turn.
const { writeSync } = await import('node:fs')
writeSync(1, `${JSON.stringify({ ids })}\n`)

const [how, code = '0'] = then.split(/ (?=\d+$)/)
if (how === 'exit') process.exit(Number(code))
if (how === 'throw') throw new Error('of the host')
if (how === 'kill') process.kill(process.pid, 'SIGKILL')
if (how === 'wait') setInterval(() => {}, 1000)
if (how === 'flush, end') await meter.flush()
if (how === 'deliver') {
  const counts = await meter.close({ deadlineMs: 20_000 })
  writeSync(1, `${JSON.stringify({ counts })}\n`)
}
writeSync(1, `${JSON.stringify({ endedAt: Date.now() })}\n`)
process.exitCode = Number(code)
