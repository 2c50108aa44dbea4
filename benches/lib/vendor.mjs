import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

let started

/** The URL of the vendor on this machine, which runs from the first call on and ends with this process. */
export function vendor() {
  started ??= start()
  return started
}

async function start() {
  const sink = fileURLToPath(new URL('../sink.mjs', import.meta.url))
  const child = spawn(process.execPath, [sink], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  for (const handle of [child, child.stdin, child.stdout]) handle.unref()
  return String(line).trim()
}
