/** `taximeter-dev`, and `npx taximeter dev` through the taximeter package. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readMeters as read } from 'taximeter/config'
import { startDevServer } from './server.js'

const PORT = 8888

const HELP = `Usage: taximeter dev [options]

A local usage-event server: OpenMeter v1 and Dodo ingest, meters and their queries.

  --port N       listen on 127.0.0.1:N (default ${PORT}; 0 takes a free port)
  --file PATH    keep events and meters in an SQLite file (default: in memory)
  --meters PATH  meters to begin with: a JSON array, or JSON or YAML with a "meters" list
  --token TOKEN  ask every request for this bearer token
  --no-dedupe    count every OpenMeter event, also those of a known source and id
  --help         show this
`

/**
 * Runs the command until it is told to stop.
 * @param {string[]} argv the arguments after the command's name
 * @returns {Promise<number>} the exit code
 */
export async function main(argv) {
  try {
    const options = optionsOf(argv)
    if (options === undefined) {
      console.log(HELP)
      return 0
    }
    const server = await startDevServer(options)
    console.log(greeting(server.url, options))
    const stop = await new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, resolve)
    })
    await server.close()
    // The convention of shells: 128 and the signal's number.
    return 128 + ({ SIGHUP: 1, SIGINT: 2 }[/** @type {string} */ (stop)] ?? 15)
  } catch (error) {
    console.error(`taximeter dev: ${explain(error)}`)
    return 1
  }
}

/** @param {string[]} argv @returns {import('./server.js').DevServerOptions | undefined} undefined: show the help */
function optionsOf(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: 'string', default: String(PORT) },
      file: { type: 'string' },
      meters: { type: 'string' },
      token: { type: 'string' },
      'no-dedupe': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return undefined
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65535) throw new Error(`--port must be 0 to 65535, not "${values.port}"`)
  return {
    port,
    dedupe: !values['no-dedupe'],
    ...(values.file === undefined ? {} : { file: values.file }),
    ...(values.token === undefined ? {} : { token: values.token }),
    ...(values.meters === undefined ? {} : { meters: readMeters(values.meters) }),
  }
}

/**
 * The meters of a file: a list, or an object with a list `meters` (such as OpenMeter's own config.yaml).
 * @param {string} path
 * @returns {import('./engine.js').MeterDefinition[]}
 */
export function readMeters(path) {
  return /** @type {import('./engine.js').MeterDefinition[]} */ (read(readFileSync(path, 'utf8'), path))
}

/** @param {string} url @param {import('./server.js').DevServerOptions} options */
function greeting(url, { file, token }) {
  const header = token === undefined ? '' : ` \\\n    -H 'Authorization: Bearer …'`
  const event = '{"specversion":"1.0","id":"1","source":"shell","type":"request","subject":"customer-1","data":{"n":1}}'
  return `taximeter dev listens on ${url}, events ${file === undefined ? 'in memory' : `in ${file}`}

  OpenMeter  POST ${url}/api/v1/events
  Dodo       POST ${url}/events/ingest
  others     POST ${url}/{vendor}/… with url: '${url}/polar', lago, stripe, orb, metronome, flexprice, autumn, schematic, creem
  look       ${url}/

  curl ${url}/api/v1/events \\
    -H 'Content-Type: application/cloudevents+json'${header} \\
    -d '${event}'
`
}

/** @param {any} error */
function explain(error) {
  if (error?.code === 'EADDRINUSE') return `port ${error.port} is in use; choose another with --port`
  return [error?.message ?? String(error), error?.help].filter(Boolean).join('\n  ')
}
