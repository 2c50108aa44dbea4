/* tslint:disable */
/* eslint-disable */

/**
 * See [`meter::Replay`].
 */
export class Replay {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * See [`meter::Replay::finish`].
     */
    finish(): string;
    /**
     * See [`meter::Replay::new`].
     */
    constructor(request: string, seed: bigint);
    /**
     * See [`meter::Replay::push`].
     */
    push(piece: Uint8Array | number[]): void;
}

export function __wbg_reset_state(): void;

/** Makes the first instance. Every other export needs it first. */
export function __boot(module: WebAssembly.Module): void;
