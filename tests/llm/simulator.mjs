// An LLM provider simulator for tests, without dependencies: it answers in the providers' own wire formats out of
// fixture files, so that an unmodified SDK works against it when only its base URL is set. See README.md beside it.

import fs from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import zlib from 'node:zlib'

/** Where each SDK's base URL option has to point, relative to the simulator's root (or to /f/<fixtures>). */
export const BASE_PATHS = {
  openai: '/openai/v1', // new OpenAI({ baseURL }), createOpenAI({ baseURL })
  azure: '/azure', // new AzureOpenAI({ endpoint, apiVersion })
  anthropic: '/anthropic', // new Anthropic({ baseURL })
  'anthropic-ai-sdk': '/anthropic/v1', // createAnthropic({ baseURL })
  google: '/google', // new GoogleGenAI({ httpOptions: { baseUrl } })
  'google-ai-sdk': '/google/v1beta', // createGoogleGenerativeAI({ baseURL })
  groq: '/groq', // new Groq({ baseURL })
  mistral: '/mistral', // new Mistral({ serverURL })
  bedrock: '/bedrock', // new BedrockRuntimeClient({ endpoint })
  cohere: '/cohere', // new CohereClientV2({ baseUrl })
  together: '/together/v1', // new Together({ baseURL })
  openrouter: '/openrouter/api/v1', // new OpenRouter({ serverURL }), new OpenAI({ baseURL })
  ollama: '/ollama', // new Ollama({ host })
}

/** Holds no process: whoever waits for an answer does. */
const sleep = (ms) => new Promise((r) => setTimeout(r, ms).unref())

// ---- fixtures -----------------------------------------------------------------------------------

export function loadFixtures(dirs) {
  const all = new Map()
  for (const dir of dirs) {
    for (const name of fs.readdirSync(dir).sort()) {
      if (!name.endsWith('.json')) continue
      const fixture = JSON.parse(fs.readFileSync(path.join(dir, name), 'utf8'))
      fixture.id ??= name.slice(0, -5)
      if (all.has(fixture.id)) throw new Error(`two fixtures have the id ${fixture.id}`)
      all.set(fixture.id, fixture)
    }
  }
  return all
}

/** The provider name is the first path segment after the optional /f/<ids> prefix. */
function defaultFixture(fixtures, provider, rest, body) {
  const wantsStream =
    body?.stream === true ||
    /stream/i.test(rest.split('?')[0].split('/').pop()) ||
    (provider === 'ollama' && body?.stream !== false)
  for (const f of fixtures.values()) {
    if (!f.default || f.provider !== provider) continue
    if (new RegExp(f.path).test(rest) && Boolean(f.response.stream) === wantsStream) return f
  }
}

// ---- writing bodies -----------------------------------------------------------------------------

function sseText(frame) {
  if (typeof frame === 'string') return frame // raw text, written as it is
  let text = ''
  if (frame.event !== undefined) text += `event: ${frame.event}\n`
  if (frame.id !== undefined) text += `id: ${frame.id}\n`
  const data = typeof frame.data === 'string' ? frame.data : JSON.stringify(frame.data)
  for (const line of data.split('\n')) text += `data: ${line}\n`
  // Big payloads without big files.
  return `${text.replace(/@@PAD:(\d+)@@/g, (_, n) => 'x'.repeat(Number(n)))}\n`
}

/**
 * What the OpenAI API does with stream_options.include_usage: without it no chunk has a usage member and
 * there is no usage-only chunk; with it every other chunk has `usage: null`.
 */
function honourIncludeUsage(frames, body) {
  const asked = body?.stream_options?.include_usage === true
  const out = []
  for (const frame of frames) {
    if (typeof frame === 'string' || typeof frame.data === 'string' || !Array.isArray(frame.data?.choices)) {
      out.push(frame)
      continue
    }
    const { usage, ...chunk } = frame.data
    if (!asked && usage && chunk.choices.length === 0) continue
    out.push({ ...frame, data: asked ? { ...chunk, usage: usage ?? null } : chunk })
  }
  return out
}

let crcTable
function crc32(buf) {
  if (zlib.crc32) return zlib.crc32(buf)
  crcTable ??= Uint32Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
    return n >>> 0
  })
  let c = 0xffffffff
  for (const b of buf) c = crcTable[(c ^ b) & 255] ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}

