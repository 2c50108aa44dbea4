import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { AnyMeter, DodoMeter, Meter } from 'taximeter'
import { blueprintGroups, named } from './blueprint'
import { harmless } from './report'

const HELP = `taximeter meters push [BLUEPRINT …] [--meters FILE] --url URL

Makes the meters of blueprints, or of a file, at an OpenMeter server, and says what to do at Dodo. Meters that are there
already are left alone; one that is another there is a conflict, and the command ends with 1.

  --url URL      the server, e.g. http://localhost:8888 or https://openmeter.cloud
  --token TOKEN  its key; OPENMETER_TOKEN of the environment if absent
  --meters FILE  meters in YAML or JSON: a list, or a list 'meters' as in OpenMeter's configuration
  --help         show this`

const TIMEOUT_MS = 10_000

/** Runs the command; gives the exit code. */
export async function metersCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      token: { type: 'string', default: process.env.OPENMETER_TOKEN ?? '' },
      meters: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const [verb, ...names] = positionals
  if (verb !== 'push') throw new Error(`there is only 'taximeter meters push'\n\n${HELP}`)
  if (names.length === 0 && values.meters === undefined) {
    throw new Error(`name blueprints, or a file by --meters\n\n${HELP}`)
  }
  if (values.url === undefined) throw new Error(`--url is missing\n\n${HELP}`)
  const { meters, dodoMeters } = await wanted(names, values.meters)
  const server = new Server(values.url, values.token)
  let conflicts = 0
  for (const meter of meters) {
    const outcome = await push(server, meter)
    if (outcome.startsWith('conflict')) conflicts += 1
    console.log(harmless(`${meter.slug}: ${outcome}`))
  }
  if (dodoMeters.length > 0) console.log(`\n${atDodo(dodoMeters)}`)
  return conflicts > 0 ? 1 : 0
}

async function wanted(names: string[], file: string | undefined) {
  const groups = await blueprintGroups()
  const parts = names.flatMap((name) => named(groups, name))
  const meters = parts.flatMap((part) => part.meters)
  const dodoMeters = parts.flatMap((part) => part.dodoMeters)
  if (file !== undefined) {
    // Only here: no other command has to load it.
    const { readMeters } = await import('taximeter/config')
    for (const meter of readMeters(await readFile(file, 'utf8'), file)) {
      if ('event_name' in meter) dodoMeters.push(meter)
      else meters.push(inV1(meter))
    }
  }
  return { meters, dodoMeters }
}

/** A meter in the names of OpenMeter's v1 API. */
function inV1(meter: Exclude<AnyMeter, DodoMeter>): Meter {
  if ('slug' in meter) return meter
  const { key, event_type, aggregation, value_property, dimensions, events_from, name, description } = meter
  return {
    slug: key,
    eventType: event_type,
    aggregation: aggregation.toUpperCase() as Meter['aggregation'],
    ...(value_property !== undefined && { valueProperty: value_property }),
    ...(dimensions !== undefined && { groupBy: dimensions }),
    ...(events_from !== undefined && { eventFrom: events_from }),
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
  }
}

/** Makes a meter unless it is there, and says what came of it. */
async function push(server: Server, meter: Meter): Promise<string> {
  const there = await server.meter(meter.slug)
  if (there !== undefined) return compared(there, meter)
  if (await server.create(meter)) return 'created'
  // Somebody else was faster.
  const theirs = await server.meter(meter.slug)
  return theirs === undefined
    ? 'conflict: the server says that it exists, and does not show it'
    : compared(theirs, meter)
}

/** What makes a meter another; most of it can never be changed at the server. */
const DECIDING = ['eventType', 'aggregation', 'valueProperty', 'groupBy', 'eventFrom'] as const

function compared(there: Meter, here: Meter): string {
  const text = (value: unknown): string => {
    if (value === undefined || value === null || value === '') return 'none'
    if (typeof value !== 'object') return String(value)
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return members.length === 0 ? 'none' : JSON.stringify(Object.fromEntries(members))
  }
  const other = DECIDING.filter((name) => text(there[name]) !== text(here[name]))
  if (other.length === 0) return 'unchanged'
  const said = other.map((name) => `${name} is ${text(there[name])} there, ${text(here[name])} here`)
  return `conflict: ${said.join('; ')}. It was left as it is: choose another slug, or delete it there`
}

/** The meters of an OpenMeter server, by its v1 API. */
class Server {
  readonly #url: string
  readonly #headers: Record<string, string>

  constructor(url: string, token: string) {
    if (!URL.canParse(url) || !/^https?:/.test(url)) throw new Error(`--url is no address: ${url}`)
    this.#url = `${url.replace(/\/+$/, '')}/api/v1/meters`
    this.#headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  }

  async meter(slug: string): Promise<Meter | undefined> {
    const response = await this.#ask(`/${encodeURIComponent(slug)}`, {})
    if (response.status === 404) return undefined
    if (!response.ok) throw await refused(response)
    return (await response.json()) as Meter
  }

  /** Whether it was made; false if one of its name exists. */
  async create(meter: Meter): Promise<boolean> {
    const response = await this.#ask('', { method: 'POST', body: JSON.stringify(meter) })
    if (response.status === 409) return false
    if (!response.ok) throw await refused(response)
    return true
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    const options = { headers: this.#headers, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) } as const
    try {
      return await fetch(this.#url + path, { ...options, ...init })
    } catch (cause) {
      throw new Error(`${this.#url} does not answer: ${Object(Object(cause).cause ?? cause).message}`, { cause })
    }
  }
}

async function refused(response: Response): Promise<Error> {
  const text = (await response.text()).slice(0, 300)
  const key = [401, 403].includes(response.status) ? '; give --token, or OPENMETER_TOKEN' : ''
  return new Error(harmless(`the server answers ${response.status} ${text}`) + key)
}

/** Dodo's meters are made in its dashboard, or by its own API with its own key. */
function atDodo(meters: DodoMeter[]): string {
  return [
    'At Dodo, make these meters: in the dashboard under Products, Meters, or each by',
    '',
    '  curl https://test.dodopayments.com/meters -H "Authorization: Bearer $DODO_PAYMENTS_API_KEY" \\',
    "    -H 'content-type: application/json' -d 'METER'",
    '',
    ...meters.map((meter) => `  ${harmless(JSON.stringify(meter))}`),
    '',
    'Then add them to a usage-based product, and see that each subject is the id of a customer there.',
  ].join('\n')
}
