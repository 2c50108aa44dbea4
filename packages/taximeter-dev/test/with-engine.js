/** `node --import` this to have the stand-in wherever this package imports `taximeter`. */
import { register } from 'node:module'

const url = new URL('./engine.js', import.meta.url).href
const own = new URL('../src/', import.meta.url).href
const hooks = `export const resolve = (name, context, next) =>
  name === 'taximeter' && context.parentURL.startsWith('${own}') ? { url: '${url}', shortCircuit: true } : next(name, context)`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
