/** `track()`, batches of 100. */
import { Analytics } from '@segment/analytics-node'

export function create(url) {
  const client = new Analytics({ writeKey: 'bench', host: url, flushAt: 100 })
  return {
    record: ({ type, subject, data }) => void client.track({ userId: subject, event: type, properties: data }),
    flush: () => client.flush(),
  }
}