/** One application/vnd.amazon.eventstream message. */
export function awsEvent({ type, exception, payload }) {
  const headers = []
  const add = (name, value) => {
    const n = Buffer.from(name)
    const v = Buffer.from(value)
    const len = Buffer.alloc(2)
    len.writeUInt16BE(v.length)
    headers.push(Buffer.from([n.length]), n, Buffer.from([7]), len, v)
  }
  add(':message-type', exception ? 'exception' : 'event')
  add(exception ? ':exception-type' : ':event-type', exception ?? type)
  add(':content-type', 'application/json')
  const h = Buffer.concat(headers)
  const p = Buffer.from(JSON.stringify(payload))
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(16 + h.length + p.length, 0)
  prelude.writeUInt32BE(h.length, 4)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  const message = Buffer.concat([prelude, h, p])
  const tail = Buffer.alloc(4)
  tail.writeUInt32BE(crc32(message))
  return Buffer.concat([message, tail])
}

function streamParts(r, body) {
  switch (r.stream) {
    case 'sse': {
      const frames = r.include_usage === 'honour' ? honourIncludeUsage(r.frames, body) : r.frames
      const text = frames.map((f) => ({
        bytes: Buffer.from(r.eol ? sseText(f).replaceAll('\n', r.eol) : sseText(f)),
        wait: f.wait_ms,
      }))
      return { type: 'text/event-stream; charset=utf-8', parts: text }
    }
    case 'ndjson':
      return {
        type: 'application/x-ndjson',
        parts: r.frames.map((f) => ({ bytes: Buffer.from(`${JSON.stringify(f)}\n`) })),
      }
    case 'aws-eventstream':
      return { type: 'application/vnd.amazon.eventstream', parts: r.frames.map((f) => ({ bytes: awsEvent(f) })) }
    default:
      throw new Error(`unknown stream kind ${r.stream}`)
  }
}

/** Cut the parts anew: "frame" (one write each), "all" (one write), "bytes:N" (writes of N bytes, across frames and UTF-8). */
function* cut(parts, how = 'frame') {
  if (how === 'frame') return yield* parts
  const whole = Buffer.concat(parts.map((p) => p.bytes))
  const size = how === 'all' ? whole.length || 1 : Number(how.split(':')[1])
  for (let i = 0; i < whole.length; i += size) yield { bytes: whole.subarray(i, i + size) }
}

/** The same answer under response ids of its own: a fixture repeats its ids, a provider never does. */
function withFreshIds(fixture, n) {
  let text = JSON.stringify(fixture.response)
  for (const id of new Set(fixture.expect?.records?.map((record) => record.response_id))) {
    if (id) text = text.replaceAll(JSON.stringify(id), JSON.stringify(`${id}-${n}`))
  }
  return { ...fixture, response: JSON.parse(text) }
}

async function answer(res, record, fixture, body) {
  const r = fixture.response
  res.on('close', () => {
    record.clientGone = !record.done
  })
  if (r.delay_ms) await sleep(r.delay_ms)
  if (r.refuse === 'reset') return res.socket?.destroy() ?? res.stream?.close()
  const status = r.status ?? 200
  if (!r.stream) {
    const bytes = Buffer.from(r.text ?? (r.base64 ? Buffer.from(r.base64, 'base64') : JSON.stringify(r.json)))
    res.writeHead(status, { 'content-type': 'application/json', ...r.headers, 'content-length': bytes.length })
    record.done = true
    return res.end(bytes)
  }
  const { type, parts } = streamParts(r, body)
  res.writeHead(status, { 'content-type': type, 'cache-control': 'no-cache', ...r.headers })
  for (const part of cut(parts, r.cut)) {
    if (res.destroyed || res.stream?.destroyed) return
    if (part.wait ?? r.frame_delay_ms) await sleep(part.wait ?? r.frame_delay_ms)
    if (!res.write(part.bytes)) {
      await new Promise((ok) => {
        const go = () => {
          res.off('drain', go).off('close', go)
          ok()
        }
        res.on('drain', go).on('close', go)
      })
    }
    record.written += part.bytes.length
    await new Promise((ok) => setImmediate(ok)) // give each write its own packet where the network allows
  }
  if (r.end === 'hang') return // the client has to leave
  if (r.end === 'reset') {
    // What was written has reached a reader who is slow.
    await sleep(200)
    record.done = true
    return res.stream ? res.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR) : res.socket.destroy()
  }
  record.done = true
  res.end()
}

