/** The core's exports as JavaScript has them. Numbers cross as they are, texts and bytes through the core's memory. */

interface Exports {
  memory: WebAssembly.Memory
  room(bytes: number): number
  result_at(): number
  result_bytes(): number
  release(object: number): void
  // Those of `src/wasm/`: what they give is whether the result is an error, or a number.
  [name: string]: unknown
}

let wasm: Exports
let instances = 0

/** Makes an instance, which takes the place of the one before. Everything else here needs it first. */
export function instantiate(module: WebAssembly.Module): void {
  wasm = new WebAssembly.Instance(module).exports as unknown as Exports
  instances += 1
}

/** The memory, into which packed events are written. */
export const linearMemory = (): WebAssembly.Memory => wasm.memory

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

type Given = string | Uint8Array

function run(name: string, given: Given[], numbers: number[] = []): number {
  for (const value of given) {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value
    const at = wasm.room(bytes.length)
    new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes)
  }
  return (wasm[name] as (...numbers: number[]) => number)(...numbers)
}

const result = () => new Uint8Array(wasm.memory.buffer, wasm.result_at(), wasm.result_bytes())

/** The text that the core answers. Its errors are thrown as their JSON text. */
function ask(name: string, given: Given[], numbers?: number[]): string {
  const isRefused = run(name, given, numbers)
  const text = decoder.decode(result())
  if (isRefused) throw text
  return text
}

export const version = () => ask('version', [])
export const preview = (request: string, events: Uint8Array) => ask('preview', [request, events])
export const timeRange = (request: string, events: Uint8Array) => ask('time_range', [request, events])
export const llmInspect = (route: string, body: string) => ask('llm_inspect', [route, body])
export const llmRoute = (method: string, url: string, provider?: string) =>
  ask('llm_route', provider === undefined ? [method, url] : [method, url, provider]) || undefined

interface Place {
  id: number
  instance: number
}

function release({ id, instance }: Place): void {
  if (instance === instances) wasm.release(id)
}

// Some Workers have none: there an object that is not freed stays until its instance goes.
const forgotten = typeof FinalizationRegistry === 'undefined' ? undefined : new FinalizationRegistry(release)

/** What lives in the core's memory, as long as its instance does. */
class InCore {
  readonly #place: Place

  constructor(id: string) {
    this.#place = { id: Number(id), instance: instances }
    forgotten?.register(this, this.#place, this)
  }

  protected run(name: string, given: Given[] = [], ...numbers: number[]): number {
    return run(name, given, [this.#id, ...numbers])
  }

  protected ask(name: string, given: Given[] = [], ...numbers: number[]): string {
    return ask(name, given, [this.#id, ...numbers])
  }

  free(): void {
    forgotten?.unregister(this)
    release(this.#place)
    this.#place.instance = 0
  }

  get #id(): number {
    if (this.#place.instance !== instances) throw new Error('stale: this object of the core is gone')
    return this.#place.id
  }
}

/** One LLM answer on its way through. */
export class LlmCall extends InCore {
  constructor(info: string) {
    super(ask('call_new', [info]))
  }
  push(chunk: Uint8Array): void {
    this.run('call_push', [chunk])
  }
  output(): Uint8Array {
    this.run('call_output')
    return result().slice()
  }
  get held(): number {
    return this.run('call_held')
  }
  get final(): boolean {
    return this.run('call_final') !== 0
  }
  finish(how: string, nowMs: number): string {
    return this.ask('call_finish', [how], nowMs)
  }
}

/** One client's core. Times are milliseconds: since some moment, and since 1970. */
export class Core extends InCore {
  constructor(settings: string) {
    super(ask('core_new', [settings]))
  }
  seed(entropy: Uint8Array): void {
    this.run('core_seed', [entropy])
  }
  record(event: string, wallMs: number, monoMs: number): string {
    return this.ask('core_record', [event], wallMs, monoMs)
  }
  recordUsage(records: string, context: string, wallMs: number, monoMs: number): string {
    return this.ask('core_record_usage', [records, context], wallMs, monoMs)
  }
  openStaging(): string {
    return this.ask('core_open_staging')
  }
  intern(what: number, from: number, length: number): number {
    return this.run('core_intern', [], what, from, length)
  }
  forgetTexts(): void {
    this.run('core_forget_texts')
  }
  drain(
    from: number,
    to: number,
    baseMs: number,
    node: number,
    counter: number,
    monoMs: number,
    wallMs: number,
  ): number {
    return this.run('core_drain', [], from, to, baseMs, node, counter, monoMs, wallMs)
  }
  request(): string {
    return this.ask('core_request')
  }
  restore(seq: number, bytes: number, timeMs: number, ambiguousAt = Number.NaN): void {
    this.run('core_restore', [], seq, bytes, timeMs, ambiguousAt)
  }
  continueAfter(seq: number, batch: number): void {
    this.run('core_continue_after', [], seq, batch)
  }
  flush(): void {
    this.run('core_flush')
  }
  poll(monoMs: number, wallMs: number, random: number): string {
    return this.ask('core_poll', [], monoMs, wallMs, random)
  }
  outcome(batch: number, outcome: string, monoMs: number, wallMs: number, random: number): string {
    return this.ask('core_outcome', [outcome], batch, monoMs, wallMs, random)
  }
  state(): string {
    return this.ask('core_state')
  }
  preview(query: string, zone: string): string {
    return this.ask('core_preview', [query, zone])
  }
  timeRange(): string {
    return this.ask('core_time_range')
  }
  cost(query: string): string {
    return this.ask('core_cost', [query])
  }
}
