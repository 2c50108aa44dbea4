import { now } from './clock'
import { CoreHandle, toError } from './core'
import { type Target, type Transport, viaFetch } from './driver'
import { Emitter } from './emitter'
import { TaximeterError } from './errors'
import { dataText, jsonText } from './json'
import type { Finding } from './lint'
import { viaNode } from './node-http'
import { coreOptions, type TaximeterOptions } from './options'
import { FLUSH_DEADLINE_MS, Outbox, type Taken } from './outbox'
import { eventsBytes } from './preview'
import type { PriceBookData } from './price/book'
import { Budget, type BudgetOptions, type Comparison, type Plan } from './price/plan'
import type { Delivery } from './sink/sink'
import { Span, type SpanOptions, timed } from './span'
import { Staging } from './staging/staging'
import type {
  Cost,
  CostQuery,
  FlushResult,
  Margin,
  MarginQuery,
  MeterResult,
  MeterResultV3,
  ProjectedCost,
  ProjectQuery,
  QuarantinedEvent,
  Query,
  QueryV3,
  Recorded,
  Scope,
  Stats,
  TaximeterEvents,
  UsageEvent,
  WhatIfQuery,
} from './types'
import { OpenCalls } from './wrap/call'
import { wrapClient } from './wrap/client'
import { Contexts } from './wrap/context'
import type { Fetch } from './wrap/fetch'
import type { UsageContext, UsageHost } from './wrap/host'
import { languageModelMiddleware, type ModelMiddleware, type ModelTelemetry, modelTelemetry } from './wrap/model'
import { observe } from './wrap/observe'
import { usageHost } from './wrap/usage'
import { zoneTable } from './zone'

/**
 * Records usage, delivers it, and shows what it comes to.
 *
 * @example
 * const meter = new Taximeter({ source: 'chat-app', sink: openmeter({ url: 'http://localhost:8888' }) })
 * const openai = meter.wrap(new OpenAI(), { subject: 'customer-1' })
 * meter.record({ type: 'request', subject: 'customer-1', data: { route: '/v1/items' } })
 * await meter.flush()
 */
export class Taximeter {
  /** The build shortens names; this one is for people. */
  static readonly name = 'Taximeter'
  readonly #core: CoreHandle
  readonly #outbox: Delivery
  readonly #staging: Staging
  readonly #events = new Emitter<TaximeterEvents>()
  readonly #openCalls = new OpenCalls()
  readonly #openSpans = new Set<Span>()
  #options: TaximeterOptions
  readonly #host: UsageHost
  readonly #contexts = new Contexts()
  #refused = 0
  #unmetered = 0
  #resets = 0
  #closed = false

