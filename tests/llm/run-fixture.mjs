// Calls a real SDK for a fixture, as its author would: the SDK by the provider, the method by the path.
import { fileURLToPath } from 'node:url'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI, { AzureOpenAI } from 'openai'

const here = (folder) => fileURLToPath(new URL(folder, import.meta.url))

/** The fixtures of well-behaved providers, and those of everything that can go wrong on the way. */
export const FOLDERS = [here('fixtures'), here('faults')]

/** Providers whose API has OpenAI's shape. */
const OPENAI_SHAPED = ['openai', 'openrouter', 'groq', 'together', 'mistral', 'any']

/** Which provider the simulator plays at a URL: its address is local, so the host does not tell. */
export const providerOf = (url) => url.pathname.replace(/^\/f\/[^/]+/, '').split('/')[1]

/** A bare client for the fixture, or `undefined` for a provider whose SDK cannot be wrapped yet. */
export function clientFor(simulator, { id, provider }) {
  const options = { apiKey: 'test', maxRetries: 0 }
  if (OPENAI_SHAPED.includes(provider)) {
    return new OpenAI({ ...options, baseURL: simulator.url(provider === 'any' ? 'openai' : provider, id) })
  }
  if (provider === 'azure')
    return new AzureOpenAI({ ...options, endpoint: simulator.url('azure', id), apiVersion: '2026-01-01' })
  if (provider === 'anthropic') return new Anthropic({ ...options, baseURL: simulator.url('anthropic', id) })
  return undefined
}

/**
 * Makes the fixture's call with the client, reads the answer as far as the fixture says, and gives back what the call
 * threw, if anything.
 */
export async function callFixture(client, fixture) {
  const { path, response, expect = {} } = fixture
  const model = expect.request_model ?? 'model-1'
  const stream = response.stream !== undefined
  try {
    const answer = await method(client, path, expect.call, model, stream)
    if (stream) await read(answer, expect.client === 'abort')
  } catch (error) {
    return error
  }
}

function method(client, path, call, model, stream) {
  const messages = [{ role: 'user', content: 'Hi' }]
  const streamed = stream ? { stream } : {}
  if (client instanceof Anthropic) {
    if (/count_tokens/.test(path)) return client.messages.countTokens({ model, messages })
    if (/batches/.test(path)) return client.messages.batches.results('batch-1').then(read)
    return client.messages.create({ model, max_tokens: 64, messages, ...streamed })
  }
  if (/responses/.test(path)) {
    if (call === 'retrieve') return client.responses.retrieve('resp-1')
    return client.responses.create({ model, input: 'Hi', ...streamed })
  }
  if (/embeddings/.test(path)) return client.embeddings.create({ model, input: 'Hi' })
  if (/images/.test(path)) return client.images.generate({ model, prompt: 'A cat', ...streamed })
  if (/transcriptions/.test(path)) {
    return client.audio.transcriptions.create({ model, file: new File(['x'], 'a.wav'), ...streamed })
  }
  if (/completions/.test(path) && !/chat/.test(path))
    return client.completions.create({ model, prompt: 'Hi', ...streamed })
  return client.chat.completions.create({ model, messages, ...streamed })
}

async function read(stream, leaveEarly) {
  for await (const chunk of stream) if (leaveEarly && hasContent(chunk)) break
}

const hasContent = (chunk) =>
  Boolean(chunk.choices?.[0]?.delta?.content || chunk.delta?.text || chunk.type === 'response.output_text.delta')

/** The keys of `expect.records` that differ from the records, as text; empty if none does. */
export function differences(records, expected) {
  const found = []
  if (records.length !== expected.length) found.push(`${records.length} records instead of ${expected.length}`)
  for (const [n, want] of expected.entries()) {
    const got = records[n] ?? {}
    for (const [key, value] of Object.entries(want)) {
      if (key === 'usage' || key === 'note') continue
      if (got[key] !== value)
        found.push(`records[${n}].${key} is ${JSON.stringify(got[key])} instead of ${JSON.stringify(value)}`)
    }
    const usage = got.usage ?? {}
    for (const key of new Set([...Object.keys(usage), ...Object.keys(want.usage ?? {})])) {
      const count = want.usage?.[key] ?? 0
      if ((usage[key] ?? 0) !== count) found.push(`records[${n}].usage.${key} is ${usage[key]} instead of ${count}`)
    }
  }
  return found
}
