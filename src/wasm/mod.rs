//! The exports: WebAssembly's face of the pure core, without logic of its own.
//!
//! Text and numbers cross, objects never do. An [`Error`] is thrown as its JSON text.

// The code that `#[wasm_bindgen]` generates is unsafe by nature; there is none by hand.
#![allow(unsafe_code)]

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::buffer::Use;
use crate::client::Client;
use crate::delivery::{Now, Outcome};
use crate::error::Error;
use crate::llm::{Book, Call, End};
use crate::time::Instant;
use crate::{llm, meter, price};

fn thrown(error: Error) -> JsValue {
    JsValue::from_str(&error.to_json())
}

/// Clocks as JavaScript gives them: milliseconds since some moment, and since 1970.
fn now(mono_ms: f64, wall_ms: f64) -> Now {
    // Casts from f64 saturate: no clock reading is undefined here.
    Now { mono_ms: mono_ms as u64, wall_ms: wall_ms as i64 }
}

/// The version of the core.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// The memory, into which packed events are written.
#[wasm_bindgen(js_name = linearMemory)]
pub fn linear_memory() -> JsValue {
    wasm_bindgen::memory()
}

/// See [`meter::preview`]. The events are UTF-8: handing over a large string would take thrice its size.
#[wasm_bindgen]
pub fn preview(request: &str, events: &[u8]) -> Result<String, JsValue> {
    meter::preview(request, utf8(events)).map_err(thrown)
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// See [`meter::time_range`].
#[wasm_bindgen(js_name = timeRange)]
pub fn time_range(request: &str, events: &[u8]) -> Result<String, JsValue> {
    meter::time_range(request, utf8(events)).map_err(thrown)
}

/// See [`price::calculate`].
#[wasm_bindgen]
pub fn calculate(name: &str, request: &str) -> Result<String, JsValue> {
    price::calculate(name, request).map_err(thrown)
}

/// See [`Book`].
#[wasm_bindgen]
pub struct Prices(Book);

#[wasm_bindgen]
impl Prices {
    /// See [`Book::open`].
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str) -> Result<Prices, JsValue> {
        Book::open_text(settings).map(Prices).map_err(thrown)
    }

    /// See [`Book::ask`].
    pub fn ask(&self, name: &str, request: &str) -> Result<String, JsValue> {
        self.0.ask(name, request).map_err(thrown)
    }
}

/// See [`llm::route`].
#[wasm_bindgen(js_name = llmRoute)]
pub fn llm_route(method: &str, url: &str, provider: Option<String>) -> Option<String> {
    llm::route(method, url, provider.as_deref())
}

/// See [`llm::inspect`].
#[wasm_bindgen(js_name = llmInspect)]
pub fn llm_inspect(route: &str, body: &str) -> String {
    llm::inspect(route, body, None)
}

/// See [`Call`].
#[wasm_bindgen]
pub struct LlmCall(Call);

#[wasm_bindgen]
impl LlmCall {
    /// See [`Call::open`].
    #[wasm_bindgen(constructor)]
    pub fn new(info: &str) -> Result<LlmCall, JsValue> {
        Call::open(info).map(LlmCall).map_err(thrown)
    }

    /// See [`Call::push`].
    pub fn push(&mut self, chunk: &[u8]) {
        self.0.push(chunk);
    }

    /// See [`Call::take_output`]. A copy: what is given away is freed as it is.
    pub fn output(&mut self) -> js_sys::Uint8Array {
        let mut bytes = self.0.take_output();
        let given = js_sys::Uint8Array::from(bytes.as_slice());
        crate::llm::wipe(&mut bytes);
        given
    }

    /// See [`Call::held`].
    #[wasm_bindgen(getter)]
    pub fn held(&self) -> usize {
        self.0.held()
    }

    /// See [`Call::is_final`].
    #[wasm_bindgen(getter, js_name = final)]
    pub fn is_final(&self) -> bool {
        self.0.is_final()
    }

    /// See [`Call::finish`]; `how` is `end`, `cancel`, `abort`, `error` or `flush`.
    pub fn finish(&mut self, how: &str, now_ms: f64) -> String {
        let how = match how {
            "end" => End::End,
            "cancel" => End::Cancel,
            "abort" => End::Abort,
            "flush" => End::Flush,
            _ => End::Error,
        };
        self.0.finish(how, now_ms as i64)
    }
}

/// See [`Client`].
#[wasm_bindgen]
pub struct Core(Client);

