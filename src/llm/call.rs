//! One HTTP answer of a provider: bytes in, usage records out.

use super::answer::{Answer, Answers};
use super::eventstream::Unwrapped;
use super::frames::{Frames, Framing, Piece};
use super::members::{Members, elements, one_of};
use super::provider::{KEPT, fold, write};
use super::record::Records;
use super::route::Shape;
use super::sieve::Sieve;
use super::usage::Usage;
use crate::error::{Error, Result};
use crate::json::Writer;
use crate::limits::LLM_PENDING_BYTES_MAX;

/// How an answer came to its end, or why its records are wanted before that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The body ended.
    End,
    /// The reader lost interest.
    Cancel,
    /// An abort signal fired.
    Abort,
    /// The connection failed.
    Error,
    /// The meter is flushed or closed while the answer goes on; or [`Call::is_final`] was reached.
    Flush,
}

impl End {
    /// `end`, `cancel`, `abort`, `error` or `flush`. Error: `call_invalid`.
    pub fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "end" => Self::End,
            "cancel" => Self::Cancel,
            "abort" => Self::Abort,
            "error" => Self::Error,
            "flush" => Self::Flush,
            _ => return Err(Error::new("call_invalid", "a call ends by end, cancel, abort, error or flush").at("how")),
        })
    }
}

/// An output token is about four bytes of English text (OpenAI's and Anthropic's own rule of thumb).
const BYTES_A_TOKEN: u64 = 4;

/// Scans one HTTP answer for usage.
///
/// Bytes may come in any cut. Content is dropped as it passes: prompts and outputs are never held. Nothing in an
/// answer makes it fail; what cannot be read is passed over.
pub struct Call {
    /// What [`Self::open`] was given.
    info: String,
    started_at_ms: i64,
    images: bool,
    /// Each line is an answer.
    batch: bool,
    shape: Shape,
    framing: Framing,
    frames: Frames,
    /// The model vendor's events are wrapped in those of Bedrock.
    unwrapped: Option<Unwrapped>,
    sieve: Sieve,
    /// What the sieve let through of the last event.
    folded: String,
    answers: Answers,
    /// Not an answer that is metered: everything passes.
    idle: bool,
    veil: Option<Veil>,
    /// Fill in the output of an answer that was left early.
    estimate: bool,
    /// Roughly how many bytes of content have passed.
    content: u64,
}

/// What hides the events that the caller did not ask for.
#[derive(Default)]
struct Veil {
    /// The event that is not complete yet.
    held: Vec<u8>,
    /// What may be passed on.
    output: Vec<u8>,
    /// The event is too large to be held: it has begun to pass.
    passing: bool,
    /// The event before was hidden.
    hid: bool,
}

impl Veil {
    fn hold(&mut self, bytes: &[u8], line_feed: bool) {
        if line_feed && self.held.is_empty() {
            // The second half of the line end of an event that is gone already.
            if !self.hid {
                append(&mut self.output, bytes);
            }
            return;
        }
        if !self.passing && self.held.len().saturating_add(bytes.len()) > LLM_PENDING_BYTES_MAX {
            self.release();
            self.passing = true;
        }
        append(if self.passing { &mut self.output } else { &mut self.held }, bytes);
    }

    /// Passes on what is held.
    fn release(&mut self) {
        append(&mut self.output, &self.held);
        wipe(&mut self.held);
    }

    fn event_end(&mut self, hide: bool) {
        self.hid = hide && !self.passing;
        self.passing = false;
        if self.hid { wipe(&mut self.held) } else { self.release() }
    }
}

/// Content does not stay behind in memory.
pub fn wipe(bytes: &mut Vec<u8>) {
    bytes.fill(0);
    std::hint::black_box(&bytes);
    bytes.clear();
}

/// Appends, and wipes what is left behind when the bytes have to move.
fn append(to: &mut Vec<u8>, bytes: &[u8]) {
    let length = to.len().saturating_add(bytes.len());
    if length > to.capacity() {
        let mut grown = Vec::with_capacity(length.saturating_mul(2));
        grown.extend_from_slice(to);
        wipe(to);
        *to = grown;
    }
    to.extend_from_slice(bytes);
}

impl Call {
    /// Opens a call by `info`, a JSON object:
    ///
    /// | member | |
    /// |---|---|
    /// | `route` | what [`route`](super::route) gave |
    /// | `startedAtMs` | when the request was sent, in milliseconds since 1970 |
    /// | `stream` | whether the request asked for a stream |
    /// | `contentType` | of the answer |
    /// | `model`, `requestId` | of the request, if known |
    /// | `hide` | the stream's usage is our wish, not the caller's: hide the chunk that has nothing else |
    /// | `status` | of the answer; one that is not 2xx has no records |
    /// | `estimate` | whether the output of a stream that is left early is estimated from its length |
    ///
    /// Errors: `route_invalid`, `call_invalid`.
    pub fn open(info: &str) -> Result<Self> {
        let told = Members::of(info);
        let Some(shape) = Shape::parse(told.text("route.shape")) else {
            return Err(Error::new("route_invalid", "this is not a route that was given out").at("route"));
        };
        let Some(started_at_ms) = told.count("startedAtMs").and_then(|ms| i64::try_from(ms).ok()) else {
            return Err(Error::new("call_invalid", "the time in milliseconds since 1970 is missing").at("startedAtMs"));
        };
        let batch = one_of("messages.batches observed", told.text("route.api"));
        let content = told.text("contentType").to_ascii_lowercase();
        let says = |word: &str| contains(content.as_bytes(), word.as_bytes());
        let framing = if says("amazon.eventstream") {
            Framing::Binary
        } else if batch || says("ndjson") || says("jsonl") {
            Framing::Lines
        } else if says("event-stream") || told.get("stream") == "true" && !says("json") {
            Framing::Events
        } else {
            Framing::Document
        };
        let ok = told.get("status").is_empty() || matches!(told.count("status"), Some(200..300));
        Ok(Self {
            info: info.to_owned(),
            started_at_ms,
            images: told.text("route.api") == "images",
            batch,
            shape,
            framing,
            frames: Frames::new(framing),
            unwrapped: (told.text("route.api") == "invoke").then(Unwrapped::default),
            sieve: Sieve::new(KEPT),
            folded: String::new(),
            answers: Answers::default(),
            idle: !ok || says("html"),
            veil: (told.get("hide") == "true").then(Veil::default),
            estimate: told.get("estimate") == "true",
            content: 0,
        })
    }

