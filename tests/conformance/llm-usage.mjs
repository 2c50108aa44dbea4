import { statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { recorder } from '../llm/recorder.mjs'
import { callFixture, clientFor, differences } from '../llm/run-fixture.mjs'
import { startSimulator } from '../llm/simulator.mjs'

/**
 * The fixtures of a folder (or one file of it) as cases: each is played by the simulator to the real SDK of its
 * provider, through a wrapped client. `accepts` says whether the usage records are those that the fixture expects.
 */
export async function* cases(path) {
  const folder = statSync(path).isDirectory()
  const simulator = await startSimulator({ dirs: [folder ? path : dirname(path)] })
  try {
    for (const fixture of simulator.fixtures.values()) {
      if (!folder && basename(path) !== `${fixture.id}.json`) continue
      const want = fixture.expect?.records ?? []
      yield {
        id: fixture.id,
        want,
        accepts: (got) => differences(got, want).length === 0,
        run: async () => {
          const { wrap, records } = recorder()
          await callFixture(wrap(clientFor(simulator, fixture)), fixture)
          return records()
        },
      }
    }
  } finally {
    await simulator.close()
  }
}
