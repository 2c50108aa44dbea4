/** A stream with the same chunks, read only when its reader asks for them. `done` is called once, with their bytes. */
export function countedBody(
  body: ReadableStream<Uint8Array>,
  done: (bytes: number, how: 'complete' | 'cancelled' | 'error') => void,
  see: (bytes: number) => void = () => {},
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let bytes = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done: isDone, value } = await reader.read()
          if (isDone) {
            controller.close()
            return done(bytes, 'complete')
          }
          bytes += value.byteLength
          see(value.byteLength)
          controller.enqueue(value)
        } catch (error) {
          done(bytes, 'error')
          throw error
        }
      },
      cancel(reason) {
        done(bytes, 'cancelled')
        return reader.cancel(reason)
      },
    },
    // Nothing is read before it is asked for.
    { highWaterMark: 0 },
  )
}
