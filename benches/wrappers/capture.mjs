/** The vendor that a wrapper reports to: a server on this machine that keeps what arrives, refuses it, or never answers. */
import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'

/**
 * @param mode `takes`, `refuses` (503) or `hangs`
 * @param answer what it answers, told its own URL
 */
export async function startCapture(mode = 'takes', answer = () => ({})) {
  const received = []
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const raw = Buffer.concat(chunks)
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString()
    received.push({ path: request.url, text, body: parsed(text) })
    if (mode === 'hangs') return
    const said = JSON.stringify(answer(url))
    response.writeHead(mode === 'refuses' ? 503 : said ? 200 : 204, { 'content-type': 'application/json' })
    response.end(said)
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${server.address().port}`
  return { url, received }
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
