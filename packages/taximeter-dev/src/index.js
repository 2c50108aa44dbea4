/**
 * A local usage-event server for development and tests.
 *
 * @typedef {import('./server.js').DevServer} DevServer
 * @typedef {import('./server.js').DevServerOptions} DevServerOptions
 * @typedef {import('./server.js').Stats} Stats
 * @typedef {import('./script.js').Step} Step
 * @typedef {import('./store.js').StoredEvent} StoredEvent
 * @typedef {import('./ledger.js').RequestRecord} RequestRecord
 * @typedef {import('./ledger.js').Arrival} Arrival
 * @typedef {import('./ledger.js').Outcome} Outcome
 * @typedef {import('./engine.js').Engine} Engine
 * @typedef {import('./engine.js').MeterDefinition} MeterDefinition
 */
export { main } from './cli.js'
export { startDevServer } from './server.js'
