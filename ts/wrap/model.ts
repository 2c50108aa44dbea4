import { MeteredCall, type OpenCalls } from './call'
import type { Contexts, LayeredCall } from './context'
import { isMetered } from './fetch'
import type { UsageContext, UsageHost } from './host'

/** What the AI SDK tells middleware of a model, as far as it is used here. */
interface Model {
  provider: string
  modelId: string
  config?: { fetch?: unknown }
}

interface Told {
  usage?: unknown
  finishReason?: unknown
  response?: { id?: string; modelId?: string } | undefined
}

type Part = Told & { type: string; id?: string; modelId?: string }

/** Middleware for `wrapLanguageModel` and `wrapEmbeddingModel` of the AI SDK (6 and newer). */
export interface ModelMiddleware {
  readonly specificationVersion: 'v3'
  wrapGenerate<Result>(options: { doGenerate: () => PromiseLike<Result>; model: unknown }): Promise<Result>
  wrapStream<Result>(options: { doStream: () => PromiseLike<Result>; model: unknown }): Promise<Result>
  wrapEmbed<Result>(options: { doEmbed: () => PromiseLike<Result>; model: unknown }): Promise<Result>
}

/** What the AI SDK's telemetry (7 and newer) tells of the call of a model. */
interface ToldCall extends Told {
  callId: string
  provider: string
  modelId: string
  responseId?: string
}

/** Telemetry for `registerTelemetry` of the AI SDK (7 and newer), or for the option `telemetry` of a call. */
export interface ModelTelemetry {
  executeLanguageModelCall<T>(call: { callId: string; execute: () => PromiseLike<T> }): PromiseLike<T>
  onLanguageModelCallEnd(call: { callId: string; provider: string; modelId: string; usage: unknown }): void
}

/** Calls that are waited for: those whose stream is left never end. */
const CALLS_MAX = 10_000

/** Gives what counts the usage that a model's call comes to. */
function beginCall(
  { provider: name, modelId }: Pick<Model, 'provider' | 'modelId'>,
  host: UsageHost,
  open: OpenCalls,
  who: Partial<UsageContext>,
): (told: Told) => void {
  const startedAtMs = Date.now()
  return ({ usage, finishReason, response }) => {
    try {
      // `openai.chat`: the provider and its API.
      const [provider = '', api = ''] = name.split('.')
      const scanner = host.open({
        route: { provider, shape: 'ai-sdk', api } as { provider: string },
        status: 200,
        stream: false,
        hide: false,
        contentType: 'application/json',
        startedAtMs,
        model: modelId,
      })
      if (scanner === undefined) return
      const call = new MeteredCall(scanner, host, who, open, undefined)
      const finish_reason = (finishReason as { raw?: string } | undefined)?.raw ?? finishReason
      const doc = { id: response?.id, model: response?.modelId, finish_reason, usage }
      call.push(new TextEncoder().encode(JSON.stringify(doc)))
      call.settle('end')
    } catch {
      // The answer is not metered, and unharmed.
    }
  }
}

/** Counts what models say they used, unless their `fetch` counts it already. */
export function languageModelMiddleware(
  host: UsageHost,
  open: OpenCalls,
  contexts: Contexts,
  context: Partial<UsageContext>,
): ModelMiddleware {
  const begin = (given: unknown): ((told: Told) => void) | undefined => {
    const model = given as Model
    if (isMetered(model.config?.fetch, open)) return undefined
    contexts.counted()
    return beginCall(model, host, open, { ...context, ...contexts.current() })
  }
  return {
    specificationVersion: 'v3',
    async wrapGenerate({ doGenerate, model }) {
      const tell = begin(model)
      const result = await doGenerate()
      tell?.(result as Told)
      return result
    },
    async wrapStream({ doStream, model }) {
      const tell = begin(model)
      const result = await doStream()
      const { stream } = result as { stream: ReadableStream<Part> }
      return tell === undefined ? result : { ...result, stream: readAlong(stream, tell) }
    },
    async wrapEmbed({ doEmbed, model }) {
      const tell = begin(model)
      const result = await doEmbed()
      const { usage } = result as { usage?: { tokens?: unknown } }
      tell?.({ usage: usage && { inputTokens: { total: usage.tokens } } })
      return result
    },
  }
}

/** Counts what models are told to have used, unless a fetch or middleware below counts it already. */
export function modelTelemetry(
  host: UsageHost,
  open: OpenCalls,
  contexts: Contexts,
  context: Partial<UsageContext>,
): ModelTelemetry {
  const within = contexts.layer()
  const calls = new Map<string, LayeredCall & { tell: (told: ToldCall) => void }>()
  return {
    executeLanguageModelCall<T>(told: object): PromiseLike<T> {
      const { execute, ...about } = told as ToldCall & { execute: () => PromiseLike<T> }
      const tell = beginCall(about, host, open, { ...context, ...contexts.current() })
      const call = { isCounted: false, tell }
      calls.delete(about.callId)
      calls.set(about.callId, call)
      for (const left of calls.keys()) {
        if (calls.size <= CALLS_MAX) break
        calls.delete(left)
      }
      return within(call, execute) as PromiseLike<T>
    },
    onLanguageModelCallEnd(told) {
      const { callId, modelId, responseId: id, usage, finishReason } = told as ToldCall
      const call = calls.get(callId)
      calls.delete(callId)
      if (call === undefined || call.isCounted) return
      call.tell({ usage, finishReason, response: { ...(id !== undefined && { id }), modelId } } as ToldCall)
    },
  }
}

function readAlong(stream: ReadableStream<Part>, tell: (told: Told) => void): ReadableStream<Part> {
  const reader = stream.getReader()
  let response: Told['response']
  return new ReadableStream<Part>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        if (value.type === 'response-metadata') response = value as Told['response']
        if (value.type === 'finish') tell({ ...value, response })
        controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
