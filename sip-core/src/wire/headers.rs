//! [`Headers`]: the header fields of an owned message, in their order.

use super::name::{AsName, HeaderName, NameRef};
use super::scan::{all_token, find_outside, is_token, split_list, trim, trim_bytes};
use super::view::FieldRef;
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};

/// One header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    name: FieldName,
    value: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum FieldName {
    Known(HeaderName),
    Other(Box<str>),
}

impl Field {
    /// The name: canonical if it is known, as it was written otherwise.
    pub fn name(&self) -> &str {
        match &self.name {
            FieldName::Known(name) => name.as_str(),
            FieldName::Other(name) => name,
        }
    }

    /// The name if it is known.
    pub fn known(&self) -> Option<HeaderName> {
        match &self.name {
            FieldName::Known(name) => Some(*name),
            FieldName::Other(_) => None,
        }
    }

    /// The value as it is on the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.value
    }

    /// The value as text; none if a peer sent something else than UTF-8.
    pub fn text(&self) -> Option<&str> {
        core::str::from_utf8(&self.value).ok()
    }

    fn is(&self, name: NameRef<'_>) -> bool {
        match (name, &self.name) {
            (NameRef::Known(a), FieldName::Known(b)) => a == *b,
            (NameRef::Other(a), FieldName::Other(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        }
    }

    fn new(name: NameRef<'_>, value: Vec<u8>) -> Self {
        let name = match name {
            NameRef::Known(name) => FieldName::Known(name),
            NameRef::Other(text) if all_token(text.as_bytes()) => FieldName::Other(text.into()),
            // No token, so no name that a peer would accept; whatever it is, it stays within its line.
            NameRef::Other(text) => FieldName::Other(
                text.chars()
                    .map(|c| {
                        if u8::try_from(c).is_ok_and(is_token) {
                            c
                        } else {
                            '-'
                        }
                    })
                    .collect(),
            ),
        };
        Self {
            name,
            value: clean(value),
        }
    }
}

impl From<&FieldRef<'_>> for Field {
    fn from(field: &FieldRef<'_>) -> Self {
        let name = match field.known {
            Some(name) => FieldName::Known(name),
            // Names are tokens, tokens are ASCII.
            None => FieldName::Other(String::from_utf8_lossy(field.name).into()),
        };
        Self {
            name,
            value: unfold(field.value),
        }
    }
}

/// Each fold is one space (RFC 3261 §7.3.1). A form feed beside it is no white space here: it stays, or the value would begin
/// with a space that nobody reads again.
fn unfold(value: &[u8]) -> Vec<u8> {
    if memchr::memchr(b'\r', value).is_none() {
        return value.to_vec();
    }
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'\r', rest) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(trim_bytes(before));
        out.push(b' ');
        rest = trim_bytes(after);
    }
    out.extend_from_slice(rest);
    out
}

/// A value that a program sets cannot break out of its line.
fn clean(mut value: Vec<u8>) -> Vec<u8> {
    for b in &mut value {
        if matches!(b, b'\r' | b'\n') {
            *b = b' ';
        }
    }
    value
}

/// Header fields in their order; names compare without regard to case and compact form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<Field>);

