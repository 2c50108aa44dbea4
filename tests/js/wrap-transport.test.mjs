// The metering fetch alone, over a scanner that does what a test wants: whatever fails in metering, the call does not.
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fakeHost } from '../llm/fake-host.mjs'
import { internals } from './internals.mjs'

const { meteredFetch, OpenCalls } = await internals('wrap/fetch', 'wrap/call')

const URL_CHAT = 'https://api.openai.com/v1/chat/completions'
const context = { subject: 'customer-1' }
const post = (body, more) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
  ...more,
})
const streaming = post({ model: 'm', stream: true })
const event = (data) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
const CHUNKS = [{ choices: [{ delta: { content: 'ünï' } }] }, { choices: [{ delta: {}, finish_reason: 'stop' }] }].map(
  event,
)
const USAGE = event({ choices: [], usage: { prompt_tokens: 1 } })
const STREAM = [...CHUNKS, USAGE, event('[DONE]')].join('')
const SHOWN = [...CHUNKS, event('[DONE]')].join('')

let host
let open
beforeEach(() => {
  host = fakeHost()
  open = new OpenCalls()
})

/** A provider that answers with the text in pieces of `size` bytes, and remembers what it was asked. */
function provider(text, { size = 7, status = 200, type = 'text/event-stream', end = (c) => c.close() } = {}) {
  const seen = { requests: [], pulls: 0, cancelled: undefined }
  seen.fetch = async function (input, init) {
    assert.equal(this, undefined)
    seen.requests.push({ input, init })
    const bytes = new TextEncoder().encode(text)
    let at = 0
    const body = new ReadableStream(
      {
        pull(c) {
          seen.pulls += 1
          if (at >= bytes.length) return end(c)
          c.enqueue(bytes.slice(at, at + size))
          at += size
        },
        cancel(reason) {
          seen.cancelled = reason
        },
      },
      { highWaterMark: 0 },
    )
    const response = new Response(body, {
      status,
      statusText: 'Fine',
      headers: { 'content-type': type, 'x-request-id': 'r1' },
    })
    return Object.defineProperty(response, 'url', { value: `${URL_CHAT}?final` })
  }
  return seen
}

const metered = (seen, as = context) => meteredFetch(seen.fetch, host, as, open)

describe('a metered answer', () => {
  test('comes as it was, but for the chunk that was asked for', async () => {
    const seen = provider(STREAM)
    const response = await metered(seen)(URL_CHAT, streaming)
    assert.deepEqual(
      [response.status, response.statusText, response.url, response.redirected, response.headers.get('x-request-id')],
      [200, 'Fine', `${URL_CHAT}?final`, false, 'r1'],
    )
    assert.equal(await response.text(), SHOWN)
    assert.deepEqual(host.records, [{ how: 'flush', usage: true, model: 'm' }])
    assert.deepEqual(host.contexts, [context])
    assert.equal(host.freed, 1)
  })

  test('is read when it is asked for, a chunk at a time', async () => {
    const seen = provider(STREAM)
    const reader = (await metered(seen)(URL_CHAT, post({ model: 'm' }))).body.getReader()
    assert.equal(seen.pulls, 0)
    await reader.read()
    assert.equal(seen.pulls, 1)
    await reader.cancel('enough')
    assert.equal(seen.cancelled, 'enough')
    assert.deepEqual(host.records, [{ how: 'cancel', usage: false, model: 'm' }])
  })

  test('that is cancelled before it is read', async () => {
    const seen = provider(STREAM)
    await (await metered(seen)(URL_CHAT, streaming)).body.cancel('no need')
    assert.equal(seen.cancelled, 'no need')
    assert.deepEqual(host.records.length, 1)
  })

  test('whose connection breaks: the same error, after the same bytes', async () => {
    const broken = new Error('broken')
    const text = CHUNKS[0] + CHUNKS[1].slice(0, 20)
    const seen = provider(text, { end: (c) => c.error(broken) })
    const reader = (await metered(seen)(URL_CHAT, streaming)).body.getReader()
    const bytes = []
    await assert.rejects(async () => {
      for (;;) bytes.push(...(await reader.read()).value)
    }, broken)
    assert.equal(Buffer.from(bytes).toString(), text)
    assert.deepEqual(host.records.length, 1)
    assert.equal(host.records[0].how, 'error')
  })

  test('that is aborted is reported though nobody reads it', async () => {
    const controller = new AbortController()
    await metered(provider(STREAM))(URL_CHAT, { ...streaming, signal: controller.signal })
    controller.abort()
    controller.abort()
    assert.deepEqual(
      host.records.map((record) => record.how),
      ['abort'],
    )
  })

  test('of another realm or library passes', async () => {
    const odd = { ok: true, status: 200, headers: new Headers(), body: { pipe() {} } }
    assert.equal(await meteredFetch(async () => odd, host, context, open)(URL_CHAT, streaming), odd)
    const empty = new Response(null, { status: 204 })
    assert.equal(await meteredFetch(async () => empty, host, context, open)(URL_CHAT, streaming), empty)
    assert.equal(host.opened, 0)
  })
})

