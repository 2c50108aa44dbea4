//! From a usage record to its cost.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

use super::book::{Book, Found, text};
use super::cost::{Amounts, Counts};
use super::unit::Unit;
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::ratio::Ratio;
use crate::time::Instant;

/// What a record cost.
pub enum Cost<'b> {
    /// Computed from the book.
    Computed {
        /// The model it was priced as.
        found: Found<'b>,
        /// The book's version.
        version: &'b str,
        /// The sums and their lines.
        amounts: Amounts,
        /// Nothing in the book depends on the context that was given.
        context_unmatched: bool,
        /// The provider does not charge for such an answer.
        not_charged: bool,
        /// The book is older than its prices of that time should be.
        stale: bool,
    },
    /// The provider said itself what it charges.
    Reported(Decimal),
    /// There is no price, which is not a price of 0: the error's code is the reason. `unknown_provider`,
    /// `unknown_model`, `matched_loosely`, `no_usage`, `usage_missing`, `usage_conflict`, `price_missing_ancestor`, `price_missing_join`,
    /// `overflow`.
    Unpriced(Error),
}

impl Book {
    /// Prices one usage record, as the scanner gives it, or `{provider, model, at, usage, context?}`.
    ///
    /// The record's time is `at`, else `started_at`. Its `service_tier`, `speed` and `region` become the context that
    /// variants are chosen by. Errors: `invalid_usage`, `time_invalid`; what has no price is a result, not an error.
    pub fn cost(&self, record: &Value) -> Result<Cost<'_>> {
        if record.present("provider_cost").is_some() {
            let cost = Decimal::parse(text(record, "provider_cost")).map_err(|e| e.at("provider_cost"))?;
            return Ok(Cost::Reported(cost));
        }
        let usage = match record.present("usage") {
            Some(usage) if text(record, "status") != "unreported" => usage,
            _ => return Ok(Cost::Unpriced(Error::new("no_usage", "the provider reported no usage"))),
        };
        let mut usage = Counts::from_value(usage).map_err(|e| e.at("usage"))?;
        if record.present("role").is_some() {
            // A part of an answer is no request of its own.
            usage.set_default(Unit::REQUESTS, Decimal::ZERO);
        }
        let time = if record.present("at").is_some() { "at" } else { "started_at" };
        let at = Instant::parse(text(record, time)).map_err(|e| e.at(time))?;
        Ok(self.compute(record, &mut usage, at).unwrap_or_else(Cost::Unpriced))
    }

    fn compute(&self, record: &Value, usage: &mut Counts, at: Instant) -> Result<Cost<'_>> {
        let found = self.find(Some(text(record, "provider")), text(record, "model"))?;
        let context = context(record)?;
        let (prices, matched) = found.prices(at, &context)?;
        // Anthropic does not charge for an answer that it refused before its first token.
        let not_charged = found.provider() == "anthropic"
            && text(record, "finish_reason") == "refusal"
            && usage.is_zero(Unit::OUTPUT_TOKENS);
        let amounts = if not_charged { Amounts::nothing() } else { prices.charge(usage)? };
        // Most prices are the same in all regions.
        let context_unmatched = !matched && context.iter().any(|(key, _)| *key != "region");
        let stale = self.is_stale(at);
        Ok(Cost::Computed { found, version: self.version(), amounts, context_unmatched, not_charged, stale })
    }
}

/// What the price depends on beside the model and the time.
pub(super) fn context<'v>(record: &'v Value) -> Result<Vec<(&'v str, &'v str)>> {
    let mut context = Vec::new();
    for (key, value) in record.get("context").and_then(Value::as_object).unwrap_or_default() {
        if let Some(value) = value.as_str() {
            context.push((key.as_ref(), value));
        }
    }
    // Vertex names its tiers by the traffic.
    let tier = match text(record, "service_tier") {
        "PROVISIONED_THROUGHPUT" => {
            return Err(Error::new("unknown_model", "provisioned throughput has no price for a request"));
        }
        "ON_DEMAND_FLEX" => "flex",
        "ON_DEMAND_PRIORITY" => "priority",
        tier => tier,
    };
    match tier {
        "flex" | "priority" | "default" | "fast" => context.push(("service_tier", tier)),
        "batch" => context.push(("processing", tier)),
        _ => {}
    }
    if text(record, "speed") == "fast" {
        context.push(("speed", "fast"));
    }
    let region = text(record, "region");
    if !region.is_empty() {
        context.push(("region", region));
    }
    Ok(context)
}

