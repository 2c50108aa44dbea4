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
  /** Nothing is fetched while the known book, or the one that is stored, is not older than this many days. */
  maxAgeDays?: number
  /** Where the last good book outlives the process: read before anything is fetched, written after. */
  storage?: BookStorage
  fetch?: typeof globalThis.fetch
  signal?: AbortSignal
}

/** A place for one text: a file, a key of a store. */
export interface BookStorage {
  get(): string | null | undefined | Promise<string | null | undefined>
  set(text: string): unknown
}

const DAY_MS = 86_400_000

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
  const { storage, maxAgeDays } = options
  let best = known
  try {
    const stored = await storage?.get()
    if (stored) best = newer(read(stored, options), known) ?? known
  } catch {
    // What is stored is no book: as if there were none.
  }
  try {
    if (maxAgeDays !== undefined && Date.now() - Date.parse(String(best.date)) < maxAgeDays * DAY_MS)
      return { book: best }
    const text = await load(options)
    const book = newer(read(text, options), best)
    if (book === undefined) throw fault('the book is older than the one there is')
    await storage?.set(text)
    return { book }
  } catch (cause) {
    const error =
      cause instanceof TaximeterError ? cause : fault(cause instanceof Error ? cause.message : String(cause))
    return { book: best, error }
  }
}

/** A book, unless another is newer. */
function newer(book: PriceBookData, other: PriceBookData): PriceBookData | undefined {
  return other.date === undefined || String(book.date) >= other.date ? book : undefined
}

async function load({ url, sha256, fetch = globalThis.fetch, signal }: RefreshOptions): Promise<string> {
  const response = await fetch(url, signal ? { signal } : {})
  if (!response.ok) throw fault(`the answer is ${response.status}`)
  const bytes = await limited(response)
  if (sha256 !== undefined && (await hash(bytes)) !== sha256.toLowerCase()) throw fault('the hash is another one')
  return new TextDecoder().decode(bytes)
}

/** Opens a book. */
function read(text: string, { check }: RefreshOptions): PriceBookData {
  const book = JSON.parse(text) as PriceBookData
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