impl Headers {
    /// No fields.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Every field.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Field> {
        self.0.iter()
    }

    /// How many fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Is there a field of the name?
    pub fn has(&self, name: impl AsName) -> bool {
        let name = name.as_name();
        self.0.iter().any(|f| f.is(name))
    }

    /// The value of the first field of the name.
    pub fn get(&self, name: impl AsName) -> Option<&str> {
        let name = name.as_name();
        self.0.iter().find(|f| f.is(name))?.text()
    }

    /// The value of the first field of the name, whatever its octets are.
    pub fn get_bytes(&self, name: impl AsName) -> Option<&[u8]> {
        let name = name.as_name();
        self.0.iter().find(|f| f.is(name)).map(Field::bytes)
    }

    /// All values of the name in their order; comma-separated ones one by one. Malformed ones are left out: typed
    /// getters tell of them.
    pub fn get_all(&self, name: impl AsName) -> Vec<&str> {
        let name = name.as_name();
        let is_list = matches!(name, NameRef::Known(known) if known.is_list());
        let mut out = Vec::new();
        for text in self.0.iter().filter(|f| f.is(name)).filter_map(Field::text) {
            if is_list {
                out.extend(split_list(text).filter_map(Result::ok));
            } else {
                out.push(text);
            }
        }
        out
    }

    /// Does a list of tokens (Supported, Require, Allow …) hold this one?
    pub fn has_token(&self, name: HeaderName, token: &str) -> bool {
        self.get_all(name)
            .iter()
            .any(|t| t.eq_ignore_ascii_case(token))
    }

    /// Adds a field behind all others.
    pub fn push(&mut self, name: impl AsName, value: impl Into<Vec<u8>>) {
        self.0.push(Field::new(name.as_name(), value.into()));
    }

    /// Adds a field before those of its name, or, if there is none, right behind the Vias.
    pub fn prepend(&mut self, name: impl AsName, value: impl Into<Vec<u8>>) {
        let name = name.as_name();
        let at = self.0.iter().position(|f| f.is(name)).unwrap_or_else(|| {
            let is_via = matches!(name, NameRef::Known(HeaderName::Via));
            if is_via {
                0
            } else {
                self.0
                    .iter()
                    .position(|f| f.known() != Some(HeaderName::Via))
                    .unwrap_or(self.0.len())
            }
        });
        self.0.insert(at, Field::new(name, value.into()));
    }

    /// Replaces all fields of the name by one, in the place of the first.
    pub fn set(&mut self, name: impl AsName, value: impl Into<Vec<u8>>) {
        let name = name.as_name();
        let field = Field::new(name, value.into());
        match self.0.iter().position(|f| f.is(name)) {
            Some(at) => {
                self.0[at] = field;
                let mut i = 0;
                self.0.retain(|f| {
                    i += 1;
                    i - 1 <= at || !f.is(name)
                });
            }
            None => self.0.push(field),
        }
    }

    /// Removes all fields of the name; was there one?
    pub fn remove(&mut self, name: impl AsName) -> bool {
        let name = name.as_name();
        let before = self.0.len();
        self.0.retain(|f| !f.is(name));
        before != self.0.len()
    }

    /// Takes the first value of the name out: the topmost Via or Route, even if others stand in the same field.
    pub fn remove_first_value(&mut self, name: impl AsName) -> Option<String> {
        let (first, at, rest) = self.split_first(name.as_name())?;
        match rest {
            Some(rest) => self.0[at].value = rest.into_bytes(),
            None => {
                self.0.remove(at);
            }
        }
        Some(first)
    }

    /// Replaces the first value of the name: the topmost Via with `received` added. Without one it is added.
    pub fn replace_first_value(&mut self, name: impl AsName, value: impl Into<String>) {
        let (name, value) = (name.as_name(), value.into());
        match self.split_first(name) {
            Some((_, at, rest)) => {
                let text = rest.map_or(value.clone(), |rest| [&value, ", ", &rest].concat());
                self.0[at] = Field::new(name, text.into_bytes());
            }
            None => self.prepend_ref(name, value),
        }
    }

    fn prepend_ref(&mut self, name: NameRef<'_>, value: String) {
        match name {
            NameRef::Known(known) => self.prepend(known, value),
            NameRef::Other(text) => self.prepend(text, value),
        }
    }

    /// The first value, the index of its field, and what follows in that field.
    fn split_first(&self, name: NameRef<'_>) -> Option<(String, usize, Option<String>)> {
        let at = self.0.iter().position(|f| f.is(name))?;
        let text = self.0[at].text()?;
        let is_list = matches!(name, NameRef::Known(known) if known.is_list());
        let end = if is_list {
            find_outside(text.as_bytes(), b',').unwrap_or(text.len())
        } else {
            text.len()
        };
        let rest = text.get(end + 1..).map(|r| trim(r).to_owned());
        Some((trim(&text[..end]).to_owned(), at, rest))
    }
}

impl FromIterator<Field> for Headers {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_every_spelling_and_unknown_ones_keep_theirs() {
        let mut headers = Headers::new();
        headers.push("i", "1");
        headers.push("X-StRaNge", "2");
        assert_eq!(headers.get(HeaderName::CallId), Some("1"));
        assert_eq!(headers.get("CALL-id"), Some("1"));
        assert_eq!(headers.get("x-strange"), Some("2"));
        assert_eq!(
            headers.iter().map(Field::name).collect::<Vec<_>>(),
            ["Call-ID", "X-StRaNge"]
        );
    }

    #[test]
    fn the_first_value_is_taken_even_from_a_shared_line() {
        let mut headers = Headers::new();
        headers.push("Route", "<sip:a;lr>, <sip:b;lr>");
        headers.push("Route", "<sip:c;lr>");
        assert_eq!(
            headers.remove_first_value("Route").as_deref(),
            Some("<sip:a;lr>")
        );
        headers.replace_first_value("Route", "<sip:x;lr>");
        headers.prepend("Route", "<sip:0;lr>");
        assert_eq!(
            headers.get_all("Route"),
            ["<sip:0;lr>", "<sip:x;lr>", "<sip:c;lr>"]
        );
    }

    #[test]
    fn set_replaces_all_in_the_place_of_the_first() {
        let mut headers = Headers::new();
        for (name, value) in [("A", "1"), ("B", "2"), ("A", "3")] {
            headers.push(name, value);
        }
        headers.set("a", "9\r\nEvil: 1");
        assert_eq!(
            headers.iter().filter_map(Field::text).collect::<Vec<_>>(),
            ["9  Evil: 1", "2"]
        );
    }
}
