import { TaximeterError } from '../errors'
import type { PriceFlag, ProviderCost, ProviderUsage } from '../price/book'

/** What {@link estimate} takes. */
export interface EstimateRequest {
  provider?: string
  model: string
  /** The prompt, or how many tokens it has. */
  input: string | number
  /** The most tokens that the answer may have: the `max_tokens` of the request. */
  maxOutput: number
  /** How many it will probably have; half of the most if absent. */
  expectedOutput?: number
  /** The time of the prices, RFC 3339; now if absent. */
  at?: string
  context?: Record<string, string>
  /** Counts the tokens of a text; without it there is a rule of thumb, right within a quarter for OpenAI's models. */
  tokenizer?: (text: string, model: { provider?: string; model: string }) => number
}

/** What a call will cost, in USD. The answer's length is unknown: it dominates the range. */
export interface Estimate {
  status: 'priced'
  low: string
  expected: string
  high: string
  currency: 'USD'
  inputTokens: { low: number; expected: number; high: number }
  outputTokens: { low: 0; expected: number; high: number }
  method: 'given' | 'tokenizer' | 'heuristic'
  flags: ('estimated' | PriceFlag)[]
}

/** What prices usage: a `PriceBook`. */
export interface Pricing {
  cost(record: ProviderUsage): ProviderCost
}

/** How far the rule of thumb is off for OpenAI's models, for texts of all kinds. */
const HEURISTIC_RANGE = 0.25

/**
 * What a call will cost, before it is made. What has no known price is `unpriced`, as in `PriceBook.cost`.
 *
 * @example
 * import { encode } from 'gpt-tokenizer'
 * estimate(book, { model: 'gpt-5.5', input: prompt, maxOutput: 800, tokenizer: (text) => encode(text).length })
 */
export function estimate(
  book: Pricing,
  request: EstimateRequest,
): Estimate | Extract<ProviderCost, { status: 'unpriced' }> {
  const { input, maxOutput, tokenizer, expectedOutput = Math.round(maxOutput / 2), at, ...model } = request
  if (typeof input !== 'number' && typeof input !== 'string') {
    throw new TaximeterError('invalid_usage', 'a text, or how many tokens it has', { path: 'input' })
  }
  const method = typeof input === 'number' ? 'given' : tokenizer ? 'tokenizer' : 'heuristic'
  const tokens = typeof input === 'number' ? input : (tokenizer ?? heuristicTokens)(input, model)
  for (const [path, count] of Object.entries({ input: tokens, maxOutput, expectedOutput })) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new TaximeterError('invalid_usage', `${count} is no number of tokens`, { path })
    }
  }
  const range = method === 'heuristic' ? HEURISTIC_RANGE : 0
  const inputTokens = {
    low: Math.floor(tokens * (1 - range)),
    expected: tokens,
    high: Math.ceil(tokens * (1 + range)),
  }
  const outputTokens = { low: 0 as const, expected: Math.min(expectedOutput, maxOutput), high: maxOutput }
  const time = at ?? new Date().toISOString()
  const price = (which: 'low' | 'expected' | 'high') =>
    book.cost({
      ...model,
      at: time,
      usage: { input_tokens: inputTokens[which], output_tokens: outputTokens[which] },
    })
  const [low, expected, high] = [price('low'), price('expected'), price('high')]
  for (const cost of [low, expected, high]) if (cost.status === 'unpriced') return cost
  const total = (cost: ProviderCost) => (cost as Extract<ProviderCost, { status: 'priced' }>).total
  const flags: Estimate['flags'] = ['estimated', ...(expected as Extract<ProviderCost, { status: 'priced' }>).flags]
  return {
    status: 'priced',
    low: total(low),
    expected: total(expected),
    high: total(high),
    currency: 'USD',
    inputTokens,
    outputTokens,
    method,
    flags,
  }
}

/** Runs of a text, and the tokens of one: fitted to OpenAI's o200k vocabulary. */
const RUNS: [RegExp, (run: string) => number][] = [
  [/[A-Za-z]+/y, (run) => Math.max(1, Math.ceil(run.length / 7))],
  [/[0-9]+/y, (run) => Math.ceil(run.length / 3)],
  [/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+/uy, (run) => [...run].length * 0.7],
  [/[\p{L}\p{M}]+/uy, (run) => Math.max(1, [...run].length / 3.6)],
  [/\s+/y, (run) => (run === ' ' ? 0 : 0.6)],
  [/./suy, () => 0.55],
]

/**
 * About how many tokens a text has: within a quarter for OpenAI's models. Other vocabularies are further off: Claude's
 * has about 10 % more on code, 40 % on Chinese and Swedish, up to 95 % on Russian.
 */
export function heuristicTokens(text: string): number {
  let tokens = 0
  for (let at = 0; at < text.length; ) {
    for (const [run, count] of RUNS) {
      run.lastIndex = at
      const match = run.exec(text)?.[0]
      if (match === undefined) continue
      tokens += count(match)
      // A number that one space sets apart takes a token for it.
      if (/^[0-9]/.test(match) && text[at - 1] === ' ' && !/\s/.test(text[at - 2] ?? '')) tokens += 1
      at += match.length
      break
    }
  }
  return Math.round(tokens)
}
