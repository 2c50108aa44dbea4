/** The server with the rules of the `taximeter` package itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batch, event, serve } from './helpers.js'

const METER = {
  slug: 'tokens_total',
  eventType: 'llm.tokens',
  aggregation: 'SUM',
  valueProperty: '$.tokens',
  groupBy: { model: '$.model' },
}

test('every check of the core is a 400 that says where', async () => {
  const { server, post } = await serve({ engine: undefined })
  for (const [bad, detail] of [
    [event('', '{}'), /id: field_empty/],
    [event('1', '{}', { specversion: '2.0' }), /specversion: specversion_unknown/],
    [event('1', '{}', { datacontenttype: 'text/plain' }), /datacontenttype: datacontenttype_invalid/],
    [event('1', '"text"'), /data: data_not_object/],
    [event('1', '{}', { time: '2026-02-30T00:00:00Z' }), /time: time_invalid/],
    [event('1', '{}', { customer_id: 'c' }), /extension_name_invalid/],
    ['7', /invalid event: \[1\]/],
    [event('1', `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`), /invalid event/],
  ]) {
    const response = await post(batch(event('0'), bad))
    assert.equal(response.status, 400, bad)
    assert.match((await response.json()).detail, detail)
  }
  assert.equal(server.stats().events, 0)
  const overflow = await post(batch(event('0'), event('1', '{"v":1e400}')))
  assert.deepEqual([overflow.status, server.stats().events], [500, 1])
})

test('queries answer as the meter server does', async () => {
  const { post, get, request } = await serve({ engine: undefined, meters: [METER] })
  const at = (time) => ({ time })
  await post(
    batch(
      event('1', '{"tokens":"0.1","model":"a"}', at('2026-11-21T01:10:00.5Z')),
      event('2', '{"tokens":2,"model":"b"}', at('2026-11-21T01:20:00Z')),
      event('3', '{"tokens":4,"model":"a"}', { ...at('2026-11-21T02:40:00Z'), subject: 'cust-43' }),
      event('4', '{"tokens":"many"}', at('2026-11-21T03:00:00Z')),
    ),
  )
  const rows = async (query) => (await (await get(`/api/v1/meters/tokens_total/query?${query}`)).json()).data
  const row = (value, windowStart, windowEnd, groupBy = {}, subject = null) => ({
    value,
    windowStart,
    windowEnd,
    subject,
    groupBy,
  })
  assert.deepEqual(await rows(''), [row(6.1, '2026-11-21T01:10:00Z', '2026-11-21T03:01:00Z')])
  assert.deepEqual(await rows('groupBy=model&windowSize=HOUR&windowTimeZone=Asia/Kolkata&filterGroupBy[model]=a'), [
    row(0.1, '2026-11-21T00:30:00Z', '2026-11-21T01:30:00Z', { model: 'a' }),
    row(4, '2026-11-21T02:30:00Z', '2026-11-21T03:30:00Z', { model: 'a' }),
  ])
  assert.deepEqual(await rows('subject=cust-43&from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00Z'), [
    row(4, '2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z', {}, 'cust-43'),
  ])
  assert.deepEqual(
    (await rows(`advancedMeterGroupByFilters=${encodeURIComponent('{"model":{"$ne":"a"}}')}`)).map(
      ({ value }) => value,
    ),
    [2],
  )
  for (const [query, status] of [
    ['windowSize=WEEK', 400],
    ['windowSize=DAY&windowTimeZone=Mars/Olympus', 400],
    ['groupBy=none', 400],
    ['from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z', 400],
    ['filterCustomerId=c', 404],
  ]) {
    assert.equal((await get(`/api/v1/meters/tokens_total/query?${query}`)).status, status, query)
  }
  const bad = await request('POST', '/api/v1/meters', JSON.stringify({ ...METER, slug: 'x', valueProperty: '$..x' }))
  assert.deepEqual([bad.status, /path_invalid/.test((await bad.json()).detail)], [400, true])
})
