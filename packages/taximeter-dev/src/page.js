/** The page at `/`: counts, meters and the newest events. One plain document that loads nothing. */
import { PAGE_EVENTS_MAX } from './limits.js'

/** @type {Record<string, string>} */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** @param {unknown} value */
const escaped = (value) => String(value ?? '').replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '')

/** @param {string[]} head @param {unknown[][]} rows */
function table(head, rows) {
  if (rows.length === 0) return '<p>none</p>'
  const line = (/** @type {string} */ tag, /** @type {unknown[]} */ cells) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  return `<table>${line('th', head)}${rows.map((row) => line('td', row)).join('')}</table>`
}

const STYLE = `
  :root { color-scheme: light dark }
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
  table { border-collapse: collapse; width: 100% }
  th, td { border-bottom: 1px solid #8884; padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top }
  td { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere }`

/**
 * @param {import('./store.js').Store} store
 * @param {import('./ledger.js').Ledger} ledger
 * @returns {import('./script.js').Answer}
 */
export function page(store, { counts }) {
  const events = store.list({ limit: PAGE_EVENTS_MAX })
  const meters = store.meters()
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>taximeter dev</title>
<style>${STYLE}</style>
<h1>taximeter dev</h1>
<p>${store.count} events kept${store.evicted > 0 ? `, <strong>${store.evicted} older ones made room</strong>` : ''}.
This run: ${counts.requests} requests, ${counts.stored} events stored, ${counts.duplicate} duplicates, ${counts.refused} refused.</p>
<h2>Event types</h2>
${table(
  ['type', 'events'],
  store.countByType().map(({ type, count }) => [type, count]),
)}
<h2>Meters</h2>
${table(
  ['slug', 'aggregation', 'event type', 'value', 'group by'],
  meters.map(({ slug, aggregation, eventType, valueProperty, groupBy = {} }) => {
    const groups = Object.entries(groupBy).map(([key, path]) => `${key}: ${path}`)
    return [slug, aggregation, eventType, valueProperty, groups.join(', ')]
  }),
)}
<h2>Newest events</h2>
${table(
  ['time', 'type', 'subject', 'source', 'id', 'data'],
  events.map(({ time, type, subject, source, id, data }) => [time, type, subject, source, id, data]),
)}
</html>
`
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'x-content-type-options': 'nosniff',
  }
  return { status: 200, headers, body }
}
