/** As documented: `await openmeter.events.ingest(event)`, one request an event. */
import { OpenMeter } from '@openmeter/sdk'

export function create(url) {
  const client = new OpenMeter({ baseUrl: url, apiKey: 'bench' })
  return { record: ({ type, subject, data }) => client.events.ingest({ type, subject, source: 'chat-app', data }) }
}