describe('a request', () => {
  test('is not touched without need: same arguments, same body', async () => {
    const seen = provider('{}', { type: 'application/json' })
    for (const [input, init] of [
      ['data:,', undefined],
      ['https://api.openai.com/v1/models', {}],
      [new URL(URL_CHAT), post({ model: 'm' })],
      [URL_CHAT, post({ stream: true, stream_options: { include_usage: false } })],
      [URL_CHAT, { method: 'POST', body: 'not json' }],
      [URL_CHAT, { method: 'POST', body: new Uint8Array([1]) }],
    ]) {
      await metered(seen)(input, init)
      const sent = seen.requests.pop()
      assert.equal(sent.input, input)
      assert.equal(sent.init, init)
    }
  })

  test('that asks for usage loses its content-length', async () => {
    const seen = provider(STREAM)
    await metered(seen)(URL_CHAT, { ...streaming, headers: { 'Content-Length': '27', 'x-own': '1' } })
    const [{ init }] = seen.requests
    assert.deepEqual(JSON.parse(init.body), { model: 'm', stream: true, stream_options: { include_usage: true } })
    assert.deepEqual([...new Headers(init.headers)], [['x-own', '1']])
    assert.equal(streaming.body, '{"model":"m","stream":true}')
  })

  test('keeps its bytes, and its own stream options', async () => {
    const seen = provider(STREAM)
    for (const [body, expected] of [
      ['{"n":1.0,"stream":true} ', '{"n":1.0,"stream":true,"stream_options":{"include_usage":true}}'],
      ['{"stream":true,"stream_options":{"x":1}}', '{"stream":true,"stream_options":{"x":1,"include_usage":true}}'],
      ['{"stream_options":null,"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'],
    ]) {
      await metered(seen)(URL_CHAT, { method: 'POST', body })
      assert.equal(seen.requests.pop().init.body, expected)
    }
  })

  test('does not show its prompt to the core', async () => {
    const { inspect } = host
    const bodies = []
    host.inspect = (route, body) => {
      bodies.push(body)
      return inspect(route, body)
    }
    await metered(provider(STREAM))(URL_CHAT, post({ model: 'm', stream: true, messages: [{ content: 'secret' }] }))
    assert.deepEqual(bodies, ['{"model":"m","stream":true}'])
  })

  test('may be a Request, whose body stays readable', async () => {
    const seen = provider(STREAM)
    const request = new Request(URL_CHAT, post({ model: 'm' }))
    await (await metered(seen)(request)).text()
    assert.equal(seen.requests[0].input, request)
    assert.equal(await request.text(), '{"model":"m"}')
    assert.equal(host.calls[0].model, 'm')
  })

  test('may be a Request that is asked for usage', async () => {
    const seen = provider(STREAM)
    const response = await metered(seen)(new Request(URL_CHAT, streaming))
    const { input, init } = seen.requests[0]
    assert.deepEqual((await new Request(input, init).json()).stream_options, { include_usage: true })
    assert.equal(await response.text(), SHOWN)
  })

  test('in a form names its model', async () => {
    const form = new FormData()
    form.set('model', 'whisper-1')
    form.set('file', new File(['x'], 'a.wav'))
    const seen = provider('{}', { type: 'application/json' })
    await metered(seen)('https://api.openai.com/v1/audio/transcriptions', { method: 'POST', body: form })
    assert.equal(host.calls[0].model, 'whisper-1')
    assert.equal(seen.requests[0].init.body, form)
  })

  test('that fails, fails alike', async () => {
    const error = new TypeError('fetch failed')
    const failing = () => Promise.reject(error)
    await assert.rejects(meteredFetch(failing, host, context, open)(URL_CHAT, streaming), error)
    assert.deepEqual(host.records, [])
  })
})

