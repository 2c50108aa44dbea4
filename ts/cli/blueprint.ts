import { parseArgs } from 'node:util'
import type { Blueprint, Field } from 'taximeter/blueprints'

const HELP = `taximeter blueprint [NAME] [--json]

A blueprint's event, its meters for OpenMeter and for Dodo, an example price and sample code; without a name, which there
are. See also: taximeter meters push NAME.

  --json   the definitions as JSON
  --help   show this`

/** The examples by name, put in by the build. */
declare const SAMPLES: Record<string, string>

/** Runs the command; gives the exit code. */
export async function blueprintCommand(args: string[]): Promise<number> {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const groups = await blueprintGroups()
  if (positionals.length === 0) {
    const names = Object.entries(groups).map(([name, [first]]) => `  ${name.padEnd(16)}${first?.about}`)
    console.log(['taximeter blueprint NAME, where NAME is', ...names].join('\n'))
    return 0
  }
  const parts = positionals.flatMap((name) => named(groups, name))
  if (values.json) console.log(JSON.stringify(parts, null, 2))
  else {
    const samples = positionals.map((name) => `Sample code:\n\n${indented(SAMPLES[name] ?? '')}`)
    console.log([...parts.map(described), ...samples].join('\n\n'))
  }
  return 0
}

/** The blueprints by the name that they are asked for with; some have parts. */
export async function blueprintGroups(): Promise<Record<string, Blueprint[]>> {
  // Only here: no other command has to load it.
  const b = await import('taximeter/blueprints')
  const groups = {
    llm: [b.llm],
    'api-gateway': [b.apiGateway],
    'object-storage': [b.objectStorage, b.storageSnapshot],
    stream: [b.stream, b.streamQuality, b.streamConcurrency],
    'time-range': [b.timeRange, b.gpuTime, b.podExecution],
  }
  return groups as unknown as Record<string, Blueprint[]>
}

/** Throws for a name that none has. */
export function named(groups: Record<string, Blueprint[]>, name: string): Blueprint[] {
  const parts = Object.hasOwn(groups, name) ? groups[name] : undefined
  if (parts !== undefined) return parts
  throw new Error(`there is no blueprint '${name}': ${Object.keys(groups).join(', ')}`)
}

function described({ name, about, eventType, fields, meters, dodoMeters, prices }: Blueprint): string {
  const row = ([field, { type, required, about }]: [string, Field]) =>
    `  ${field.padEnd(24)}${(required ? type : `${type}?`).padEnd(10)}${about}`
  return [
    `${name}: ${about}`,
    `Event of type '${eventType}', with these members of data:\n\n${Object.entries(fields).map(row).join('\n')}`,
    `Meters at OpenMeter:\n\n${lines(meters)}`,
    `Meters at Dodo:\n\n${lines(dodoMeters)}`,
    ...(Object.keys(prices).length > 0
      ? [`An example price:\n\n${lines(Object.entries(prices).map(([meter, price]) => ({ [meter]: price })))}`]
      : []),
  ].join('\n\n')
}

const lines = (values: object[]) => values.map((value) => `  ${JSON.stringify(value)}`).join('\n')
const indented = (text: string) => text.trimEnd().replace(/^(?=.)/gm, '  ')
