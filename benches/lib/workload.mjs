/** The events that are recorded. All variants of a comparison get the same ones. */

export const SOURCE = 'chat-app'
const TYPE = 'llm.usage'
const SUBJECTS = Array.from({ length: 1000 }, (_, i) => `customer-${i}`)
const MODELS = ['gpt-5.5', 'gpt-5.5-mini', 'claude-opus-5', 'claude-sonnet-5', 'o5-preview']
const TYPES = ['input', 'output']

/**
 * A source of events. `fill(count)` prepares them outside the measured time; `at(i)` gives them within it.
 *
 * - `hot`: literals of strings that come again, as an application writes them.
 * - `fresh`: objects from `JSON.parse` with a string of 20 characters that never comes again: the worst case for
 *   anything that remembers strings.
 * - `subjects`: literals with another subject in every event.
 */
export const workloads = {
  hot() {
    let base = 0
    let next = 0
    return {
      fill(count) {
        base = next
        next += count
      },
      at: (i) => ({ type: TYPE, subject: SUBJECTS[(base + i) % 1000], data: data(base + i) }),
    }
  },
  fresh() {
    let events = []
    let next = 0
    return {
      fill(count) {
        const list = Array.from({ length: count }, () => {
          const n = next++
          return { type: TYPE, subject: SUBJECTS[n % 1000], data: { ...data(n), request: `req-${unique(n)}` } }
        })
        events = JSON.parse(JSON.stringify(list))
      },
      at: (i) => events[i],
    }
  },
  subjects() {
    let subjects = []
    let base = 0
    let next = 0
    return {
      fill(count) {
        base = next
        next += count
        subjects = JSON.parse(JSON.stringify(Array.from({ length: count }, (_, i) => `cus-${unique(base + i)}`)))
      },
      at: (i) => ({ type: TYPE, subject: subjects[i], data: data(base + i) }),
    }
  },
}

const data = (n) => ({ tokens: (n * 7919) % 10_000, model: MODELS[n % 5], type: TYPES[n & 1] })
/** 16 characters, spread over the alphabet like an id. */
const unique = (n) => ((n * 2654435761) % 2 ** 32).toString(16).padStart(8, '0') + n.toString(16).padStart(8, '0')

/** What must come out of every variant as it went in: escapes, other alphabets, numbers of every size, nesting. */
export const corners = [
  { type: 'request', subject: 'customer-1', data: { tokens: 12, model: 'gpt-5.5', type: 'input' } },
  {
    type: 'request',
    subject: 'Größe "x" \\ / 顧客 🚕',
    data: { 'ключ "k"': 'línea\n\t\u0000\u001f\u2028\u007f', b: '' },
  },
  {
    type: 'request',
    subject: 's',
    data: { i: 0, negative: -5, half: 0.5, tiny: 1e-7, big: 2 ** 53 - 1, e: -1.5e-300 },
  },
  { type: 'request', subject: 's', data: { yes: true, no: false, nothing: null, absent: undefined } },
  { type: 'request', subject: 's', data: { list: [1, 'two', null, [3]], nested: { a: { b: '"' } }, empty: {} } },
  { type: 'a much longer type than the others', subject: 'x'.repeat(500), data: { long: 'é"'.repeat(400) } },
  { type: 'request', subject: 'without data' },
]