// ---- the server ---------------------------------------------------------------------------------

export async function startSimulator({ dirs, port = 0, host = '127.0.0.1', freshIds = false } = {}) {
  dirs ??= [path.join(path.dirname(fileURLToPath(import.meta.url)), 'fixtures')]
  const fixtures = loadFixtures(dirs)
  const requests = []
  const turns = new Map()
  const sockets = new Set()

  async function handle(req, res) {
    const chunks = []
    for await (const c of req) chunks.push(c)
    const raw = Buffer.concat(chunks)
    let body
    try {
      body = raw.length ? JSON.parse(raw.toString()) : undefined
    } catch {
      body = raw // multipart uploads and the like
    }
    const record = {
      n: requests.length + 1,
      method: req.method,
      path: req.url,
      headers: { ...req.headers },
      body,
      fixture: null,
      written: 0,
      done: false,
      clientGone: false,
    }
    requests.push(record)
    let url = req.url
    let fixture
    const chosen = /^\/f\/([^/]+)(\/.*)$/.exec(url)
    if (chosen) {
      const ids = decodeURIComponent(chosen[1]).split(',')
      url = chosen[2]
      const turn = turns.get(chosen[1]) ?? 0
      turns.set(chosen[1], turn + 1)
      const id = ids[Math.min(turn, ids.length - 1)]
      fixture = fixtures.get(id)
      if (!fixture) record.problem = `no fixture has the id ${id}`
    } else {
      const [, provider, rest] = /^\/([^/]+)(\/.*)?$/.exec(url) ?? []
      fixture = defaultFixture(fixtures, provider, rest ?? '/', body)
      if (!fixture) record.problem = `no default fixture for ${req.method} ${url}`
    }
    if (!fixture) {
      res.writeHead(404, { 'content-type': 'application/json' })
      record.done = true
      return res.end(JSON.stringify({ error: { message: record.problem, type: 'simulator_error' } }))
    }
    record.fixture = fixture.id
    await answer(res, record, freshIds ? withFreshIds(fixture, record.n) : fixture, body)
  }

  const safe = (req, res) =>
    handle(req, res).catch((err) => {
      console.error('simulator:', err)
      res.destroy?.(err)
    })
  const h1 = http.createServer(safe)
  const h2 = http2.createServer(safe) // the AWS SDK speaks HTTP/2 without TLS to a plain endpoint
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.once('data', (first) => {
      socket.pause()
      const isH2 = first.subarray(0, 3).toString('latin1') === 'PRI'
      ;(isH2 ? h2 : h1).emit('connection', socket)
      socket.unshift(first)
      process.nextTick(() => socket.resume())
    })
  })
  await new Promise((ok, no) => server.listen(port, host, ok).on('error', no))
  const root = `http://${host}:${server.address().port}`
  return {
    root,
    port: server.address().port,
    fixtures,
    requests,
    /** The base URL for an SDK of this provider, optionally pinned to fixture ids that are used in turn (the last one repeats). */
    url(provider, ids) {
      const base = BASE_PATHS[provider]
      if (!base) throw new Error(`unknown provider ${provider}`)
      return root + (ids ? `/f/${encodeURIComponent([ids].flat().join(','))}` : '') + base
    },
    reset() {
      requests.length = 0
      turns.clear()
    },
    close() {
      for (const s of sockets) s.destroy()
      return new Promise((ok) => server.close(ok))
    },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2)
  const dirs = args.flatMap((a, i) => (a === '--dir' ? [args[i + 1]] : []))
  const port = Number(args[args.indexOf('--port') + 1]) || 4010
  const simulator = await startSimulator({ port, dirs: dirs.length ? dirs : undefined })
  console.log(`LLM simulator on ${simulator.root} with ${simulator.fixtures.size} fixtures`)
  for (const p of Object.keys(BASE_PATHS)) console.log(`  ${p.padEnd(18)} ${simulator.url(p)}`)
}
