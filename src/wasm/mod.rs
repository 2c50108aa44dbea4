//! The exports: WebAssembly's face of the pure core, without logic of its own.

// The code that `#[wasm_bindgen]` generates is unsafe by nature; there is none by hand.
#![allow(unsafe_code)]

use wasm_bindgen::prelude::wasm_bindgen;

/// The version of the core.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
