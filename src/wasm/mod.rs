//! The exports: WebAssembly's face of the pure core, without logic of its own.
//!
//! Numbers cross as they are; texts and bytes lie in memory. JavaScript asks [`room`] for each argument and writes it
//! there, then calls; what comes back lies at [`result_at`]. Nothing is imported. `ts/exports.ts` is the other side.

// An exported name is unsafe in Rust's eyes, since two could clash. Nothing else is: no pointer is read here.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::mem::take;

use crate::buffer::{Segment, Use};
use crate::client::Client;
use crate::delivery::Now;
use crate::error::Result;
use crate::llm::{Call, End};
use crate::{llm, meter};

/// What lives from call to call, and what crosses.
struct Side {
    given: Vec<Vec<u8>>,
    result: Vec<u8>,
    /// An object's number is its place; a dropped one leaves it to the next.
    objects: Vec<Object>,
}

enum Object {
    None,
    Core(Box<Client>),
    Call(Box<Call>),
}

thread_local! {
    static SIDE: RefCell<Side> =
        const { RefCell::new(Side { given: Vec::new(), result: Vec::new(), objects: Vec::new() }) };
}

/// The arguments of one call.
struct Given(Vec<Vec<u8>>);

impl Given {
    fn bytes(&self, index: usize) -> &[u8] {
        self.0.get(index).map_or(&[], Vec::as_slice)
    }

    fn text(&self, index: usize) -> &str {
        str::from_utf8(self.bytes(index)).unwrap_or_default()
    }
}

impl Side {
    /// Leaves a text or an error to be fetched; true is for the error.
    fn answer(&mut self, done: Result<String>) -> bool {
        let refused = done.is_err();
        self.result = done.unwrap_or_else(|error| error.to_json()).into_bytes();
        refused
    }

    /// Keeps an object and leaves its number as text, or the error.
    fn keep(&mut self, made: Result<Object>) -> bool {
        let kept = made.map(|object| {
            let place = self.objects.iter().position(|o| matches!(o, Object::None)).unwrap_or(self.objects.len());
            match self.objects.get_mut(place) {
                Some(free) => *free = object,
                None => self.objects.push(object),
            }
            crate::decimal::digits(place as u128)
        });
        self.answer(kept)
    }
}

#[inline(never)]
fn call(work: &mut dyn FnMut(&mut Side, &Given) -> bool) -> bool {
    SIDE.with_borrow_mut(|side| {
        let given = Given(take(&mut side.given));
        work(side, &given)
    })
}

fn free(work: fn(&Given) -> Result<String>) -> bool {
    call(&mut |side, given| side.answer(work(given)))
}

#[inline(never)]
fn on_core(core: usize, work: &mut dyn FnMut(&mut Client, &Given) -> Result<String>) -> bool {
    call(&mut |side, given| {
        let Some(Object::Core(client)) = side.objects.get_mut(core) else { return false };
        let done = work(client, given);
        side.answer(done)
    })
}

#[inline(never)]
fn on_call(id: usize, work: &mut dyn FnMut(&mut Call, &Given) -> Vec<u8>) {
    call(&mut |side, given| {
        let Some(Object::Call(call)) = side.objects.get_mut(id) else { return false };
        side.result = work(call, given);
        false
    });
}

/// Clocks as JavaScript gives them: milliseconds since some moment, and since 1970.
fn now(mono_ms: f64, wall_ms: f64) -> Now {
    // Casts from f64 saturate: no clock reading is undefined here.
    Now { mono_ms: mono_ms as u64, wall_ms: wall_ms as i64 }
}

/// Room for the next argument's bytes.
#[unsafe(no_mangle)]
pub extern "C" fn room(bytes: usize) -> *mut u8 {
    SIDE.with_borrow_mut(|side| {
        let mut argument = vec![0; bytes];
        let at = argument.as_mut_ptr();
        side.given.push(argument);
        at
    })
}

/// Where the result lies until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn result_at() -> *const u8 {
    SIDE.with_borrow(|side| side.result.as_ptr())
}

/// How long the result is.
#[unsafe(no_mangle)]
pub extern "C" fn result_bytes() -> usize {
    SIDE.with_borrow(|side| side.result.len())
}

