/** The AWS SDK's S3 client, wrapped, against a small S3. */
import assert from 'node:assert/strict'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
  S3,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { preview } from 'taximeter'
import { dodoNames, objectStorage, storageSnapshot } from 'taximeter/blueprints'
import { client } from './blueprints-client.mjs'
import { startS3 } from './blueprints-s3.mjs'

const server = await startS3()
const folder = mkdtempSync(join(tmpdir(), 'taximeter-s3-'))
after(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

const options = {
  endpoint: server.url,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
}
const put = (Key, Body, more) => new PutObjectCommand({ Bucket: 'files', Key, Body, ...more })
const get = (Key, more) => new GetObjectCommand({ Bucket: 'files', Key, ...more })
const shown = ({ subject, type, data: d }) => [
  subject,
  type,
  d.operation,
  d.bucket,
  d.uploads,
  d.downloads,
  d.upload_bytes,
  d.download_bytes,
]

test('uploads and downloads are counted with the bytes of the object, whatever its body is', async () => {
  const { meter, events, errors } = client()
  const s3 = meter.wrap(new S3Client(options), { subject: 'acme' })
  assert.ok(s3 instanceof S3Client)
  const file = join(folder, 'file')
  writeFileSync(file, 'file of 15 byte')
  await s3.send(put('text', 'grüß'))
  await s3.send(put('bytes', new Uint8Array(1000)))
  await s3.send(put('file', createReadStream(file)))
  await s3.send(put('stream', Readable.from([Buffer.alloc(300)]), { ContentLength: 300 }))
  await s3.send(put('empty', ''))
  const whole = await s3.send(get('bytes'))
  assert.equal((await whole.Body.transformToByteArray()).length, 1000)
  const range = await s3.send(get('bytes', { Range: 'bytes=10-29' }))
  assert.equal((await range.Body.transformToByteArray()).length, 20)
  assert.equal(server.objects.get('files/file').toString(), 'file of 15 byte')
  const of = (operation, sent, got, up, down) => ['acme', 'storage.usage', operation, 'files', up, down, sent, got]
  assert.deepEqual((await events()).map(shown), [
    ...[6, 1000, 15, 300, 0].map((sent) => of('PutObject', sent, 0, 1, 0)),
    of('GetObject', 0, 1000, 0, 1),
    of('GetObject', 0, 20, 0, 1),
  ])
  assert.deepEqual(errors, [])
  const ask = async (name) => preview(objectStorage.meters, await events(), { meter: name }).result.data[0].value
  assert.deepEqual(await Promise.all(objectStorage.meters.map(({ slug }) => ask(slug))), [7, 5, 2, 1321, 1020, 2341])
})

test("under Dodo's names: uploads alone, and its meter sums their bytes", async () => {
  const { meter, events, errors } = client({ storage: dodoNames.objectStorage })
  const s3 = meter.wrap(new S3Client(options), { subject: 'cus_1' })
  await s3.send(put('text', 'grüß'))
  await (await s3.send(get('text'))).Body.transformToByteArray()
  await new Upload({ client: s3, params: { Bucket: 'files', Key: 'parts', Body: Buffer.alloc(6 * 1024 ** 2) } }).done()
  await s3.send(new DeleteObjectCommand({ Bucket: 'files', Key: 'text' }))
  const got = await events()
  assert.deepEqual(
    got.map(({ type, data }) => [type, data.operation]),
    ['PutObject', 'UploadPart', 'UploadPart'].map((operation) => ['object_storage_upload', operation]),
  )
  const { dodoMeters } = objectStorage.as(dodoNames.objectStorage)
  const { name } = dodoMeters.find(({ aggregation }) => aggregation.key === 'bytes')
  assert.equal(preview(dodoMeters, got, { meter: name }).result.data[0].value, 6 + 6 * 1024 ** 2)
  assert.deepEqual(errors, [])
})

test("the form of a client's events", async () => {
  const { meter, events } = client({ storage: { eventType: 's3', fields: { bucket: 'container' } } })
  await meter.wrap(new S3Client(options), { subject: 'acme' }).send(put('text', 'a'))
  const [{ type, data }] = await events()
  assert.deepEqual([type, data.container, data.bucket, data.bytes], ['s3', 'files', undefined, 1])
})

test('other commands are requests without bytes; what only signs a URL is none', async () => {
  const { meter, events } = client()
  const s3 = meter.wrap(new S3(options), { subject: 'acme', plan: 'pro' })
  await s3.copyObject({ Bucket: 'files', Key: 'copy', CopySource: 'files/bytes' })
  await s3.send(new HeadObjectCommand({ Bucket: 'files', Key: 'copy' }))
  await s3.send(new ListObjectsV2Command({ Bucket: 'files' }))
  await s3.send(new DeleteObjectCommand({ Bucket: 'files', Key: 'copy' }))
  await s3.listBuckets().catch(() => {})
  const url = await getSignedUrl(s3, put('signed', ''), { expiresIn: 60 })
  assert.match(url, /X-Amz-Signature/)
  const got = (await events()).slice(0, 4)
  assert.deepEqual(
    got.map(({ data }) => [data.operation, data.requests, data.bytes, data.plan]),
    ['CopyObject', 'HeadObject', 'ListObjectsV2', 'DeleteObject'].map((name) => [name, 1, 0, 'pro']),
  )
  assert.ok(!(await events()).some(({ data }) => data.operation === 'PutObject'))
})

test('a multipart upload is one upload, and its bytes are those of its parts', async () => {
  const { meter, events } = client()
  const s3 = meter.wrap(new S3Client(options), { subject: 'acme' })
  const size = 5 * 1024 * 1024
  const Body = Readable.from([Buffer.alloc(size), Buffer.alloc(size), Buffer.alloc(123)])
  await new Upload({ client: s3, params: { Bucket: 'files', Key: 'large', Body }, partSize: size }).done()
  assert.equal(server.objects.get('files/large').length, 2 * size + 123)
  const got = await events()
  const sum = (member) => got.reduce((all, { data }) => all + data[member], 0)
  assert.deepEqual([sum('uploads'), sum('upload_bytes'), sum('requests')], [1, 2 * size + 123, 5])
  assert.deepEqual(got.map(({ data }) => data.operation).sort(), [
    'CompleteMultipartUpload',
    'CreateMultipartUpload',
    'UploadPart',
    'UploadPart',
    'UploadPart',
  ])
})

test('two customers of one client never mix, and wrapping again replaces', async () => {
  const { meter, events } = client()
  const shared = new S3Client(options)
  const [a, b] = ['acme', 'globex'].map((subject) => meter.wrap(shared, { subject }))
  const again = meter.wrap(meter.wrap(a, { subject: 'initech' }), { subject: 'hooli' })
  await Promise.all(
    [...Array(10)].flatMap(() => [a.send(put('a', 'a')), b.send(put('b', 'bb')), shared.send(put('c', 'c'))]),
  )
  await again.send(put('d', 'dddd'))
  const bytes = {}
  for (const { subject, data } of await events()) bytes[subject] = (bytes[subject] ?? 0) + data.bytes
  assert.deepEqual(bytes, { acme: 10, globex: 20, hooli: 4 })
})

test('who is billed may be said for each call; nobody is told and harms nothing', async () => {
  const { meter, events, errors } = client({ strict: true })
  const s3 = meter.wrap(new S3Client(options))
  await Promise.all(['acme', 'globex'].map((subject) => meter.run({ subject }, () => s3.send(put(subject, subject)))))
  assert.deepEqual((await events()).map(({ subject, data }) => [subject, data.bytes]).sort(), [
    ['acme', 4],
    ['globex', 6],
  ])
  await s3.send(put('nobody', 'x'))
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['invalid_event'],
  )
})

