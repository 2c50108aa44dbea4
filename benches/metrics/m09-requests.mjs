import { compare } from '../lib/rounds.mjs'
import { vendor } from '../lib/vendor.mjs'

export const metric = 'M9'
export const title = 'requests per 1000 events at saturation (clients without batches: 1000)'

export async function run({ rounds }) {
  const url = await vendor()
  const { clocked, fixed } = await compare(
    {
      clocked: { measure: 'pace', url },
      fixed: { measure: 'pace', url, options: { batch: { events: 1000, lingerMs: 60_000 } } },
    },
    rounds,
  )
  const figures = [
    { name: 'default settings', value: clocked.requests, unit: 'requests', atMost: 10 },
    { name: 'set to 1000 a request', value: fixed.requests, unit: 'requests', atMost: 1 },
  ]
  return { figures }
}
