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

/** A row for the metric's name, and one for each figure: metric, what, figure, target, verdict. */
function rows(results) {
  return results.flatMap(({ metric, title, status = '', figures = [] }) => [
    [metric, title, '', '', status],
    ...figures.map((figure) => [
      '',
      figure.name,
      `${short(figure.value)} ${figure.unit}`,
      target(figure),
      verdict(figure),
    ]),
  ])
}

const HEAD = ['', 'what', 'figure', 'target', 'verdict']

/** For the terminal: columns of even width; names of metrics and what there is to say of them run over. */
export function plain(results) {
  const all = rows(results)
  const width = (column) => Math.max(...all.filter((row) => row[2] !== '').map((row) => row[column].length))
  const [what, figure, aim] = [width(1), width(2), width(3)]
  return all
    .map(([metric, text, value, target, verdict]) =>
      metric !== ''
        ? `\n${metric.padEnd(4)} ${text}${verdict && ` – ${verdict}`}`
        : `     ${text.padEnd(what)}  ${value.padStart(figure)}  ${target.padEnd(aim)}  ${verdict}`.trimEnd(),
    )
    .join('\n')
}

/** RESULTS.md whole. */
export function markdown(results, machine, quick) {
  const { date, taximeter, engine, others, cpu, load, peers } = machine
  const parts = [
    '# Results',
    'Made by `npm run bench`; how to read it: [README.md](README.md).',
    table(
      ['', ''],
      [
        ['date', date],
        ['taximeter', taximeter],
        ['engine', engine],
        ['other engines', others],
        ['processors', cpu],
        ['load, before and after', load],
        ['rounds', quick ? '3 (quick run: fewer metrics and peers, no columns)' : '3; 5 for peers'],
        ['peers and what they need', peers.join(', ')],
      ],
    ),
    table(HEAD, rows(results)),
    '## Where we lose',
    losses(results),
  ]
  for (const { title, rows } of results.flatMap(({ tables = [] }) => tables)) parts.push(`## ${title}`, tableOf(rows))
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

function tableOf(rows) {
  const head = Object.keys(rows[0])
  const cell = (value) => (typeof value === 'number' ? short(value) : (value ?? ''))
  return table(
    head,
    rows.map((row) => head.map((name) => cell(row[name]))),
  )
}

function table(head, body) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n')
}
