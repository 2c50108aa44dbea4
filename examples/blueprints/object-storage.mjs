// Files of customers: what they send and get is billed, and what they have in store.
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { openmeter, Taximeter } from 'taximeter'
import { objectStorage, storageSnapshot } from 'taximeter/blueprints'

const meter = new Taximeter({
  source: 'files',
  sink: openmeter({ url: process.env.OPENMETER_URL ?? 'http://localhost:8888' }),
  meters: [...objectStorage.meters, ...storageSnapshot.meters],
  prices: { meters: { ...objectStorage.prices, ...storageSnapshot.prices } },
})

// S3, or what speaks like it: R2, MinIO, …
const bare = new S3Client({
  region: process.env.AWS_REGION ?? 'us-east-1',
  ...(process.env.S3_URL && { endpoint: process.env.S3_URL, forcePathStyle: true }),
})
const s3 = meter.wrap(bare, { subject: 'acme' })
await s3.send(new PutObjectCommand({ Bucket: 'files', Key: 'acme/hello.txt', Body: 'Hello, world' }))
const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'files', Key: 'acme/hello.txt' }))
console.log(await Body.transformToString())

// Every hour, with the client that is not metered: this is work of ours.
const pages = () => paginateListObjectsV2({ client: bare }, { Bucket: 'files', Prefix: 'acme/' })
const stop = objectStorage.snapshots(meter, { subject: 'acme', measure: () => objectStorage.sizeOf(pages()) })
while (meter.stats().recorded < 3) await new Promise((resolve) => setTimeout(resolve, 10))
stop()

for (const name of ['storage_upload_bytes', 'storage_download_bytes', 'storage_bytes']) {
  console.log(name, meter.preview(name).data[0].value)
}
await meter.close()
