//! The shapes of lines: everything but their strings and numbers.
//!
//! Lines of one shape have the same members in the same order and spacing, the same types of values, and the same event type.
//! A line that has been read as an event (and so is valid) lends its shape; whatever has that shape is valid too, and the
//! meters find their values in the same places. So a line of a known shape is read in one pass that compares its fixed parts
//! and looks at nothing in its strings and numbers but where they end.

use crate::event::Event;
use crate::json::{Kind, Reader, plain_end};
use crate::limits::{REPLAY_LEAVES_MAX, REPLAY_SHAPES_MAX, REPLAY_WAYS_MAX};
use crate::meter::Meter;
use crate::meter::path::{Document, Path};
use crate::meter::value::What;

/// A tree of all shapes: each way down is one.
#[derive(Default)]
pub struct Shapes {
    /// The first is above all others
    nodes: Vec<Node>,
    shapes: Vec<Shape>,
}

/// A fixed part and what follows it.
struct Node {
    /// The part in words of 8 bytes, the last filled up with zeros
    words: Vec<u64>,
    /// The bytes of the last word that count
    mask: u64,
    length: usize,
    then: Then,
    next: Vec<usize>,
}

/// What follows a fixed part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    String,
    Number,
    /// The line's end, and with it the shape with this number
    End(usize),
}

/// Where the strings and numbers of a line are.
pub type Leaves = Vec<(usize, usize)>;

/// Where an event of some shape has what is needed of it, by the numbers of the leaves.
pub struct Shape {
    /// Its id, source, subject
    pub attributes: [usize; 3],
    /// Its time, unless it has none
    pub time: Option<usize>,
    /// What each meter of its type reads
    pub uses: Vec<Use>,
}

/// What a meter reads of an event.
pub struct Use {
    /// The meter's number
    pub meter: usize,
    /// Its value; nothing for COUNT
    pub value: Option<Source>,
    /// Its groups
    pub groups: Vec<Source>,
}

/// Where what a path finds comes from.
pub enum Source {
    /// The leaf with this number
    Leaf(What, usize),
    /// It is the same in all lines of the shape.
    Fixed(What, String),
}

impl Shapes {
    /// The shape of the line at `at`, and where the next line begins; `None` if it is not known or the line ends elsewhere.
    /// In either case `leaves` is overwritten.
    pub fn find(&self, piece: &[u8], mut at: usize, leaves: &mut Leaves) -> Option<(&Shape, usize)> {
        leaves.clear();
        let mut above = self.nodes.first()?;
        'part: loop {
            for way in &above.next {
                let node = self.nodes.get(*way)?;
                let Some(after) = node.after(piece, at) else { continue };
                let end = match node.then {
                    Then::String => string_end(piece, after)?,
                    Then::Number => match number_end(piece, after) {
                        Some(end) => end,
                        None => continue,
                    },
                    Then::End(shape) if piece.get(after) == Some(&b'\n') => {
                        return self.shapes.get(shape).map(|shape| (shape, after + 1));
                    }
                    Then::End(_) => continue,
                };
                leaves.push((after, end));
                (at, above) = (end, node);
                continue 'part;
            }
            return None;
        }
    }

    /// Learns the shape of a line that has been read as this event.
    pub fn learn(&mut self, line: &str, event: &Event, meters: &[Meter]) {
        if self.nodes.len() < REPLAY_SHAPES_MAX
            && let Some((shape, leaves)) = Shape::of(line, event, meters)
        {
            self.insert(line.as_bytes(), &leaves, shape);
        }
    }

    fn insert(&mut self, line: &[u8], leaves: &[(usize, usize)], shape: Shape) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::new(b"", Then::String));
        }
        let (mut above, mut at) = (0, 0);
        for leaf in 0..=leaves.len() {
            let (from, to, then) = match leaves.get(leaf) {
                // A string's leaf lies between its quotes.
                Some((from, to)) if line.get(from.wrapping_sub(1)) == Some(&b'"') => (*from, *to, Then::String),
                Some((from, to)) => (*from, *to, Then::Number),
                None => (line.len(), line.len(), Then::End(self.shapes.len())),
            };
            let part = Node::new(line.get(at..from).unwrap_or_default(), then);
            at = to;
            let ways = self.nodes.get(above).map(|node| node.next.as_slice()).unwrap_or_default();
            if let Some(known) = ways.iter().find(|way| self.nodes.get(**way).is_some_and(|node| node.is(&part))) {
                above = *known;
                continue;
            }
            if ways.len() >= REPLAY_WAYS_MAX {
                return;
            }
            let new = self.nodes.len();
            if let Some(node) = self.nodes.get_mut(above) {
                node.next.push(new);
            }
            self.nodes.push(part);
            above = new;
            if leaf == leaves.len() {
                self.shapes.push(shape);
                return;
            }
        }
    }
}

