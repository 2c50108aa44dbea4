// One hash over everything that determines pkg/, by which a stale pkg/ is known without Rust.
//
// SHA-256 over, for each file in the order of its path: the path from the repository's root with '/', a zero byte, the
// content with LF line ends, a zero byte; then the version of binaryen. In hexadecimal, with a line end.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const places = ['Cargo.lock', 'Cargo.toml', 'patches', 'rust-toolchain.toml', 'src', 'xtask/Cargo.toml', 'xtask/src']

const filesBelow = (path) =>
  statSync(join(root, path)).isDirectory()
    ? readdirSync(join(root, path))
        .filter((name) => !name.startsWith('.'))
        .flatMap((name) => filesBelow(`${path}/${name}`))
    : [path]

export function hashOfInputs() {
  const hash = createHash('sha256')
  for (const path of places.flatMap(filesBelow).sort()) {
    hash.update(`${path}\0${readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n')}\0`)
  }
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  hash.update(lock.packages['node_modules/binaryen'].version)
  return `${hash.digest('hex')}\n`
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.stdout.write(hashOfInputs())
