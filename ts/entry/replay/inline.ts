import text from 'core-base64'
import { setLoader } from '../../replay'
import { decodeBase64 } from '../base64'

setLoader({
  sync: () => new WebAssembly.Module(decodeBase64(text)),
  async: () => WebAssembly.compile(decodeBase64(text)),
})

export * from './index'
