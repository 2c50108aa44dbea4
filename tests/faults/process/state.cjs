// A process that begins with the module's state of another one: of a snapshot that was made after the module was loaded.
const { startupSnapshot } = require('node:v8')
const { openmeter, Taximeter } = require('taximeter')

async function main() {
  const { url, record, first } = JSON.parse(process.argv.at(-1))
  const meter = new Taximeter({ source: 'process', sink: openmeter({ url, dedup: 'unlimited' }) })
  const ids = []
  for (let n = first; n < first + record; n++) ids.push(meter.record({ type: 'call', subject: 'c', data: { n } }).id)
  const counts = await meter.close({ deadlineMs: 20_000 })
  console.log(JSON.stringify({ ids, counts, endedAt: Date.now() }))
}

if (startupSnapshot?.isBuildingSnapshot()) startupSnapshot.setDeserializeMainFunction(main)
else main()
