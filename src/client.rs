//! One client: settings in, events in; decisions, previews and costs out. Everything is text or numbers, so that
//! it is tested natively and crosses into JavaScript as it is.

mod staged;

use crate::bill::{Bill, ProviderCost};
use crate::blueprint::llm as blueprint;
use crate::buffer::Staging;
use crate::delivery::{Action, Delivery, Now, Outcome, Settings, packed};
use crate::error::{Error, Result};
use crate::event::{Event, EventBuilder, Recent};
use crate::id::Ids;
use crate::json::{Value, Writer};
use crate::llm::{Book, Cost};
use crate::meter::lint::Lint;
use crate::meter::window::Zone;
use crate::meter::{Options, Query, Totals, parse_meters};
use crate::sink::Sink;
use crate::time::Instant;

/// A client's state. What must outlive it (texts, counters) is kept by the host.
pub struct Client {
    source: String,
    ids: Ids,
    recent: Recent,
    totals: Totals,
    lint: Option<Lint>,
    bill: Bill,
    form: blueprint::Form,
    book: Option<Book>,
    provider_cost: Option<ProviderCost>,
    sink: Sink,
    delivery: Delivery,
    staging: Staging,
    texts: String,
    arrivals: u64,
}

impl Client {
    /// Makes a client from `{source, sink, meters?, prices?: {currency?, meters?, book?, aliases?, strict?,
    /// staleDays?}, onFull?, lint?,
    /// llm?}`, see [`blueprint::Form`].
    ///
    /// Errors name the setting by path: `invalid_option`, `unknown_option`, those of the sink, the meters, the prices.
    pub fn new(settings: &str) -> Result<Self> {
        let settings = Value::parse(settings)?;
        settings.only(&["source", "sink", "meters", "prices", "onFull", "lint", "llm"])?;
        let source = settings
            .get("source")
            .and_then(Value::as_str)
            .filter(|source| !source.is_empty() && !source.bytes().any(|b| b.is_ascii_control()))
            .ok_or_else(|| {
                Error::new("invalid_option", "the source is missing, empty or not printable")
                    .at("source")
                    .help("say who reports the events, e.g. 'chat-app'")
            })?;
        let sink = Sink::parse(settings.get("sink").unwrap_or(&Value::Null)).map_err(|e| e.at("sink"))?;
        let meters = match settings.present("meters") {
            Some(meters) => parse_meters(meters).map_err(|e| e.at("meters"))?,
            None => Vec::new(),
        };
        let totals = Totals::new(meters, &Options::default());
        let prices = settings.present("prices");
        if let Some(prices) = prices {
            prices
                .only(&["currency", "rates", "meters", "book", "aliases", "strict", "staleDays"])
                .map_err(|e| e.at("prices"))?;
        }
        let bill = Bill::parse(prices, &totals).map_err(|e| e.at("prices"))?;
        let book = prices.filter(|p| p.present("book").is_some()).map(Book::open).transpose();
        let book = book.map_err(|e| e.at("prices"))?;
        let form = blueprint::Form::parse(settings.present("llm")).map_err(|e| e.at("llm"))?;
        let provider_cost = book.is_some().then(|| ProviderCost::new(&form, &bill, &totals)).transpose()?;
        let lints = settings.present("lint").is_some_and(|lint| *lint == Value::Bool(true));
        let lint = lints.then(|| Lint::new(Instant::from_millis(0))).transpose().map_err(|e| e.at("lint"))?;
        let on_full = settings.present("onFull").map_or(Some("reject"), Value::as_str);
        let delivery = Delivery::new(Settings::new(&sink, on_full.unwrap_or_default()).map_err(|e| e.at("onFull"))?);
        Ok(Self {
            staging: Staging::new(source, sink.packed()),
            source: source.to_owned(),
            ids: Ids::seeded([0; 16]),
            recent: Recent::new(!sink.takes_source()),
            totals,
            lint,
            bill,
            form,
            book,
            provider_cost,
            sink,
            delivery,
            texts: String::new(),
            arrivals: 0,
        })
    }

    /// Gives the entropy for ids, before the first event.
    pub fn seed(&mut self, entropy: &[u8]) {
        if let Ok(entropy) = entropy.try_into() {
            self.ids = Ids::seeded(entropy);
        }
    }

    /// Takes an event: `{type, subject, source?, id?, time?, data?}`.
    ///
    /// The result is `{seq, id, text, bytes, timeMs, dropped, due}`: the number under which delivery speaks of it, its id,
    /// the vendor's text and its bytes, and whether to poll at once; or `{id}` alone for an event that is known already.
    /// Errors: those of [`EventBuilder::build`] and of the sink; `id_reused`, `queue_full`.
    pub fn record(&mut self, text: &str, now: Now) -> Result<String> {
        let id = self.ids.next(now.wall_ms);
        let builder = EventBuilder { source: &self.source, id: &id, now: Instant::from_millis(now.wall_ms) };
        let event = builder.build(text)?;
        let given = event.id != id;
        if given && self.recent.seen(&event)? {
            let mut w = Writer::object();
            w.string("id", &event.id);
            return Ok(w.end());
        }
        let kept = self.keep(&event, now)?;
        if given {
            self.recent.remember(&event);
        }
        Ok(kept)
    }

