import { setLoader } from '../../replay'
import module from './core.wasm'

// Workers compile what is imported and ban compiling from bytes.
setLoader({ sync: () => module })

export * from './index'
