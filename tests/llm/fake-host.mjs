// A usage host in JavaScript for tests of the wrapper alone: it counts answers and hides the usage chunk of chat
// streams, as simply as that can be said. Numbers are tested with the real scanner.
const SHAPES = [
  /\/chat\/completions$/,
  /\/responses$/,
  /\/embeddings$/,
  /\/images\/\w+$/,
  /\/audio\/transcriptions$/,
  /\/v1\/messages$/,
]

export function fakeHost() {
  const records = []
  const host = {
    records,
    contexts: [],
    calls: [],
    opened: 0,
    freed: 0,
    route(method, url) {
      const { pathname } = new URL(url)
      return method === 'POST' && SHAPES.some((shape) => shape.test(pathname))
        ? { provider: 'fake', path: pathname }
        : undefined
    },
    inspect(route, body) {
      if (body === '') return { stream: false }
      const json = JSON.parse(body)
      const asks =
        json.stream === true &&
        json.stream_options?.include_usage === undefined &&
        /\/chat\/completions$/.test(route.path)
      return {
        model: json.model,
        stream: json.stream === true,
        ...(asks && {
          body: JSON.stringify({ ...json, stream_options: { ...json.stream_options, include_usage: true } }),
        }),
      }
    },
    open(info) {
      host.calls.push(info)
      host.opened += 1
      return new FakeCall(host, info)
    },
    usage(text, context) {
      for (const record of JSON.parse(text)) {
        records.push(record)
        host.contexts.push(context)
      }
    },
  }
  return host
}

class FakeCall {
  held = 0
  final = false
  #host
  #info
  #seen = ''
  #told = false
  #pending = new Uint8Array(0)

  constructor(host, info) {
    this.#host = host
    this.#info = info
  }

  push(chunk) {
    this.#seen += Buffer.from(chunk).toString('latin1')
    this.final = /data: \[DONE\]|"type":"(message_stop|response.completed)"/.test(this.#seen)
    if (!this.#info.hide) return undefined
    this.#pending = Buffer.concat([this.#pending, chunk])
    const text = this.#pending.toString('latin1')
    const events = text.split('\n\n')
    const rest = events.pop()
    const shown = events.filter((event) => !(/"choices":\[\]/.test(event) && /"usage":\{/.test(event)))
    this.#pending = Buffer.from(rest, 'latin1')
    this.held = this.#pending.length
    return new Uint8Array(Buffer.from(shown.map((event) => `${event}\n\n`).join(''), 'latin1'))
  }

  finish(how) {
    if (this.#told) return '[]'
    this.#told = true
    return JSON.stringify([{ how, usage: /"usage":\s*\{|"message_start"/.test(this.#seen), model: this.#info.model }])
  }

  free() {
    this.#host.freed += 1
  }
}
