// Compiled, not run: wrapping keeps the type of a client, whatever the version of its SDK.
import type { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk'
import type Anthropic from '@anthropic-ai/sdk'
import type { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime'
import type { GoogleGenAI } from '@google/genai'
import type { Mistral } from '@mistralai/mistralai'
import { type LanguageModel, wrapLanguageModel } from 'ai'
import type { CohereClientV2 } from 'cohere-ai'
import type Groq from 'groq-sdk'
import type { Ollama } from 'ollama'
import type OpenAI from 'openai'
import type { AzureOpenAI } from 'openai'
import type OpenAI7 from 'openai-7'
import type { Taximeter } from 'taximeter'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

type Others = [Groq, AnthropicBedrock, BedrockRuntimeClient, GoogleGenAI, Mistral, CohereClientV2, Ollama]

export function others(meter: Taximeter, clients: Others, model: Parameters<typeof wrapLanguageModel>[0]['model']) {
  const wrapped = clients.map((client) => meter.wrap(client, { subject: 'customer-1' }))
  const groq = meter.wrap(clients[0])
  const same: [Same<typeof groq, Groq>, Same<(typeof wrapped)[number], Others[number]>] = [true, true]
  const metered: LanguageModel = wrapLanguageModel({ model, middleware: meter.middleware({ subject: 'customer-1' }) })
  return { same, metered }
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
