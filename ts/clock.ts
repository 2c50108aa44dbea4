/** Milliseconds on a clock that no one sets: schedules must not follow the wall clock's jumps. */
export const now = (): number => performance.now()

/** Jitter: it spreads clients and guards no secret. */
export const random = (): number => Math.floor(Math.random() * 2 ** 32)
