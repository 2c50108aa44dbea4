/**
 * What metering of LLM clients promises, and the tests that show it: `node tests/llm/battery.mjs` runs them, says for
 * each promise how many pass, and fails if one has no test.
 */
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'

/** Promises, and which tests belong to them: by the path of names from the outermost, joined by ` › `. */
const PROMISES = [
  [
    'the call is never changed or failed',
    /^a call whose meter server|^metering that fails|throws the same|^every SDK › .* a stream gives/,
  ],
  ['each answer is counted exactly once', /429, 500, 200|runTools|stream\(\)|parse\(\)|› create$|counted once/],
  ['the numbers are right', /^usage records through the real SDKs/],
  ['usage of streams is asked for, and hidden', /usage not asked|usage refused|refuses stream_options|^a request/],
  ['one reader, no read-ahead', /read-ahead|early break|stream\.tee|toReadableStream/],
  ['a stream that breaks off is one record', /abort signal|connection reset|left early|^calls that stay open/],
  ['same class out, no proxy', /class and shape|same class|withResponse|asResponse|_request_id/],
  ['provider by host, the answer’s model first', /^AzureOpenAI|^Anthropic elsewhere/],
  ['wrapping twice counts once', /wrapped twice|withOptions\(\) clone|fetched again|two meters|^one meter/],
  ['each call is its customer’s', /^whose usage it is|do not mix/],
  ['nothing at load, no built-ins', /^Cloudflare Workers|^Vercel edge|no built-in/],
  ['other models and hosted tools are records of their own', /anthropic-iterations|image-tool|groq-compound/],
  ['what is free or failed is nothing', /count-tokens|http-\d|error of a 400|page of a proxy|other endpoints/],
  ['what is not HTTP', /^observe\(\)|^AWS|nothing is known pass/],
  ['types survive', /^types/],
  ['a choice for streams that are left', /^a stream that is left early/],
  ['overhead', /^overhead/],
  ['prompts and answers stay outside', /know nothing of prompts|^privacy/],
]

const tests = fileURLToPath(new URL('../js/', import.meta.url))
const files = [
  'wrap',
  'wrap-transport',
  'wrap-delivery',
  'wrap-sdks',
  'wrap-options',
  'wrap-promises',
  'fixtures',
  'edge',
]
const names = []
const counts = PROMISES.map(([promise]) => ({ promise, passed: 0, failed: 0 }))
let [passed, failed] = [0, 0]

const events = run({ files: files.map((name) => `${tests}${name}.test.mjs`), concurrency: 2, timeout: 600_000 })
for await (const { type, data } of events) {
  if (type === 'test:start') names[data.nesting] = data.name
  if (type !== 'test:pass' && type !== 'test:fail') continue
  const path = [...names.slice(0, data.nesting), data.name].join(' › ')
  if (data.details?.type === 'suite') continue
  const ok = type === 'test:pass'
  if (ok) passed += 1
  else {
    failed += 1
    console.log(`${path}: ${String(data.details.error?.cause?.message ?? data.details.error).slice(0, 300)}`)
  }
  for (const [at, [, pattern]] of PROMISES.entries()) if (pattern.test(path)) counts[at][ok ? 'passed' : 'failed'] += 1
}
console.table(counts)
const untested = counts.filter((count) => count.passed + count.failed === 0).map(({ promise }) => promise)
for (const promise of untested) console.log(`no test shows: ${promise}`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed + untested.length > 0 ? 1 : 0
