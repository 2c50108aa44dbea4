import { Decimal } from 'decimal.js'
import { getter, plain } from './plain.mjs'

const DECIMAL = {
  of: (value) => new Decimal(value),
  add: (a, b) => a.plus(b),
  times: (a, b) => a.times(b),
  number: (a) => a.toNumber(),
}

export const create = () => plain(getter, DECIMAL)
