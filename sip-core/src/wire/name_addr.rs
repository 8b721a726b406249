//! [`NameAddr`]: From, To, Contact, Route and their kin (RFC 3261 §20.10).

use alloc::borrow::Cow;
use alloc::{string::String, vec::Vec};

use super::ParseError;
use super::params::{Params, ParamsRef, quote, unquote};
use super::scan::{number, skip_quoted, trim};
use super::text::{Text, as_text};
use super::uri::{Uri, UriRef};

/// A name-addr or addr-spec with its header parameters, as slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddrRef<'a> {
    /// The display name as written, quotes kept.
    pub display: Option<&'a str>,
    /// The text of the URI.
    pub uri: &'a str,
    /// Parameters of the header, not of the URI.
    pub params: ParamsRef<'a>,
}

impl<'a> NameAddrRef<'a> {
    /// Decodes one value.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        let text = trim(text);
        let bytes = text.as_bytes();
        let open = if bytes.first() == Some(&b'"') {
            let end = skip_quoted(bytes, 0)?;
            let open = end
                + bytes[end..]
                    .iter()
                    .position(|b| !super::scan::is_lws(*b))
                    .ok_or(ParseError::Value)?;
            if bytes[open] != b'<' {
                return Err(ParseError::Value);
            }
            Some(open)
        } else {
            memchr::memchr(b'<', bytes)
        };
        let (display, uri, rest) = match open {
            Some(open) => {
                let close = open + memchr::memchr(b'>', &bytes[open..]).ok_or(ParseError::Value)?;
                let display = trim(&text[..open]);
                (
                    (!display.is_empty()).then_some(display),
                    trim(&text[open + 1..close]),
                    trim(&text[close + 1..]),
                )
            }
            None => {
                // Without brackets every parameter belongs to the header (RFC 3261 §20.10).
                let end = memchr::memchr(b';', bytes).unwrap_or(bytes.len());
                (None, trim(&text[..end]), trim(&text[end..]))
            }
        };
        if uri.is_empty() || !(rest.is_empty() || rest.starts_with(';')) {
            return Err(ParseError::Value);
        }
        if open.is_none() && uri.contains(['?', ',']) {
            return Err(ParseError::Value);
        }
        Ok(Self {
            display,
            uri,
            params: ParamsRef(rest),
        })
    }

    /// The URI, decoded.
    pub fn uri(&self) -> Result<UriRef<'a>, ParseError> {
        UriRef::parse(self.uri)
    }

    /// The tag.
    pub fn tag(&self) -> Option<&'a str> {
        self.params.raw("tag").filter(|t| !t.is_empty())
    }

    /// The display name with quotes and escapes resolved.
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        self.display.map(unquote).filter(|d| !d.is_empty())
    }
}

/// A name-addr, owned and editable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name with quotes and escapes resolved; it is data, never markup.
    pub display: Option<String>,
    /// The URI.
    pub uri: Uri,
    /// Parameters of the header, not of the URI.
    pub params: Params,
}

/// A Contact value; `*` is told apart by [`Contacts`].
pub type Contact = NameAddr;

impl NameAddr {
    /// An address without name or parameters.
    pub const fn new(uri: Uri) -> Self {
        Self {
            display: None,
            uri,
            params: Params::new(),
        }
    }

    /// With a display name; an empty one is none.
    #[must_use]
    pub fn with_display(mut self, display: impl Into<String>) -> Self {
        self.display = Some(display.into()).filter(|d| !d.is_empty());
        self
    }

    /// With a header parameter.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.set(name, value);
        self
    }

    /// With a tag.
    #[must_use]
    pub fn with_tag(self, tag: impl Into<String>) -> Self {
        self.with_param("tag", tag)
    }

    /// The tag.
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag").filter(|t| !t.is_empty())
    }

    /// Seconds of the `expires` parameter; a malformed one is none (RFC 3261 §10.3: then the default applies).
    pub fn expires(&self) -> Option<u32> {
        self.params
            .get("expires")
            .and_then(|v| number::<u64>(v).ok())
            .map(|s| u32::try_from(s).unwrap_or(u32::MAX))
    }

    /// The `q` value in thousandths.
    pub fn q(&self) -> Option<u16> {
        let (whole, part) = self
            .params
            .get("q")?
            .split_once('.')
            .unwrap_or((self.params.get("q")?, ""));
        let mut digits = part.bytes().chain([b'0'; 3]).take(3);
        let part = digits.try_fold(0, |number, digit| {
            let value = digit.is_ascii_digit().then(|| digit - b'0')?;
            Some(number * 10 + u16::from(value))
        })?;
        match whole {
            "0" | "" => Some(part),
            "1" => Some(1000),
            _ => None,
        }
    }

    /// The instance of the device: `urn:uuid:…` without brackets and quotes (RFC 5626 §4.1).
    pub fn instance(&self) -> Option<&str> {
        let value = self.params.get("+sip.instance")?;
        Some(
            value
                .strip_prefix('<')
                .and_then(|v| v.strip_suffix('>'))
                .unwrap_or(value),
        )
    }

    /// The flow number of RFC 5626.
    pub fn reg_id(&self) -> Option<u32> {
        self.params.get("reg-id").and_then(|v| number(v).ok())
    }

    pub(super) fn parse_text(text: &str) -> Result<Self, ParseError> {
        Self::try_from(NameAddrRef::parse(text)?)
    }
}

