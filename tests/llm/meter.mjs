import { build } from 'esbuild'
import { fakeHost } from './fake-host.mjs'

let made
async function modules() {
  made ??= build({
    stdin: {
      contents: "export * from './wrap/fetch';export * from './wrap/client';export * from './wrap/call'",
      resolveDir: new URL('../../ts', import.meta.url).pathname,
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    write: false,
  }).then((r) => import('data:text/javascript;base64,' + Buffer.from(r.outputFiles[0].text).toString('base64')))
  return made
}
export async function testMeter() {
  const { meteredFetch, wrapClient, OpenCalls } = await modules()
  const host = fakeHost()
  const open = new OpenCalls()
  return {
    host,
    open,
    wrap: (client, context) => wrapClient(client, (f) => meteredFetch(f, host, context, open)),
    async records() {
      return host.records.map((r) => ({ status: r.usage ? 'complete' : 'unreported' }))
    },
    async subjects() {
      return host.contexts.map((c) => c.subject)
    },
  }
}