describe('metering that fails', () => {
  const fail = () => {
    throw new Error('trap')
  }
  const broken = {
    route: () => Object.assign(host, { route: fail }),
    inspect: () => Object.assign(host, { inspect: fail }),
    open: () => Object.assign(host, { open: fail }),
    'open gives nothing': () => Object.assign(host, { open: () => undefined }),
    usage: () => Object.assign(host, { usage: fail }),
  }
  for (const member of ['push', 'held', 'final', 'finish', 'free']) {
    broken[member] = () => {
      const { open: opens } = host
      host.open = (info) => {
        const call = opens(info)
        const property = member === 'held' || member === 'final' ? { get: fail } : { value: fail }
        return Object.defineProperty(call, member, property)
      }
    }
  }
  for (const [what, breakIt] of Object.entries(broken)) {
    for (const size of [1, 7, 4096]) {
      test(`${what}, pieces of ${size} bytes`, async () => {
        breakIt()
        const seen = provider(STREAM, { size })
        const text = await (await metered(seen)(URL_CHAT, streaming)).text()
        // What was added to the answer may then be seen; nothing may be missing or twice.
        assert.equal(text.replace(USAGE, ''), SHOWN)
      })
    }
  }

  test('in the middle: nothing is missing, nothing comes twice', async () => {
    for (let after = 0; after < 40; after += 1) {
      const host = fakeHost()
      const opens = host.open
      host.open = (info) => {
        const call = opens(info)
        const push = call.push.bind(call)
        let n = 0
        call.push = (chunk) => (n++ === after ? fail() : push(chunk))
        return call
      }
      const response = await meteredFetch(provider(STREAM).fetch, host, context, open)(URL_CHAT, streaming)
      assert.equal((await response.text()).replace(USAGE, ''), SHOWN)
      assert.equal(host.freed, 1)
    }
  })
})

/** A clock that stands still. */
function clock(t) {
  let now = Date.now()
  t.mock.method(Date, 'now', () => now)
  return (ms) => {
    now += ms
  }
}

describe('calls that stay open', () => {
  test('are reported when the meter closes, and go on', async () => {
    const response = await metered(provider(STREAM))(
      URL_CHAT,
      post({ model: 'm', stream: true, stream_options: { include_usage: true } }),
    )
    const reader = response.body.getReader()
    await reader.read()
    open.finishAll()
    open.finishAll()
    assert.deepEqual(host.records, [{ how: 'flush', usage: false, model: 'm' }])
    const rest = []
    for (let r = await reader.read(); !r.done; r = await reader.read()) rest.push(...r.value)
    assert.equal(Buffer.from(rest).toString(), Buffer.from(STREAM).subarray(7).toString())
    assert.equal(host.records.length, 1)
  })

  test('are left alone by a flush while somebody reads, or has just read', async (t) => {
    const later = clock(t)
    let more
    const seen = provider(CHUNKS[0], { size: 4096, end: () => new Promise((ok) => (more = ok)) })
    const reader = (await metered(seen)(URL_CHAT, streaming)).body.getReader()
    await reader.read()
    open.finishIdle()
    assert.equal(host.records.length, 0)
    const pending = reader.read()
    await sleep(1)
    later(3_600_000)
    open.finishIdle()
    assert.equal(host.records.length, 0)
    await reader.cancel()
    more()
    await pending
    assert.equal(host.records.length, 1)
  })

  test('are reported by a flush when nobody has read for long', async (t) => {
    const later = clock(t)
    const reader = (await metered(provider(STREAM))(URL_CHAT, streaming)).body.getReader()
    await reader.read()
    later(30_000)
    open.finishIdle()
    assert.equal(host.records.length, 1)
  })

  test('are bounded', async () => {
    const fetch = metered(provider(STREAM))
    for (let n = 0; n < 10_001; n += 1) await fetch(URL_CHAT, streaming)
    assert.equal(host.records.length, 1)
    assert.equal(host.freed, 1)
  })
})

describe('one meter on a fetch', () => {
  test('wrapped twice, counts for the last context', async () => {
    const seen = provider(STREAM)
    const twice = meteredFetch(metered(seen), host, { subject: 'customer-2' }, open)
    await (await twice(URL_CHAT, streaming)).text()
    assert.deepEqual(host.contexts, [{ subject: 'customer-2' }])
  })

  test('keeps the context it was given', async () => {
    const context = { subject: 'customer-1' }
    const fetch = metered(provider(STREAM), context)
    context.subject = 'customer-2'
    await (await fetch(URL_CHAT, streaming)).text()
    assert.deepEqual(host.contexts, [{ subject: 'customer-1' }])
  })

  test('another meter counts for itself', async () => {
    const other = fakeHost()
    const seen = provider(STREAM)
    const both = meteredFetch(metered(seen), other, { subject: 'other' }, new OpenCalls())
    assert.equal(await (await both(URL_CHAT, streaming)).text(), SHOWN)
    assert.deepEqual([host.contexts, other.contexts], [[context], [{ subject: 'other' }]])
    const again = meteredFetch(both, host, { subject: 'customer-2' }, open)
    await (await again(URL_CHAT, streaming)).text()
    assert.deepEqual([host.contexts.length, other.contexts.length, host.contexts[1].subject], [2, 2, 'customer-2'])
  })
})
