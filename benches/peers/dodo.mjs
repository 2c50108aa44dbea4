/** As documented: `await trackAPICall(…)`, one request an event; its own batch helper sends them one by one too. */
import { Ingestion, trackAPICall } from '@dodopayments/ingestion-blueprints'

export function create(url) {
  const ingestion = new Ingestion({ apiKey: 'bench', environment: 'test_mode', eventName: 'llm.usage' })
  // The blueprint knows no other server than the vendor's own.
  ingestion.client.client.baseURL = url
  return { record: ({ subject, data }) => trackAPICall(ingestion, { customerId: subject, metadata: data }) }
}
