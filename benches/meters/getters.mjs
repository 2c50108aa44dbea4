import { FLOAT, getter, plain } from './plain.mjs'

export const create = () => plain(getter, FLOAT)
