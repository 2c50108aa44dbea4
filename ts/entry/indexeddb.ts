export { type IndexedDbOptions, indexedDbSpool } from '../spool/indexeddb'
export type { Spool } from '../spool/journal'