/// Ends an object's life.
#[unsafe(no_mangle)]
pub extern "C" fn release(object: usize) {
    SIDE.with_borrow_mut(|side| {
        if let Some(object) = side.objects.get_mut(object) {
            *object = Object::None;
        }
    });
}

/// The version of the core.
#[unsafe(no_mangle)]
pub extern "C" fn version() -> bool {
    free(|_| Ok(env!("CARGO_PKG_VERSION").to_owned()))
}

/// `(request, events)`: see [`meter::preview`].
#[unsafe(no_mangle)]
pub extern "C" fn preview() -> bool {
    free(|given| meter::preview(given.text(0), given.text(1)))
}

/// `(request, events)`: see [`meter::time_range`].
#[unsafe(no_mangle)]
pub extern "C" fn time_range() -> bool {
    free(|given| meter::time_range(given.text(0), given.text(1)))
}

/// `(method, url, provider?)`: see [`llm::route`]; the route as JSON text, or nothing.
#[unsafe(no_mangle)]
pub extern "C" fn llm_route() -> bool {
    free(|given| {
        let provider = (given.0.len() > 2).then(|| given.text(2));
        Ok(llm::route(given.text(0), given.text(1), provider).unwrap_or_default())
    })
}

/// `(route, body)`: see [`llm::inspect`].
#[unsafe(no_mangle)]
pub extern "C" fn llm_inspect() -> bool {
    free(|given| Ok(llm::inspect(given.text(0), given.text(1), None)))
}

/// `(info)`: see [`Call::open`].
#[unsafe(no_mangle)]
pub extern "C" fn call_new() -> bool {
    call(&mut |side, given| side.keep(Call::open(given.text(0)).map(|call| Object::Call(Box::new(call)))))
}

/// `(chunk)`: see [`Call::push`].
#[unsafe(no_mangle)]
pub extern "C" fn call_push(id: usize) {
    on_call(id, &mut |call, given| {
        call.push(given.bytes(0));
        Vec::new()
    });
}

/// See [`Call::take_output`].
#[unsafe(no_mangle)]
pub extern "C" fn call_output(id: usize) {
    on_call(id, &mut |call, _| call.take_output());
}

/// See [`Call::held`].
#[unsafe(no_mangle)]
pub extern "C" fn call_held(id: usize) -> usize {
    let mut held = 0;
    on_call(id, &mut |call, _| {
        held = call.held();
        Vec::new()
    });
    held
}

/// See [`Call::is_final`].
#[unsafe(no_mangle)]
pub extern "C" fn call_final(id: usize) -> bool {
    let mut is_final = false;
    on_call(id, &mut |call, _| {
        is_final = call.is_final();
        Vec::new()
    });
    is_final
}

/// `(how)`: see [`Call::finish`]; `how` is `end`, `cancel`, `abort`, `error` or `flush`.
#[unsafe(no_mangle)]
pub extern "C" fn call_finish(id: usize, now_ms: f64) {
    on_call(id, &mut |call, given| {
        let how = match given.text(0) {
            "end" => End::End,
            "cancel" => End::Cancel,
            "abort" => End::Abort,
            "flush" => End::Flush,
            _ => End::Error,
        };
        call.finish(how, now_ms as i64).into_bytes()
    });
}

/// `(settings)`: see [`Client::new`].
#[unsafe(no_mangle)]
pub extern "C" fn core_new() -> bool {
    call(&mut |side, given| side.keep(Client::new(given.text(0)).map(|client| Object::Core(Box::new(client)))))
}

/// `(entropy)`: see [`Client::seed`].
#[unsafe(no_mangle)]
pub extern "C" fn core_seed(core: usize) {
    on_core(core, &mut |client, given| {
        client.seed(given.bytes(0));
        Ok(String::new())
    });
}

/// `(event)`: see [`Client::record`].
#[unsafe(no_mangle)]
pub extern "C" fn core_record(core: usize, wall_ms: f64, mono_ms: f64) -> bool {
    on_core(core, &mut |client, given| client.record(given.text(0), now(mono_ms, wall_ms)))
}

/// `(records, context)`: see [`Client::record_usage`].
#[unsafe(no_mangle)]
pub extern "C" fn core_record_usage(core: usize, wall_ms: f64, mono_ms: f64) -> bool {
    on_core(core, &mut |client, given| client.record_usage(given.text(0), given.text(1), now(mono_ms, wall_ms)))
}

