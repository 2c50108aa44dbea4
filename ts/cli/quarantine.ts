import { parseArgs } from 'node:util'
import { FileSpool, read } from '../spool/file'
import type { LeftEvent } from '../spool/journal'

/**
 * What a vendor refused for good, in the spool of a client that does not run: listed, written out as JSON lines, released
 * for the next client that opens the spool, or discarded.
 */
export function quarantine(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, release: { type: 'string' }, discard: { type: 'string' } },
    allowPositionals: true,
  })
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) throw new Error('which spool? taximeter quarantine FILE')
  const { release, discard } = values
  if (release !== undefined && discard !== undefined) throw new Error('either --release or --discard')
  if (release !== undefined || discard !== undefined) return change(path, release, discard)
  const held = heldIn(read(path).left.events)
  for (const { id, reason, bytes, timeMs } of held) {
    const event = new TextDecoder().decode(bytes)
    const row = { id, time: new Date(timeMs), ...reason, event: values.json ? event : undefined }
    // As JSON, since a vendor's words go to a terminal.
    console.log(values.json ? JSON.stringify(row) : Object.values(row).map(shown).join(' '))
  }
  if (!values.json) console.log(`${held.length} in quarantine`)
  return 0
}

function change(path: string, release: string | undefined, discard: string | undefined): number {
  const { sink = '' } = read(path)
  const spool = new FileSpool(path)
  const left = spool.open(sink)
  try {
    const id = release ?? discard
    const wanted = heldIn(left.events).filter((event) => id === 'all' || event.id === id)
    if (wanted.length === 0 && id !== 'all') throw new Error(`${shown(id)} is not in quarantine`)
    let as = left.lastSeq
    for (const { seq } of wanted) {
      as += 1
      spool.write([release !== undefined ? { do: 'released', seq, as } : { do: 'settled', seqs: [seq, seq] }])
    }
    console.log(`${wanted.length} ${release !== undefined ? 'released' : 'discarded'}`)
    return 0
  } finally {
    spool.close()
  }
}

const heldIn = (events: LeftEvent[]): LeftEvent[] => events.filter(({ reason }) => reason !== undefined)

const shown = (value: unknown): string => (value === undefined ? '-' : JSON.stringify(value))
