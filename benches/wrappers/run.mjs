/** Every wrapper through every check, each wrapper in a process of its own: what hangs or dies is one failed check. */
import { fork } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checks, groups } from './checks.mjs'

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url))
const LIMIT = 15_000

/** The file in `clients/`, and the package. */
const WRAPPERS = {
  taximeter: 'taximeter',
  posthog: '@posthog/ai',
  opentelemetry: '@opentelemetry/instrumentation-openai',
  openinference: '@arizeai/openinference-instrumentation-openai',
  traceloop: '@traceloop/instrumentation-openai',
  langsmith: 'langsmith',
  braintrust: 'braintrust',
  langfuse: '@langfuse/openai',
  dodo: '@dodopayments/ingestion-blueprints',
}

/** Runs the checks on one wrapper; gives a map from check to outcome. */
async function outcomes(wrapper, bare, limitMs) {
  const done = new Map()
  while (done.size < checks.length) {
    const left = checks.map(({ name }) => name).filter((name) => !done.has(name))
    const end = await child(wrapper, left, bare, done, limitMs)
    if (end && done.size < checks.length)
      done.set(
        left.find((name) => !done.has(name)),
        end,
      )
  }
  return done
}

/** One process, as far as it comes: resolves to what was wrong with the check at which it ended, if it did not end well. */
function child(wrapper, names, bare, done, limitMs) {
  return new Promise((resolve) => {
    const process = fork(CHILD, [wrapper, ...names], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    let stderr = ''
    process.stderr.on('data', (text) => {
      stderr = `${stderr}${text}`.slice(-2000)
    })
    let verdict
    let timer
    const watch = () => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        verdict = { verdict: 'hangs', why: `${limitMs / 1000} s` }
        process.kill('SIGKILL')
      }, limitMs)
    }
    watch()
    process.on('message', ({ ready, name, ...outcome }) => {
      watch()
      if (ready) process.send(bare)
      else done.set(name, outcome)
    })
    process.on('exit', (code) => {
      clearTimeout(timer)
      const last =
        stderr
          .trim()
          .split('\n')
          .find((line) => /Error/.test(line)) ?? `exit ${code}`
      resolve(verdict ?? (code === 0 ? { verdict: 'dies', why: 'the process ended' } : { verdict: 'dies', why: last }))
    })
  })
}

/** Rows of the table: wrapper, version, way, outcomes, how many passed. One that is silent for `limitMs` hangs. */
export async function wrappers(names = Object.keys(WRAPPERS), limitMs = LIMIT) {
  const bare = Object.fromEntries(
    [...(await outcomes('bare', {}, limitMs))].map(([name, { seen, took, why }]) => {
      if (!seen || seen.threw) throw new Error(`${name} fails with the bare SDK: ${seen?.threw ?? why}`)
      return [name, { seen, took }]
    }),
  )
  const rows = []
  for (const name of names) {
    const done = await outcomes(name, bare, limitMs)
    const passed = Object.fromEntries(
      Object.entries(groups).map(([group, list]) => [
        group,
        [list.filter((check) => done.get(check.name).verdict === 'ok').length, list.length],
      ]),
    )
    const { how } = await import(`./clients/${name}.mjs`)
    rows.push({ name, how, package: WRAPPERS[name], version: version(WRAPPERS[name]), done, passed })
  }
  return rows
}

function version(name) {
  const folder = name === 'taximeter' ? '../../' : `../node_modules/${name}/`
  return JSON.parse(readFileSync(new URL(`${folder}package.json`, import.meta.url), 'utf8')).version
}

const count = ([passed, all]) => `${passed} of ${all} passed`

/** For the terminal: a line a wrapper, and what each failed. */
export const plain = (rows) =>
  rows
    .flatMap(({ package: name, version, passed, done }) => [
      `${name} ${version}: openai package ${count(passed.openai)}, further ${count(passed.further)}`,
      ...[...done]
        .filter(([, { verdict }]) => verdict !== 'ok')
        .map(([check, { verdict }]) => `    ${check}: ${verdict}`),
    ])
    .join('\n')

const line = (cells) => `| ${cells.join(' | ')} |`
const table = (head, rows) => [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
const short = (text) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').slice(0, 110)

/** The tables of WRAPPERS.md. */
export function markdown(rows) {
  const names = rows.map(({ name }) => name)
  const matrix = (group) =>
    table(
      ['check', 'what is asked', ...names],
      groups[group].map(({ name, says }) => [name, says, ...rows.map(({ done }) => done.get(name).verdict)]),
    )
  const [openai, anthropic] = [version('openai'), version('@anthropic-ai/sdk')]
  return `# Wrappers of LLM clients, compared

Written by \`npm run bench -- wrappers\`, on Node ${process.versions.node}, openai ${openai}, @anthropic-ai/sdk ${anthropic}. Every wrapper goes through the
same checks (\`wrappers/checks.mjs\`) against the same simulated provider, with its default settings, and reports to a server
on this machine. A check passes if the caller and the provider see what they see with the bare SDK, **and** the tokens that
were reported are right, no answer more and none less.

${table(
  ['', 'package', 'how', 'openai package', 'further'],
  rows.map((row) => [
    row.name,
    `\`${row.package}\` ${row.version}`,
    row.how,
    count(row.passed.openai),
    count(row.passed.further),
  ]),
)}

| | |
| --- | --- |
| ok | passed |
| – | not offered; not passed either |
| not counted | nothing with tokens was reported |
| wrong | reported other counts, or an answer twice |
| changed | the caller or the provider sees something else than with the bare SDK |
| throws | a call throws that does not with the bare SDK |
| rejects | an unhandled rejection, which ends a Node process |
| told | the prompt is in the report; tools that trace do this on purpose, most have a setting against it |
| hangs, slow, dies | no end within ${LIMIT / 1000} s, more than a second, the process ended |

\`@polar-sh/ingestion\` is missing: it wraps models of version 5 of the AI SDK, no client of OpenAI or Anthropic.
Most of these are tools to watch with, not to bill by: what they leave out was not all promised.

## On the openai package

${matrix('openai')}

## Further

${matrix('further')}

## What went wrong, in its own words

${table(
  ['wrapper', 'check', 'what happened'],
  rows.flatMap(({ name, done }) =>
    [...done]
      .filter(([, { why }]) => why && why !== '[]')
      .map(([check, { why }]) => [name, check, `\`${short(why).replaceAll('`', "'")}\``]),
  ),
)}
`
}

/** Prints the table, and writes it to WRAPPERS.md. */
export async function compare() {
  const rows = await wrappers()
  writeFileSync(new URL('../WRAPPERS.md', import.meta.url), markdown(rows))
  console.log(`${plain(rows)}\n\nwritten: benches/WRAPPERS.md`)
}
