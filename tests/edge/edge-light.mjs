// Vercel's edge: one script in a world of its own, where nothing compiles code from strings or bytes. Its tools turn a
// static import of `.wasm?module` into a module that is compiled beforehand; so does this.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { EdgeVM } from '@edge-runtime/vm'
import { build } from 'esbuild'

const compiled = {
  name: 'wasm?module',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({
      path: `${resolveDir}/${path.replace('?module', '')}`,
      namespace: 'wasm',
    }))
    onLoad({ filter: /./, namespace: 'wasm' }, ({ path }) => ({
      contents: `export default compiled[${JSON.stringify(path)}]`,
      pluginData: { path },
    }))
  },
}

/** Makes the world; gives the function of the handler's name, and the promises that were given to `waitUntil`. */
export async function edgeLight(env) {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL('handler.mjs', import.meta.url))],
    bundle: true,
    format: 'iife',
    globalName: 'handlers',
    target: 'es2022',
    conditions: ['edge-light', 'worker', 'browser'],
    plugins: [compiled],
    // The package as users get it, not this project's sources.
    tsconfigRaw: {},
    metafile: true,
    write: false,
    logLevel: 'error',
  })
  const files = Object.keys(metafile.inputs).flatMap((name) => (name.startsWith('wasm:') ? [name.slice(5)] : []))
  const modules = await Promise.all(files.map(async (path) => [path, await WebAssembly.compile(await readFile(path))]))
  const waited = []
  const edge = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) =>
      Object.assign(context, {
        compiled: Object.fromEntries(modules),
        env,
        // There is one, with little in it.
        process: { env: {} },
        [Symbol.for('@vercel/request-context')]: { get: () => ({ waitUntil: (promise) => waited.push(promise) }) },
      }),
  })
  edge.evaluate(outputFiles[0].text)
  return { run: (name) => edge.evaluate(`handlers.${name}()`), waited }
}
