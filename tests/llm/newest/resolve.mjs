// Packages are looked for beside this file first: what is not here is the project's own.
import { registerHooks } from 'node:module'

const isPackage = (name) => !/^(\.|\/|[a-z]+:|taximeter)/.test(name)

registerHooks({
  resolve(specifier, context, next) {
    const isOurs = !context.parentURL?.includes('/node_modules/')
    if (isOurs && isPackage(specifier)) {
      try {
        return next(specifier, { ...context, parentURL: import.meta.url })
      } catch {
        // As ever.
      }
    }
    return next(specifier, context)
  },
})
