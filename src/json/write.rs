//! Writing JSON text.

/// Appends `text` as a JSON string, quoted and escaped.
pub fn push_string(out: &mut String, text: &str) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'\n' => 'n',
            b'\r' => 'r',
            b'\t' => 't',
            0x08 => 'b',
            0x0c => 'f',
            0..=0x1f => 'u',
            _ => continue,
        };
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push('\\');
        out.push(short);
        if short == 'u' {
            out.push_str("00");
            out.push(if byte < 16 { '0' } else { '1' });
            out.push(HEX.get(usize::from(byte & 15)).copied().unwrap_or('0'));
        }
        from = at + 1;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out.push('"');
}

/// Builds one object or array, member by member.
///
/// ```
/// use taximeter::json::Writer;
/// let mut w = Writer::object();
/// w.string("name", "a\"b").raw("n", "1.50");
/// assert_eq!(w.end(), r#"{"name":"a\"b","n":1.50}"#);
/// ```
pub struct Writer {
    out: String,
    close: char,
}

impl Writer {
    /// Starts an object.
    pub fn object() -> Self {
        Self { out: String::from("{"), close: '}' }
    }

    /// Starts an array.
    pub fn array() -> Self {
        Self { out: String::from("["), close: ']' }
    }

    fn comma(&mut self) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
    }

    #[inline(never)]
    fn key(&mut self, key: &str) {
        self.comma();
        push_string(&mut self.out, key);
        self.out.push(':');
    }

    /// A member that is a string.
    #[inline(never)]
    pub fn string(&mut self, key: &str, text: &str) -> &mut Self {
        self.key(key);
        push_string(&mut self.out, text);
        self
    }

    /// A member whose value is JSON text already.
    #[inline(never)]
    pub fn raw(&mut self, key: &str, json: &str) -> &mut Self {
        self.key(key);
        self.out.push_str(json);
        self
    }

    /// An element that is a string.
    #[inline(never)]
    pub fn item_string(&mut self, text: &str) -> &mut Self {
        self.comma();
        push_string(&mut self.out, text);
        self
    }

    /// An element that is JSON text already.
    #[inline(never)]
    pub fn item(&mut self, json: &str) -> &mut Self {
        self.comma();
        self.out.push_str(json);
        self
    }

    /// Bytes written so far.
    pub fn size(&self) -> usize {
        self.out.len()
    }

    /// Closes it and gives the text.
    pub fn end(mut self) -> String {
        self.out.push(self.close);
        self.out
    }
}
