// Packages are looked for in a generation's folder first (`TAXIMETER_SDKS`): what is not there is the project's own.
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const isPackage = (name) => !/^(\.|\/|[a-z]+:|taximeter)/.test(name)
const parentURL = pathToFileURL(`${process.env.TAXIMETER_SDKS}/-`).href

registerHooks({
  resolve(specifier, context, next) {
    const isOurs = !context.parentURL?.includes('/node_modules/')
    if (isOurs && isPackage(specifier)) {
      try {
        return next(specifier, { ...context, parentURL })
      } catch {
        // As ever.
      }
    }
    return next(specifier, context)
  },
})
