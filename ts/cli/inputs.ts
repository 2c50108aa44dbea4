import { readFile } from 'node:fs/promises'
import type { AnyMeter } from 'taximeter/replay'

/** What a command about events is given: the one file that it names, or -, and the meters in the file of `--meters`. */
export async function inputs(
  positionals: string[],
  meters: string | undefined,
  help: string,
): Promise<{ file: string; meters: AnyMeter[] }> {
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new Error(`name one file of events, or -\n\n${help}`)
  if (meters === undefined) throw new Error(`--meters is missing\n\n${help}`)
  // Only here: no other command has to load it.
  const { readMeters } = await import('taximeter/config')
  return { file, meters: readMeters(await readFile(meters, 'utf8'), meters) }
}
