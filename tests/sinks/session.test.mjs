/** The session of Stripe's stream ends while events are on their way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripe, Taximeter } from 'taximeter'
import { Clock } from '../faults/harness/clock.mjs'

test("Stripe's session expires on the way: another one at once, and the same bytes", async (t) => {
  // No time passes: who waits, waits for ever.
  const clock = new Clock()
  clock.install(1)
  t.after(() => clock.remove())
  const sent = []
  let sessions = 0
  const session = () => ({
    authentication_token: `token-${++sessions}`,
    expires_at: new Date(Date.now() + 15 * 60_000).toISOString(),
  })
  const fetch = async (url, { headers, body }) => {
    if (String(url).endsWith('session')) return Response.json(session())
    sent.push([new Headers(headers).get('authorization'), new TextDecoder().decode(body)])
    const error = { code: 'billing_meter_event_session_expired', message: 'expired' }
    return sent.length === 2 ? Response.json({ error }, { status: 401 }) : Response.json({})
  }
  const sink = stripe({ url: 'http://localhost:1', apiKey: 'sk-1', api: 'stream', quantity: 'n' })
  const meter = new Taximeter({ source: 'shop', sink, fetch })
  meter.record({ type: 'call', subject: 'cus_1', data: { n: 1 } })
  await meter.flush()
  meter.record({ type: 'call', subject: 'cus_1', data: { n: 2 } })
  const { delivered, pending } = await meter.close()
  assert.deepEqual([delivered, pending, sessions], [2, 0, 2])
  assert.deepEqual(
    sent.map(([token]) => token),
    ['Bearer token-1', 'Bearer token-1', 'Bearer token-2'],
  )
  assert.equal(sent[2][1], sent[1][1])
})
