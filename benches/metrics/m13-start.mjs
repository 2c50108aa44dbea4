import { readFileSync } from 'node:fs'
import { brotliCompressSync } from 'node:zlib'
import { compare } from '../lib/rounds.mjs'

export const metric = 'M13'
export const title = 'fixed costs: bytes, first compile, import'

export async function run({ rounds }) {
  const { start, compile } = await compare({ start: { measure: 'start' }, compile: { measure: 'compile' } }, rounds)
  const wasm = brotliCompressSync(readFileSync(new URL('../../dist/core.wasm', import.meta.url)))
  const figures = [
    { name: 'core.wasm, brotli', value: wasm.length / 1000, unit: 'KB', atMost: 30 },
    { name: 'first compile (wall time)', value: compile.ms, unit: 'ms', atMost: 1.5 },
    { name: 'import and first event, CPU', value: start.cpuMs, unit: 'ms', atMost: 10 },
    { name: 'idle WebAssembly memory', value: start.memoryKb, unit: 'KiB' },
  ]
  return { figures }
}
