import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

/** Parts of the SDK that the package does not export, for tests of one part alone. */
export async function internals(...files) {
  const folder = mkdtempSync(join(tmpdir(), 'taximeter-'))
  try {
    const outfile = join(folder, 'internals.mjs')
    await build({
      stdin: {
        contents: files.map((file) => `export * from './${file}'`).join('\n'),
        resolveDir: fileURLToPath(new URL('../../ts', import.meta.url)),
        loader: 'ts',
      },
      bundle: true,
      format: 'esm',
      outfile,
      logLevel: 'error',
    })
    return await import(pathToFileURL(outfile))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
