/** The memories of all WebAssembly instances made from here on. Node counts them nowhere. */
export function watchWasm() {
  const memories = []
  WebAssembly.Instance = class extends WebAssembly.Instance {
    constructor(module, imports) {
      super(module, imports)
      for (const exported of Object.values(this.exports)) {
        if (exported instanceof WebAssembly.Memory) memories.push(exported)
      }
    }
  }
  return () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
}
