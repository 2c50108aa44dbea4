/** One scan for all meters, of the members that they need and no others, with their types told: nothing to guess. */
import { DuckDBInstance } from '@duckdb/node-api'

const SETS = [
  { name: 'tokens', by: ['model', 'kind'], value: 'sum(tokens)' },
  { name: 'calls', by: ['subject'], value: 'count(*)' },
  { name: 'largest', by: ['kind', 'hour'], value: 'max(tokens)' },
]
const KEYS = ['model', 'kind', 'subject', 'hour']

export async function create(file, meters, dedupe) {
  const sets = SETS.slice(0, meters)
  const used = KEYS.filter((key) => sets.some(({ by }) => by.includes(key)))
  const columns = `{id: 'VARCHAR', source: 'VARCHAR', "type": 'VARCHAR', subject: 'VARCHAR', "time": 'TIMESTAMP',
    data: 'STRUCT(tokens BIGINT, model VARCHAR, "type" VARCHAR)'}`
  const sql = `
    SELECT ${used.join(', ')}, GROUPING(${used.join(', ')}) AS g, ${sets.map(({ value, name }) => `${value} AS ${name}`).join(', ')}
    FROM (
      SELECT ${dedupe ? 'DISTINCT ON (source, id)' : ''}
        data.tokens AS tokens, data.model AS model, data."type" AS kind, subject, epoch("time")::BIGINT // 3600 AS hour
      FROM read_json('${file}', format = 'newline_delimited', columns = ${columns})
      WHERE "type" = 'llm.usage'
    )
    GROUP BY GROUPING SETS (${sets.map(({ by }) => `(${by.join(', ')})`).join(', ')})`
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  return async () => {
    const rows = (await connection.runAndReadAll(sql)).getRowObjects()
    return rows.map((row) => {
      // A bit for each key that the row is not grouped by, the last key lowest.
      const grouped = used.filter((_, i) => !((Number(row.g) >> (used.length - 1 - i)) & 1))
      const { name, by } = sets.find(
        ({ by }) => by.length === grouped.length && by.every((key) => grouped.includes(key)),
      )
      return [name, ...by.map((key) => row[key]), row[name]]
    })
  }
}
