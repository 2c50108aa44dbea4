import { setLoader } from '../../replay'
import module from './core.wasm?module'

// Vercel's edge compiles what is imported as `?module` and bans compiling from bytes.
setLoader({ sync: () => module })

export * from './index'
