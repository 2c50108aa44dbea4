// Takes usage events of a web page and records them with the key that only the server has: for Next, Hono, Deno, Bun and
// Workers as it is; for plain Node see server.mjs. An event from a page is a claim: don't bill on it alone.

const BYTES_MAX = 256 * 1024

/** The body; of one that is larger no more than that is read. */
async function read(request) {
  const decoder = new TextDecoder()
  let [bytes, text] = [0, '']
  // Leaving the loop cancels the rest.
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length
    if (bytes > BYTES_MAX) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/**
 * @param {object} options
 * @param {import('taximeter').Taximeter} options.meter
 * @param {(request: Request) => Promise<string | undefined> | string | undefined} options.customer who is signed in; `undefined`
 *   refuses
 * @param {string[]} options.types the event types a page may send
 * @param {number} [options.eventsPerMinute] of one customer
 */
export function usageProxy({ meter, customer, types, eventsPerMinute = 600 }) {
  let minute = 0
  let counts = new Map()
  return async function POST(request) {
    const subject = await customer(request)
    if (subject === undefined) return new Response(null, { status: 401 })
    const text = await read(request)
    if (text === undefined) return new Response(null, { status: 413 })
    let events
    try {
      events = JSON.parse(text)
    } catch {}
    if (!Array.isArray(events)) return new Response(null, { status: 400 })
    const now = Math.floor(Date.now() / 60_000)
    if (now !== minute) [minute, counts] = [now, new Map()]
    const count = (counts.get(subject) ?? 0) + events.length
    if (count > eventsPerMinute) return new Response(null, { status: 429, headers: { 'retry-after': '60' } })
    if (!events.every((event) => types.includes(event?.type))) return new Response(null, { status: 400 })
    // The subject is ours; the id stays, so that a page that sends again is counted once.
    const taken = events.map(({ id, type, time, data }) =>
      meter.record({ id, type, time, data, subject, source: 'page' }),
    )
    if (taken.some(({ error }) => error?.code === 'queue_full')) return new Response(null, { status: 503 })
    if (taken.some(({ error }) => error)) return new Response(null, { status: 400 })
    counts.set(subject, count)
    return new Response(null, { status: 204 })
  }
}
