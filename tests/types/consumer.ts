// What a user of the package writes; it only has to compile.
import { memory, ready, Taximeter, TaximeterError, tee, version } from 'taximeter'

export async function start(): Promise<string> {
  await ready()
  try {
    return version()
  } catch (error) {
    if (error instanceof TaximeterError) return `${error.code}: ${error.message} ${error.help ?? ''}`
    throw error
  }
}

/** Which sinks have how many events to send, and what one of them did not take. */
export function pendingOf(told: (sink: number | undefined) => void): Record<string, number> {
  const meter = new Taximeter({ source: 'consumer', sink: tee([memory(), { sink: memory() }]) })
  meter.on('error', (error) => told(error.sink))
  meter.on('delivered', ({ sink }) => told(sink))
  return Object.fromEntries((meter.stats().sinks ?? []).map(({ sink, pending }) => [sink, pending]))
}
