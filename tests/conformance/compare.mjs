/** Deep equality; with `tolerant`, numbers may differ by 1e-12 of their size (absolute below 1), and −0 is 0. */
export function same(got, want, tolerant = false) {
  if (typeof got === 'number' && typeof want === 'number') {
    return got === want || (tolerant && Math.abs(got - want) <= 1e-12 * Math.max(1, Math.abs(want)))
  }
  if (got === null || want === null || typeof got !== 'object' || typeof want !== 'object') return got === want
  const keys = new Set([...Object.keys(got), ...Object.keys(want)])
  return Array.isArray(got) === Array.isArray(want) && [...keys].every((k) => same(got[k], want[k], tolerant))
}