  /**
   * Throws a {@link TaximeterError} that says which option is wrong and how to mend it: `unknown_option`,
   * `invalid_sink`, `meter_invalid`, `path_invalid`, `invalid_price`, …
   */
  constructor(options: TaximeterOptions) {
    this.#options = options
    this.#core = new CoreHandle(
      coreOptions(options),
      (core) => {
        this.#resets += 1
        this.#outbox.restore(core)
        this.#staging.restore(core)
        this.#events.emit('engine-reset', { generation: this.#resets })
      },
      (error) => this.#events.emit('error', error),
    )
    this.#outbox = options.sink.deliver({
      options,
      core: this.#core,
      events: this.#events,
      open: (core, sink, events, spool) =>
        new Outbox(
          core,
          sink.connect((target) => this.#transport(target), core.request),
          events,
          () => this.#staging.drain(),
          spool,
          options.waitUntil,
        ),
    })
    this.#staging = new Staging(this.#core, this.#outbox)
    this.#host = usageHost(
      this.#core,
      options.provider,
      (records, context) => this.#usage(records, context),
      options.onAbort,
      () => {
        this.#unmetered += 1
      },
    )
  }

  /**
   * Records one usage event. Its id, time and bytes are fixed here, once; later changes of the object change nothing.
   *
   * Gives `{ id }`, or `{ error }` for what cannot be taken: `invalid_event`, `not_finite`, `unsafe_integer`,
   * `unsupported_value`, `cyclic`, `event_too_deep`, `event_too_large`, `too_many_keys`, `forbidden_key`, `field_limit`,
   * `queue_full`, `closed` … An error is also counted (`stats().refused`) and given to `on('error')`. It is thrown only
   * with `strict: true`. A function is asked for the event: what it throws is an error as any other.
   *
   * @example
   * const { id, error } = meter.record({ type: 'request', subject: 'customer-1', data: { bytes: 5120 } })
   */
  record(given: UsageEvent | (() => UsageEvent)): Recorded {
    try {
      const event = typeof given === 'function' ? given() : given
      if (this.#closed) throw new TaximeterError('closed', 'the client is closed')
      if (event === null || typeof event !== 'object')
        throw new TaximeterError('invalid_event', 'an event is an object')
      const staged = this.#staging.take(event)
      if (staged !== undefined) {
        if (this.#outbox.isSpooled) this.#staging.drain()
        return staged
      }
      const text = jsonText(event)
      this.#staging.drain()
      this.#core.seed()
      const taken: Taken = JSON.parse(this.#core.call((core) => core.record(text, Date.now(), now())))
      this.#keep(taken, text)
      return { id: taken.id }
    } catch (thrown) {
      const error = this.#refuse(thrown)
      if (this.#options.strict) throw error
      return { error }
    }
  }

  /**
   * Meters an LLM client: every answer it gets becomes one usage event of `context.subject`. The client that comes back
   * has the same class and types, and behaves the same in every way; the one that was given is left as it is. A `fetch`
   * or a model of the AI SDK's can be wrapped as well, and so can the `S3Client` of `@aws-sdk/client-s3`: what it sends and
   * gets becomes events of type `storage.usage`, or as the option `storage` says.
   *
   * Without `context` each call has to say whose it is: by {@link run}, or by the request header `taximeter-context`
   * (`subject=customer-1&feature=summary`, which the provider never sees). What they say wins over `context`.
   *
   * Throws `cannot_wrap` for a client that it does not know.
   *
   * @example
   * const openai = meter.wrap(new OpenAI(), { subject: 'customer-1' })
   */
  wrap<Client extends object>(client: Client, context?: UsageContext): Client {
    return wrapClient(client, {
      host: this.#host,
      context: context ?? {},
      contexts: this.#contexts,
      open: this.#openCalls,
      record: (event) => this.#try(event),
      storage: this.#options.storage,
    })
  }

  /**
   * A metering `fetch` over the platform's, for whatever takes one; it may take the platform's place. Calls say whose they
   * are by {@link run} or by the header.
   *
   * @example
   * const openai = createOpenAI({ fetch: meter.fetch })
   */
  get fetch(): typeof globalThis.fetch {
    // The one that is there now: where this one takes its place, it would call itself.
    const { fetch } = globalThis
    return this.wrap(((input, init) => fetch(input, init)) as Fetch)
  }

  /**
   * Attributes all calls of wrapped clients that a function makes, directly or later on. Throws `no_async_context` where
   * the platform has no AsyncLocalStorage.
   *
   * @example
   * await meter.run({ subject: request.user.id }, () => answer(request))
   */
  run<T>(context: Partial<UsageContext>, fn: () => T): T {
    return this.#contexts.run(context, fn)
  }

  /**
   * Measures a function, or the promise that it gives, as a {@link span} of its own. Gives and throws what it does.
   *
   * @example
   * const image = await meter.time(() => render(scene), { subject: 'customer-1' })
   */
  time<T>(fn: (span: Span) => T, options: SpanOptions = {}): T {
    return timed(this.span(options), fn)
  }

  /**
   * A time that runs from now on until it ends, for a customer. While it runs it is told of every minute, in events of
   * type `time.usage` whose `duration_ms` sum to the elapsed time exactly once; the last one has `spans: 1`.
   *
   * Throws `invalid_option`.
   *
   * @example
   * using span = meter.span({ subject: 'customer-1', type: 'gpu_time', data: { gpu_type: 'nvidia_A100' }, parallel: 8 })
   */
  span(options: SpanOptions = {}): Span {
    const { subject, ...dimensions } = { ...this.#contexts.current() }
    const { data } = options
    const all = () => ({ ...dimensions, ...(typeof data === 'function' ? data() : data) })
    const span = new Span(
      (event) => this.#try(event),
      { ...(subject !== undefined && { subject }), ...options, data: all },
      (ended) => this.#openSpans.delete(ended),
    )
    this.#openSpans.add(span)
    return span
  }

  /**
   * Middleware for the AI SDK's `wrapLanguageModel` and `wrapEmbeddingModel`, for models that are not called through a
   * `fetch` of yours. It counts only what no metering fetch counts. Streams that are left early are not counted: prefer {@link wrap} on the model.
   */
  middleware(context?: UsageContext): ModelMiddleware {
    return languageModelMiddleware(this.#host, this.#openCalls, this.#contexts, { ...context })
  }

  /**
   * Telemetry for the AI SDK's `registerTelemetry` (7 and newer), for models of strings and gateways that nothing else
   * reaches. It counts what neither a metering fetch nor {@link middleware} counts; embeddings it does not count, nor
   * streams that are left early. Throws `no_async_context` where the platform has no AsyncLocalStorage.
   *
   * @example
   * registerTelemetry(meter.telemetry({ subject: 'customer-1' }))
   */
  telemetry(context?: UsageContext): ModelTelemetry {
    return modelTelemetry(this.#host, this.#openCalls, this.#contexts, { ...context })
  }

  /**
   * Counts usage that did not come as an HTTP answer through a wrapped client: an event of a realtime connection that has
   * usage (`response.done`), or the text of a batch's output file. Gives the number of usage records that were found.
   *
   * @example
   * socket.on('message', (text) => meter.observe(text, { provider: 'openai', subject: 'customer-1' }))
   */
  observe(answer: string | object, about: UsageContext & { provider: string; model?: string }): number {
    try {
      return observe(answer, { ...this.#contexts.current(), ...about }, this.#host)
    } catch (error) {
      this.#refuse(error)
      return 0
    }
  }

  /**
   * What the server will answer for a meter, from the events recorded so far.
   *
   * Throws `meter_not_found`, `query_invalid`, `filter_invalid` … where the server would answer an error.
   *
   * @example
   * meter.preview('tokens_total', { groupBy: ['model'] }).data
   */
  preview(meter: string, query?: Query): MeterResult
  preview(meter: string, query: QueryV3): MeterResultV3
  preview(meter: string, query: Query & QueryV3 = {}): MeterResult | MeterResultV3 {
    const text = jsonText({ ...query, meter })
    this.#staging.drain()
    const zone = zoneTable(query, () => this.#core.call((core) => core.timeRange()))
    const result: MeterResult | MeterResultV3 = JSON.parse(
      this.#core.call((core) => core.preview(text, JSON.stringify(zone))),
    )
    return this.#resets > 0 || this.#outbox.isUncounted ? { ...result, incomplete: true } : result
  }

  /**
   * What will go wrong with events, by this client's meters and where it sends to: with these events, which have not been
   * recorded, or, with the option `lint`, with all that were recorded. The worst comes first. For development: it needs
   * `taximeter/full`, else it throws `lint_unavailable`.
   *
   * Events are what {@link record} takes, or CloudEvents.
   *
   * @example
   * meter.lint([{ type: 'reqest', subject: 'customer-1' }]) // [{ code: 'no_meter', help: 'did you mean request?', … }]
   */
  lint(events?: UsageEvent[] | string): Finding[] {
    this.#staging.drain()
    const { source } = this.#options
    const whole = (event: UsageEvent, i: number) => ({ specversion: '1.0', id: `lint-${i}`, source, ...event })
    const given = typeof events === 'string' ? events : events?.map(whole)
    const bytes = given === undefined ? undefined : eventsBytes(given)
    return JSON.parse(this.#core.call((core) => core.lint(bytes, Date.now(), now())))
  }

  /**
   * What a customer (or all of them) will be billed for the events recorded so far, by `options.prices`, and what the
   * LLM providers charge for the same events. Exact decimals, as strings.
   *
   * @example
   * meter.cost({ subject: 'customer-1', period: { every: 'month' } }) // { currency: 'USD', total: '0.0123', lines: […], … }
   */
  cost(query: CostQuery = {}): Cost {
    return this.#ask('cost', query)
  }

  /**
   * Bill less provider cost, by customer, model, provider, or what a meter is grouped by (a feature, say). Needs
   * `taximeter/full` and a price book.
   *
   * @example
   * meter.margin({ by: 'feature' }).rows.filter((row) => row.flags.includes('negative_margin'))
   */
  margin(query: MarginQuery = {}): Margin {
    return this.#ask('margin', query)
  }

  /**
   * How a period will end: low, mid and high, when a limit is passed, when credits are used up. Needs `taximeter/full`.
   *
   * @example
   * meter.project({ subject: 'customer-1', period: { every: 'month' }, limit: 100 }).breach
   */
  project(query: ProjectQuery): ProjectedCost {
    return this.#ask('project', query)
  }

  /** What a customer's usage would come to in other plans. Needs `taximeter/full`. */
  whatIf(plans: Plan[], query: WhatIfQuery): Comparison {
    return this.#ask('whatIf', { ...query, plans })
  }

  /**
   * A budget for what {@link cost} says: thresholds fire once a period. Needs `taximeter/full`.
   *
   * @example
   * const budget = meter.budget({ subject: 'customer-1', period: { every: 'month' }, limit: 100 })
   * for (const threshold of budget.update()) warn(`${threshold} of the budget are used`)
   * if (budget.wouldExceed(estimated)) refuse()
   */
  budget({ limit, thresholds, ...query }: BudgetOptions & Scope): Budget {
    return new Budget({ limit, ...(thresholds && { thresholds }) }, () => this.cost(query))
  }

  /**
   * Prices what LLM providers take by another book from now on: a newer one, which `refresh()` gave, say. Events keep the
   * charge that they have. With a book that is refused (`invalid_price_book`) the old one stays. Throws `no_price_book` if
   * the client was made without one.
   */
  useBook(book: PriceBookData): void {
    const { aliases, strict, staleDays } = this.#options.prices ?? {}
    const options = { ...this.#options, prices: { ...this.#options.prices, book } }
    const text = dataText({ book, aliases, strict, staleDays })
    this.#core.change(coreOptions(options), (core) => core.useBook(text))
    this.#options = options
  }

  #ask(name: string, query: object) {
    this.#staging.drain()
    const text = dataText(query)
    const result = JSON.parse(this.#core.call((core) => core.cost(name, text, Date.now())))
    return this.#resets > 0 || this.#outbox.isUncounted ? { ...result, incomplete: true } : result
  }

  /**
   * Sends what waits. Resolves when everything recorded before the call is settled, or after `deadlineMs` (5,000 if
   * absent), with the counts; never throws for a failed delivery. LLM answers that nobody has read for 30 seconds are
   * counted with what was seen of them; with `open: true` all that are still open are.
   */
  async flush(options: { deadlineMs?: number; open?: boolean } = {}): Promise<FlushResult> {
    if (options.open) this.#openCalls.finishAll()
    else this.#openCalls.finishIdle()
    return this.#outbox.flush(options.deadlineMs ?? FLUSH_DEADLINE_MS)
  }

  /**
   * Takes no more events, flushes, and says what is left. Spans that run end now. Events still pending then are lost with
   * the process, or wait in the spool for the next one.
   */
  async close(options: { deadlineMs?: number } = {}): Promise<FlushResult> {
    this.#openCalls.finishAll()
    for (const span of [...this.#openSpans]) span.end('closed')
    this.#closed = true
    const result = await this.flush(options)
    await this.#outbox.letGo()
    return result
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {})
  }

  /** Counters. `recorded` is the sum of `delivered`, `pending`, `quarantined` and `dropped`, at every moment. */
  stats(): Stats {
    const stats = this.#outbox.stats()
    return { ...stats, refused: this.#refused + (stats.refused ?? 0), unmetered: this.#unmetered }
  }

  /** Events that the vendor refused for good, with the reason: kept until they are released or discarded. */
  quarantined(): QuarantinedEvent[] {
    return this.#outbox.quarantined()
  }

  /**
   * Sends an event in quarantine after all, or all of them, with the same bytes: after the customer was made known to
   * the vendor, say. One that was put aside as `dedup_window_expired` may be counted twice. Gives how many.
   *
   * Throws `queue_full`; the others stay where they are.
   */
  release(id?: string): number {
    return this.#outbox.release(id)
  }

  /** Gives up an event in quarantine, or all of them: they count as dropped. Gives how many. */
  discard(id?: string): number {
    return this.#outbox.discard(id)
  }

  /** Listens; the function that is returned stops it. */
  on<Name extends keyof TaximeterEvents>(name: Name, listener: (detail: TaximeterEvents[Name]) => void): () => void {
    return this.#events.on(name, listener)
  }

  #transport(target: Target): Transport {
    const { fetch } = this.#options
    if (fetch) return viaFetch(fetch, target)
    // Bound late, so that a fetch that is patched after import (tracing) is the one that is called.
    return viaNode(target) ?? viaFetch((input, init) => globalThis.fetch(input, init), target)
  }

  #usage(records: string, context: Partial<UsageContext>): void {
    try {
      if (this.#closed) throw new TaximeterError('closed', 'an LLM answer ended after the client was closed')
      this.#staging.drain()
      this.#core.seed()
      const outcomes = JSON.parse(
        this.#core.call((core) => core.recordUsage(records, jsonText(context), Date.now(), now())),
      )
      for (const outcome of outcomes) {
        try {
          if ('code' in outcome) throw TaximeterError.fromCore(JSON.stringify(outcome))
          this.#keep(outcome)
        } catch (error) {
          this.#refuse(error)
        }
      }
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Records what the user's own code does not: a strict client throws only to who can catch it. */
  #try(event: () => UsageEvent): Recorded {
    try {
      return this.record(event)
    } catch (error) {
      return { error: toError(error) }
    }
  }

  /** Counts and tells what could not be recorded. */
  #refuse(thrown: unknown): TaximeterError {
    const error = toError(thrown)
    this.#refused += 1
    this.#events.emit('error', error)
    return error
  }

  #keep(taken: Taken, text?: string): void {
    this.#outbox.take(taken, text)
    this.#staging.forgetRoom()
  }
}
