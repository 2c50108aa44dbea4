/**
 * Runs checks on one wrapper in this process, and sends the outcome of each to the parent:
 * `node child.mjs <wrapper or bare> <check…>`, with what the bare SDK gave in the first message.
 */
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { startSimulator } from '../../tests/llm/simulator.mjs'
import { startCapture } from './capture.mjs'
import { checks, MARKER } from './checks.mjs'

const [wrapper, ...names] = process.argv.slice(2)
const folder = (name) => fileURLToPath(new URL(`../../tests/llm/${name}`, import.meta.url))
const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const CLASSES = { openai: OpenAI, anthropic: Anthropic }
const CUSTOMER = 'customer-1'

let rejected
process.on('unhandledRejection', (reason) => {
  rejected = reason
})
const bare = await new Promise((done) => {
  process.once('message', done)
  process.send({ ready: true })
})
const BARE = {
  hasCustomers: true,
  start: () => ({ openai: (c) => c, anthropic: (c) => c, flush: async () => {} }),
  records: () => [],
}
const adapter = wrapper === 'bare' ? BARE : await import(`./clients/${wrapper}.mjs`)

/** `ok`, or the first thing that was wrong; `–` where the wrapper does not offer what the check needs. */
async function outcome(check) {
  const provider = check.provider ?? 'openai'
  const simulator = await startSimulator({ dirs: [folder('fixtures'), folder('faults')], freshIds: true })
  const capture = await startCapture(check.sink, adapter.answer)
  const started = adapter.start(capture.url)
  if (!started[provider] || !offers(check, started)) return { verdict: '–' }
  const options = { apiKey: 'key', maxRetries: 0, baseURL: simulator.url(provider, check.on), ...check.options }
  const clientOf = (customer) => started[provider](new CLASSES[provider](options), customer, options)
  rejected = undefined
  const start = performance.now()
  let seen
  try {
    const client = clientOf(CUSTOMER)
    const wrap = (client) => started[provider](client, CUSTOMER, options)
    const result = await check.use(client, {
      simulator,
      OpenAI,
      clientOf,
      wrap,
      parameters: started.parameters ?? (() => ({})),
    })
    seen = plain({ result, requests: simulator.requests.map(sent) })
  } catch (error) {
    seen = { threw: String(error?.message ?? error).slice(0, 200) }
  }
  const took = performance.now() - start
  if (wrapper === 'bare') return { seen, took }
  const alone = bare[check.name]
  if (seen.threw !== undefined) return { verdict: 'throws', why: seen.threw }
  if (!isDeepStrictEqual(seen, alone.seen)) return { verdict: 'changed', why: difference(seen, alone.seen) }
  // Of a machine that is slow, the bare SDK is slow too.
  if (check.sink && took > 1000 + 2 * alone.took) return { verdict: 'slow', why: `${Math.round(took)} ms` }
  const counted = check.sink ? await sleep(2500) : await compare(check, started, capture)
  if (rejected) return { verdict: 'rejects', why: String(rejected?.message ?? rejected).slice(0, 200) }
  return counted ?? { verdict: 'ok' }
}

const offers = ({ needs }, started) =>
  needs === 'wrap' ? !started.isPatched && !started.parameters : needs === 'customers' ? adapter.hasCustomers : true

/** What was reported, when it has stopped coming. */
async function compare(check, started, capture) {
  if (check.counts === undefined) return
  let error
  const flush = () => Promise.race([started.flush().catch((e) => (error = e)), sleep(1500)])
  const wanted = check.counts === 'one' ? 1 : check.counts.length
  let records = []
  for (let n = 0; n < 6 && (n < 2 || records.length < wanted); n += 1) {
    await flush()
    await sleep(50)
    records = adapter.records(capture.received)
  }
  const isCounted = ({ input, output }) => input > 0 || output > 0
  if (check.counts === 'one') {
    if (records.length === 1) return
    return records.length === 0
      ? { verdict: 'not counted', why: error?.message }
      : { verdict: 'wrong', why: `${records.length} records` }
  }
  const got = records.filter((record) => check.counts.length > 0 || isCounted(record))
  if (wanted > 0 && !got.some(isCounted)) return { verdict: 'not counted', why: JSON.stringify(got).slice(0, 200) }
  const { cacheRead = 0, cacheWrite = 0 } = check.details ?? {}
  // Anthropic's own input is without the cache: who reports it so, and the rest beside it, tells the same.
  const inclusive = ({ input, ...record }) => {
    const isExclusive = check.provider === 'anthropic' && input + cacheRead + cacheWrite === check.counts[0][0]
    return { ...record, input: isExclusive ? check.counts[0][0] : input }
  }
  const counts = got.map(inclusive).map(({ input, output }) => [input ?? 0, output ?? 0])
  if (!isDeepStrictEqual(counts.sort(ascending), [...check.counts].sort(ascending)))
    return { verdict: 'wrong', why: JSON.stringify(counts) }
  for (const [part, count] of Object.entries(check.details ?? {}))
    if (got[0][part] !== count) return { verdict: 'wrong', why: `${part} ${got[0][part]}, not ${count}` }
  if (check.customers && !isDeepStrictEqual(got.map(({ customer }) => customer).sort(), [...check.customers].sort()))
    return { verdict: 'wrong', why: 'customers' }
  if (check.isPrivate && capture.received.some(({ text }) => text.includes(MARKER)))
    return { verdict: 'told', why: 'the prompt is in what was reported' }
}

const ascending = ([a], [b]) => a - b

const plain = (value) => JSON.parse(JSON.stringify(value ?? null))

/** What the provider can see of a request, but for the wish for usage. */
function sent({ method, path, body }) {
  const { stream_options, ...asked } = body ?? {}
  return { method, path, asked }
}

function difference(a, b) {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b) ?? '']
  let at = 0
  while (at < left.length && left[at] === right[at]) at += 1
  return `${left.slice(Math.max(0, at - 40), at + 80)} instead of ${right.slice(Math.max(0, at - 40), at + 80)}`
}

for (const name of names) {
  const check = checks.find((check) => check.name === name)
  process.send({ name, ...(await outcome(check)) })
}
process.exit()
