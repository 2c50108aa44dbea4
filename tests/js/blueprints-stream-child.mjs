// Streams for ever and says how much was read, until it is killed.
import { openmeter, Taximeter } from 'taximeter'
import { stream } from 'taximeter/blueprints'
import { fileSpool } from 'taximeter/file'

const [, , url, spool] = process.argv
const meter = new Taximeter({ source: 'test', sink: openmeter({ url }), spool: fileSpool(spool) })
const endless = new ReadableStream({
  async pull(controller) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    controller.enqueue(new Uint8Array(1000))
  },
})
let read = 0
for await (const chunk of stream.pass(meter, endless, { subject: 'acme', everyMs: 100 })) {
  read += chunk.length
  console.log(read)
}
