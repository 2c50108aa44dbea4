/** Does nothing: the cost of the harness and of the caller's literals, which is in every other figure too. */
export function create() {
  let count = 0
  return {
    record(event) {
      if (event.subject !== '') count += 1
    },
    flush: () => [count],
  }
}
