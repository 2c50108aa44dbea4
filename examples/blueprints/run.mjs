/**
 * Runs the examples, one after the other, with a local ingest server, a simulator of OpenAI and a small S3:
 * `node examples/blueprints/run.mjs`, or with names: `node examples/blueprints/run.mjs stream`.
 */
import { fileURLToPath } from 'node:url'
import { startDevServer } from 'taximeter-dev'
import { startS3 } from '../../tests/js/blueprints-s3.mjs'
import { startSimulator } from '../../tests/llm/simulator.mjs'

const EXAMPLES = ['llm', 'api-gateway', 'object-storage', 'stream', 'time-range']

/** Runs examples; gives the events that each one sent, by name. */
export async function run(names = EXAMPLES) {
  const [server, simulator, s3] = await Promise.all([startDevServer({ port: 0 }), startSimulator(), startS3()])
  Object.assign(process.env, {
    OPENMETER_URL: server.url,
    OPENAI_BASE_URL: simulator.url('openai', ['openai-chat-basic']),
    S3_URL: s3.url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  })
  const events = {}
  let seen = 0
  try {
    for (const name of names) {
      console.log(`\n${name}`)
      await import(`./${name}.mjs`)
      events[name] = server.events().slice(seen)
      seen = server.events().length
      console.log(`${events[name].length} events are at the server`)
    }
  } finally {
    await Promise.all([server.close(), simulator.close(), s3.close()])
  }
  return events
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await run(process.argv.length > 2 ? process.argv.slice(2) : undefined)
}
