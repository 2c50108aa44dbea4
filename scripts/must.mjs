import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Runs a command that nothing goes on without. Its output goes to stderr: stdout belongs to what comes after. */
export function must(command) {
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  // Through a shell, since npm is a script on Windows.
  const { status } = spawnSync(command, { cwd, shell: true, stdio: ['ignore', 2, 2] })
  if (status === 0) return
  console.error(`\n\`${command}\` failed`)
  process.exit(1)
}
