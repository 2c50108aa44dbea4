/* tslint:disable */
/* eslint-disable */

export function __wbg_reset_state(): void;

/**
 * The version of the core.
 */
export function version(): string;

/** Makes the first instance. Every other export needs it first. */
export function __boot(module: WebAssembly.Module): void;
