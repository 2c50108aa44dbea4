/**
 * Cuts JSON text into the texts of its parts, so that numbers keep the digits they were sent with (`JSON.parse` makes
 * 9007199254740992 of 9007199254740993). The text must be valid JSON: run `JSON.parse` first.
 */

const QUOTE = 34
const BACKSLASH = 92
const OPEN = new Set([91, 123])
const CLOSE = new Set([93, 125])
const BLANK = new Set([9, 10, 13, 32])

/** @param {string} text @param {number} at */
function skipBlanks(text, at) {
  while (BLANK.has(text.charCodeAt(at))) at++
  return at
}

/** The end of the string whose opening quote is at `at`. @param {string} text @param {number} at */
function stringEnd(text, at) {
  for (at++; text.charCodeAt(at) !== QUOTE; at++) if (text.charCodeAt(at) === BACKSLASH) at++
  return at + 1
}

/** The end of the value that begins at `at`. @param {string} text @param {number} at */
function valueEnd(text, at) {
  const first = text.charCodeAt(at)
  if (first === QUOTE) return stringEnd(text, at)
  if (!OPEN.has(first)) {
    while (at < text.length && !',]}'.includes(text.charAt(at)) && !BLANK.has(text.charCodeAt(at))) at++
    return at
  }
  for (let depth = 0; ; ) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = stringEnd(text, at)
      continue
    }
    at++
    if (OPEN.has(code)) depth++
    else if (CLOSE.has(code) && --depth === 0) return at
  }
}

/**
 * The texts of an array's elements, in order.
 * @param {string} text a JSON array
 * @returns {string[]}
 */
export function elements(text) {
  const parts = []
  let at = skipBlanks(text, skipBlanks(text, 0) + 1)
  while (!CLOSE.has(text.charCodeAt(at))) {
    const end = valueEnd(text, at)
    parts.push(text.slice(at, end))
    at = skipBlanks(text, end)
    if (text.charAt(at) === ',') at = skipBlanks(text, at + 1)
  }
  return parts
}

/**
 * The texts of an object's members. Of equal keys the last one wins, as in `JSON.parse`.
 * @param {string} text a JSON object
 * @returns {Map<string, string>}
 */
export function members(text) {
  const parts = new Map()
  let at = skipBlanks(text, skipBlanks(text, 0) + 1)
  while (!CLOSE.has(text.charCodeAt(at))) {
    const keyEnd = stringEnd(text, at)
    const start = skipBlanks(text, skipBlanks(text, keyEnd) + 1)
    const end = valueEnd(text, start)
    parts.set(JSON.parse(text.slice(at, keyEnd)), text.slice(start, end))
    at = skipBlanks(text, end)
    if (text.charAt(at) === ',') at = skipBlanks(text, at + 1)
  }
  return parts
}
