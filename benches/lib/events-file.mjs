import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SUBJECTS = 1000
const MODELS = ['gpt-5.5', 'gpt-5.5-mini', 'claude-opus-5', 'claude-sonnet-5', 'o5-preview']
const START = Date.UTC(2026, 10, 21)
const GAP_MS = 20

/** A file of so many events, one a line, as a vendor's export has them; always the same. It goes when the process ends. */
export function eventsFile(count) {
  const folder = mkdtempSync(join(tmpdir(), 'taximeter-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  const path = join(folder, 'events.ndjson')
  const file = openSync(path, 'w')
  let lines = ''
  for (let i = 0; i < count; i++) {
    lines += `${line(i)}\n`
    if (lines.length < 1 << 20 && i < count - 1) continue
    writeSync(file, lines)
    lines = ''
  }
  closeSync(file)
  return path
}

function line(i) {
  const dice = Math.imul(i + 1, 0x9e3779b1) >>> 0
  const id = `0199${hex(i, 4)}-${hex(dice >>> 16, 4)}-7${hex(i, 3)}-8${hex(dice, 3)}-${hex(i * 7919, 12)}`
  const subject = `customer-${(dice >>> 8) % SUBJECTS}`
  const time = new Date(START + i * GAP_MS).toISOString()
  const data = {
    tokens: dice % 4000,
    model: MODELS[(dice >>> 4) % MODELS.length],
    type: i % 3 === 0 ? 'output' : 'input',
  }
  const event = { specversion: '1.0', id, source: 'chat-app', type: 'llm.usage', subject, time }
  return JSON.stringify({ ...event, datacontenttype: 'application/json', data })
}

const hex = (n, digits) => (n >>> 0).toString(16).padStart(digits, '0').slice(-digits)
