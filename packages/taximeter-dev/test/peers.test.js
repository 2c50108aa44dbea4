/** The vendors' own clients, so that the wire format is theirs and not our reading of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OpenMeter } from '@openmeter/sdk'
import DodoPayments from 'dodopayments'
import { serve } from './helpers.js'

test('the OpenMeter client ingests, lists, makes meters and queries them', async () => {
  const { server } = await serve({ token: 'key' })
  const client = new OpenMeter({ baseUrl: server.url, apiKey: 'key' })
  const time = new Date('2026-11-21T01:00:00.250Z')
  await client.events.ingest({
    id: '1',
    type: 'prompt',
    subject: 'customer-1',
    time,
    data: { tokens: '0.10', model: 'a' },
  })
  await client.events.ingest([
    { type: 'prompt', subject: 'customer-2', data: { tokens: 2, model: 'b' } },
    { type: 'other', subject: 'customer-2' },
  ])
  assert.deepEqual(
    server.events().map(({ type, subject, source, data }) => [type, subject, source, data]),
    [
      ['prompt', 'customer-1', '@openmeter/sdk', '{"tokens":"0.10","model":"a"}'],
      ['prompt', 'customer-2', '@openmeter/sdk', '{"tokens":2,"model":"b"}'],
      ['other', 'customer-2', '@openmeter/sdk', null],
    ],
  )
  const listed = await client.events.list({ subject: 'customer-1', from: time, limit: 10 })
  assert.deepEqual([listed.length, listed[0].event.id, listed[0].event.time], [1, '1', time])

  const meter = await client.meters.create({
    slug: 'tokens',
    eventType: 'prompt',
    aggregation: 'SUM',
    valueProperty: '$.tokens',
    groupBy: { model: '$.model' },
  })
  assert.ok(meter.createdAt instanceof Date)
  assert.deepEqual(await client.meters.list(), [meter])
  assert.deepEqual(await client.meters.get('tokens'), meter)
  const result = await client.meters.query('tokens', {
    from: time,
    subject: ['customer-1', 'x'],
    groupBy: ['model'],
    filterGroupBy: { model: 'a' },
  })
  assert.deepEqual(result.data, [{ value: 0.1, groupBy: { model: 'a' } }])
  assert.deepEqual(result.asked.subject, ['customer-1', 'x'])
  assert.deepEqual(result.asked.filterGroupBy, { model: ['a'] })
  await client.meters.delete('tokens')
  await assert.rejects(
    client.meters.get('tokens'),
    (error) => error.status === 404 && /meter not found/.test(error.message),
  )
  await assert.rejects(client.events.ingest({ type: 'prompt', subject: '' }), (error) => error.status === 400)
})

test('the Dodo client ingests, and sees its errors', async () => {
  const { server } = await serve({ token: 'key' })
  const client = new DodoPayments({ baseURL: server.url, bearerToken: 'key', maxRetries: 0 })
  const events = [
    {
      event_id: '1',
      customer_id: 'cus_42',
      event_name: 'llm.tokens',
      timestamp: '2026-11-21T02:00:00.250Z',
      metadata: { tokens: 1284, model: 'gpt-4o-mini', cached: false },
    },
    { event_id: '2', customer_id: 'cus_42', event_name: 'llm.tokens' },
  ]
  assert.deepEqual(await client.usageEvents.ingest({ events }), { ingested_count: 2 })
  assert.deepEqual(
    server.events().map(({ id, subject, type, data }) => [id, subject, type, data]),
    [
      ['1', 'cus_42', 'llm.tokens', '{"tokens":1284,"model":"gpt-4o-mini","cached":false}'],
      ['2', 'cus_42', 'llm.tokens', null],
    ],
  )
  await assert.rejects(client.usageEvents.ingest({ events: [events[0], events[0]] }), DodoPayments.BadRequestError)
  await assert.rejects(client.usageEvents.ingest({ events: [{}] }), DodoPayments.UnprocessableEntityError)
  const stranger = new DodoPayments({ baseURL: server.url, bearerToken: 'no', maxRetries: 0 })
  await assert.rejects(stranger.usageEvents.ingest({ events }), DodoPayments.AuthenticationError)
})
