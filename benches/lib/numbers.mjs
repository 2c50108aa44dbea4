/** The middle value; of an even number of them the mean of the middle two. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The value that a share `p` of all values does not exceed. */
export function quantile(values, p) {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]
}

/** CPU of this process, user and system, in nanoseconds: the garbage collector's and compiler's threads included. */
export function cpuNs() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}
