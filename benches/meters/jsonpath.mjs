import { JSONPath } from 'jsonpath-plus'
import { FLOAT, plain } from './plain.mjs'

export const create = () => plain((path) => (json) => JSONPath({ path, json, wrap: false }), FLOAT)
