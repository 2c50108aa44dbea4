/** The tables: on the terminal, and in RESULTS.md. */

/** `met`, `MISSED`, or nothing for a figure that has no target. */
export function verdict({ value, atLeast, atMost }) {
  if (atLeast === undefined && atMost === undefined) return ''
  return value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity) ? 'met' : 'MISSED'
}

const target = ({ atLeast, atMost, unit }) =>
  atLeast !== undefined ? `≥ ${atLeast} ${unit}` : atMost !== undefined ? `≤ ${atMost} ${unit}` : ''

/** Three digits that mean something. */
export function short(value) {
  if (!Number.isFinite(value)) return '–'
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

/** One row a figure: metric, what, figure, target, verdict. */
export function rows(results) {
  return results.flatMap(({ metric, title, status, figures = [] }) => {
    if (status) return [[metric, title, '', '', status]]
    return figures.map((figure, i) => [
      i === 0 ? metric : '',
      i === 0 ? `${title}: ${figure.name}` : figure.name,
      `${short(figure.value)} ${figure.unit}`,
      target(figure),
      verdict(figure),
    ])
  })
}

const HEAD = ['', 'what', 'figure', 'target', 'verdict']

/** For the terminal: columns of even width. */
export function plain(results) {
  const all = [HEAD, ...rows(results)]
  const widths = HEAD.map((_, column) => Math.max(...all.map((row) => row[column].length)))
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** RESULTS.md whole. */
export function markdown(results, machine, peers, quick) {
  const { date, taximeter, engine, notRun, cpu, load } = machine
  const parts = [
    '# Results',
    'Made by `npm run bench`; how to read it: [README.md](README.md).',
    table(
      ['', ''],
      [
        ['date', date],
        ['taximeter', taximeter],
        ['engine', engine],
        ['not run', notRun],
        ['processors', cpu],
        ['load at the start', load],
        ['peers', peers.join(', ')],
        ...(quick ? [['**quick run**', 'fewer metrics, columns and rounds']] : []),
      ],
    ),
    table(HEAD, rows(results)),
    '## Where we lose',
    losses(results),
  ]
  for (const { columns } of results) if (columns) parts.push('## ns CPU an event, record + body', columnTable(columns))
  for (const { metric, notes } of results) for (const note of notes ?? []) parts.push(`**${metric}.** ${note}`)
  return `${parts.join('\n\n')}\n`
}

function losses(results) {
  const lost = results.flatMap(({ metric, figures = [] }) =>
    figures
      .filter(({ unit, value }) => unit === '×' && value < 1)
      .map(({ name, value }) => [metric, name, short(value)]),
  )
  return lost.length === 0 ? 'Nowhere in this run.' : table(['', 'against', '×'], lost)
}

function columnTable(columns) {
  const head = Object.keys(columns[0])
  return table(
    head,
    columns.map((row) => head.map((name) => (typeof row[name] === 'number' ? short(row[name]) : (row[name] ?? '')))),
  )
}

function table(head, body) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n')
}
