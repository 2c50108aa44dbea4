/** `capture()`, its largest batch of 100. Its queue is made large enough for a burst, or it would drop events. */
import { PostHog } from 'posthog-node'

export function create(url) {
  const client = new PostHog('bench', { host: url, flushAt: 100, maxBatchSize: 100, maxQueueSize: 20_000 })
  return {
    record: ({ type, subject, data }) => void client.capture({ distinctId: subject, event: type, properties: data }),
    flush: () => client.flush(),
  }
}
