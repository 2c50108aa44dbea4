/** `@opentelemetry/instrumentation-openai`: patches the SDK's classes; it has no customers. */
import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai'
import * as openai from 'openai'
import { patching, spans } from '../otlp.mjs'

export const how = 'patched prototype'
export const start = patching(OpenAIInstrumentation, openai)

export const records = (received) =>
  spans(received).map((span) => ({
    input: span['gen_ai.usage.input_tokens'],
    output: span['gen_ai.usage.output_tokens'],
    cacheRead: span['gen_ai.usage.cache_read.input_tokens'],
    reasoning: span['gen_ai.usage.reasoning.output_tokens'],
  }))
