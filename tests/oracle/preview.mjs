// One case a line in, `{ meters, events, query, options }`; the preview's rows, or its error's code, a line out.

import { createInterface } from 'node:readline'
import { preview } from '../../dist/inline.js'

for await (const line of createInterface({ input: process.stdin })) {
  const { meters, events, query, options } = JSON.parse(line)
  let answer
  try {
    const { result } = preview(meters, events, query, options)
    answer = { rows: result.data, incomplete: result.incomplete }
  } catch (error) {
    answer = { error: error.code ?? String(error) }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
