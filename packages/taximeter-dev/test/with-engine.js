/** `node --import` this to have the stand-in wherever the `taximeter` package is imported. */
import { register } from 'node:module'

const url = new URL('./engine.js', import.meta.url).href
const hooks = `export const resolve = (name, context, next) =>
  name === 'taximeter' ? { url: '${url}', shortCircuit: true } : next(name, context)`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
