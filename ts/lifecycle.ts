/**
 * Sends what is left when a Node, Deno or Bun process has nothing more to do. Ends nothing, swallows nothing, and does
 * not keep the process alive; the function that is returned takes the hook away.
 */
export function onProcessEnd(flush: () => Promise<unknown>): () => void {
  const process: Pick<NodeJS.Process, 'once' | 'off'> | undefined = (globalThis as { process?: NodeJS.Process }).process
  if (typeof process?.once !== 'function' || typeof process.off !== 'function') return () => {}
  const onEnd = () => void flush()
  process.once('beforeExit', onEnd)
  return () => void process.off('beforeExit', onEnd)
}
