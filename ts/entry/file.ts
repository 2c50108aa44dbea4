export { fileSpool } from '../spool/file'
export type { Spool } from '../spool/journal'
