import { preview, TaximeterError } from 'taximeter'
import { parse, plain, stringify } from './lossless.mjs'

/**
 * A file with one case a line, `{ meters, events, query, options? }`, optionally with `id` and `want` (the rows): each
 * gives the rows of the answer, or the error.
 */
export function* cases(text) {
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const { id, meters, events, query, options, want } = parse(line)
    yield {
      id: id === undefined ? `line ${i + 1}` : plain(id),
      want: want === undefined ? undefined : plain(want),
      run: () => {
        try {
          return preview(plain(meters), stringify(events), plain(query), plain(options ?? {})).result.data
        } catch (error) {
          if (error instanceof TaximeterError) return { error: { code: error.code, status: error.http } }
          throw error
        }
      },
    }
  }
}
