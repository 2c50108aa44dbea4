/** What every failure of the SDK looks like: a stable `code` for programs, the rest for people. */
export class TaximeterError extends Error {
  /** The build shortens names; this one is for people. */
  static override readonly name = 'TaximeterError'
  override readonly name = 'TaximeterError'
  /** Stable `snake_case` code, e.g. `queue_full`. */
  readonly code: string
  /** Where: a path into the input, e.g. `data.tokens`. */
  readonly path?: string
  /** How to mend it. */
  readonly help?: string
  /** The HTTP status with which the meter server would answer the same input. */
  readonly http?: number
  /** Which sink of a `tee` it is about: its place there. */
  readonly sink?: number

  constructor(
    code: string,
    message: string,
    more: { path?: string; help?: string; http?: number; cause?: unknown } = {},
  ) {
    super(message, 'cause' in more ? { cause: more.cause } : undefined)
    this.code = code
    if (more.path !== undefined) this.path = more.path
    if (more.help !== undefined) this.help = more.help
    if (more.http !== undefined) this.http = more.http
  }

  /** Other entries of the package have a class of the same name. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'TaximeterError'
  }

  /** The core throws its errors as JSON text. */
  static fromCore(text: string): TaximeterError {
    const { code, message, ...more } = JSON.parse(text)
    return new TaximeterError(code, message, more)
  }

  /** Names the part of the input that was wrong, as the path grows outwards. */
  at(outer: string): TaximeterError {
    const path =
      this.path === undefined ? outer : this.path.startsWith('[') ? outer + this.path : `${outer}.${this.path}`
    const { code, message, help, http, cause } = this
    return new TaximeterError(code, message, {
      path,
      ...(help !== undefined && { help }),
      ...(http !== undefined && { http }),
      ...(cause !== undefined && { cause }),
    })
  }
}
