import type { StorageEvents } from '../types'
import { MeteredCall, type OpenCalls } from './call'
import type { UsageContext, UsageHost } from './host'
import { type HandlerContext, meterStorage, type RecordUsage, storageBytes } from './storage'

/** What `@aws-sdk/client-bedrock-runtime` calls, and the paths that are asked for. */
const PATHS: Record<string, string> = {
  ConverseCommand: 'converse',
  ConverseStreamCommand: 'converse-stream',
  InvokeModelCommand: 'invoke',
  InvokeModelWithResponseStreamCommand: 'invoke-with-response-stream',
}

/** What the AWS SDK's clients have in common. */
export interface AwsClient {
  config: { region?: () => Promise<string>; serviceId?: string }
  middlewareStack: { clone(): AwsClient['middlewareStack']; add(middleware: unknown, options: object): void }
  handlers?: unknown
}

type Next = (args: { input: { modelId?: string; Bucket?: string } }) => Promise<{ output: Output }>

interface Output {
  $metadata?: { requestId?: string; httpStatusCode?: number }
  usage?: unknown
  body?: unknown
  stream?: unknown
  ContentLength?: number
}

interface StreamEvent {
  messageStop?: object
  metadata?: object
  contentBlockDelta?: object
  chunk?: { bytes?: Uint8Array }
}

const encoder = new TextEncoder()

/** A copy of an AWS client with the same connections, whose own stack of middleware also counts. */
export function wrapAws<Client extends AwsClient>(
  client: Client,
  host: UsageHost,
  context: () => Partial<UsageContext>,
  open: OpenCalls,
  record: RecordUsage,
  storage: StorageEvents | undefined,
): Client {
  const copy: Client = Object.assign(Object.create(Object.getPrototypeOf(client)), client)
  copy.middlewareStack = client.middlewareStack.clone()
  // Handlers that are kept are made of the other stack.
  if ('handlers' in copy) copy.handlers = undefined
  const isStorage = client.config.serviceId === 'S3'
  const middleware = (next: Next, handler: HandlerContext) => {
    if (isStorage) return meterStorage(next, handler, context, record, storage)
    const path = PATHS[handler.commandName]
    if (path === undefined) return next
    return async (args: Parameters<Next>[0]) => {
      const startedAtMs = Date.now()
      const who = context()
      const result = await next(args)
      try {
        const region = await client.config.region?.()
        const model = encodeURIComponent(args.input.modelId ?? '')
        const url = `https://bedrock-runtime.${region}.amazonaws.com/model/${model}/${path}`
        meter(result.output, host.route('POST', url, 'bedrock'), startedAtMs, who)
      } catch {
        // The answer is not metered, and unharmed.
      }
      return result
    }
  }
  const meter = (
    output: Output,
    route: ReturnType<UsageHost['route']>,
    startedAtMs: number,
    who: Partial<UsageContext>,
  ) => {
    if (route === undefined) return
    const stream = [output.stream, output.body].find(isStream)
    const requestId = output.$metadata?.requestId
    const scanner = host.open({
      route,
      status: output.$metadata?.httpStatusCode ?? 200,
      stream: stream !== undefined,
      hide: false,
      contentType: stream === undefined ? 'application/json' : 'application/x-ndjson',
      startedAtMs,
      ...(requestId !== undefined && { requestId }),
    })
    if (scanner === undefined) return
    const call = new MeteredCall(scanner, host, who, open, undefined)
    if (stream !== undefined) return readAlong(stream, call)
    const { body, ...rest } = output
    call.push(body instanceof Uint8Array ? body : usageOf(rest))
    call.settle('end')
  }
  // The names make them replace those of this meter that are there already.
  const name = `taximeter-${open.id}`
  copy.middlewareStack.add(middleware, { step: 'initialize', name, override: true })
  if (isStorage) {
    const inner = { step: 'finalizeRequest', priority: 'low', name: `${name}-bytes`, override: true }
    copy.middlewareStack.add(storageBytes, inner)
  }
  return copy
}

function isStream(value: unknown): value is AsyncIterable<StreamEvent> {
  return value !== null && typeof value === 'object' && Symbol.asyncIterator in value
}

/** What is counted of a document or an event: content stays outside. */
function usageOf(doc: object): Uint8Array {
  const { usage, serviceTier, stopReason, delta } = doc as Record<string, unknown>
  return encoder.encode(`${JSON.stringify({ usage, serviceTier, stopReason, delta })}\n`)
}

function bytesOf({ chunk, messageStop, metadata, contentBlockDelta }: StreamEvent): Uint8Array[] {
  if (chunk?.bytes !== undefined) return [chunk.bytes, encoder.encode('\n')]
  const told = metadata ?? messageStop ?? contentBlockDelta
  return told === undefined ? [] : [usageOf(told)]
}

/** Lets the call see the events that the caller takes out of a stream. */
function readAlong(stream: AsyncIterable<StreamEvent>, call: MeteredCall): void {
  const iterate = stream[Symbol.asyncIterator].bind(stream)
  const tapped = (): AsyncIterator<StreamEvent> => {
    const events = iterate()
    return {
      async next() {
        call.reading = true
        try {
          const result = await events.next()
          if (result.done) call.settle('end')
          else {
            for (const bytes of bytesOf(result.value)) call.push(bytes)
            call.reportIfFinal()
          }
          return result
        } catch (error) {
          call.settle('error')
          throw error
        } finally {
          call.reading = false
          call.readAtMs = Date.now()
        }
      },
      async return(value) {
        call.settle('cancel')
        return (await events.return?.(value)) ?? { done: true, value }
      },
    }
  }
  Object.defineProperty(stream, Symbol.asyncIterator, { value: tapped, configurable: true, writable: true })
}
