// Compiled, not run: wrapping keeps the type of a client, whatever the version of its SDK.
import type { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk'
import type Anthropic from '@anthropic-ai/sdk'
import type { AnthropicVertex } from '@anthropic-ai/vertex-sdk'
import type { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime'
import type { GoogleGenAI } from '@google/genai'
import type { Mistral } from '@mistralai/mistralai'
import type { OpenRouter } from '@openrouter/sdk'
import { type EmbeddingModel, type LanguageModel, wrapEmbeddingModel, wrapLanguageModel } from 'ai'
import type { CohereClientV2 } from 'cohere-ai'
import type Groq from 'groq-sdk'
import type { Ollama } from 'ollama'
import type OpenAI from 'openai'
import type { AzureOpenAI } from 'openai'
import type OpenAI7 from 'openai-7'
import type { Taximeter } from 'taximeter'
import type Together from 'together-ai'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

interface Others {
  groq: Groq
  together: Together
  bedrock: AnthropicBedrock
  vertex: AnthropicVertex
  aws: BedrockRuntimeClient
  google: GoogleGenAI
  mistral: Mistral
  openrouter: OpenRouter
  cohere: CohereClientV2
  ollama: Ollama
}

/** One by one: a wrapped client has the type of the one that was given, and no other. */
type Wrapped<Clients> = { [Name in keyof Clients]: Clients[Name] }

export function others(
  meter: Taximeter,
  clients: Others,
  model: Parameters<typeof wrapLanguageModel>[0]['model'],
  embedding: Parameters<typeof wrapEmbeddingModel>[0]['model'],
) {
  const wrapped = {
    groq: meter.wrap(clients.groq),
    together: meter.wrap(clients.together),
    bedrock: meter.wrap(clients.bedrock),
    vertex: meter.wrap(clients.vertex),
    aws: meter.wrap(clients.aws),
    google: meter.wrap(clients.google),
    mistral: meter.wrap(clients.mistral),
    openrouter: meter.wrap(clients.openrouter, { subject: 'customer-1' }),
    cohere: meter.wrap(clients.cohere, { subject: 'customer-1' }),
    ollama: meter.wrap(clients.ollama, { subject: 'customer-1' }),
  }
  const same: Same<typeof wrapped, Wrapped<Others>> = true
  const metered: LanguageModel = wrapLanguageModel({ model, middleware: meter.middleware({ subject: 'customer-1' }) })
  const embeds: EmbeddingModel = wrapEmbeddingModel({ model: embedding, middleware: meter.middleware() })
  return { same, metered, embeds }
}

export async function wrap(meter: Taximeter, clients: [OpenAI, OpenAI7, AzureOpenAI, Anthropic]) {
  const context = { subject: 'customer-1', feature: 'chat', trial: true, seats: 3 }
  const openai = meter.wrap(clients[0], context)
  const openai7 = meter.wrap(clients[1], context)
  const azure = meter.wrap(clients[2], { subject: 'customer-1' })
  const anthropic = meter.wrap(clients[3], { subject: 'customer-1' })
  const same: [
    Same<typeof openai, OpenAI>,
    Same<typeof openai7, OpenAI7>,
    Same<typeof azure, AzureOpenAI>,
    Same<typeof anthropic, Anthropic>,
  ] = [true, true, true, true]

  const answer = await openai.chat.completions.create({ model: 'm', messages: [] })
  const content: string | null | undefined = answer.choices[0]?.message.content

  // @ts-expect-error: usage is somebody's
  meter.wrap(clients[0], {})
  // @ts-expect-error: a dimension is one value
  meter.wrap(clients[0], { subject: 'customer-1', tags: ['a'] })
  return { same, content }
}
