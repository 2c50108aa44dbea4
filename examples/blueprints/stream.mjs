// Films that are billed by bytes and minutes: the answer passes through, and is told of while it runs.
import { openmeter, Taximeter } from 'taximeter'
import { stream, streamConcurrency, streamQuality } from 'taximeter/blueprints'

const meter = new Taximeter({
  source: 'films',
  sink: openmeter({ url: process.env.OPENMETER_URL ?? 'http://localhost:8888' }),
  meters: [...stream.meters, ...streamQuality.meters, ...streamConcurrency.meters],
  prices: { meters: { ...stream.prices, ...streamConcurrency.prices } },
})

/** A film of 50 pieces; a handler of any server that answers with a Response. */
function handler() {
  let pieces = 50
  const film = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (pieces-- > 0) controller.enqueue(new Uint8Array(10_000))
      else controller.close()
    },
  })
  const session = stream.session(meter, {
    subject: 'acme',
    data: { stream_type: 'video' },
    everyMs: 50, // the default, a minute, suits films
    concurrent: true,
  })
  session.quality('1080p', 5000)
  return session.pass(new Response(film, { headers: { 'content-type': 'video/mp4' } }))
}

const [first, second] = await Promise.all([handler().arrayBuffer(), handler().arrayBuffer()])
console.log(first.byteLength + second.byteLength, 'bytes were sent')
for (const name of ['stream_bytes', 'streams_total', 'stream_bitrate_kbps_peak', 'concurrent_streams_peak']) {
  console.log(name, meter.preview(name).data[0].value)
}
await meter.close()
