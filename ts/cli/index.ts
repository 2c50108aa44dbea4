import { version } from 'taximeter'
import { blueprintCommand } from './blueprint'
import { lintCommand } from './lint'
import { metersCommand } from './meters'
import { quarantine } from './quarantine'
import { replayCommand } from './replay'

const HELP = `taximeter: usage metering

  taximeter dev [--port 8888] [--file events.db] [--meters meters.yaml]
                       a local ingest server, with nothing to sign up for
  taximeter replay EVENTS --meters meters.yaml [--query 'tokens?groupBy=model'] [--json]
                       what meters say of a file of events, one a line
  taximeter quarantine FILE [--json | --release ID | --discard ID]
                       what a vendor refused, in a file spool; ID may be 'all'
  taximeter lint EVENTS --meters meters.yaml [--target dodo] [--json]
                       what will go wrong with a file of events
  taximeter blueprint [NAME] [--json]
                       a ready-made event, its meters, a price and sample code
  taximeter meters push NAME --url http://localhost:8888
                       makes a blueprint's meters at an OpenMeter server
  taximeter --version
  taximeter --help`

/** The local server is a package of its own, since it has dependencies and the SDK has none. */
async function dev(args: string[]): Promise<number> {
  let server: { main(args: string[]): Promise<number> }
  try {
    server = await import('taximeter-dev' as string)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error('the local server is not installed: npm install --save-dev taximeter-dev')
  }
  return server.main(args)
}

const [command, ...args] = process.argv.slice(2)
try {
  if (command === 'dev') process.exitCode = await dev(args)
  else if (command === 'replay') process.exitCode = await replayCommand(args)
  else if (command === 'quarantine') process.exitCode = quarantine(args)
  else if (command === 'lint') process.exitCode = await lintCommand(args)
  else if (command === 'blueprint') process.exitCode = await blueprintCommand(args)
  else if (command === 'meters') process.exitCode = await metersCommand(args)
  else if (command === '--version') console.log(version())
  else if (command === undefined || command === '--help') console.log(HELP)
  else throw new Error(`there is no command '${command}'\n\n${HELP}`)
} catch (error) {
  const { message = error, path, help } = Object(error)
  console.error(`taximeter: ${message}${path ? ` (at ${path})` : ''}${help ? `\n  ${help}` : ''}`)
  process.exitCode = 1
}
