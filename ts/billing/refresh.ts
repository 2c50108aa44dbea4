import { TaximeterError } from '../errors'
import type { PriceBookData } from '../price/book'

/** Bytes of a book that is fetched: thrice the largest there is. */
const BOOK_BYTES_MAX = 2 * 1024 * 1024

/** How {@link refresh} gets a book. */
export interface RefreshOptions {
  /** Where it is, in the form that `taximeter/prices` has. Nothing is ever fetched unasked. */
  url: string | URL
  /** Checks it, by opening it: `(data) => new PriceBook(data)`. */
  check: (data: PriceBookData) => unknown
  /** Its SHA-256 in hexadecimal, if it is known. */
  sha256?: string
  fetch?: typeof globalThis.fetch
  signal?: AbortSignal
}

/**
 * Fetches a price book. On any failure (network, size, hash, form) the book that you have is kept, and the error says
 * why; a book that is older than yours is a failure too.
 *
 * @example
 * const { book, error } = await refresh(known, { url, check: (data) => new PriceBook(data) })
 */
export async function refresh(
  known: PriceBookData,
  options: RefreshOptions,
): Promise<{ book: PriceBookData; error?: TaximeterError }> {
  try {
    const book = await load(options)
    if (known.date !== undefined && !(String(book.date) >= known.date))
      throw fault('the book is older than the one there is')
    return { book }
  } catch (cause) {
    const error =
      cause instanceof TaximeterError ? cause : fault(cause instanceof Error ? cause.message : String(cause))
    return { book: known, error }
  }
}

async function load({ url, check, sha256, fetch = globalThis.fetch, signal }: RefreshOptions): Promise<PriceBookData> {
  const response = await fetch(url, signal ? { signal } : {})
  if (!response.ok) throw fault(`the answer is ${response.status}`)
  const bytes = await limited(response)
  if (sha256 !== undefined && (await hash(bytes)) !== sha256.toLowerCase()) throw fault('the hash is another one')
  const book = JSON.parse(new TextDecoder().decode(bytes)) as PriceBookData
  if (book?.schema !== 1) throw fault('the book has a form that is not known here')
  check(book)
  return book
}

/** The body, as long as it is not larger than any book. */
async function limited(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = response.body?.getReader()
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    size += part.value.length
    if (size > BOOK_BYTES_MAX) {
      await reader?.cancel()
      throw fault(`the book is larger than ${BOOK_BYTES_MAX} bytes`)
    }
    chunks.push(part.value)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

const fault = (message: string) => new TaximeterError('refresh_failed', message)
