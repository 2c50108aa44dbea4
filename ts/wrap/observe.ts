import { jsonText } from '../json'
import type { Ending, UsageContext, UsageHost } from './host'

/** Files of batches are taken in by such pieces, so that their records never pile up. */
const PIECE_BYTES = 65_536

/** Counts answers that came another way than by a fetch, one a line. Gives the number of records. */
export function observe(
  answer: string | object,
  { provider, model, ...context }: Partial<UsageContext> & { provider: string; model?: string },
  host: UsageHost,
): number {
  const route = host.route('', '', provider)
  const call =
    route &&
    host.open({
      route,
      status: 200,
      stream: false,
      hide: false,
      contentType: 'application/jsonl',
      startedAtMs: Date.now(),
      ...(model !== undefined && { model }),
    })
  if (call === undefined) return 0
  let found = 0
  const report = (how: Ending) => {
    const records = call.finish(how)
    if (records === '[]') return
    found += JSON.parse(records).length
    host.usage(records, context)
  }
  try {
    const bytes = new TextEncoder().encode(typeof answer === 'string' ? answer : jsonText(answer))
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      call.push(bytes.subarray(at, at + PIECE_BYTES))
      report('flush')
    }
    report('end')
  } finally {
    call.free()
  }
  return found
}
