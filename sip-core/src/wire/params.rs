//! [`Params`]: the `;name=value` lists of URIs and headers.

use alloc::borrow::Cow;
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use core::fmt;

use super::ParseError;
use super::limits::MAX_PARAMS;
use super::scan::{self, find_outside, trim};
use super::text::Text;

/// Parameters as slices: `;a=1;b`, iterated and searched without allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParamsRef<'a>(pub(super) &'a str);

impl<'a> ParamsRef<'a> {
    /// The text with its leading semicolon; empty if there are none.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Each name with its raw value (quotes kept).
    pub fn iter(self) -> impl Iterator<Item = Result<(&'a str, Option<&'a str>), ParseError>> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let text = rest.strip_prefix(';')?;
            let at = match find_outside(text.as_bytes(), b';') {
                Ok(at) => at,
                Err(error) => {
                    rest = "";
                    return Some(Err(error));
                }
            };
            let one = &text[..at];
            rest = &text[at..];
            let (name, value) = match memchr::memchr(b'=', one.as_bytes()) {
                Some(eq) => (trim(&one[..eq]), Some(trim(&one[eq + 1..]))),
                None => (trim(one), None),
            };
            Some(
                if name.is_empty() || name.bytes().any(|b| b == b'"' || scan::is_lws(b)) {
                    Err(ParseError::Value)
                } else {
                    Ok((name, value))
                },
            )
        })
    }

    /// Is every parameter well-formed, and are there no more than there may be?
    pub fn check(self) -> Result<(), ParseError> {
        for (count, param) in self.iter().enumerate() {
            param?;
            if count == MAX_PARAMS {
                return Err(ParseError::TooManyParams);
            }
        }
        Ok(())
    }

    /// The raw value of a parameter: `None` if absent, `Some("")` if it has no value.
    pub fn raw(self, name: &str) -> Option<&'a str> {
        self.iter()
            .find_map(|p| p.ok().filter(|(n, _)| n.eq_ignore_ascii_case(name)))
            .map(|(_, v)| v.unwrap_or(""))
    }
}

/// Parameters, owned and editable. Names compare without regard to case; order and quotes are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(Box<str>, Option<Box<str>>)>);

impl Params {
    /// No parameters.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Is the parameter there, with or without a value?
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// The value without the quotes around it: `None` if absent, `Some("")` for a parameter without a value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let raw = self.raw(name)?;
        Some(
            raw.strip_prefix('"')
                .and_then(|r| r.strip_suffix('"'))
                .unwrap_or(raw),
        )
    }

    /// The value as it is written, quotes and escapes kept.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_deref().unwrap_or(""))
    }

    /// The value with quotes and escapes resolved.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.raw(name).map(unquote)
    }

    /// Sets a parameter to a value as it is to be written; quotes are the caller's (see [`quote`]).
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.put(name, Some(clean(value.into())));
    }

    /// Sets a parameter without a value, such as `lr`.
    pub fn set_flag(&mut self, name: &str) {
        self.put(name, None);
    }

    /// Removes a parameter; was it there?
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        before != self.0.len()
    }

    /// With a parameter set; for building.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// Each name with its raw value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(n, v)| (n.as_ref(), v.as_deref()))
    }

    fn put(&mut self, name: &str, value: Option<Box<str>>) {
        match self
            .0
            .iter_mut()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            Some(slot) => slot.1 = value,
            None => self.0.push((clean(name.to_owned()), value)),
        }
    }
}

/// No line break can be smuggled into a message by a value.
fn clean(text: String) -> Box<str> {
    if text.bytes().any(|b| b == b'\r' || b == b'\n') {
        text.replace(['\r', '\n'], " ").into()
    } else {
        text.into()
    }
}

impl TryFrom<ParamsRef<'_>> for Params {
    type Error = ParseError;
    fn try_from(params: ParamsRef<'_>) -> Result<Self, ParseError> {
        let mut out = Vec::new();
        for param in params.iter() {
            let (name, value) = param?;
            if out.len() == MAX_PARAMS {
                return Err(ParseError::TooManyParams);
            }
            out.push((name.into(), value.map(Into::into)));
        }
        Ok(Self(out))
    }
}

impl Text for Params {
    fn write(&self, out: &mut String) {
        for (name, value) in &self.0 {
            out.push(';');
            out.push_str(name);
            if let Some(value) = value {
                out.push('=');
                out.push_str(value);
            }
        }
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// A text as a quoted string (RFC 3261 §25.1).
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\r' | '\n' => out.push(' '),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A quoted string as the text that it means; a text without quotes is itself.
pub fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_quotes_and_flags_are_understood() {
        let params =
            Params::try_from(ParamsRef(r#" ; tag = x;lr ;q="a;b\"c""#.trim_start())).unwrap();
        assert_eq!(params.get("TAG"), Some("x"));
        assert_eq!(params.get("lr"), Some(""));
        assert_eq!(params.text("q").as_deref(), Some("a;b\"c"));
        assert_eq!(params.to_string(), r#";tag=x;lr;q="a;b\"c""#);
        assert!(Params::try_from(ParamsRef(";;")).is_err());
        assert!(Params::try_from(ParamsRef(";=x")).is_err());
    }

    #[test]
    fn a_value_cannot_carry_a_line_break() {
        let params = Params::new().with("a", "1\r\nEvil: 2");
        assert_eq!(params.to_string(), ";a=1  Evil: 2");
    }
}