    /// Takes the usage records of an LLM answer: each becomes one or more events of the LLM blueprint, with its provider cost if
    /// there is a price book. `context` is `{subject, …dimensions}`.
    ///
    /// The result is an array with what [`Self::record`] gives for each event, or its error.
    pub fn record_usage(&mut self, records: &str, context: &str, now: Now) -> Result<String> {
        let context = Value::parse(context)?;
        let mut out = Writer::array();
        for record in Value::parse(records)?.as_array().unwrap_or_default() {
            let charge = self.book.as_ref().map(|book| charge(book, record));
            match self.form.events(record, &context, charge.as_ref()) {
                Ok(texts) => {
                    let mut set_aside = None;
                    for text in texts {
                        out.item(&self.record(&text, now).unwrap_or_else(|error| error.to_json()));
                        // The provider's charge is in the first event: the others are of the same call.
                        set_aside = set_aside.or(self.provider_cost.take());
                    }
                    self.provider_cost = set_aside;
                }
                Err(error) => {
                    out.item(&error.to_json());
                }
            }
        }
        Ok(out.end())
    }

    /// Charges by another book from now on: `{book, aliases?, strict?, staleDays?}`. What was charged stays.
    ///
    /// Errors: those of the book; `no_price_book` if there was none, for then nothing was charged so far.
    pub fn use_book(&mut self, settings: &str) -> Result<()> {
        let book = Book::open_text(settings)?;
        if self.book.replace(book).is_some() {
            return Ok(());
        }
        self.book = None;
        Err(Error::new("no_price_book", "the client was made without a price book")
            .help("make it with prices: { book, … }: what was recorded so far has no charge"))
    }

    fn keep(&mut self, event: &Event, now: Now) -> Result<String> {
        let text = self.sink.map(event)?;
        let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let offered = self.delivery.offer(bytes, event.time.millis(), now)?;
        self.count(event, Instant::from_millis(now.wall_ms));
        let mut w = Writer::object();
        w.raw("seq", &offered.seq.to_string())
            .string("id", &event.id)
            .string("text", &text)
            .raw("bytes", &bytes.to_string())
            .raw("timeMs", &event.time.millis().to_string())
            .raw("due", if self.delivery.due(now) { "true" } else { "false" });
        let mut dropped = Writer::array();
        for seq in &offered.dropped {
            dropped.item(&seq.to_string());
        }
        w.raw("dropped", &dropped.end());
        Ok(w.end())
    }

    fn count(&mut self, event: &Event, now: Instant) {
        self.arrivals += 1;
        self.totals.add(event, self.arrivals);
        if let Some(lint) = &mut self.lint {
            lint.add_recorded(self.totals.meters(), &self.sink, event, now);
        }
        if let Some(provider_cost) = &mut self.provider_cost {
            provider_cost.add(event, self.arrivals);
        }
    }

    /// Remembers an event that waits already, so that its id counts once when it is recorded again, and reads it. `text` is
    /// as the vendor is sent it: where that is not a CloudEvent, any content under the id is taken for the same. Error if
    /// it is neither a CloudEvent nor in Dodo's form.
    pub fn remember(&mut self, id: &str, text: &str, now: Instant) -> Result<Event> {
        let event = Event::parse_any(text, now);
        match &event {
            Ok(event) if self.sink.takes_all() => self.recent.remember(event),
            _ => self.recent.remember_id(&self.source, id),
        }
        event
    }

    /// Remembers and counts an event that another client has recorded and this one delivers; false for one that cannot be
    /// read and so not counted.
    pub fn inherit(&mut self, id: &str, text: &str, now: Instant) -> bool {
        let event = self.remember(id, text, now);
        if let Ok(event) = &event {
            self.count(event, now);
        }
        event.is_ok()
    }

    /// How the sink's requests look.
    pub fn request(&self) -> String {
        self.sink.request_json()
    }

    /// Registers a pending event with a client that was made anew; `ambiguous_at` is when it was first sent without an
    /// answer, in milliseconds since 1970.
    pub fn restore(&mut self, seq: u64, bytes: u32, time_ms: i64, ambiguous_at: Option<i64>) {
        self.delivery.restore(seq, bytes, time_ms, ambiguous_at);
    }

    /// Numbers of events and batches up to these have been given, though they may be settled.
    pub fn continue_after(&mut self, seq: u64, batch: u32) {
        self.delivery.continue_after(seq, batch);
    }

