//! The meter server's checks at ingest, in its order: the first that fails decides.
//! (OpenMeter, commit 7e57a394a028, and the CloudEvents library it reads events with.)

use super::data::{Rules, check as check_data};
use super::{Event, Members};
use crate::error::{Error, Result};
use crate::json::Value;
use crate::time::Instant;

const DATA: Rules = Rules { too_deep: "data_too_deep", infinite: "number_overflow", keys: false };
const KNOWN: [&str; 9] =
    ["id", "source", "specversion", "type", "subject", "datacontenttype", "time", "dataschema", "data_base64"];
/// CloudEvents integers have 32 bits.
const EXTENSION_INTEGER_MAX: f64 = 2_147_483_647.0;

/// Whether a member of an event is one that is looked at, and not an extension.
pub fn is_attribute(name: &str) -> bool {
    name == "data" || KNOWN.contains(&name)
}

pub(super) fn check(members: &Members, now: Instant) -> Result<Event> {
    let mut event = attributes(&members.attributes, members.data, now).map_err(|e| e.http(400))?;
    if let Some(data) = members.data.filter(|data| *data != "null") {
        check_data(data, &DATA).map_err(|e| {
            let status = if e.code == DATA.infinite { 500 } else { 400 };
            e.http(status)
        })?;
        event.data = Some(data.to_owned());
    }
    Ok(event)
}

fn attributes(attributes: &Value, data: Option<&str>, now: Instant) -> Result<Event> {
    let id = text(attributes, "id")?;
    let source = text(attributes, "source")?;
    let specversion = text(attributes, "specversion")?;
    let kind = text(attributes, "type")?;
    let subject = text(attributes, "subject")?;
    if !matches!(specversion, "1.0" | "0.3") {
        return Err(Error::new("specversion_unknown", "the CloudEvents version is not known")
            .at("specversion")
            .help("write \"1.0\""));
    }
    if attributes.present("datacontenttype").is_some_and(|v| v.as_str() != Some("application/json")) {
        return Err(Error::new("datacontenttype_invalid", "the data's type is not JSON")
            .at("datacontenttype")
            .help("write \"application/json\", or leave it out"));
    }
    if data.is_some_and(|data| data != "null" && !data.starts_with('{')) {
        return Err(Error::new("data_not_object", "data is not a JSON object").at("data"));
    }
    let time = match attributes.present("time") {
        None => now,
        Some(time) => Instant::parse(time.as_str().unwrap_or_default()).map_err(|e| e.at("time"))?,
    };
    for (name, value) in attributes.as_object().unwrap_or_default() {
        if !is_attribute(name) {
            extension(name, value).map_err(|e| e.at(name))?;
        }
    }
    let owned = str::to_owned;
    Ok(Event { id: owned(id), source: owned(source), kind: owned(kind), subject: owned(subject), time, data: None })
}

/// An attribute that has to be there.
pub(super) fn text<'v>(attributes: &'v Value, name: &'static str) -> Result<&'v str> {
    match attributes.present(name) {
        None => Err(Error::new("field_missing", "a required attribute is missing").at(name)),
        Some(value) => match value.as_str() {
            None => Err(Error::new("field_type", "the attribute is not a string").at(name)),
            Some("") => Err(Error::new("field_empty", "the attribute is empty").at(name)),
            Some(text) => Ok(text),
        },
    }
}

