import type { MeterResult, Query, Replayed, Row } from 'taximeter/replay'

/** Rows of a table that are shown; JSON has them all. */
const ROWS_MAX = 50
/** Bad lines that are shown. */
const LINES_MAX = 10

/** A query as the command asks it. */
export type Asked = Query & { meter: string }

/** What a person reads of an answer. Without queries `asked` for, those for totals and groups are the command's own. */
export function report(answer: Replayed, queries: Asked[], asked: string[] | undefined, seconds: number): string {
  const { events, lines, badLines, codes, diagnostics } = answer
  const results = answer.results.map((result, i) => ({ result, query: queries[i] as Asked }))
  const isTotal = ({ groupBy }: Asked) => asked === undefined && groupBy === undefined
  const totals = results
    .filter(({ query }) => isTotal(query))
    .map(({ query, result }) => [query.meter, result.data[0] ? amountOf(result.data[0]) : '–'])
  const parts = totals.length > 0 ? [table([['meter', 'value'], ...totals])] : []
  for (const [i, { query, result }] of results.entries()) {
    if (isTotal(query)) continue
    const title = asked?.[i] ?? `${query.meter} by ${query.groupBy?.join(', ')}`
    const more = result.data.length - ROWS_MAX
    const notes = [
      ...(more > 0 ? [`… and ${more} more rows: --json has them all`] : []),
      ...(result.incomplete ? ['incomplete: there is more than one answer holds; ask for less at a time'] : []),
    ]
    parts.push([title, table(rowsOf(result, query)), ...notes].join('\n'))
  }
  const rate = Math.round(lines / Math.max(seconds, 0.001)).toLocaleString('en-US')
  const counts = Object.entries(events).map(([status, count]) => `${count} ${status}`)
  const said = [`${lines} lines in ${seconds.toFixed(1)} s (${rate} a second): ${counts.join(', ')}`]
  for (const { line, code, message, path, help } of badLines.slice(0, LINES_MAX)) {
    said.push(`  line ${line}: ${code}: ${message}${path ? ` (at ${path})` : ''}${help ? `. ${help}` : ''}`)
  }
  if (events.rejected > LINES_MAX) {
    said.push(
      `  all of them: ${Object.entries(codes)
        .map(([code, count]) => `${code} ${count} ×`)
        .join(', ')}`,
    )
  }
  for (const { meter, code, count, line } of diagnostics) {
    said.push(
      `  ${meter ? `${meter} does not count ${count}` : `${count} stored that no meter knows`}: ${code}, first on line ${line}`,
    )
  }
  return [...parts, said.join('\n')].join('\n\n')
}

const amountOf = ({ value, valueDecimal }: Row) => valueDecimal ?? String(value)

type Column = [name: string, of: (row: Row) => string]

/** Heads and rows, with the columns that the query makes tell something. */
function rowsOf({ data }: MeterResult, query: Asked): string[][] {
  const windows: Column[] = [
    ['from', (row) => row.windowStart],
    ['to', (row) => row.windowEnd],
  ]
  const columns: Column[] = [
    ...(query.windowSize ? windows : []),
    ['subject', (row) => row.subject ?? ''],
    ['customer', (row) => row.customerId ?? ''],
    ...Object.keys(data[0]?.groupBy ?? {}).map((name): Column => [name, (row) => row.groupBy[name] ?? '']),
    ['value', amountOf],
  ]
  const told = columns.filter(
    ([name]) =>
      (name !== 'subject' || data[0]?.subject != null) && (name !== 'customer' || data[0]?.customerId != null),
  )
  return [told.map(([name]) => name), ...data.slice(0, ROWS_MAX).map((row) => told.map(([, of]) => of(row)))]
}

/** What events hold may not move the cursor. */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
}

/** Columns of even width, the last one to the right. */
function table(rows: string[][]): string {
  const shown = rows.map((row) => row.map(harmless))
  const widths = shown[0]?.map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0))) ?? []
  const last = widths.length - 1
  return shown
    .map((row) => row.map((cell, i) => (i === last ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))))
    .map((row) => `  ${row.join('  ')}`)
    .join('\n')
}
