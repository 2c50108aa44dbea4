/**
 * Waits until something is so, however slow the machine is: what never comes is told, as what was waited for, after as
 * long as no machine needs.
 */
export async function until(is, ms = 60_000) {
  for (const end = performance.now() + ms; !(await is()); ) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${is}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A flush that waits for its events, and not for its usual deadline. */
export const settled = (meter) => meter.flush({ deadlineMs: 60_000 })
