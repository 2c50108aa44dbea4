/** A progress bar; where nobody watches, only its last state. */
export function progress(total) {
  const width = 40
  return (done) => {
    const full = Math.round((done / total) * width)
    const line = `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${done}/${total}`
    if (process.stdout.isTTY) process.stdout.write(`\r${line}${done === total ? '\n' : ''}`)
    else if (done === total) console.log(line)
  }
}

/** Columns as wide as their content; the first to the left, the others to the right. */
export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i].length)))
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')
  console.log(line(cells[0]))
  console.log(widths.map((w) => '-'.repeat(w)).join('  '))
  for (const row of cells.slice(1)) console.log(line(row))
}

export const usd = (amount) => (amount === '-' ? amount : `$${amount}`)
