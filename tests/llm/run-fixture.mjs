// Calls a real SDK for a fixture, as its author would: the SDK by the provider, the method by the path.
import { fileURLToPath } from 'node:url'
import Anthropic from '@anthropic-ai/sdk'
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime'
import { GoogleGenAI } from '@google/genai'
import { Mistral } from '@mistralai/mistralai'
import { OpenRouter } from '@openrouter/sdk'
import { CohereClientV2 } from 'cohere-ai'
import Groq from 'groq-sdk'
import { Ollama } from 'ollama'
import OpenAI, { AzureOpenAI } from 'openai'
import Together from 'together-ai'

const here = (folder) => fileURLToPath(new URL(folder, import.meta.url))

/** The fixtures of well-behaved providers, and those of everything that can go wrong on the way. */
export const FOLDERS = [here('fixtures'), here('faults')]

/** Which provider the simulator plays at a URL: its address is local, so the host does not tell. */
export const providerOf = (url) => url.pathname.replace(/^\/f\/[^/]+/, '').split('/')[1]

/** What every call asks; it may be in nothing that a meter keeps or says. */
export const PROMPT = 'canary-of-a-prompt'

const MESSAGES = [{ role: 'user', content: PROMPT }]
const GOOGLE = { contents: PROMPT }
const BEDROCK = [{ role: 'user', content: [{ text: PROMPT }] }]

/** How the SDK of a provider is made for a base URL, and how its calls go. */
const SDKS = {
  openai: {
    make: (url) => new OpenAI({ apiKey: 'test', maxRetries: 0, baseURL: url }),
    call: openaiCall,
  },
  azure: {
    make: (url) => new AzureOpenAI({ apiKey: 'test', maxRetries: 0, endpoint: url, apiVersion: '2026-01-01' }),
    call: openaiCall,
  },
  anthropic: {
    make: (url) => new Anthropic({ apiKey: 'test', maxRetries: 0, baseURL: url }),
    call: (client, { path, model, stream }) => {
      if (/count_tokens/.test(path)) return client.messages.countTokens({ model, messages: MESSAGES })
      if (/batches/.test(path)) return client.messages.batches.results('batch-1').then((lines) => read(lines, () => {}))
      return client.messages.create({ model, max_tokens: 64, messages: MESSAGES, ...(stream && { stream }) })
    },
  },
  google: {
    make: (url) => new GoogleGenAI({ apiKey: 'test', httpOptions: { baseUrl: url } }),
    call: (client, { path, model, stream }) => {
      if (/countTokens/.test(path)) return client.models.countTokens({ model, ...GOOGLE })
      if (/mbedContent/.test(path)) return client.models.embedContent({ model, ...GOOGLE })
      if (/interactions/.test(path))
        return client.interactions.create({ model, input: 'Hi', ...(stream && { stream }) })
      return stream
        ? client.models.generateContentStream({ model, ...GOOGLE })
        : client.models.generateContent({ model, ...GOOGLE })
    },
  },
  groq: {
    make: (url) => new Groq({ apiKey: 'test', maxRetries: 0, baseURL: url }),
    call: openaiCall,
  },
  together: {
    make: (url) => new Together({ apiKey: 'test', maxRetries: 0, baseURL: url }),
    call: openaiCall,
  },
  mistral: {
    make: (url) => new Mistral({ apiKey: 'test', serverURL: url, retryConfig: { strategy: 'none' } }),
    call: (client, { path, model, stream }) => {
      if (/embeddings/.test(path)) return client.embeddings.create({ model, inputs: [PROMPT] })
      return client.chat[stream ? 'stream' : 'complete']({ model, messages: MESSAGES })
    },
  },
  openrouter: {
    make: (url) => new OpenRouter({ apiKey: 'test', serverURL: url, retryConfig: { strategy: 'none' } }),
    call: (client, { model, stream }) =>
      client.chat.send({ chatRequest: { model, messages: MESSAGES, ...(stream && { stream }) } }),
  },
  cohere: {
    make: (url) => new CohereClientV2({ token: 'test', baseUrl: url, environment: url, maxRetries: 0 }),
    call: (client, { model, stream }) => client[stream ? 'chatStream' : 'chat']({ model, messages: MESSAGES }),
  },
  ollama: {
    make: (url) => new Ollama({ host: url }),
    call: (client, { model, stream }) => client.chat({ model, messages: MESSAGES, ...(stream && { stream }) }),
  },
  bedrock: {
    make: (url) =>
      new BedrockRuntimeClient({
        endpoint: url,
        region: 'us-east-1',
        maxAttempts: 1,
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      }),
    call: async (client, { path, model: modelId, stream }) => {
      if (/invoke/.test(path)) {
        const command = { modelId, body: '{}', contentType: 'application/json' }
        return (await client.send(new InvokeModelWithResponseStreamCommand(command))).body
      }
      const input = { modelId, messages: BEDROCK }
      return stream
        ? (await client.send(new ConverseStreamCommand(input))).stream
        : client.send(new ConverseCommand(input))
    },
  },
}

/** The names of the SDKs, by the providers that the simulator plays. */
export const PROVIDERS = Object.keys(SDKS)

const sdkOf = ({ provider }) => SDKS[provider === 'any' ? 'openai' : provider]

/** A bare client for the fixture. */
export function clientFor(simulator, fixture) {
  const { id, provider } = fixture
  return sdkOf(fixture).make(simulator.url(provider === 'any' ? 'openai' : provider, id))
}

/**
 * Makes the fixture's call with the client, reads the answer as far as the fixture says, and gives back what the call
 * threw, if anything. `seen` is given the chunks of a stream.
 */
export async function callFixture(client, fixture, seen = () => {}) {
  const { path, response, expect = {} } = fixture
  const model = expect.request_model ?? 'model-1'
  const stream = response.stream !== undefined
  try {
    const answer = await sdkOf(fixture).call(client, { path, call: expect.call, model, stream })
    if (stream) await read(answer, seen, expect.client === 'abort')
  } catch (error) {
    return error
  }
}

function openaiCall(client, { path, call, model, stream }) {
  const streamed = stream ? { stream } : {}
  if (/responses/.test(path)) {
    if (call === 'retrieve') return client.responses.retrieve('resp-1')
    return client.responses.create({ model, input: PROMPT, ...streamed })
  }
  if (/embeddings/.test(path)) return client.embeddings.create({ model, input: PROMPT })
  if (/images/.test(path)) return client.images.generate({ model, prompt: PROMPT, ...streamed })
  if (/transcriptions/.test(path)) {
    return client.audio.transcriptions.create({ model, file: new File([PROMPT], 'a.wav'), ...streamed })
  }
  if (/completions/.test(path) && !/chat/.test(path))
    return client.completions.create({ model, prompt: PROMPT, ...streamed })
  return client.chat.completions.create({ model, messages: MESSAGES, ...streamed })
}

async function read(stream, seen, leaveEarly) {
  for await (const chunk of stream) {
    seen(chunk)
    if (leaveEarly && hasContent(chunk)) break
  }
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
