/** What can be flushed: a client. */
export interface Flushable {
  flush(options: { deadlineMs?: number }): Promise<unknown>
}

/** Options of {@link flushOnSignals}. */
export interface SignalOptions {
  /** SIGTERM and SIGINT if absent. */
  signals?: NodeJS.Signals[]
  /** How long the flush may take; 5,000 if absent. Less than what your platform gives a process that it ends. */
  deadlineMs?: number
}

/** What is to be flushed at each signal: one listener for all, so that no client takes another's for the host's. */
const flushes = new Map<NodeJS.Signals, Set<() => Promise<unknown>>>()

/**
 * Flushes a client when the process is told to end: Node, Deno and Bun. Gives what takes it back.
 *
 * It decides nothing. If the host listens to the signal too, the host ends the process when it likes. If it does not, the
 * signal is sent again after the flush, and does what it would have done: the process ends by it. A second signal does so
 * at once. `process.exit()` is never called.
 *
 * @example
 * flushOnSignals(meter, { deadlineMs: 3000 })
 */
export function flushOnSignals(client: Flushable, options: SignalOptions = {}): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], deadlineMs } = options
  const flush = () => client.flush(deadlineMs === undefined ? {} : { deadlineMs })
  for (const signal of signals) {
    const flushed = flushes.get(signal) ?? new Set()
    flushes.set(signal, flushed.add(flush))
    if (flushed.size === 1) listen(signal)
  }
  return () => {
    for (const signal of signals) {
      const flushed = flushes.get(signal)
      if (flushed?.delete(flush) && flushed.size === 0) process.off(signal, flushAll)
    }
  }
}

/** Before all others: of those that listen once, none has left by then. */
function listen(signal: NodeJS.Signals): void {
  process.prependListener(signal, flushAll)
}

async function flushAll(signal: NodeJS.Signals): Promise<void> {
  // Gone for now: with nobody else listening, a second signal ends the process; and others that look whether they are alone see it.
  process.off(signal, flushAll)
  const isHosts = process.listenerCount(signal) > 0
  const flushed = flushes.get(signal) ?? new Set()
  await Promise.allSettled([...flushed].map((flush) => flush()))
  if (!isHosts) process.kill(process.pid, signal)
  else if (flushed.size > 0) listen(signal)
}