impl TryFrom<NameAddrRef<'_>> for NameAddr {
    type Error = ParseError;
    fn try_from(value: NameAddrRef<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            display: value.display_name().map(Cow::into_owned),
            uri: Uri::try_from(value.uri()?)?,
            params: Params::try_from(value.params)?,
        })
    }
}

impl Text for NameAddr {
    fn write(&self, out: &mut String) {
        if let Some(display) = &self.display {
            out.push_str(&quote(display));
            out.push(' ');
        }
        out.push('<');
        self.uri.write(out);
        out.push('>');
        self.params.write(out);
    }
}

as_text!(NameAddr);

/// What the Contact headers of a message say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contacts {
    /// `Contact: *`: all bindings, in a REGISTER that removes them.
    Star,
    /// The contacts in their order, possibly none.
    List(Vec<Contact>),
}

impl Contacts {
    /// The contacts; none for the star.
    pub fn list(&self) -> &[Contact] {
        match self {
            Self::Star => &[],
            Self::List(list) => list,
        }
    }

    /// The contact that is preferred by its `q` value, of those whose URI fits; of equal ones the first.
    pub fn best(self, fits: &dyn Fn(&Uri) -> bool) -> Option<Contact> {
        let Self::List(list) = self else {
            return None;
        };
        let preference = |contact: &Contact| contact.q().unwrap_or(1000);
        let fitting = list.into_iter().filter(|contact| fits(&contact.uri));
        // Of equal ones, the last is the greatest.
        fitting.rev().max_by_key(preference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_names_hold_anything() {
        let to: NameAddr = r#""A <b> \"C\", D" <sip:alice@example.com>;tag=1"#.parse().unwrap();
        assert_eq!(to.display.as_deref(), Some(r#"A <b> "C", D"#));
        assert_eq!(to.tag(), Some("1"));
        assert_eq!(
            to.to_string(),
            r#""A <b> \"C\", D" <sip:alice@example.com>;tag=1"#
        );
    }

    #[test]
    fn without_brackets_the_parameters_are_the_headers() {
        let from: NameAddr = "sip:alice@example.com ; tag = 9q".parse().unwrap();
        assert_eq!(from.tag(), Some("9q"));
        assert!(from.uri.params.is_empty());
        assert!("sip:a@h?Subject=x".parse::<NameAddr>().is_err());
    }

    #[test]
    fn a_contact_tells_instance_expiry_and_preference() {
        let text = r#"<sip:a@h;transport=ws>;+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>";reg-id=1;expires=600;q=0.33"#;
        let contact: Contact = text.parse().unwrap();
        assert_eq!(
            contact.instance(),
            Some("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
        );
        assert_eq!(
            (contact.reg_id(), contact.expires(), contact.q()),
            (Some(1), Some(600), Some(330))
        );
        assert_eq!(contact.to_string(), text);
    }

    #[test]
    fn a_preference_counts_in_thousandths() {
        for (text, thousandths) in [
            ("0", Some(0)),
            ("0.", Some(0)),
            (".5", Some(500)),
            ("0.12", Some(120)),
            ("0.1239", Some(123)),
            ("1.0", Some(1000)),
            ("0.1x", None),
            ("0.é", None),
            ("2", None),
        ] {
            let contact: Contact = format!("<sip:a@h>;q={text}").parse().unwrap();
            assert_eq!(contact.q(), thousandths, "{text}");
        }
    }

    #[test]
    fn the_best_contact_is_the_first_of_the_most_preferred_that_fit() {
        let contact = |text: &str| text.parse::<Contact>().unwrap();
        let contacts = Contacts::List(vec![
            contact("<sip:low@h>;q=0.1"),
            contact("<tel:1>"),
            contact("<sip:first@h>;q=1.0"),
            contact("<sip:second@h>"),
        ]);
        let best = |fits: &dyn Fn(&Uri) -> bool| Some(contacts.clone().best(fits)?.uri.to_string());
        assert_eq!(best(&|_| true).as_deref(), Some("tel:1"));
        assert_eq!(best(&Uri::is_sip).as_deref(), Some("sip:first@h"));
        assert_eq!(best(&|_| false), None);
        assert_eq!(Contacts::Star.best(&|_| true), None);
    }

    #[test]
    fn broken_addresses_are_refused() {
        for text in [
            "",
            "<",
            "<>",
            "\"open <sip:a@h>",
            "<sip:a@h> x",
            "\"a\" sip:a@h",
            "<sip:a@h>;;",
            "Bob <sip:a h@x>",
        ] {
            assert!(text.parse::<NameAddr>().is_err(), "{text}");
        }
    }
}
