// The server runtimes that the package is tested and measured on: each with the words that start a script.

import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const modules = fileURLToPath(new URL('../node_modules/', import.meta.url))

/** The program among the packages of a scope, of which npm installs the one for this platform. */
function program(scope, ...names) {
  const packages = existsSync(modules + scope) ? readdirSync(modules + scope) : []
  const paths = packages.flatMap((name) => names.map((file) => `${modules}${scope}/${name}/${file}`))
  // Bun's install script, where npm runs it, moves the program.
  if (scope === '@oven') paths.push(`${modules}bun/bin/bun.exe`)
  const found = paths.find((path) => existsSync(path))
  if (!found) throw new Error(`${scope} has no program for this platform in node_modules: run npm ci`)
  return found
}

export const runtimes = {
  Node: () => [process.execPath],
  Bun: () => [program('@oven', 'bin/bun', 'bin/bun.exe')],
  Deno: () => [program('@deno', 'deno', 'deno.exe'), 'run', '-A', '--no-lock', '--node-modules-dir=manual'],
}