fn extension(name: &str, value: &Value) -> Result<()> {
    if *value == Value::Null {
        return Ok(());
    }
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Error::new("extension_name_invalid", "an extension's name has letters and digits only")
            .help("put your own fields into data"));
    }
    let scalar = match value {
        Value::Number(text) => crate::float::parse(text).is_some_and(|x| x.abs() <= EXTENSION_INTEGER_MAX),
        Value::Array(_) | Value::Object(_) => false,
        _ => true,
    };
    if scalar {
        return Ok(());
    }
    Err(Error::new("extension_value_invalid", "an extension is a string, a boolean or a number of 32 bits")
        .help("put your own fields into data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant { seconds: 1_795_226_400, nanos: 0 };

    fn both(text: &str) -> Result<Event> {
        let parsed = Event::parse(text, NOW);
        let valued = Event::from_value(&Value::parse(text).unwrap(), NOW);
        let code = |r: &Result<Event>| r.as_ref().err().map(|e| (e.code, e.path.clone(), e.http));
        assert_eq!(code(&parsed), code(&valued));
        parsed
    }

    fn with(change: &str) -> String {
        let base = r#"{"specversion":"1.0","id":"e1","source":"s","type":"t","subject":"c"#;
        [base, "\",", change, "}"].concat()
    }

    #[test]
    fn a_whole_event() {
        let text = with(r#""time":"2026-11-21T02:00:00.5+01:00","data":{ "v":1.0,"v":1e3,"s":"\u00e9" },"ext":7"#);
        let event = Event::parse(&text, NOW).unwrap();
        assert_eq!(
            event.to_json(),
            r#"{"specversion":"1.0","id":"e1","source":"s","type":"t","subject":"c","time":"2026-11-21T01:00:00.5Z","datacontenttype":"application/json","data":{ "v":1.0,"v":1e3,"s":"\u00e9" }}"#
        );
        let event = both(&with(r#""data":null,"time":null"#)).unwrap();
        assert_eq!((event.time, event.data), (NOW, None));
        assert_eq!(both(&with(r#""data":{"a":1.50}"#)).unwrap().data.as_deref(), Some(r#"{"a":1.50}"#));
    }

    #[test]
    fn every_code() {
        let deep = |n: usize| ["\"data\":{\"a\":", &"[".repeat(n), &"]".repeat(n), "}"].concat();
        for (change, want, path, http) in [
            (r#""id":null"#, "field_missing", "id", 400),
            (r#""source":7"#, "field_type", "source", 400),
            (r#""subject":"""#, "field_empty", "subject", 400),
            (r#""specversion":"2.0""#, "specversion_unknown", "specversion", 400),
            (r#""datacontenttype":"text/plain""#, "datacontenttype_invalid", "datacontenttype", 400),
            (r#""data":[1]"#, "data_not_object", "data", 400),
            (r#""data":"{}""#, "data_not_object", "data", 400),
            (r#""time":"""#, "time_invalid", "time", 400),
            (r#""time":7"#, "time_invalid", "time", 400),
            (r#""customer_id":"x""#, "extension_name_invalid", "customer_id", 400),
            (r#""ext":{}"#, "extension_value_invalid", "ext", 400),
            (r#""ext":2147483648"#, "extension_value_invalid", "ext", 400),
            (r#""data":{"a":[0,{"b":1e400}]}"#, "number_overflow", "data.a[1].b", 500),
        ] {
            let error = both(&with(change)).unwrap_err();
            assert_eq!((error.code, error.path.as_deref(), error.http), (want, Some(path), Some(http)), "{change}");
        }
        assert!(both(&with(&deep(31))).is_ok());
        assert_eq!(both(&with(&deep(32))).unwrap_err().code, "data_too_deep");
        assert_eq!(Event::parse(&with(&deep(5000)), NOW).unwrap_err().code, "data_too_deep");
        for change in [r#""ext":null,"x_y":null"#, r#""ext":-2147483647,"e2":true,"e3":"x""#, r#""specversion":"0.3""#]
        {
            assert!(both(&with(change)).is_ok(), "{change}");
        }
        for text in ["", "[]", "7", "{\"id\":", &with("\"a\":1}")] {
            let error = Event::parse(text, NOW).unwrap_err();
            assert_eq!((error.code, error.http), ("json_invalid", Some(400)));
        }
        assert_eq!(Event::from_value(&Value::Null, NOW).unwrap_err().code, "event_not_object");
        let long = [r#""data":{"n":1"#, &"0".repeat(400), "}"].concat();
        assert_eq!(both(&with(&long)).unwrap_err().code, "number_overflow");
    }
}
