/** The core's WebAssembly as base64: the bundler puts it in. */
declare module 'core-base64' {
  const text: string
  export default text
}

declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}

declare module '*.wasm?module' {
  const module: WebAssembly.Module
  export default module
}
