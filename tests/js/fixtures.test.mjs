// Every fixture: the real SDK of its provider calls, and the records are those expected.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { recorder } from '../llm/recorder.mjs'
import { callFixture, clientFor, differences, FOLDERS } from '../llm/run-fixture.mjs'
import { loadFixtures, startSimulator } from '../llm/simulator.mjs'

let simulator
before(async () => {
  simulator = await startSimulator({ dirs: FOLDERS })
})
after(() => simulator.close())

describe('usage records through the real SDKs', () => {
  for (const fixture of loadFixtures(FOLDERS).values()) {
    test(fixture.id, async () => {
      const { wrap, records } = recorder()
      const bare = clientFor(simulator, fixture)
      const expected = await callFixture(bare, fixture)
      const error = await callFixture(wrap(bare), fixture)
      assert.equal(String(error), String(expected))
      const { throws = fixture.response.status >= 400 } = fixture.expect
      if (throws !== null) assert.equal(error !== undefined, throws, String(error))
      assert.deepEqual(differences(records(), fixture.expect.records), [])
    })
  }
})
