/** As documented: `await Ingestion({ … }).ingest([event])`, one request an event. */
import { Ingestion } from '@polar-sh/ingestion'

export function create(url) {
  return {
    record: ({ type, subject, data }) =>
      Ingestion({ accessToken: 'bench', serverURL: url }).ingest([
        { name: type, externalCustomerId: subject, metadata: data },
      ]),
  }
}
