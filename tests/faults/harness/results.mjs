/** What the faults came to, for the table in DELIVERY.md: a line each in the file that TAXIMETER_FAULTS_OUT names. */
import { appendFileSync } from 'node:fs'

export function note({ file, fault, expected, recorded, unique, shownBy }) {
  const { TAXIMETER_FAULTS_OUT: out } = process.env
  if (out) appendFileSync(out, `${JSON.stringify({ file, fault, expected, recorded, unique, shownBy })}\n`)
}
