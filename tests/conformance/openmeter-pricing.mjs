import { burnDown, rateOpenMeter, TaximeterError } from 'taximeter/full'

/** OpenMeter's invoice lines, then its grants. */
export function* cases(text) {
  const { lines, grants } = JSON.parse(text)
  for (const { id, source: _, expect, ...line } of lines) {
    yield { id, want: expect, run: () => answered(() => rateOpenMeter(line)) }
  }
  for (const { id, case: account, expect } of grants) {
    yield { id, want: expect, run: () => answered(() => asOpenMeter(burnDown(account))) }
  }
}

/** Without what the server does not say. */
function asOpenMeter({ exhausted: _, ...answer }) {
  return answer
}

function answered(calculate) {
  try {
    return calculate()
  } catch (error) {
    if (error instanceof TaximeterError) return { error: error.code }
    throw error
  }
}
