import { type AnyMeter, preview, TaximeterError } from 'taximeter'
import { isCollection, isNode, LineCounter, type Node, parseDocument } from 'yaml'

/** Characters of a file of meters: a hundred of them take a tenth of it. */
const LENGTH_MAX = 1024 * 1024

/**
 * The meters of a file in YAML or JSON: a list, or an object with a list `meters`, such as the configuration of an OpenMeter
 * server. Checked as the server checks them; names of its v3 API and meters of Dodo are taken too.
 *
 * What YAML would take for a number, a date or a boolean and so print in another way (`slug: 007`, `eventType: 1.10`) is refused
 * where a text is wanted. Throws with `file`, line and column in the message, and `path` and `help`: `config_invalid` for what is
 * no list of meters, else the code of the rule that a meter breaks.
 *
 * @example
 * const meters = readMeters(await readFile('meters.yaml', 'utf8'), 'meters.yaml')
 */
export function readMeters(text: string, file = 'meters'): AnyMeter[] {
  const lines = new LineCounter()
  const fail = (node: unknown, message: string, more: { code?: string; path?: string; help?: string } = {}) => {
    const offset = typeof node === 'number' ? node : isNode(node) ? (node.range?.[0] ?? 0) : 0
    const { line, col } = text.length > LENGTH_MAX ? { line: 1, col: 1 } : lines.linePos(offset)
    const { code = 'config_invalid', ...rest } = more
    return new TaximeterError(code, `${file}:${line}:${col}: ${message}`, rest)
  }
  if (text.length > LENGTH_MAX) throw fail(0, 'the file is larger than 1 MiB')
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false })
  const fault = document.errors[0] ?? document.warnings[0]
  if (fault) throw fail(fault.pos[0], fault.message)
  const root = document.contents
  const list = isCollection(root) && root.has('meters') ? (root.get('meters', true) as Node) : root
  let meters: unknown
  try {
    meters = list?.toJS(document)
  } catch (error) {
    throw fail(list, (error as Error).message)
  }
  if (!Array.isArray(meters)) {
    throw fail(list, 'there is no list of meters', { help: 'write a list, or an object with a list `meters`' })
  }
  /** The node at a path, or as near to it as there is one. */
  const nodeAt = (path: (string | number)[]): unknown => {
    if (path.length === 0) return list
    const node = isCollection(list) ? list.getIn(path, true) : undefined
    return isNode(node) ? node : nodeAt(path.slice(0, -1))
  }
  for (const path of inexact(meters, [])) {
    const node = nodeAt(path) as { source?: string }
    const written = node.source ?? 'it'
    throw fail(node, `${written} is no text in YAML`, { path: pathText(path), help: `put it in quotes: '${written}'` })
  }
  try {
    // Whatever is wrong with the meters is said before that there is no such meter.
    preview(meters, [], { meter: '' })
  } catch (error) {
    const { code, message, path, help } = error as TaximeterError
    if (code === 'meter_not_found') return meters
    throw fail(nodeAt(pathOf(path)), message, { code, ...(path && { path }), ...(help && { help }) })
  }
  return meters
}

/** Where there are numbers and booleans. Only the conditions of Dodo's meters compare with any. */
function* inexact(value: unknown, path: (string | number)[]): Generator<(string | number)[]> {
  if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      yield* inexact(member, [...path, Array.isArray(value) ? Number(key) : key])
    }
  } else if (path.at(-1) === 'value' && path.includes('clauses')) {
    if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) yield path
  } else if (value !== null && typeof value !== 'string') {
    yield path
  }
}

const pathText = (path: (string | number)[]) =>
  `meters${path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')}`

/** `meters[1].groupBy.model` as steps from the list on. */
const pathOf = (path = '') =>
  Array.from(path.replace(/^meters/, '').matchAll(/\[(\d+)\]|([^.[\]]+)/g), ([, index, key = '']) =>
    index === undefined ? key : Number(index),
  )
