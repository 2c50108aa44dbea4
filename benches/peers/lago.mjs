/** As documented: `await client.events.createEvent(…)`, one request an event. */
import { randomUUID } from 'node:crypto'
import { Client } from 'lago-javascript-client'

export function create(url) {
  const client = Client('bench', { baseUrl: `${url}/lago` })
  return {
    record: ({ type, subject, data }) =>
      client.events.createEvent({
        event: { transaction_id: randomUUID(), external_subscription_id: subject, code: type, properties: data },
      }),
  }
}
