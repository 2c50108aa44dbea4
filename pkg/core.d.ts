/* tslint:disable */
/* eslint-disable */

/**
 * See [`Client`].
 */
export class Core {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * See [`Client::continue_after`].
     */
    continueAfter(seq: number, batch: number): void;
    /**
     * See [`Client::cost`].
     */
    cost(name: string, query: string, wall_ms: number): string;
    /**
     * See [`Client::discard`].
     */
    discard(): void;
    /**
     * See [`Client::drain`].
     */
    drain(from: number, to: number, base_ms: number, node: number, counter: number, mono_ms: number): number;
    /**
     * See [`Client::flush`].
     */
    flush(): void;
    /**
     * See [`Client::forget_texts`].
     */
    forgetTexts(): void;
    /**
     * See [`Client::forget_waiting`].
     */
    forgetWaiting(): void;
    /**
     * See [`Client::inherit`].
     */
    inherit(id: string, text: Uint8Array | number[], wall_ms: number): boolean;
    /**
     * See [`Client::intern`]; `what` is 0 for a value, 1 for a key, 2 for a type, 3 for a subject. 0 if it is refused.
     */
    intern(what: number, from: number, length: number): number;
    /**
     * See [`Client::leave`].
     */
    leave(bytes_max: number, mono_ms: number, wall_ms: number): Float64Array;
    /**
     * See [`Client::lint`].
     */
    lint(events: Uint8Array | number[] | null | undefined, wall_ms: number, mono_ms: number): string;
    /**
     * See [`Client::new`].
     */
    constructor(settings: string);
    /**
     * See [`Client::open_staging`].
     */
    openStaging(): string;
    /**
     * See [`Client::outcome`] and [`Outcome::read`].
     */
    outcome(batch: number, status: number | null | undefined, unsent: boolean, lines: string, mono_ms: number, wall_ms: number, random: number): Float64Array;
    /**
     * See [`Client::poll`].
     */
    poll(mono_ms: number, wall_ms: number, random: number): Float64Array;
    /**
     * See [`Client::preview`].
     */
    preview(query: string, zone: string): string;
    /**
     * See [`Client::record_usage`].
     */
    recordUsage(records: string, context: string, wall_ms: number, mono_ms: number): string;
    /**
     * See [`Client::record`].
     */
    record(event: string, wall_ms: number, mono_ms: number): string;
    /**
     * See [`Client::remember`].
     */
    remember(id: string, text: string, wall_ms: number): void;
    /**
     * See [`Client::request`].
     */
    request(): string;
    /**
     * See [`Client::requeue`].
     */
    requeue(seq: number, bytes: number, time_ms: number): void;
    /**
     * See [`Client::restore`].
     */
    restore(seq: number, bytes: number, time_ms: number, ambiguous_at?: number | null): void;
    /**
     * See [`Client::seed`].
     */
    seed(entropy: Uint8Array | number[]): void;
    /**
     * See [`Client::state`].
     */
    state(): string;
    /**
     * See [`Client::take_texts`].
     */
    texts(): string;
    /**
     * See [`Client::time_range`].
     */
    timeRange(): string;
    /**
     * See [`Client::use_book`].
     */
    useBook(settings: string): void;
}

/**
 * See [`Call`].
 */
export class LlmCall {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * See [`Call::finish`]; `how` is `end`, `cancel`, `abort`, `error` or `flush`.
     */
    finish(how: string, now_ms: number): string;
    /**
     * See [`Call::open`].
     */
    constructor(info: string);
    /**
     * See [`Call::take_output`]. A copy: what is given away is freed as it is.
     */
    output(): Uint8Array;
    /**
     * See [`Call::push`].
     */
    push(chunk: Uint8Array | number[]): void;
    /**
     * See [`Call::is_final`].
     */
    readonly final: boolean;
    /**
     * See [`Call::held`].
     */
    readonly held: number;
}

/**
 * See [`Book`].
 */
export class Prices {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * See [`Book::ask`].
     */
    ask(name: string, request: string): string;
    /**
     * See [`Book::open`].
     */
    constructor(settings: string);
}

export function __wbg_reset_state(): void;

/**
 * See [`price::calculate`].
 */
export function calculate(name: string, request: string): string;

/**
 * The memory, into which packed events are written.
 */
export function linearMemory(): any;

/**
 * See [`llm::inspect`].
 */
export function llmInspect(route: string, body: string): string;

/**
 * See [`llm::route`].
 */
export function llmRoute(method: string, url: string, provider?: string | null): string | undefined;

/**
 * See [`meter::preview`]. The events are UTF-8: handing over a large string would take thrice its size.
 */
export function preview(request: string, events: Uint8Array | number[]): string;

/**
 * See [`meter::time_range`].
 */
export function timeRange(request: string, events: Uint8Array | number[]): string;

/**
 * The version of the core.
 */
export function version(): string;

/** Makes the first instance. Every other export needs it first. */
export function __boot(module: WebAssembly.Module): void;
