/** `@traceloop/instrumentation-openai` (OpenLLMetry): patches the SDK's classes; it has no customers. */
import { OpenAIInstrumentation } from '@traceloop/instrumentation-openai'
import OpenAI from 'openai'
import { patching, spans } from '../otlp.mjs'

export const how = 'patched prototype'
export const start = patching(OpenAIInstrumentation, OpenAI)

export const records = (received) =>
  spans(received).map((span) => ({
    input: span['gen_ai.usage.input_tokens'] ?? span['gen_ai.usage.prompt_tokens'],
    output: span['gen_ai.usage.output_tokens'] ?? span['gen_ai.usage.completion_tokens'],
    cacheRead: span['gen_ai.usage.cache_read_input_tokens'] ?? span['gen_ai.usage.cache_read.input_tokens'],
    reasoning: span['gen_ai.usage.reasoning_tokens'] ?? span['gen_ai.usage.reasoning.output_tokens'],
  }))
