/**
 * 60 calls for 3 customers, plain and streamed, through the vendors' own SDKs; then preview, bill, provider cost and
 * margin; then the same meters read back from the server. Any difference ends with a non-zero exit.
 */
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { llm, openmeter, Taximeter } from 'taximeter'
import book from 'taximeter/prices'
import { startDevServer } from 'taximeter-dev'
import { startSimulator } from '../../tests/llm/simulator.mjs'
import { progress, table, usd } from './print.mjs'

const CUSTOMERS = ['acme', 'globex', 'initech']
const CALLS = 60
const prompt = [{ role: 'user', content: 'Say hello.' }]

/** One way to call a provider: the fixture that answers it, and the user's own code, unchanged by metering. */
const WAYS = [
  ['openai-chat-basic', ({ openai }) => openai.chat.completions.create({ model: 'gpt-5.5', messages: prompt })],
  [
    'openai-chat-stream',
    async ({ openai }) =>
      drain(await openai.chat.completions.create({ model: 'gpt-5.5', messages: prompt, stream: true })),
  ],
  ['openai-responses-basic', ({ openai }) => openai.responses.create({ model: 'gpt-5.5', input: 'Say hello.' })],
  [
    'openai-responses-stream',
    async ({ openai }) => drain(await openai.responses.create({ model: 'gpt-5.5', input: 'Say hello.', stream: true })),
  ],
  [
    'anthropic-basic',
    ({ anthropic }) => anthropic.messages.create({ model: 'claude-sonnet-5-5', max_tokens: 500, messages: prompt }),
  ],
  [
    'anthropic-stream',
    async ({ anthropic }) =>
      drain(
        await anthropic.messages.create({
          model: 'claude-sonnet-5-5',
          max_tokens: 500,
          messages: prompt,
          stream: true,
        }),
      ),
  ],
]

const drain = async (stream) => {
  for await (const _ of stream);
}

// A provider gives each answer an id of its own; a fixture alone would repeat one.
const simulator = await startSimulator({ freshIds: true })
const server = await startDevServer({ port: 0, meters: llm.meters })
const meter = new Taximeter({
  source: 'demo',
  sink: openmeter({ url: server.url, dedup: 'unlimited' }),
  meters: llm.meters,
  prices: {
    meters: {
      tokens_total: { type: 'unit', amount: '0.00002', free: '10000' },
      llm_requests: { type: 'unit', amount: '0.001' },
    },
    book,
    // The book does not have every name under which a model answers.
    aliases: { 'gpt-5.5-2026-08-01': 'gpt-5.5' },
  },
  // The simulator answers for every provider on one local host: the first part of the path says for which.
  provider: (url) =>
    url.origin === simulator.root ? url.pathname.replace(/^\/f\/[^/]+/, '').split('/')[1] : undefined,
})
meter.on('error', (error) => fail(`the meter reported: ${error.code} ${error.message}`))

const differences = []
function fail(what) {
  differences.push(what)
}

/** What the fixtures say that every answer reports: an account of the truth that does not pass through the SDK. */
const truth = new Map()
console.log(`${CALLS} calls for ${CUSTOMERS.length} customers, with the openai and @anthropic-ai/sdk clients:\n`)
const bar = progress(CALLS)
for (let i = 0; i < CALLS; i++) {
  const [fixture, call] = WAYS[i % WAYS.length]
  const subject = CUSTOMERS[Math.floor(i / WAYS.length) % CUSTOMERS.length]
  const client = {
    openai: meter.wrap(new OpenAI({ apiKey: 'demo', baseURL: simulator.url('openai', fixture), maxRetries: 0 }), {
      subject,
    }),
    anthropic: meter.wrap(
      new Anthropic({ apiKey: 'demo', baseURL: simulator.url('anthropic', fixture), maxRetries: 0 }),
      { subject },
    ),
  }
  await call(client)
  for (const { usage } of simulator.fixtures.get(fixture).expect.records) {
    const sums = truth.get(subject) ?? { input_tokens: 0, output_tokens: 0 }
    sums.input_tokens += usage.input_tokens ?? 0
    sums.output_tokens += usage.output_tokens ?? 0
    truth.set(subject, sums)
  }
  bar(i + 1)
}

const TYPES = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'output_reasoning_tokens',
  'tokens_total',
]
const models = [...new Set(meter.preview('tokens_total', { groupBy: ['model'] }).data.map((row) => row.groupBy.model))]
console.log('\nPreview: tokens by model and type')
table(
  ['model', ...TYPES.map((t) => t.replace(/_tokens|tokens_/, ''))],
  models.map((model) => [
    model,
    ...TYPES.map(
      (slug) => meter.preview(slug, { groupBy: ['model'] }).data.find((r) => r.groupBy.model === model)?.value ?? 0,
    ),
  ]),
)

console.log('\nBill, provider cost and margin')
table(
  ['customer', 'tokens', 'requests', 'bill', 'provider cost', 'margin'],
  CUSTOMERS.map((subject) => {
    const { lines, total, provider, margin } = meter.cost({ subject })
    if (provider.unpriced.length > 0)
      fail(`${subject}: no price for ${provider.unpriced.map((u) => u.model).join(', ')}`)
    return [subject, ...lines.map((line) => line.quantity), usd(total), usd(provider.total), usd(margin ?? '-')]
  }),
)

const flushed = await meter.flush({ deadlineMs: 30_000 })
const stats = meter.stats()
console.log(
  `\nFlushed: ${flushed.delivered} delivered, ${flushed.pending} pending, ${flushed.quarantined} quarantined, ${flushed.dropped} dropped`,
)
if (flushed.delivered !== stats.recorded) fail(`recorded ${stats.recorded} but delivered ${flushed.delivered}`)

// The server's answer against the preview: the same rows, as the same text.
let compared = 0
for (const { slug } of llm.meters) {
  for (const groupBy of [[], ['model'], ['subject', 'model'], ['subject', 'provider', 'model', 'status']]) {
    const response = await fetch(
      `${server.url}/api/v1/meters/${slug}/query?${groupBy.map((g) => `groupBy=${g}`).join('&')}`,
    )
    const theirs = JSON.stringify((await response.json()).data)
    const ours = JSON.stringify(meter.preview(slug, { groupBy }).data)
    compared += 1
    if (theirs !== ours) fail(`${slug} by ${groupBy}: the preview says ${ours}, the server ${theirs}`)
  }
}
for (const [subject, sums] of truth) {
  for (const [slug, want] of Object.entries(sums)) {
    const got = meter.preview(slug, { subject: [subject] }).data[0]?.value
    if (got !== want) fail(`${slug} of ${subject}: the answers reported ${want}, the preview says ${got}`)
  }
}

const seen = server.stats()
if (seen.events !== stats.recorded) fail(`recorded ${stats.recorded} events, the server has ${seen.events}`)
console.log(`The server stored ${seen.events} events out of ${seen.requests} requests.`)
await meter.close()
await server.close()
await simulator.close()

if (differences.length > 0) {
  console.error(`\n${differences.join('\n')}\n\n${differences.length} differences`)
  process.exit(1)
}
console.log(
  `\n${compared} queries: preview and server are equal to the digit, and so are the counts that the answers reported.`,
)
