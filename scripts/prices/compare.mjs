// What other collections of prices say of the same models, where they are installed: for people to look at, never taken.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const MTOK = { input: 'input_mtok', output: 'output_mtok', cache_read: 'cache_read_mtok' }
/** Our names of providers → theirs, for those that make models. */
const MAKERS = {
  openai: 'openai',
  anthropic: 'anthropic',
  google: 'gemini',
  mistral: 'mistral',
  'x-ai': 'xai',
  deepseek: 'deepseek',
}

/** Each with the data of a Python package, and what it says of a model in USD a million tokens. */
export const OTHERS = [
  {
    name: 'litellm',
    file: 'model_prices_and_context_window_backup.json',
    says(data, provider, model) {
      const of = data[model]?.litellm_provider === provider ? data[model] : data[`${provider}/${model}`]
      if (!of) return undefined
      const [input, output] = [of.input_cost_per_token, of.output_cost_per_token]
      return perMillion({ input, output, cache_read: of.cache_read_input_token_cost }, 1e6)
    },
  },
  {
    name: 'model_prices',
    file: 'snapshot.json',
    says(data, provider, model) {
      const { standard } = data.prices[provider === 'gemini' ? 'google' : provider]?.[model] ?? {}
      const { input, output, cache_read } = standard?.at(-1).rates ?? {}
      return perMillion({ input, output, cache_read }, 1)
    },
  },
]

function perMillion(prices, times) {
  const known = Object.entries(prices).filter(([, price]) => typeof price === 'number')
  return Object.fromEntries(known.map(([key, price]) => [MTOK[key], Number((price * times).toPrecision(12))]))
}

/** Where our standard price is not theirs: `openai/gpt-4o input_mtok: 2.5, litellm 5`. */
export function disagreements(providers, { name, says }, data) {
  const found = []
  for (const { id, models } of providers) {
    if (!(id in MAKERS)) continue
    for (const model of models) {
      const entries = Array.isArray(model.p) ? model.p.filter(({ c }) => c?.start_time === undefined) : [{ p: model.p }]
      const ours = entries.at(-1)?.p ?? {}
      for (const [key, theirs] of Object.entries(says(data, MAKERS[id], model.id) ?? {})) {
        const price = [ours[key]].flat()[0]
        if (price !== undefined && Number(price) !== theirs)
          found.push(`${id}/${model.id} ${key}: ${price}, ${name} ${theirs}`)
      }
    }
  }
  return found
}

/** Prints the disagreements with what is installed, or lies in the files given: `litellm=/path/to.json`. */
export function compare(providers, files = []) {
  const given = Object.fromEntries(files.map((file) => file.split('=')))
  for (const other of OTHERS) {
    const path = given[other.name] ?? installed(other.name, other.file)
    if (!path || !existsSync(path)) continue
    const found = disagreements(providers, other, JSON.parse(readFileSync(path, 'utf8')))
    console.log(`${other.name} differs: ${found.length}\n${found.map((one) => `  ${one}`).join('\n')}`)
  }
}

/** A file of a Python package, without running it. */
function installed(name, file) {
  const find = `import importlib.util as u; s = u.find_spec(${JSON.stringify(name)}); print(s.submodule_search_locations[0] if s else '')`
  try {
    const folder = execFileSync('python3', ['-c', find], { encoding: 'utf8' }).trim()
    return folder && `${folder}/${file}`
  } catch {
    return undefined
  }
}
