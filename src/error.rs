//! The one error of the core.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// What went wrong, where, and how to mend it.
///
/// `code` is stable and meant for programs; `message`, `path` and `help` are meant for people and may change.
/// It crosses the WebAssembly boundary as JSON text ([`Error::to_json`]).
///
/// It is one word, boxed: results are small and cheap to pass on, which is a good part of the module's size.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Details>);

/// The fields of an [`Error`].
#[derive(Clone, PartialEq, Eq)]
pub struct Details {
    /// Stable `snake_case` code, e.g. `event_too_large`.
    pub code: &'static str,
    /// One sentence: what is wrong.
    pub message: Cow<'static, str>,
    /// Where: a path into the input, e.g. `meters[0].groupBy.model`.
    pub path: Option<String>,
    /// How to mend it.
    pub help: Option<Cow<'static, str>>,
    /// The HTTP status with which the meter server would answer the same input.
    pub http: Option<u16>,
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a code and a sentence.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::make(code, message.into())
    }

    /// What is asked for is not in this build.
    pub fn needs_full(code: &'static str) -> Self {
        Self::new(code, "this needs taximeter/full").help("import from 'taximeter/full' instead of 'taximeter'")
    }

    // Out of line, here and below: an error is made in hundreds of places, and rarely.
    #[cold]
    #[inline(never)]
    fn make(code: &'static str, message: Cow<'static, str>) -> Self {
        Self(Box::new(Details { code, message, path: None, help: None, http: None }))
    }

    /// Says where. Paths grow outwards: the innermost part is set first.
    #[cold]
    #[inline(never)]
    pub fn at(mut self, outer: &str) -> Self {
        self.path = Some(match self.path.take() {
            None => outer.to_owned(),
            Some(inner) if inner.starts_with('[') => [outer, &inner].concat(),
            Some(inner) => [outer, ".", &inner].concat(),
        });
        self
    }

    /// Says where in a list.
    #[cold]
    #[inline(never)]
    pub fn at_index(self, index: usize) -> Self {
        self.at(&["[", &index.to_string(), "]"].concat())
    }

    /// Says how to mend it.
    pub fn help(self, help: impl Into<Cow<'static, str>>) -> Self {
        self.set_help(help.into())
    }

    #[cold]
    #[inline(never)]
    fn set_help(mut self, help: Cow<'static, str>) -> Self {
        self.help = Some(help);
        self
    }

    /// Says which HTTP status the meter server would answer.
    pub fn http(mut self, status: u16) -> Self {
        self.http = Some(status);
        self
    }

    /// `{"code":…,"message":…,"path":…,"help":…,"http":…}`; what is absent is left out.
    pub fn to_json(&self) -> String {
        let mut w = crate::json::Writer::object();
        w.string("code", self.code).string("message", &self.message);
        if let Some(path) = &self.path {
            w.string("path", path);
        }
        if let Some(help) = &self.help {
            w.string("help", help);
        }
        if let Some(http) = self.http {
            w.raw("http", &http.to_string());
        }
        w.end()
    }
}

impl Deref for Error {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)?;
        f.write_str(": ")?;
        f.write_str(&self.message)?;
        if let Some(path) = &self.path {
            f.write_str(" (at ")?;
            f.write_str(path)?;
            f.write_str(")")?;
        }
        if let Some(help) = &self.help {
            f.write_str(". ")?;
            f.write_str(help)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