impl Cost<'_> {
    /// What it comes to in USD; `None` if there is no price.
    pub fn total(&self) -> Option<Ratio> {
        match self {
            Self::Computed { amounts, .. } => Some(amounts.total()),
            Self::Reported(total) => Some((*total).into()),
            Self::Unpriced(_) => None,
        }
    }

    /// ```text
    /// { status: 'priced', total, input?, output?, currency: 'USD', exact, source: 'computed'|'reported',
    ///   provider?, model?, matchedBy?, bookVersion?, lines: [{ unit, quantity, rate, per, amount }], flags: [] }
    /// { status: 'unpriced', reason, detail }
    /// ```
    ///
    /// Amounts are decimal strings; 28 significant digits where they do not end (`exact` is false). What the provider
    /// reported itself has the total alone. Error: `overflow`.
    pub fn to_json(&self) -> Result<String> {
        let mut w = Writer::object();
        match self {
            Self::Unpriced(error) => {
                let detail = [&error.message, ": ", error.path.as_deref().unwrap_or_default()].concat();
                w.string("status", "unpriced").string("reason", error.code).string("detail", &detail);
            }
            Self::Reported(total) => {
                w.string("status", "priced").string("total", &total.text()).string("currency", "USD");
                w.raw("exact", "true").string("source", "reported").raw("lines", "[]").raw("flags", "[]");
            }
            Self::Computed { found, version, amounts, .. } => {
                w.string("status", "priced");
                amounts.write(&mut w)?;
                w.string("source", "computed").string("provider", found.provider()).string("model", found.model());
                w.string("matchedBy", found.matched_by()).string("bookVersion", version);
                let mut flags = Writer::array();
                for flag in self.flags() {
                    flags.item_string(flag);
                }
                w.raw("flags", &flags.end());
            }
        }
        Ok(w.end())
    }

    /// The version of the book that it was computed from; empty if it was not.
    pub fn version(&self) -> &str {
        if let Self::Computed { version, .. } = self { version } else { "" }
    }

    /// What is to be known about it: `context_unmatched`, `matched_loosely`, `not_charged`, `stale_book`.
    pub fn flags(&self) -> Vec<&'static str> {
        let mut flags = Vec::new();
        if let Self::Computed { found, context_unmatched, not_charged, stale, .. } = self {
            for (flag, set) in [
                ("context_unmatched", *context_unmatched),
                ("matched_loosely", found.is_loose()),
                ("not_charged", *not_charged),
                ("stale_book", *stale),
            ] {
                if set {
                    flags.push(flag);
                }
            }
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = include_str!("../../prices/book.json");
    const CASES: &str = include_str!("../../tests/contract/llm-cost.json");

    const SMALL: &str = r#"{"source":"test","providers":[
        {"id":"one","pm":{"ct":"uno"},"mm":{"sw":"m-"},"fb":["two"],"models":[
            {"id":"m-1","m":{"eq":"m-1"},"p":[{"p":{"input_mtok":"1"}},{"p":{"input_mtok":"2"},"c":{"start_date":"2026-01-01"}}],
             "v":[{"w":{"service_tier":"flex"},"p":{"input_mtok":"0.5"},"c":{"start_date":"2026-06-01"}},
                  {"w":{"processing":"batch"},"p":{"input_mtok":"0.4"}},
                  {"w":{"speed":"fast"},"p":{"input_mtok":"9"}}]},
            {"id":"m-night","m":{"or":[{"sw":"m-night"}]},"p":[{"p":{"input_mtok":"4"}},
             {"p":{"input_mtok":"3"},"c":{"start_time":"23:00:00+00:00","end_time":"01:00:00+00:00"}},
             {"p":{"input_mtok":"5"},"c":{"start_time":"14:00:00+02:00","end_time":"15:00:00+02:00"}}]},
            {"id":"m-week","m":{"eq":"m-week"},"p":[{"p":{"input_mtok":"6"}},{"p":{"input_mtok":"12"},"c":{"tz":"+08:00",
             "start_time":"09:00:00+08:00","end_time":"12:00:00+08:00","weekdays":[1,2,3,4,5],"not_on":["2026-07-03"]}}],
             "x":[{"w":{"region":"*"},"by":"1.1","tokens":true},{"by":"0.5","c":{"start_date":"2026-08-01"}}]},
            {"id":"m-dated","m":{"eq":"m-dated-2025-05-14"},"p":{"requests_kcount":"1"}},
            {"id":"m-audio","m":{"eq":"m-audio"},"p":{"audio_hours":"3.6"},"min":{"audio_seconds":"10"}}]},
        {"id":"two","fb":["one"],"models":[{"id":"t-1","m":{"eq":"t-1"},"p":{"input_mtok":"7"},
            "v":[{"w":{"processing":"batch"},"p":{"input_mtok":"1"}}]}]},
        {"id":"anthropic","models":[{"id":"c","m":{"eq":"c"},"p":{"input_mtok":"1","output_mtok":"2"}}]}]}"#;

    fn json(cost: &Cost) -> serde_json::Value {
        serde_json::from_str(&cost.to_json().unwrap()).unwrap()
    }

    /// What a million input tokens cost; or the reason why not, and flags.
    fn price(members: &str) -> String {
        let book = Book::parse(SMALL).unwrap();
        let record = [r#"{"at":"2026-07-01T12:30:00Z","usage":{"input_tokens":1000000},"#, members, "}"].concat();
        let got = json(&book.cost(&Value::parse(&record).unwrap()).unwrap());
        let flags = got["flags"].as_array().map_or(String::new(), |f| f.iter().map(|f| format!(" {f}")).collect());
        [got["total"].as_str().or(got["reason"].as_str()).unwrap(), &flags].concat()
    }

    #[test]
    fn golden_lookups_in_the_shipped_book() {
        let book = Book::parse(BOOK).unwrap();
        let cases: Vec<serde_json::Value> = serde_json::from_str(CASES).unwrap();
        let mut count = 0;
        for case in &cases {
            let resolved = &case["resolved"];
            let expected = &case["expected"];
            if resolved["custom"] == true {
                continue;
            }
            let got = json(&book.cost(&Value::parse(&case.to_string()).unwrap()).unwrap());
            count += 1;
            if resolved.is_null() {
                assert!(got["reason"].as_str().unwrap().starts_with("unknown_"), "{} {got}", case["id"]);
            } else if let Some(reason) = expected["error"].as_str() {
                assert_eq!(got["reason"], reason, "{}", case["id"]);
            } else {
                assert_eq!(got["provider"], resolved["provider"], "{}", case["id"]);
                assert_eq!(got["model"], resolved["model"], "{}", case["id"]);
                for key in ["input", "output", "total"] {
                    // What does not end is compared by its first digits.
                    let digits = if case["exact"] == false { 20 } else { usize::MAX };
                    let [got, want] = [&got, expected].map(|side| side[key].as_str().unwrap().chars().take(digits));
                    assert!(got.eq(want), "{} {key}", case["id"]);
                }
            }
        }
        println!("{count} lookups");
        assert_eq!(count, 165);
    }

    #[test]
    fn the_shipped_book_knows_its_models() {
        let book = Book::parse(BOOK).unwrap();
        assert_eq!(book.version(), "genai-prices 0.2.3, 2026-11-21");
        for (provider, model, want, by) in [
            ("openai", "gpt-5.5", "gpt-5.5", "exact"),
            ("openai", "gpt-5.5-2026-04-23", "gpt-5.5", "exact"),
            ("openai", "GPT-4o-mini-2024-07-18", "gpt-4o-mini", "exact"),
            ("openai", "gpt-6-sol-2026-10-01", "gpt-6-sol", "exact"),
            ("openai", "text-embedding-3-small", "text-embedding-3-small", "exact"),
            ("anthropic", "claude-sonnet-5-5", "claude-sonnet-5-5", "exact"),
            ("anthropic", "claude-sonnet-5-5-20260901", "claude-sonnet-5-5", "exact"),
            ("anthropic", "claude-opus-5@20260901", "claude-opus-5", "exact"),
            ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5", "prefix"),
        ] {
            for provider in [Some(provider), None] {
                // Embeddings are not known by their name alone.
                if provider.is_none() && model.starts_with("text-") {
                    continue;
                }
                let found = book.find(provider, model).unwrap();
                assert_eq!((found.model(), found.matched_by()), (want, by));
            }
        }
    }

    #[test]
    fn time_context_and_names() {
        for (members, want) in [
            (r#""model":"m-1""#, "2"),
            (r#""model":" M-1 ","provider":"ONE""#, "2"),
            (r#""model":"m-1","provider":"el-uno""#, "2"),
            (r#""model":"m-1","at":"2025-12-31T23:59:59Z""#, "1"),
            (r#""model":"m-1","at":"2026-01-01T00:00:00Z""#, "2"),
            (r#""model":"m-1","context":{"service_tier":"flex"}"#, "0.5"),
            (r#""model":"m-1","service_tier":"flex""#, "0.5"),
            (r#""model":"m-1","service_tier":"ON_DEMAND_FLEX""#, "0.5"),
            (r#""model":"m-1","service_tier":"flex","at":"2026-05-31T23:59:59Z""#, "2 \"context_unmatched\""),
            (r#""model":"m-1","service_tier":"batch""#, "0.4"),
            (r#""model":"m-1","service_tier":"standard""#, "2"),
            (r#""model":"m-1","service_tier":"priority""#, "2 \"context_unmatched\""),
            (r#""model":"m-1","service_tier":"PROVISIONED_THROUGHPUT""#, "unknown_model"),
            (r#""model":"m-1","service_tier":"flex","context":{"processing":"batch"}"#, "0.5"),
            (r#""model":"m-1","speed":"fast""#, "9"),
            (r#""model":"m-1","region":"eu""#, "2"),
            (r#""model":"m-week","region":"eu""#, "6.6"),
            (r#""model":"m-week","region":"global""#, "6"),
            (r#""model":"m-week","region":"eu","at":"2026-08-01T12:00:00Z""#, "3.3"),
            // Monday at nine there, Saturday, a holiday, half past three.
            (r#""model":"m-week","at":"2026-07-06T01:00:00Z""#, "12"),
            (r#""model":"m-week","at":"2026-07-04T01:00:00Z""#, "6"),
            (r#""model":"m-week","at":"2026-07-03T01:00:00Z""#, "6"),
            (r#""model":"m-week","at":"2026-07-06T07:30:00Z""#, "6"),
            (r#""model":"m-night-x""#, "5 \"matched_loosely\""),
            (r#""model":"m-night-x","at":"2026-07-01T13:00:00Z""#, "4 \"matched_loosely\""),
            (r#""model":"m-night-x","at":"2026-07-01T00:59:59Z""#, "3 \"matched_loosely\""),
            (r#""model":"m-night-x","at":"2026-07-01T23:00:00Z""#, "3 \"matched_loosely\""),
            (r#""model":"m-dated-20250514""#, "0.001"),
            (r#""model":"m-dated-20250514:x""#, "unknown_model"),
            (r#""model":"m-dated-20251332""#, "unknown_model"),
            (r#""model":"t-1","provider":"one","service_tier":"batch""#, "7 \"context_unmatched\""),
            (r#""model":"t-1","provider":"two","service_tier":"batch""#, "1"),
            (r#""model":"t-1""#, "unknown_provider"),
            (r#""model":"m-1","provider":"nobody""#, "unknown_provider"),
            (r#""model":"m-2","provider":"one""#, "unknown_model"),
            (r#""model":null"#, "unknown_provider"),
            (r#""model":"two/t-1","provider":"litellm""#, "7"),
            (r#""model":"m-1","provider":"litellm""#, "2"),
            (r#""model":"m-1","usage":null"#, "no_usage"),
            (r#""model":"m-1","status":"unreported""#, "no_usage"),
            (r#""model":"m-1","provider_cost":"0.0123""#, "0.0123"),
            (r#""model":"m-dated-2025-05-14","role":"advisor""#, "0"),
            (r#""model":"m-audio","usage":{"audio_seconds":"0.5"}"#, "0.01"),
            (r#""model":"c","provider":"anthropic","finish_reason":"refusal""#, "0 \"not_charged\""),
            (
                r#""model":"c","provider":"anthropic","finish_reason":"refusal","usage":{"input_tokens":0,"output_tokens":1000000}"#,
                "2",
            ),
        ] {
            assert_eq!(price(members), want, "{members}");
        }
    }

    #[test]
    fn strict_and_stale() {
        let open = |more: &str| {
            let dated = SMALL.replace("{\"source\"", "{\"date\":\"2026-06-01\",\"source\"");
            Book::open_text(&["{\"book\":", &dated, more, "}"].concat())
        };
        let flags = |book: &Book, model: &str, at: &str| {
            let record = [r#"{"usage":{"input_tokens":1},"model":""#, model, r#"","at":""#, at, "\"}"].concat();
            let cost = json(&book.cost(&Value::parse(&record).unwrap()).unwrap());
            [cost["reason"].to_string(), cost["flags"].to_string()].join(" ")
        };
        let book = open("").unwrap();
        assert_eq!(flags(&book, "m-1", "2026-07-15T23:59:59Z"), "null []");
        assert_eq!(flags(&book, "m-1", "2026-07-16T00:00:00Z"), r#"null ["stale_book"]"#);
        assert_eq!(flags(&book, "m-night-x", "2026-06-01T00:00:00Z"), r#"null ["matched_loosely"]"#);
        let book = open(r#","strict":true,"staleDays":1"#).unwrap();
        assert_eq!(flags(&book, "m-1", "2026-06-02T00:00:00Z"), r#"null ["stale_book"]"#);
        assert_eq!(flags(&book, "m-night-x", "2026-06-01T00:00:00Z"), r#""matched_loosely" null"#);
        assert_eq!(book.find(None, "m-night-x").err().unwrap().code, "matched_loosely");
        assert_eq!(open(r#","staleDays":"soon""#).err().unwrap().path.as_deref(), Some("staleDays"));
    }

    #[test]
    fn aliases() {
        let mut book = Book::parse(SMALL).unwrap();
        book.alias("My-Deployment", "m-1");
        let found = book.find(Some("one"), "my-deployment").unwrap();
        assert_eq!((found.provider(), found.model()), ("one", "m-1"));
    }

    #[test]
    fn the_result_says_how_it_was_computed() {
        let book = Book::parse(BOOK).unwrap();
        let record = r#"{"provider":"openai","model":"gpt-4o","at":"2026-07-01T00:00:00Z",
            "usage":{"input_tokens":1000,"cache_read_tokens":400,"output_tokens":10}}"#;
        assert_eq!(
            book.cost(&Value::parse(record).unwrap()).unwrap().to_json().unwrap(),
            r#"{"status":"priced","total":"0.0021","input":"0.002","output":"0.0001","currency":"USD","exact":true,"lines":[{"unit":"cache_read_tokens","quantity":"400","rate":"1.25","per":1000000,"amount":"0.0005"},{"unit":"input_tokens","quantity":"600","rate":"2.5","per":1000000,"amount":"0.0015"},{"unit":"output_tokens","quantity":"10","rate":"10","per":1000000,"amount":"0.0001"}],"source":"computed","provider":"openai","model":"gpt-4o","matchedBy":"exact","bookVersion":"genai-prices 0.2.3, 2026-11-21","flags":[]}"#
        );
        let unknown = book.cost(&Value::parse(&record.replace("gpt-4o", "gpt-x")).unwrap()).unwrap();
        assert!(unknown.total().is_none());
        assert_eq!(json(&unknown)["status"], "unpriced");
    }

    #[test]
    fn faults_say_where() {
        for (book, path) in [
            ("{}", "providers"),
            (r#"{"providers":[{"models":[]}]}"#, "providers[0].id"),
            (r#"{"providers":[{"id":"a","fb":[1]}]}"#, "providers[0].fb[0]"),
            (r#"{"providers":[{"id":"a","models":[{"id":"b","m":{}}]}]}"#, "providers[0].models[0].p"),
            (r#"{"providers":[{"id":"a","models":[{"id":"b","p":{}}]}]}"#, "providers[0].models[0].m"),
            (
                r#"{"providers":[{"id":"a","models":[{"id":"b","m":{"re":"x"},"p":{}}]}]}"#,
                "providers[0].models[0].m.re",
            ),
            (
                r#"{"providers":[{"id":"a","models":[{"id":"b","m":{},"p":[{"p":{},"c":{"start_date":"x"}}]}]}]}"#,
                "providers[0].models[0].p[0].c.start_date",
            ),
            (
                r#"{"providers":[{"id":"a","models":[{"id":"b","m":{},"p":{},"v":[{"p":{}}]}]}]}"#,
                "providers[0].models[0].v[0].w",
            ),
        ] {
            let error = Book::parse(book).err().unwrap();
            assert_eq!((error.code, error.path.as_deref()), ("invalid_price_book", Some(path)));
        }
        let book = Book::parse(SMALL).unwrap();
        for (record, code, path) in [
            (r#"{"usage":[]}"#, "invalid_usage", "usage"),
            (r#"{"usage":{"input_tokens":-1}}"#, "invalid_usage", "usage.input_tokens"),
            (r#"{"usage":{}}"#, "time_invalid", "started_at"),
            (r#"{"usage":{},"at":7}"#, "time_invalid", "at"),
            (r#"{"provider_cost":"x"}"#, "decimal_invalid", "provider_cost"),
        ] {
            let error = book.cost(&Value::parse(record).unwrap()).err().unwrap();
            assert_eq!((error.code, error.path.as_deref()), (code, Some(path)));
        }
    }
}
