import { open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { AnyMeter } from 'taximeter/replay'
import { inputs } from './inputs'
import { type Asked, report } from './report'

const HELP = `taximeter replay EVENTS --meters FILE [options]

What meters say of a file of events: CloudEvents, one a line, in the order of their arrival; - for standard input.

  --meters FILE      the meters, in YAML or JSON: a list, or a list 'meters' as in OpenMeter's configuration
  --query QUERY      what to ask, in the words of OpenMeter's API, as in a URL or as JSON; may be repeated:
                       tokens?groupBy=model&windowSize=DAY&windowTimeZone=Europe/Berlin
                       '{"meter":"tokens","subject":["customer-1"]}'
                     without it: the total of each meter, and by its groups
  --numeric decimal  add exactly, as a server does that is set to it
  --no-dedupe        count events whose source and id came before
  --json             print everything as JSON
  --help             show this`

const READ_BYTES = 1024 * 1024

/** Runs the command; gives the exit code. */
export async function replayCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      meters: { type: 'string' },
      query: { type: 'string', multiple: true },
      numeric: { type: 'string' },
      'no-dedupe': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const { file, meters } = await inputs(positionals, values.meters, HELP)
  // Only here: no other command has to load it.
  const { replay } = await import('taximeter/replay')
  const queries = values.query?.map(queryOf) ?? totalsAndGroups(meters)
  const source = await openEvents(file)
  const bar = progress(source.bytes)
  const start = performance.now()
  const options = { dedupe: !values['no-dedupe'], ...(values.numeric && { numeric: values.numeric as 'decimal' }) }
  const answer = await replay(source.pieces, { meters, queries, ...options, onProgress: bar.show }).finally(bar.end)
  if (values.json) console.log(JSON.stringify({ queries, ...answer }, null, 2))
  else console.log(report(answer, queries, values.query, (performance.now() - start) / 1000))
  return 0
}

/** The file's bytes, piece by piece, into the same memory: each piece is taken before the next is asked for. */
async function openEvents(file: string): Promise<{ pieces: AsyncIterable<Uint8Array>; bytes?: number }> {
  if (file === '-') return { pieces: process.stdin }
  const handle = await open(file)
  const stat = await handle.stat()
  if (stat.isDirectory()) {
    await handle.close()
    throw new Error(`${file} is a folder, not a file of events`)
  }
  async function* pieces() {
    try {
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, null)
        if (bytesRead === 0) return
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await handle.close()
    }
  }
  return { pieces: pieces(), ...(stat.isFile() && { bytes: stat.size }) }
}

/** `meter?name=value&…` as in the server's URL, or JSON. */
function queryOf(text: string): Asked {
  if (text.startsWith('{')) {
    try {
      return JSON.parse(text)
    } catch (error) {
      throw new Error(`--query is no JSON: ${(error as Error).message}`)
    }
  }
  const [meter = '', search = ''] = text.split(/\?(.*)/s)
  const lists: Record<string, string[]> = {}
  const filters: Record<string, string[]> = {}
  const single: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(search)) {
    const group = /^filterGroupBy\[(.+)\]$/.exec(name)?.[1]
    if (group !== undefined) filters[group] = [...(filters[group] ?? []), value]
    else if (/^(subject|groupBy|filterCustomerId)$/.test(name))
      lists[name] = [...(lists[name] ?? []), ...value.split(',')]
    else single[name] = value
  }
  return { ...single, ...lists, ...(Object.keys(filters).length > 0 && { filterGroupBy: filters }), meter }
}

function totalsAndGroups(meters: AnyMeter[]): Asked[] {
  // The names of both versions of OpenMeter's API, and of Dodo's.
  const each = meters as {
    slug?: string
    key?: string
    name?: string
    event_name?: string
    groupBy?: object
    dimensions?: object
  }[]
  const names = each.map((meter) => meter.slug ?? meter.key ?? meter.name ?? meter.event_name ?? '')
  const groups = each.map((meter) => Object.keys(meter.groupBy ?? meter.dimensions ?? {}))
  return [
    ...names.map((meter) => ({ meter })),
    ...names.flatMap((meter, i) => (groups[i]?.length ? [{ meter, groupBy: groups[i] }] : [])),
  ]
}

/** A bar on the terminal, if there is one; of a stream without an end only what has been read. */
function progress(total: number | undefined) {
  const WIDTH = 30
  const out = process.stderr
  let shown = Number.NEGATIVE_INFINITY
  return {
    show(bytes: number) {
      const now = performance.now()
      if (!out.isTTY || now - shown < 100) return
      shown = now
      const read = `${(bytes / 1e6).toFixed(0)} MB`
      const share = Math.min(bytes / (total || 1), 1)
      const full = '█'.repeat(Math.floor(share * WIDTH)).padEnd(WIDTH, '░')
      out.write(`\r${total === undefined ? read : `${full} ${Math.floor(share * 100)} %, ${read}`} `)
    },
    end() {
      if (out.isTTY) out.write('\r\u001b[K')
    },
  }
}
