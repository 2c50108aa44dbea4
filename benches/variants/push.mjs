/** The least that anyone can do: keep the caller's objects, stringify at flush. No check, no id, no time. */
export function create() {
  let events = []
  return {
    record(event) {
      events.push(event)
    },
    flush() {
      const body = JSON.stringify(events)
      events = []
      return [body]
    },
  }
}
