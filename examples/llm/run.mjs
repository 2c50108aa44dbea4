/**
 * Runs the examples on the simulator, and shows the usage events that came of them: `node examples/llm/run.mjs`.
 */
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { FOLDERS } from '../../tests/llm/run-fixture.mjs'
import { startSimulator } from '../../tests/llm/simulator.mjs'

const ask = { method: 'POST', headers: { 'content-type': 'application/json', 'x-customer': 'acme' } }
const question = { ...ask, body: JSON.stringify({ prompt: 'Hello' }) }
const request = () => new Request('http://localhost/chat', question)
const text = (response) => response.text()

/** How each example is called, and what the simulator answers in turn. */
const EXAMPLES = {
  plain: [['openai-chat-basic'], ({ main }) => main()],
  express: [['openai-chat-stream'], ({ app }) => served(app, (url) => fetch(`${url}/chat`, question).then(text))],
  hono: [['openai-responses-stream'], async ({ app }) => text(await app.fetch(request()))],
  'next-route': [['openai-chat-basic'], async ({ POST }) => text(await POST(request()))],
  'ai-sdk': [['openai-chat-stream'], async ({ POST }) => text(await POST(request()))],
  agent: [['openai-chat-toolcall', 'openai-chat-basic'], ({ main }) => main()],
}

/** Runs all; gives `{ example, text, events }` for each. */
export async function run() {
  const simulator = await startSimulator({ dirs: FOLDERS, freshIds: true })
  let events = []
  const vendor = async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    events.push(...JSON.parse(body))
    response.writeHead(204).end()
  }
  try {
    return await served(vendor, async (url) => {
      process.env.OPENMETER_URL = url
      // The fixtures that are to be played are part of the address, which the client is made with.
      const order = Object.values(EXAMPLES).flatMap(([fixtures]) => fixtures)
      process.env.OPENAI_BASE_URL = simulator.url('openai', order)
      const { meter } = await import('./meter.mjs')
      const results = []
      for (const [example, [, call]] of Object.entries(EXAMPLES)) {
        const answer = await call(await import(`./${example}.mjs`))
        await meter.flush()
        results.push({ example, text: answer, events })
        events = []
      }
      return results
    })
  } finally {
    await simulator.close()
  }
}

/** Serves while a function runs. */
async function served(app, use) {
  const server = createServer(app)
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  try {
    return await use(`http://127.0.0.1:${server.address().port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { example, text, events } of await run()) {
    console.log(`${example}: ${JSON.stringify(text)}`)
    for (const { subject, data } of events) {
      console.log(`  ${subject}: ${data.input_tokens} in, ${data.output_tokens} out, ${data.model}, ${data.status}`)
    }
  }
}
