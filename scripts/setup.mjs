// From a fresh clone to a built package: node_modules, pkg/, dist/. What is up to date is left alone.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ensurePkg } from './ensure-pkg.mjs'
import { must } from './must.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

export async function setup() {
  if (!isInstalled()) must('npm ci --no-audit --no-fund')
  ensurePkg()
  await import('./build.mjs')
}

/** npm leaves its own account of what it installed: compared with what should be. */
function isInstalled() {
  const account = `${root}/node_modules/.package-lock.json`
  if (!existsSync(account)) return false
  const wanted = Object.entries(packages(`${root}/package-lock.json`))
  const installed = packages(account)
  return wanted.every(([path, { version, link, optional }]) => {
    const isOurs = !path.includes('node_modules/')
    return isOurs || link || installed[path]?.version === version || (optional && !installed[path])
  })
}

const packages = (lockFile) => JSON.parse(readFileSync(lockFile, 'utf8')).packages

if (import.meta.url === pathToFileURL(process.argv[1]).href) await setup()
