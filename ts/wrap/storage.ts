import { renamed } from '../span'
import type { Recorded, StorageEvents, UsageEvent } from '../types'
import type { UsageContext } from './host'

/** What the AWS SDK tells a middleware of the command it is made for: one object for all of them. */
export interface HandlerContext {
  commandName: string
  /** Ours: the payload of the last attempt, in bytes. */
  taximeterBytes?: number
}

/** Takes an event that may fail to be made, and never throws. */
export type RecordUsage = (event: () => UsageEvent) => Recorded

interface Output {
  ContentLength?: number
  /** Set where nothing was sent: a URL was signed for others to use. */
  presigned?: unknown
}

/** Commands by what they carry: whole objects, or a part of one. */
const UPLOADS = ['PutObject', 'UploadPart']
const COMPLETE = ['PutObject', 'CompleteMultipartUpload']
const DOWNLOAD = 'GetObject'

/**
 * Middleware for `@aws-sdk/client-s3`: one event for each command that succeeded, however often it was tried. A failed one
 * is none.
 */
export function meterStorage<Args extends { input: { Bucket?: string } }, Result extends { output: Output }>(
  next: (args: Args) => Promise<Result>,
  handler: HandlerContext,
  context: () => Partial<UsageContext>,
  record: RecordUsage,
  { eventType = 'storage.usage', fields, uploadsOnly }: StorageEvents = {},
): (args: Args) => Promise<Result> {
  const operation = handler.commandName.replace(/Command$/, '')
  if (uploadsOnly && !UPLOADS.includes(operation)) return next
  return async (args) => {
    const who = context()
    const result = await next(args)
    if (result.output?.presigned !== undefined) return result
    record(() => {
      const { subject = '', ...dimensions } = who
      const usage = usageOf(operation, handler, args.input, result.output)
      return { type: eventType, subject, data: renamed({ ...dimensions, ...usage }, fields) }
    })
    return result
  }
}

/** The members of an event, as the blueprint of object storage has them. */
function usageOf(
  operation: string,
  { taximeterBytes = 0 }: HandlerContext,
  { Bucket = '' },
  { ContentLength = 0 }: Output,
) {
  const upload_bytes = UPLOADS.includes(operation) ? taximeterBytes : 0
  const download_bytes = operation === DOWNLOAD ? ContentLength : 0
  return {
    operation,
    bucket: Bucket,
    requests: 1,
    uploads: COMPLETE.includes(operation) ? 1 : 0,
    downloads: operation === DOWNLOAD ? 1 : 0,
    upload_bytes,
    download_bytes,
    bytes: upload_bytes + download_bytes,
  }
}

type Finalize = (args: { request: { headers?: Record<string, string> } }) => Promise<unknown>

/** Middleware that sees the request as it is sent: only there the length of a body is known. */
export function storageBytes(next: Finalize, handler: HandlerContext): Finalize {
  return (args) => {
    const headers = args.request.headers ?? {}
    // The first where the body is sent in chunks with checksums, which the second counts too.
    handler.taximeterBytes = Number(headers['x-amz-decoded-content-length'] ?? headers['content-length'] ?? 0)
    return next(args)
  }
}
