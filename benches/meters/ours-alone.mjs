/** Taximeter without meters: what is to be taken off for the meters' own cost. */
import { create as client } from '../variants/ours.mjs'

export function create() {
  const { record, flush, meter } = client()
  return { record, flush, close: () => meter.close() }
}
