import { MeteredCall, type OpenCalls } from './call'
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

/** Middleware for `wrapLanguageModel` of the AI SDK (6 and newer). */
export interface ModelMiddleware {
  readonly specificationVersion: 'v3'
  wrapGenerate<Result>(options: { doGenerate: () => PromiseLike<Result>; model: unknown }): Promise<Result>
  wrapStream<Result>(options: { doStream: () => PromiseLike<Result>; model: unknown }): Promise<Result>
}

/** Counts what models say they used, unless their `fetch` counts it already. */
export function languageModelMiddleware(
  host: UsageHost,
  open: OpenCalls,
  context: () => Partial<UsageContext>,
): ModelMiddleware {
  const begin = (given: unknown): ((told: Told) => void) | undefined => {
    const model = given as Model
    if (isMetered(model.config?.fetch, open)) return undefined
    const startedAtMs = Date.now()
    const who = context()
    return ({ usage, finishReason, response }) => {
      try {
        // `openai.chat`: the provider and its API.
        const [provider = '', api = ''] = model.provider.split('.')
        const scanner = host.open({
          route: { provider, shape: 'ai-sdk', api } as { provider: string },
          status: 200,
          stream: false,
          hide: false,
          contentType: 'application/json',
          startedAtMs,
          model: model.modelId,
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
