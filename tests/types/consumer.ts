// What a user of the package writes; it only has to compile.
import { ready, TaximeterError, version } from 'taximeter'

export async function start(): Promise<string> {
  await ready()
  try {
    return version()
  } catch (error) {
    if (error instanceof TaximeterError) return `${error.code}: ${error.message} ${error.help ?? ''}`
    throw error
  }
}