#[wasm_bindgen]
impl Core {
    /// See [`Client::new`].
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str) -> Result<Core, JsValue> {
        Client::new(settings).map(Core).map_err(thrown)
    }

    /// See [`Client::seed`].
    pub fn seed(&mut self, entropy: &[u8]) {
        self.0.seed(entropy);
    }

    /// See [`Client::record`].
    pub fn record(&mut self, event: &str, wall_ms: f64, mono_ms: f64) -> Result<String, JsValue> {
        self.0.record(event, now(mono_ms, wall_ms)).map_err(thrown)
    }

    /// See [`Client::use_book`].
    #[wasm_bindgen(js_name = useBook)]
    pub fn use_book(&mut self, settings: &str) -> Result<(), JsValue> {
        self.0.use_book(settings).map_err(thrown)
    }

    /// See [`Client::record_usage`].
    #[wasm_bindgen(js_name = recordUsage)]
    pub fn record_usage(
        &mut self,
        records: &str,
        context: &str,
        wall_ms: f64,
        mono_ms: f64,
    ) -> Result<String, JsValue> {
        self.0.record_usage(records, context, now(mono_ms, wall_ms)).map_err(thrown)
    }

    /// See [`Client::open_staging`].
    #[wasm_bindgen(js_name = openStaging)]
    pub fn open_staging(&mut self) -> String {
        self.0.open_staging()
    }

    /// See [`Client::intern`]; `what` is 0 for a value, 1 for a key, 2 for a type, 3 for a subject. 0 if it is refused.
    pub fn intern(&mut self, what: u32, from: usize, length: usize) -> usize {
        let what = match what {
            0 => Use::Value,
            1 => Use::Key,
            2 => Use::Type,
            _ => Use::Subject,
        };
        self.0.intern(what, from, length).unwrap_or(0)
    }

    /// See [`Client::forget_texts`].
    #[wasm_bindgen(js_name = forgetTexts)]
    pub fn forget_texts(&mut self) {
        self.0.forget_texts();
    }

    /// See [`Client::drain`].
    #[allow(clippy::too_many_arguments)]
    pub fn drain(&mut self, from: usize, to: usize, base_ms: f64, node: u32, counter: f64, mono_ms: f64) -> usize {
        let segment = hot::Segment { base_ms: base_ms as i64, node, counter: counter as u64 };
        self.0.drain(from, to, segment, now(mono_ms, base_ms))
    }

    /// See [`Client::request`].
    pub fn request(&self) -> String {
        self.0.request()
    }

    /// See [`Client::restore`].
    pub fn restore(&mut self, seq: f64, bytes: u32, time_ms: f64, ambiguous_at: Option<f64>) {
        self.0.restore(seq as u64, bytes, time_ms as i64, ambiguous_at.map(|at| at as i64));
    }

    /// See [`Client::remember`].
    pub fn remember(&mut self, id: &str, text: &str, wall_ms: f64) {
        drop(self.0.remember(id, text, Instant::from_millis(wall_ms as i64)));
    }

    /// See [`Client::inherit`].
    pub fn inherit(&mut self, id: &str, text: &[u8], wall_ms: f64) -> bool {
        self.0.inherit(id, utf8(text), Instant::from_millis(wall_ms as i64))
    }

    /// See [`Client::continue_after`].
    #[wasm_bindgen(js_name = continueAfter)]
    pub fn continue_after(&mut self, seq: f64, batch: u32) {
        self.0.continue_after(seq as u64, batch);
    }

    /// See [`Client::requeue`].
    pub fn requeue(&mut self, seq: f64, bytes: u32, time_ms: f64) -> Result<(), JsValue> {
        self.0.requeue(seq as u64, bytes, time_ms as i64).map_err(thrown)
    }

    /// See [`Client::discard`].
    pub fn discard(&mut self) {
        self.0.discard();
    }

    /// See [`Client::forget_waiting`].
    #[wasm_bindgen(js_name = forgetWaiting)]
    pub fn forget_waiting(&mut self) {
        self.0.forget_waiting();
    }

    /// See [`Client::flush`].
    pub fn flush(&mut self) {
        self.0.flush();
    }

    /// See [`Client::poll`].
    pub fn poll(&mut self, mono_ms: f64, wall_ms: f64, random: u32) -> Vec<f64> {
        self.0.poll(now(mono_ms, wall_ms), random)
    }

    /// See [`Client::leave`].
    pub fn leave(&mut self, bytes_max: usize, mono_ms: f64, wall_ms: f64) -> Vec<f64> {
        self.0.leave(bytes_max, now(mono_ms, wall_ms))
    }

    /// See [`Client::outcome`] and [`Outcome::read`].
    #[allow(clippy::too_many_arguments)]
    pub fn outcome(
        &mut self,
        batch: u32,
        status: Option<u16>,
        unsent: bool,
        lines: &str,
        mono_ms: f64,
        wall_ms: f64,
        random: u32,
    ) -> Vec<f64> {
        self.0.outcome(batch, Outcome::read(status, unsent, lines), now(mono_ms, wall_ms), random)
    }

    /// See [`Client::take_texts`].
    pub fn texts(&mut self) -> String {
        self.0.take_texts()
    }

    /// See [`Client::state`].
    pub fn state(&self) -> String {
        self.0.state().to_owned()
    }

    /// See [`Client::preview`].
    pub fn preview(&self, query: &str, zone: &str) -> Result<String, JsValue> {
        self.0.preview(query, zone).map_err(thrown)
    }

    /// See [`Client::lint`].
    pub fn lint(&mut self, events: Option<Vec<u8>>, wall_ms: f64, mono_ms: f64) -> Result<String, JsValue> {
        self.0.lint(events.as_deref().map(utf8), now(mono_ms, wall_ms)).map_err(thrown)
    }

    /// See [`Client::time_range`].
    #[wasm_bindgen(js_name = timeRange)]
    pub fn time_range(&self) -> String {
        self.0.time_range()
    }

    /// See [`Client::cost`].
    pub fn cost(&self, name: &str, query: &str, wall_ms: f64) -> Result<String, JsValue> {
        self.0.cost(name, query, wall_ms as i64).map_err(thrown)
    }
}
