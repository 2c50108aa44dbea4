/**
 * From here on `Date.now()` runs 1 to 4 ms ahead at every call, as it does between the events of real use: without
 * this, whole batches fall into one millisecond, which flatters every cache of times and ids. The cost of the real
 * clock stays in.
 */
export function advanceClock() {
  const real = Date.now
  let ahead = 0
  Date.now = () => {
    ahead += 1 + (ahead % 7)
    return real() + ahead
  }
}
