//! The exports of `taximeter/replay`, a build of its own.

// The code that `#[wasm_bindgen]` generates is unsafe by nature; there is none by hand.
#![allow(unsafe_code)]

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::Error;
use crate::meter;

fn thrown(error: Error) -> JsValue {
    JsValue::from_str(&error.to_json())
}

/// See [`meter::Replay`].
#[wasm_bindgen]
pub struct Replay(meter::Replay);

#[wasm_bindgen]
impl Replay {
    /// See [`meter::Replay::new`].
    #[wasm_bindgen(constructor)]
    pub fn new(request: &str, seed: u64) -> Result<Replay, JsValue> {
        meter::Replay::new(request, seed).map(Replay).map_err(thrown)
    }

    /// See [`meter::Replay::push`].
    pub fn push(&mut self, piece: &[u8]) -> Result<(), JsValue> {
        self.0.push(piece).map_err(thrown)
    }

    /// See [`meter::Replay::finish`].
    pub fn finish(&mut self) -> Result<String, JsValue> {
        self.0.finish().map_err(thrown)
    }
}
