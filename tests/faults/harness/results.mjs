/** What the faults came to, for the table in DELIVERY.md: a line each in the file that TAXIMETER_FAULTS_OUT names. */
import { appendFileSync } from 'node:fs'

export function note({ file, fault, expected, recorded, delivered, quarantined = 0, dropped = 0, requests, unique }) {
  const { TAXIMETER_FAULTS_OUT: out } = process.env
  const row = { file, fault, expected, recorded, delivered, quarantined, dropped, requests, unique }
  if (out) appendFileSync(out, `${JSON.stringify(row)}\n`)
}
