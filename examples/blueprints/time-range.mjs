// Jobs that are billed by time, on GPUs too: told of while they run, to the millisecond, exactly once.
import { setTimeout as work } from 'node:timers/promises'
import { openmeter, Taximeter } from 'taximeter'
import { gpuTime, timeRange } from 'taximeter/blueprints'

const meter = new Taximeter({
  source: 'jobs',
  sink: openmeter({ url: process.env.OPENMETER_URL ?? 'http://localhost:8888' }),
  meters: [...timeRange.meters, ...gpuTime.meters],
  prices: { meters: { ...timeRange.prices, ...gpuTime.prices } },
})

// A function: its value, its errors and its promise are its own.
const report = await meter.time(() => work(30, 'the report'), { subject: 'acme', data: { job: 'report' } })
console.log(report)

// What ends elsewhere, on 8 GPUs. With `using span = …` it ends with its block.
const span = meter.span({
  subject: 'acme',
  type: gpuTime.eventType,
  data: { gpu_type: 'nvidia_A100', region: 'us-east-1' },
  parallel: 8,
  everyMs: 20, // the default is a minute
})
await work(50)
span.end()

console.log('time_spans_total', meter.preview('time_spans_total').data[0].value)
console.log('GPU seconds', meter.preview('gpu_execution_duration_seconds', { groupBy: ['gpu_type'] }).data[0].value)
await meter.close()
