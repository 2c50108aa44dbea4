import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Parts of the SDK that the package does not export, for tests of one part alone. */
export async function internals(...files) {
  const { outputFiles } = await build({
    stdin: {
      contents: files.map((file) => `export * from './${file}'`).join('\n'),
      resolveDir: fileURLToPath(new URL('../../ts', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    write: false,
  })
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`)
}
