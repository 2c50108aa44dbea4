/** What most people would write, and what vendors' clients do: check, random id, ISO time, push; stringify at flush. */
import { randomUUID } from 'node:crypto'
import { SOURCE } from '../lib/workload.mjs'

export function create() {
  let events = []
  return {
    record(event) {
      check(event)
      events.push({
        specversion: '1.0',
        id: randomUUID(),
        source: SOURCE,
        type: event.type,
        subject: event.subject,
        time: new Date(Date.now()).toISOString(),
        datacontenttype: 'application/json',
        data: event.data,
      })
    },
    flush() {
      const body = JSON.stringify(events)
      events = []
      return [body]
    },
  }
}

function check({ type, subject, data }) {
  if (typeof type !== 'string' || type === '') throw new TypeError('type')
  if (typeof subject !== 'string' || subject === '') throw new TypeError('subject')
  for (const key in data) {
    const value = data[key]
    if (typeof value === 'number' && !isSound(value)) throw new TypeError(key)
  }
}

const isSound = (n) => Number.isFinite(n) && (!Number.isInteger(n) || Number.isSafeInteger(n))
