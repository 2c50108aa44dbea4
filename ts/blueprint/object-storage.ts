import { timeout } from '../driver'
import type { Json } from '../types'
import { blueprint } from './blueprint'
import { type Recorder, refuse, tell } from './recorder'

const definition = /* @__PURE__ */ blueprint({
  name: 'object-storage',
  about: 'what is sent to an object storage and got from it',
  eventType: 'storage.usage',
  fields: {
    operation: { type: 'text', about: 'PutObject, GetObject, UploadPart, …' },
    bucket: { type: 'text', about: 'its name' },
    requests: { type: 'integer', about: '1 for a command that succeeded' },
    uploads: { type: 'integer', about: '1 for an object that is whole: its parts have 0' },
    downloads: { type: 'integer', about: '1 for an object, or a range of one' },
    upload_bytes: { type: 'integer', about: 'of the object or part that was sent' },
    download_bytes: { type: 'integer', about: 'of the object or range that was got' },
    bytes: { type: 'integer', required: true, about: 'both' },
  },
  meters: {
    storage_requests_total: { aggregation: 'SUM', of: 'requests', groupBy: ['operation', 'bucket'], unit: 'requests' },
    storage_uploads_total: { aggregation: 'SUM', of: 'uploads', groupBy: ['bucket'], unit: 'objects' },
    storage_downloads_total: { aggregation: 'SUM', of: 'downloads', groupBy: ['bucket'], unit: 'objects' },
    storage_upload_bytes: { aggregation: 'SUM', of: 'upload_bytes', groupBy: ['bucket'], unit: 'bytes' },
    storage_download_bytes: { aggregation: 'SUM', of: 'download_bytes', groupBy: ['bucket'], unit: 'bytes' },
    storage_transfer_bytes: { aggregation: 'SUM', of: 'bytes', groupBy: ['bucket'], unit: 'bytes' },
  },
  prices: {
    // $0.005 a thousand.
    storage_requests_total: { type: 'unit', amount: '0.000005' },
    // $0.09 a gigabyte.
    storage_download_bytes: { type: 'unit', amount: '0.09', quantity: { divide_by: '1e9' } },
  },
})

/** What a customer has in store, looked at now and then: a stock, where {@link objectStorage} counts a flow. */
export const storageSnapshot = /* @__PURE__ */ blueprint({
  name: 'storage-snapshot',
  about: 'what is in store at a moment',
  eventType: 'storage.snapshot',
  fields: {
    bytes: { type: 'integer', required: true, about: 'of all objects' },
    objects: { type: 'integer', about: 'how many' },
  },
  meters: {
    storage_bytes: { aggregation: 'LATEST', of: 'bytes', unit: 'bytes' },
    storage_bytes_average: { aggregation: 'AVG', of: 'bytes', unit: 'bytes' },
    storage_bytes_peak: { aggregation: 'MAX', of: 'bytes', unit: 'bytes' },
    storage_objects: { aggregation: 'LATEST', of: 'objects', unit: 'objects' },
  },
  prices: {
    // $0.023 a gigabyte and month, by the average of the month.
    storage_bytes_average: { type: 'unit', amount: '0.023', quantity: { divide_by: '1e9' } },
  },
})

/** What is in store. */
export interface Stored {
  bytes: number
  objects?: number
}

/** What snapshots are made with. */
export interface SnapshotOptions {
  /** Whose store it is. */
  subject: string
  /** Looks what there is. What it throws is told by `on('error')`; the next look is taken as usual. */
  measure: () => Stored | Promise<Stored>
  /** An hour if absent. */
  everyMs?: number
  /** More members of the events' `data`. */
  data?: { [dimension: string]: Json | undefined }
}

/**
 * Takes a snapshot of a customer's store now and then on, until it is stopped. Each look begins after the one before it has
 * ended.
 *
 * @example
 * const listed = () => paginateListObjectsV2({ client: s3 }, { Bucket: 'files', Prefix: 'customer-1/' })
 * const stop = objectStorage.snapshots(meter, { subject: 'customer-1', measure: () => objectStorage.sizeOf(listed()) })
 */
function snapshots(meter: Recorder, { subject, measure, everyMs = 3_600_000, data }: SnapshotOptions): () => void {
  let isStopped = false
  let cancel = () => {}
  const look = async () => {
    try {
      const { bytes, objects } = await measure()
      if (!isStopped) tell(meter, () => storageSnapshot.event(subject, { ...data, bytes, objects }))
    } catch (error) {
      refuse(meter, error)
    }
    if (!isStopped) cancel = timeout(everyMs, look)
  }
  void look()
  return () => {
    isStopped = true
    cancel()
  }
}

/** A page of a listing, as S3 and as R2 give it. */
export interface ListedPage {
  Contents?: { Size?: number | undefined }[] | undefined
  objects?: { size: number }[]
}

/** How much a listing comes to. */
async function sizeOf(pages: AsyncIterable<ListedPage> | Iterable<ListedPage>): Promise<Required<Stored>> {
  const stored = { bytes: 0, objects: 0 }
  for await (const { Contents = [], objects = [] } of pages) {
    for (const size of [...Contents.map(({ Size = 0 }) => Size), ...objects.map(({ size }) => size)]) {
      stored.bytes += size
      stored.objects += 1
    }
  }
  return stored
}

/**
 * The object storage blueprint. What wraps the client is the meter: `meter.wrap(new S3Client(), { subject })`; snapshots
 * are taken here.
 */
export const objectStorage = /* @__PURE__ */ Object.assign(definition, { snapshots, sizeOf })
