import { createServer } from 'node:http'

/** A small S3 on loopback: objects, ranges, multipart uploads and listings, as the AWS SDK speaks them. */
export async function startS3() {
  const objects = new Map()
  const uploads = new Map()
  const requests = []
  /** Statuses of the next answers, before anything is done. */
  const faults = []
  const xml = (response, root, body) =>
    response.writeHead(200, { 'content-type': 'application/xml' }).end(`<${root}>${body}</${root}>`)
  const etag = { etag: '"0"' }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://s3')
    const [, bucket, ...rest] = url.pathname.split('/')
    const key = decodeURIComponent(rest.join('/'))
    const path = `${bucket}/${key}`
    const ask = url.searchParams
    const body = await bodyOf(request)
    requests.push(`${request.method} ${path}`)
    const fault = faults.shift()
    if (fault) return response.writeHead(fault).end()
    const upload = ask.get('uploadId')
    if (request.method === 'POST' && ask.has('uploads')) {
      uploads.set('1', [])
      return xml(response, 'InitiateMultipartUploadResult', '<UploadId>1</UploadId>')
    }
    if (request.method === 'PUT' && upload) {
      uploads.get(upload)[ask.get('partNumber')] = body
      return response.writeHead(200, etag).end()
    }
    if (request.method === 'POST' && upload) {
      objects.set(path, Buffer.concat(uploads.get(upload).filter(Boolean)))
      return xml(response, 'CompleteMultipartUploadResult', `<Key>${key}</Key><ETag>"0"</ETag>`)
    }
    if (request.method === 'PUT') {
      const source = request.headers['x-amz-copy-source']
      objects.set(path, source ? objects.get(decodeURIComponent(source)) : body)
      return source ? xml(response, 'CopyObjectResult', '<ETag>"0"</ETag>') : response.writeHead(200, etag).end()
    }
    if (request.method === 'DELETE') {
      objects.delete(path)
      return response.writeHead(204).end()
    }
    if (key === '') return list(response, bucket, ask)
    const object = objects.get(path)
    if (object === undefined) return response.writeHead(404).end()
    const [, from = 0, to = object.length - 1] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
    const part = object.subarray(Number(from), Number(to) + 1)
    response.writeHead(request.headers.range ? 206 : 200, { ...etag, 'content-length': part.length })
    return response.end(request.method === 'HEAD' ? undefined : part)
  })

  function list(response, bucket, ask) {
    const prefix = `${bucket}/${ask.get('prefix') ?? ''}`
    const found = [...objects].filter(([path]) => path.startsWith(prefix))
    const start = Number(ask.get('continuation-token') ?? 0)
    const rows = found.slice(start, start + 2)
    const more = start + 2 < found.length
    const contents = rows.map(([path, { length }]) => `<Contents><Key>${path}</Key><Size>${length}</Size></Contents>`)
    const next = more ? `<NextContinuationToken>${start + 2}</NextContinuationToken>` : ''
    xml(response, 'ListBucketResult', `<IsTruncated>${more}</IsTruncated>${next}${contents.join('')}`)
  }

  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    objects,
    requests,
    faults,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A request's body, out of the chunks with checksums in which the SDK sends streams. */
async function bodyOf(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  let rest = Buffer.concat(parts)
  if (!request.headers['content-encoding']?.includes('aws-chunked')) return rest
  const chunks = []
  for (;;) {
    const end = rest.indexOf('\r\n')
    const length = Number.parseInt(rest.subarray(0, end).toString(), 16)
    if (!length) return Buffer.concat(chunks)
    chunks.push(rest.subarray(end + 2, end + 2 + length))
    rest = rest.subarray(end + 2 + length + 2)
  }
}
