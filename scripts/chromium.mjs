// A Chromium for the tests of pages: the one that is installed, or Debian's.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { must } from './must.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** Its path: `CHROMIUM` of the environment, or the first that is found. */
const found = () => process.env.CHROMIUM ?? NAMES.map(inPath).find((path) => path !== undefined)

/** Installs it where that needs no question. */
export function ensureChromium() {
  if (found() === undefined && process.getuid?.() === 0 && inPath('apt-get')) {
    must('apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium')
  }
}

/** Its path; throws what to do if there is none. */
export function chromium() {
  const path = found()
  if (path !== undefined) return path
  throw new Error(
    'The tests of pages need Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path.',
  )
}

function inPath(name) {
  const paths = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name))
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
