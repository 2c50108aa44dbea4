/** A variant written by hand, and one `fetch` a flush: no retry, no limit, no check of the answer. */

import { create as naive } from '../variants/naive.mjs'
import { create as text } from '../variants/text.mjs'

export function create(url, { variant } = {}) {
  const { record, flush } = variant === 'text' ? text() : naive()
  const headers = { 'content-type': 'application/cloudevents-batch+json', authorization: 'Bearer bench' }
  return {
    record,
    async flush() {
      const [body] = flush()
      const answer = await fetch(`${url}/api/v1/events`, { method: 'POST', headers, body })
      await answer.arrayBuffer()
    },
  }
}
