// Sizes of the built package, and the budget: the core, WebAssembly and JavaScript together, holds it or the build fails.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'

const BUDGET_GZIP_BYTES_MAX = 45_000

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const sizes = Object.fromEntries(
  ['core.wasm', 'slim.js', 'inline.js'].map((file) => {
    const bytes = readFileSync(dist + file)
    // zlib's brotli has 11 for its default.
    return [
      file,
      { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length },
    ]
  }),
)
console.table(sizes)

const counted = sizes['core.wasm'].gzip + sizes['slim.js'].gzip
const isWithin = counted <= BUDGET_GZIP_BYTES_MAX
console.log(
  `core.wasm + slim.js: ${counted} bytes of gzip, ${isWithin ? 'within' : 'ABOVE'} the budget of ${BUDGET_GZIP_BYTES_MAX}`,
)
process.exitCode = isWithin ? 0 : 1