impl Node {
    fn new(part: &[u8], then: Then) -> Self {
        let mut words = Vec::new();
        for chunk in part.chunks(8) {
            words.push(chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
        let unused = (words.len() * 8 - part.len()) * 8;
        Self { words, mask: u64::MAX >> unused, length: part.len(), then, next: Vec::new() }
    }

    /// Whether it is the same, all ends being alike.
    fn is(&self, other: &Self) -> bool {
        let is_end = |then| matches!(then, Then::End(_));
        (self.then == other.then || (is_end(self.then) && is_end(other.then)))
            && self.length == other.length
            && self.words == other.words
    }

    /// Where the part ends if it stands at `at`, with bytes enough behind it to compare whole words.
    fn after(&self, piece: &[u8], at: usize) -> Option<usize> {
        let end = at + self.words.len() * 8;
        let (words, _) = piece.get(at..end)?.as_chunks::<8>();
        let mut differ = 0;
        let mut last = 0;
        for (word, known) in words.iter().zip(&self.words) {
            differ |= last;
            last = u64::from_le_bytes(*word) ^ known;
        }
        if differ | (last & self.mask) == 0 { Some(at + self.length) } else { None }
    }
}

/// Where a string ends that has no escapes and is UTF-8.
fn string_end(piece: &[u8], from: usize) -> Option<usize> {
    let (end, ascii) = plain_end(piece, from);
    let is_string = piece.get(end) == Some(&b'"') && (ascii || std::str::from_utf8(piece.get(from..end)?).is_ok());
    if is_string { Some(end) } else { None }
}

/// Where a number ends that has no exponent and too few digits to overflow.
fn number_end(piece: &[u8], from: usize) -> Option<usize> {
    const DIGITS_MAX: usize = 300;
    let digits = |from: usize| {
        let rest = piece.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let start = from + usize::from(piece.get(from) == Some(&b'-'));
    let mut end = digits(start);
    if end == start || (end > start + 1 && piece.get(start) == Some(&b'0')) {
        return None;
    }
    if piece.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits(fraction);
        if end == fraction {
            return None;
        }
    }
    if matches!(piece.get(end), Some(b'e' | b'E')) || end - from > DIGITS_MAX { None } else { Some(end) }
}

impl Shape {
    /// The shape of a line that has been read as this CloudEvent, and the line's leaves. `None` if lines like it may differ in
    /// more than leaves can tell.
    fn of(line: &str, event: &Event, meters: &[Meter]) -> Option<(Self, Leaves)> {
        if line.contains('\\') {
            return None;
        }
        let mut leaves = Vec::new();
        let mut attributes = [usize::MAX; 3];
        let mut time = None;
        let mut names = Vec::new();
        let mut data = None;
        let read = Reader::new(line).object(|r, name| {
            let kind = r.kind()?;
            let from = r.position();
            let text = r.skip()?;
            let leaf = leaves.len();
            let number = match name.as_ref() {
                "id" => Some(0),
                "source" => Some(1),
                "subject" => Some(2),
                _ => None,
            };
            if let Some(place) = number.and_then(|number| attributes.get_mut(number)) {
                *place = leaf;
            }
            match name.as_ref() {
                // What they say decides about the event, so they belong to the shape; and so do numbers of extensions.
                "type" | "specversion" | "datacontenttype" => {}
                "time" if kind == Kind::String => {
                    time = Some(leaf);
                    push_leaves(&mut leaves, line, from, text.len());
                }
                "data" => {
                    data = Some(text);
                    push_leaves(&mut leaves, line, from, text.len());
                }
                _ if kind == Kind::Number => {}
                _ => push_leaves(&mut leaves, line, from, text.len()),
            }
            names.push(name);
            Ok(())
        });
        let twice = (1..).zip(&names).any(|(at, name)| names.iter().skip(at).any(|other| other == name));
        let missing = attributes.iter().any(|leaf| *leaf >= leaves.len());
        if read.is_err() || twice || missing || leaves.len() > REPLAY_LEAVES_MAX {
            return None;
        }
        let document = Document::read(data.filter(|data| *data != "null"));
        let source = |path: &Path| {
            if !path.is_positional() {
                return None;
            }
            let found = path.find(&document);
            if matches!(found.what, What::String | What::Number) {
                // Nothing is unescaped, so what was found is a part of the line.
                let from = (found.text.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
                let leaf = leaves.iter().position(|(start, _)| *start == from)?;
                return Some(Source::Leaf(found.what, leaf));
            }
            Some(Source::Fixed(found.what, found.text.into_owned()))
        };
        let mut uses = Vec::new();
        for (number, meter) in meters.iter().enumerate().filter(|(_, meter)| meter.event_type == event.kind) {
            // Dodo's meters filter by what values are.
            if meter.dodo.is_some() {
                return None;
            }
            let value = match &meter.value {
                Some(path) => Some(source(path)?),
                None => None,
            };
            let groups = meter.groups.iter().map(|(_, path)| source(path)).collect::<Option<_>>()?;
            uses.push(Use { meter: number, value, groups });
        }
        Some((Self { attributes, time, uses }, leaves))
    }
}

/// Adds the strings (without quotes) and numbers of a valid value without escapes.
fn push_leaves(leaves: &mut Leaves, line: &str, from: usize, length: usize) {
    let bytes = line.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let mut at = from;
    while at < from + length {
        let start = at;
        at += 1;
        match byte(start) {
            b'"' => {
                at = plain_end(bytes, at).0;
                let end = at;
                at += 1;
                let mut behind = at;
                while matches!(byte(behind), b' ' | b'\t' | b'\r') {
                    behind += 1;
                }
                // A key belongs to the shape.
                if byte(behind) != b':' {
                    leaves.push((start + 1, end));
                }
            }
            b'-' | b'0'..=b'9' => {
                while matches!(byte(at), b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') {
                    at += 1;
                }
                leaves.push((start, at));
            }
            _ => {}
        }
    }
}