test('tried again counts once; what fails is no usage, and throws as ever', async () => {
  const { meter, events } = client()
  const bare = new S3Client(options)
  const s3 = meter.wrap(bare, { subject: 'acme' })
  server.faults.push(503, 500)
  await s3.send(put('tried', Readable.from([Buffer.alloc(64)]), { ContentLength: 64 })).catch(() => {})
  await s3.send(put('again', 'again'))
  const errors = await Promise.all([bare, s3].map((one) => one.send(get('none')).catch((error) => error)))
  assert.equal(errors[0].name, errors[1].name)
  assert.equal(errors[0].constructor, errors[1].constructor)
  const again = (await events()).filter(({ data }) => data.bytes === 5)
  assert.equal(again.length, 1)
  assert.ok((await events()).every(({ data }) => data.operation === 'PutObject'))
})

test('snapshots say what is in store, now and then, until they are stopped', async () => {
  const { meter, events, errors } = client()
  const s3 = new S3Client(options)
  for (const [i, length] of [100, 200, 300].entries()) await s3.send(put(`acme/${i}`, Buffer.alloc(length)))
  const pages = () => paginateListObjectsV2({ client: s3 }, { Bucket: 'files', Prefix: 'acme/' })
  const stop = objectStorage.snapshots(meter, {
    subject: 'acme',
    measure: () => objectStorage.sizeOf(pages()),
    everyMs: 20,
    data: { bucket: 'files' },
  })
  await events(2)
  stop()
  const fails = objectStorage.snapshots(meter, {
    subject: 'acme',
    everyMs: 1,
    measure: async () => {
      throw new Error('on purpose')
    },
  })
  while (errors.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  fails()
  const got = await events()
  const count = got.length
  for (const { type, data } of got) {
    assert.equal(type, 'storage.snapshot')
    assert.deepEqual(data, { bucket: 'files', bytes: 600, objects: 3 })
  }
  const ask = (name) => preview(storageSnapshot.meters, got, { meter: name }).result.data[0].value
  assert.deepEqual([ask('storage_bytes'), ask('storage_bytes_average'), ask('storage_objects')], [600, 600, 3])
  await new Promise((resolve) => setTimeout(resolve, 60))
  assert.equal((await events()).length, count)
  assert.deepEqual(await objectStorage.sizeOf([{ objects: [{ size: 5 }, { size: 6 }] }]), { bytes: 11, objects: 2 })
})
