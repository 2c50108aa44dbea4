/** What ids and times are made of, as cheap as JavaScript can have it: UUIDv7 of a counter, ISO text by the second. */
import { randomBytes } from 'node:crypto'

export const HEX2 = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))
export const HEX3 = Array.from({ length: 4096 }, (_, i) => i.toString(16).padStart(3, '0'))

/** The last twelve digits of this process's ids. */
export const node = () => randomBytes(6).toString('hex')
/** The first eight digits of an id: they change every 65 seconds. */
export const high = (ms) =>
  Math.floor(ms / 65_536)
    .toString(16)
    .padStart(8, '0')
/** `2026-11-21T02:00:00` of a time. */
export const second = (ms) => new Date(ms).toISOString().slice(0, 19)
