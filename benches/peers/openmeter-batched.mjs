/** What a careful user of OpenMeter's client writes around it: push, one `ingest()` of a list at flush. */
import { OpenMeter } from '@openmeter/sdk'

export function create(url) {
  const client = new OpenMeter({ baseUrl: url, apiKey: 'bench' })
  let events = []
  return {
    record({ type, subject, data }) {
      events.push({ type, subject, source: 'chat-app', data })
    },
    async flush() {
      const taken = events
      events = []
      await client.events.ingest(taken)
    },
  }
}
