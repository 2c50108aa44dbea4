/** `@arizeai/openinference-instrumentation-openai`: patches the SDK's classes; it has no customers. */
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import * as openai from 'openai'
import { patching, spans } from '../otlp.mjs'

export const how = 'patched prototype'
export const start = patching(OpenAIInstrumentation, openai)

export const records = (received) =>
  spans(received).map((span) => ({
    input: span['llm.token_count.prompt'],
    output: span['llm.token_count.completion'],
    cacheRead: span['llm.token_count.prompt_details.cache_read'],
    reasoning: span['llm.token_count.completion_details.reasoning'],
  }))
