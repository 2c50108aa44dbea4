import { preview, TaximeterError } from 'taximeter'
import { parse, plain, stringify } from './lossless.mjs'

/**
 * A file with one case a line (or a JSON list of them): `{ meters, events, query, options?, customers?, id?, want? }`, the
 * events a list or text. Each gives the rows of the answer, or `{ error: { code, status } }`. `want` are the rows.
 *
 * A line that is no case fails alone, and the others are run.
 */
export function* cases(text) {
  const lines = text.replace(/^\ufeff/, '').trim()
  const list = lines.startsWith('[') ? parse(lines) : lines.split(/\r?\n/)
  for (const [i, item] of list.entries()) {
    if (typeof item === 'string' && item.trim() === '') continue
    const fallback = `line ${i + 1}`
    try {
      yield toCase(typeof item === 'string' ? parse(item) : item, fallback)
    } catch (error) {
      yield { id: fallback, want: 'a case', run: () => ({ error: { code: 'no_case', message: error.message } }) }
    }
  }
}

function toCase(read, fallback) {
  const { id, meters, events, query, options, customers, want } = read
  return {
    id: id === undefined ? fallback : plain(id),
    want: want === undefined ? undefined : plain(want),
    tolerant: true,
    run: () => {
      const given = { ...plain(options ?? {}), ...(customers && { customers: plain(customers) }) }
      const text = typeof events === 'string' ? events : stringify(events ?? [])
      try {
        return preview(plain(meters ?? []), text, plain(query ?? {}), given).result.data
      } catch (error) {
        if (error instanceof TaximeterError) return { error: { code: error.code, status: error.http } }
        throw error
      }
    },
  }
}
