import { invoice, rate, TaximeterError } from 'taximeter'

/** Price lines and invoices. The vectors name what is expected in words joined by `_`. */
export function* cases(text) {
  for (const { id, price, usage, currency, invoice: request, expected } of JSON.parse(text)) {
    yield {
      id,
      want: expected,
      run: () => {
        try {
          const got = request ? invoice(request) : rate(price, usage, { currency })
          const lines = got.lines?.map(({ amountMinor }) => amountMinor)
          return picked({ ...got, lines }, expected)
        } catch (error) {
          if (error instanceof TaximeterError && error.code === 'invalid_price') return { error: error.message }
          throw error
        }
      },
    }
  }
}

/** The members that are expected, under the names that the vectors have for them. */
function picked(got, expected) {
  const camel = (key) => key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())
  return Object.fromEntries(Object.keys(expected).map((key) => [key, got[camel(key)]]))
}