    /// Sends an event that was in quarantine, under a new number. Error: `queue_full`.
    pub fn requeue(&mut self, seq: u64, bytes: u32, time_ms: i64) -> Result<()> {
        let (events, room, _) = self.delivery.room();
        if events == 0 || room < bytes as usize {
            return Err(Error::new("queue_full", "too many events wait for the sink"));
        }
        self.delivery.continue_after(seq, 0);
        self.delivery.requeue(seq, bytes, time_ms, None);
        Ok(())
    }

    /// An event in quarantine is given up.
    pub fn discard(&mut self) {
        self.delivery.discard();
    }

    /// See [`Delivery::forget_waiting`].
    pub fn forget_waiting(&mut self) {
        self.delivery.forget_waiting();
    }

    /// Seals what waits at once.
    pub fn flush(&mut self) {
        self.delivery.flush();
    }

    /// What is to be done now, as [`packed`] numbers; the texts among them are in [`Self::take_texts`].
    pub fn poll(&mut self, now: Now, random: u32) -> Vec<f64> {
        let mut actions = Vec::new();
        self.delivery.poll(now, random, &mut actions);
        self.told(&actions)
    }

    /// What is to be done before the host may end, as [`Self::poll`]; see [`Delivery::leave`].
    pub fn leave(&mut self, bytes_max: usize, now: Now) -> Vec<f64> {
        let mut actions = Vec::new();
        self.delivery.leave(bytes_max, now, &mut actions);
        self.told(&actions)
    }

    /// What is to be done after a request's outcome, as [`Self::poll`].
    pub fn outcome(&mut self, batch: u32, outcome: Outcome, now: Now, random: u32) -> Vec<f64> {
        let mut actions = Vec::new();
        self.delivery.outcome(batch, outcome, &self.sink, now, random, &mut actions);
        self.told(&actions)
    }

    fn told(&mut self, actions: &[Action]) -> Vec<f64> {
        let (numbers, texts) = packed(actions);
        self.texts = texts;
        numbers
    }

    /// The texts of the last actions, as a JSON array.
    pub fn take_texts(&mut self) -> String {
        std::mem::take(&mut self.texts)
    }

    /// What delivery is doing: `idle`, `sending`, `backoff` or `held`.
    pub fn state(&self) -> &'static str {
        self.delivery.state()
    }

    /// Answers a query `{meter, …}` about the events so far. `zone` is the table of the query's time zone, or `null`.
    ///
    /// The result is `{from?, to?, windowSize?, data, incomplete?}`. Errors: those of [`Query::parse`].
    pub fn preview(&self, query: &str, zone: &str) -> Result<String> {
        let zone = Value::parse(zone)?;
        let options =
            Options { zone: (zone != Value::Null).then(|| Zone::parse(&zone)).transpose()?, ..Options::default() };
        let query = Value::parse(query)?;
        self.totals.query(&Query::parse(&query, self.totals.meters(), &options)?)
    }

    /// What the client's meters and its sink will not take as it was meant: of these events (see [`Lint::add_all`]), or of
    /// all that were recorded. Errors: `lint_off` if those were not looked at, `json_invalid`;
    /// `lint_unavailable` where the core has no lint.
    pub fn lint(&mut self, events: Option<&str>, now: Now) -> Result<String> {
        let (meters, sink) = (self.totals.meters(), &self.sink);
        if let Some(events) = events {
            let mut lint = Lint::new(Instant::from_millis(now.wall_ms))?;
            lint.add_all(meters, sink, events)?;
            return Ok(lint.findings(meters, sink));
        }
        Ok(self.lint.as_mut().ok_or_else(Lint::off)?.findings(meters, sink))
    }

    /// The unix seconds that a zone table has to cover, `{from, to}`; `null` before the first event.
    pub fn time_range(&self) -> String {
        let Some((from, to)) = self.totals.time_range() else { return String::from("null") };
        let mut w = Writer::object();
        w.raw("from", &from.to_string()).raw("to", &to.to_string());
        w.end()
    }

    /// What was recorded comes to, by name. See [`Bill::answer`].
    pub fn cost(&self, name: &str, query: &str, now_ms: i64) -> Result<String> {
        let query = Value::parse(query)?;
        self.bill.answer(name, &query, now_ms.div_euclid(1000), &self.totals, self.provider_cost.as_ref())
    }
}

/// What the provider charges for a record. What cannot be priced says why, and is never 0.
fn charge(book: &Book, record: &Value) -> blueprint::Charge {
    use blueprint::Charge::{Priced, Unpriced};
    match book.cost(record) {
        Err(error) => Unpriced(error.code),
        Ok(Cost::Unpriced(error)) => Unpriced(error.code),
        Ok(cost) => match cost.total().map(|total| total.text()) {
            Some(Ok(amount)) => Priced(amount, cost.version().to_owned(), cost.flags().join(" ")),
            Some(Err(error)) => Unpriced(error.code),
            None => Unpriced("unknown_model"),
        },
    }
}
