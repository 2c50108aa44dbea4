import type { Recorded, UsageEvent } from '../types'

/** What a blueprint needs of the client. */
export interface Recorder {
  record(event: UsageEvent | (() => UsageEvent)): Recorded
}

/** Records where nobody could catch an error: a strict client throws what it also tells. */
export function tell(meter: Recorder, event: () => UsageEvent): void {
  try {
    meter.record(event)
  } catch {
    // Told.
  }
}

/** Counts and tells what went wrong, as `record()` does. */
export function refuse(meter: Recorder, error: unknown): void {
  tell(meter, () => {
    throw error
  })
}