/// See [`Client::open_staging`].
#[unsafe(no_mangle)]
pub extern "C" fn core_open_staging(core: usize) -> bool {
    on_core(core, &mut |client, _| Ok(client.open_staging()))
}

/// See [`Client::intern`]; `what` is 0 for a value, 1 for a key, 2 for a type, 3 for a subject. 0 if it is refused.
#[unsafe(no_mangle)]
pub extern "C" fn core_intern(core: usize, what: u32, from: usize, length: usize) -> usize {
    let what = match what {
        0 => Use::Value,
        1 => Use::Key,
        2 => Use::Type,
        _ => Use::Subject,
    };
    let mut number = 0;
    on_core(core, &mut |client, _| {
        number = client.intern(what, from, length).unwrap_or(0);
        Ok(String::new())
    });
    number
}

/// See [`Client::forget_texts`].
#[unsafe(no_mangle)]
pub extern "C" fn core_forget_texts(core: usize) {
    on_core(core, &mut |client, _| {
        client.forget_texts();
        Ok(String::new())
    });
}

/// See [`Client::drain`].
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
pub extern "C" fn core_drain(
    core: usize,
    from: usize,
    to: usize,
    base_ms: f64,
    node: u32,
    counter: f64,
    mono_ms: f64,
    wall_ms: f64,
) -> usize {
    let segment = Segment { base_ms: base_ms as i64, node, counter: counter as u64 };
    let mut count = 0;
    on_core(core, &mut |client, _| {
        count = client.drain(from, to, segment, now(mono_ms, wall_ms));
        Ok(String::new())
    });
    count
}

/// See [`Client::request`].
#[unsafe(no_mangle)]
pub extern "C" fn core_request(core: usize) -> bool {
    on_core(core, &mut |client, _| Ok(client.request()))
}

/// See [`Client::restore`]; `ambiguous_at` is NaN for none.
#[unsafe(no_mangle)]
pub extern "C" fn core_restore(core: usize, seq: u32, bytes: u32, time_ms: f64, ambiguous_at: f64) {
    on_core(core, &mut |client, _| {
        client.restore(seq, bytes, time_ms as i64, (!ambiguous_at.is_nan()).then_some(ambiguous_at as i64));
        Ok(String::new())
    });
}

/// See [`Client::continue_after`].
#[unsafe(no_mangle)]
pub extern "C" fn core_continue_after(core: usize, seq: u32, batch: u32) {
    on_core(core, &mut |client, _| {
        client.continue_after(seq, batch);
        Ok(String::new())
    });
}

/// See [`Client::flush`].
#[unsafe(no_mangle)]
pub extern "C" fn core_flush(core: usize) {
    on_core(core, &mut |client, _| {
        client.flush();
        Ok(String::new())
    });
}

/// See [`Client::poll`].
#[unsafe(no_mangle)]
pub extern "C" fn core_poll(core: usize, mono_ms: f64, wall_ms: f64, random: u32) -> bool {
    on_core(core, &mut |client, _| Ok(client.poll(now(mono_ms, wall_ms), random)))
}

/// `(outcome)`: see [`Client::outcome`].
#[unsafe(no_mangle)]
pub extern "C" fn core_outcome(core: usize, batch: u32, mono_ms: f64, wall_ms: f64, random: u32) -> bool {
    on_core(core, &mut |client, given| client.outcome(batch, given.text(0), now(mono_ms, wall_ms), random))
}

/// See [`Client::state`].
#[unsafe(no_mangle)]
pub extern "C" fn core_state(core: usize) -> bool {
    on_core(core, &mut |client, _| Ok(client.state().to_owned()))
}

/// `(query, zone)`: see [`Client::preview`].
#[unsafe(no_mangle)]
pub extern "C" fn core_preview(core: usize) -> bool {
    on_core(core, &mut |client, given| client.preview(given.text(0), given.text(1)))
}

/// See [`Client::time_range`].
#[unsafe(no_mangle)]
pub extern "C" fn core_time_range(core: usize) -> bool {
    on_core(core, &mut |client, _| Ok(client.time_range()))
}

/// `(query)`: see [`Client::cost`].
#[unsafe(no_mangle)]
pub extern "C" fn core_cost(core: usize) -> bool {
    on_core(core, &mut |client, given| client.cost(given.text(0)))
}