    /// Takes in the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        if self.idle || self.framing == Framing::Document {
            if let Some(veil) = &mut self.veil {
                append(&mut veil.output, chunk);
            }
            if !self.idle {
                self.sieve.push(chunk);
            }
            return;
        }
        let mut rest = chunk;
        while !rest.is_empty() {
            let (used, piece) = self.frames.next(rest);
            let (bytes, after) = rest.split_at_checked(used).unwrap_or((rest, &[]));
            rest = after;
            if let Some(veil) = &mut self.veil {
                veil.hold(bytes, matches!(piece, Piece::LineFeed));
            }
            match piece {
                Piece::Data(from) => {
                    let data = bytes.get(from..).unwrap_or_default();
                    match &mut self.unwrapped {
                        Some(unwrapped) if self.framing == Framing::Binary => self.sieve.push(&unwrapped.decode(data)),
                        _ => self.sieve.push(data),
                    }
                }
                Piece::DataEnd => self.sieve.push(b"\n"),
                Piece::Done => {
                    self.answers.is_final = true;
                    self.answers.current.ended |= self.shape == Shape::Openai;
                }
                Piece::End => self.event_end(),
                Piece::Other | Piece::LineFeed => {}
            }
        }
    }

    fn event_end(&mut self) {
        let content = self.sieve.content();
        let text = self.sieve.take();
        // What was streamed comes once more at the end of each part.
        if self.estimate && content > 0 && !Members::of(&text).text("type").ends_with(".done") {
            self.content = self.content.saturating_add(content);
        }
        // Chunks of a stream differ in nothing but content, and what was folded before changes nothing.
        if text != self.folded || self.images || self.batch {
            self.answers.usage_only = false;
            let mut events = elements(&text);
            if events.is_empty() {
                events.push(("", &text));
            }
            // Gemini's streams are one array where no server-sent events are asked for.
            for (_, event) in events {
                fold(self.shape, &Members::of(event), self.images, &mut self.answers);
            }
            self.folded = text;
            if self.batch {
                let answer = &mut self.answers.current;
                answer.ended = !answer.usage.is_empty();
                if answer.ended {
                    self.answers.next();
                } else {
                    *answer = Answer::default();
                }
            }
        }
        if let Some(veil) = &mut self.veil {
            veil.event_end(self.answers.usage_only);
        }
    }

    /// The bytes that may be passed on in place of those pushed. Only for a call that hides; otherwise what was
    /// pushed is what is passed on, and this is empty.
    pub fn take_output(&mut self) -> Vec<u8> {
        self.veil.as_mut().map(|veil| std::mem::take(&mut veil.output)).unwrap_or_default()
    }

    /// How many of the bytes pushed are neither passed on nor hidden yet.
    pub fn held(&self) -> usize {
        self.veil.as_ref().map_or(0, |veil| veil.held.len())
    }

    /// Whether nothing more is to come that matters: call [`Self::finish`] now, since some clients never read on.
    pub fn is_final(&self) -> bool {
        self.answers.is_final
    }

    /// The usage records as a JSON array; each answer's only once, so a second call gives `[]` unless the body went
    /// on with another one. `now_ms` is the time in milliseconds since 1970.
    ///
    /// A record has the members of the usage record, and `event_id` where the answer can be told from all others.
    /// After [`End::End`], [`Self::take_output`] gives what was still held back.
    pub fn finish(&mut self, how: End, now_ms: i64) -> String {
        let mut out = Writer::array();
        if self.idle {
            return out.end();
        }
        let document = self.framing == Framing::Document;
        if how != End::Flush {
            // An event is an event even if the blank line behind it is missing.
            self.event_end();
            self.answers.current.ended |= document || (how == End::End && self.shape == Shape::Openai);
        }
        let current = (!self.batch).then_some(&mut self.answers.current);
        for answer in self.answers.before.iter_mut().chain(current) {
            // A background response: its usage comes with the answer that finds it completed.
            if std::mem::replace(&mut answer.emitted, true) || (document && answer.queued) {
                continue;
            }
            let mut known = Writer::object();
            known.raw("info", &self.info).raw("said", &answer.said.to_json()).raw("usage", &answer.usage.to_json());
            let known = known.end();
            let known = Members::of(&known);
            let raw = known.get("usage");
            let mut records = Records {
                model: known.text("said.model info.model info.route.model"),
                known,
                status: match answer.ended {
                    _ if raw.is_empty() => "unreported",
                    true => "complete",
                    false => "partial",
                },
                stream: !document && !self.batch,
                estimate: match answer.ended {
                    false if self.estimate => self.content.div_ceil(BYTES_A_TOKEN),
                    _ => 0,
                },
                started_at_ms: self.started_at_ms,
                now_ms,
                roles: Vec::new(),
                out: &mut out,
            };
            if raw.is_empty() {
                records.add("", records.model, Usage::default(), "");
            } else {
                write(self.shape, raw, &mut records);
            }
        }
        self.answers.before.clear();
        out.end()
    }
}

#[inline(never)]
fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}
