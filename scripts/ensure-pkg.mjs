// Brings pkg/ up to date. A clone in which it is already needs no Rust.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { hashOfInputs } from './inputs.mjs'
import { must } from './must.mjs'

export function ensurePkg() {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const hashFile = `${root}/pkg/inputs.sha256`
  if (existsSync(hashFile) && readFileSync(hashFile, 'utf8').trim() === hashOfInputs().trim()) return
  console.error('pkg/ is older than its sources: building it (needs Rust, see https://rustup.rs)')
  must('cargo xtask build')
}
