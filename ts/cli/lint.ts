import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { type Finding, lint } from 'taximeter/full'
import { inputs } from './inputs'
import { harmless } from './report'

const HELP = `taximeter lint EVENTS --meters FILE [options]

What will go wrong with a file of events: a JSON array, or one event a line; - for standard input. Events are
CloudEvents, or as Dodo takes them. Ends with 1 if there is an error.

  --meters FILE    the meters, in YAML or JSON: a list, or a list 'meters' as in OpenMeter's configuration
  --target VENDOR  where the events go: openmeter (if absent) or dodo
  --now TIME       when they are sent, RFC 3339; the present if absent
  --json           print the findings as JSON
  --help           show this`

/** Runs the command; gives the exit code. */
export async function lintCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      meters: { type: 'string' },
      target: { type: 'string' },
      now: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const { file, meters } = await inputs(positionals, values.meters, HELP)
  const events = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')
  const { target, now } = values
  const found = lint(events, { meters, ...(target && { target: target as 'dodo' }), ...(now && { now }) })
  console.log(values.json ? JSON.stringify(found, null, 2) : report(found))
  return found.some((finding) => finding.level === 'error') ? 1 : 0
}

/** A line a finding, with what to do about it below. */
function report(found: Finding[]): string {
  if (found.length === 0) return 'nothing to say'
  const lines = found.flatMap(({ code, level, meter, path, events, count, message, help }) => {
    const where = [meter, path].filter(Boolean).join(' ')
    const numbers = events.map((event) => event + 1).join(', ')
    const which = count > 0 ? ` (event ${numbers}${count > events.length ? `, … ${count} in all` : ''})` : ''
    return [`${level}: ${code}${where && ` ${where}`}: ${message}${which}`, ...(help ? [`  ${help}`] : [])]
  })
  return lines.map(harmless).join('\n')
}
