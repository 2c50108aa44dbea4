// A Chromium for the tests of pages: the one that is installed, or Debian's.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { must } from './must.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** Its path: `CHROMIUM` of the environment, or the first that is found. */
export const chromium = () => process.env.CHROMIUM ?? NAMES.map(inPath).find((path) => path !== undefined)

/** Installs it where that needs no question; else says what to do. */
export function ensureChromium() {
  if (chromium() !== undefined) return
  if (process.getuid?.() === 0 && inPath('apt-get')) {
    must('apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium')
  }
  if (chromium() !== undefined) return
  console.error(
    'The tests of pages need Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path.',
  )
  process.exit(1)
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
