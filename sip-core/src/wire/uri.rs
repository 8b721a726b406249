//! [`Uri`]: SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966); others are kept opaque.

use alloc::borrow::Cow;
use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};

use super::ParseError;
use super::params::{Params, ParamsRef};
use super::scan::{all_host, all_uri, cut, is_ipv6, number};
use super::text::{Text, as_text};

/// The scheme of a URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other, as it was written.
    Other(Box<str>),
}

impl Scheme {
    /// As it is written, without the colon.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
            Self::Other(text) => text,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("sip") {
            Some(Self::Sip)
        } else if text.eq_ignore_ascii_case("sips") {
            Some(Self::Sips)
        } else if text.eq_ignore_ascii_case("tel") {
            Some(Self::Tel)
        } else {
            let valid = text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
            valid.then(|| Self::Other(text.into()))
        }
    }
}

/// A URI as slices of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UriRef<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// The user part as written, escapes kept; the number of a tel URI.
    pub user: Option<&'a str>,
    /// The password, if somebody still sends one.
    pub password: Option<&'a str>,
    /// Host, an IPv6 address with its brackets. Empty for tel; the opaque part for other schemes.
    pub host: &'a str,
    /// The port.
    pub port: Option<u16>,
    /// `;name=value` parameters.
    pub params: ParamsRef<'a>,
    /// What follows the question mark.
    pub headers: Option<&'a str>,
}

impl<'a> UriRef<'a> {
    /// Decodes one URI; `text` holds nothing else.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        if !all_uri(text.as_bytes()) {
            return Err(ParseError::Uri);
        }
        let colon = memchr::memchr(b':', text.as_bytes()).ok_or(ParseError::Uri)?;
        let scheme = Scheme::parse(&text[..colon]).ok_or(ParseError::Uri)?;
        let rest = &text[colon + 1..];
        match scheme {
            Scheme::Sip | Scheme::Sips => Self::sip(scheme, rest),
            Scheme::Tel => {
                let end = memchr::memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
                let (user, params) = rest.split_at(end);
                if user.is_empty() || user.bytes().any(|b| matches!(b, b'@' | b'?')) {
                    return Err(ParseError::Uri);
                }
                let params = ParamsRef(params);
                Ok(Self {
                    scheme,
                    user: Some(user),
                    password: None,
                    host: "",
                    port: None,
                    params,
                    headers: None,
                })
            }
            Scheme::Other(_) if rest.is_empty() => Err(ParseError::Uri),
            Scheme::Other(_) => {
                let params = ParamsRef::default();
                Ok(Self {
                    scheme,
                    user: None,
                    password: None,
                    host: rest,
                    port: None,
                    params,
                    headers: None,
                })
            }
        }
    }

    fn sip(scheme: Scheme, rest: &'a str) -> Result<Self, ParseError> {
        let (mut user, mut password, mut rest) = (None, None, rest);
        if let Some(at) = memchr::memchr(b'@', rest.as_bytes()) {
            let info = &rest[..at];
            rest = &rest[at + 1..];
            match cut(info, b':') {
                Some((name, secret)) => (user, password) = (Some(name), Some(secret)),
                None => user = Some(info),
            }
            if user.is_some_and(str::is_empty) {
                return Err(ParseError::Uri);
            }
        }
        let (host, after) = split_host(rest)?;
        let (port, after) = split_port(after)?;
        let (params, headers) = match memchr::memchr(b'?', after.as_bytes()) {
            Some(at) => (&after[..at], Some(&after[at + 1..])),
            None => (after, None),
        };
        if !(params.is_empty() || params.starts_with(';'))
            || memchr::memchr(b'@', after.as_bytes()).is_some()
        {
            return Err(ParseError::Uri);
        }
        Ok(Self {
            scheme,
            user,
            password,
            host,
            port,
            params: ParamsRef(params),
            headers,
        })
    }

    /// The user with its escapes resolved.
    pub fn username(&self) -> Option<Cow<'a, str>> {
        self.user.map(unescape)
    }
}

/// Host (or bracketed IPv6 address) and what follows it.
pub(super) fn split_host(text: &str) -> Result<(&str, &str), ParseError> {
    if text.starts_with('[') {
        let end = memchr::memchr(b']', text.as_bytes()).ok_or(ParseError::Uri)? + 1;
        let inner = &text[1..end - 1];
        if !is_ipv6(inner) {
            return Err(ParseError::Uri);
        }
        return Ok(text.split_at(end));
    }
    let end = text
        .bytes()
        .position(|b| matches!(b, b':' | b';' | b'?' | b' ' | b'\t' | b'\r' | b'\n'));
    let (host, after) = text.split_at(end.unwrap_or(text.len()));
    if !all_host(host.as_bytes()) {
        return Err(ParseError::Uri);
    }
    Ok((host, after))
}

/// `:port` at the beginning, and what follows it.
fn split_port(text: &str) -> Result<(Option<u16>, &str), ParseError> {
    let Some(digits) = text.strip_prefix(':') else {
        return Ok((None, text));
    };
    let end = digits
        .bytes()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(digits.len());
    let port = number(&digits[..end]).map_err(|_| ParseError::Uri)?;
    Ok((Some(port), &digits[end..]))
}

/// A URI, owned and editable. Compared part by part as written; [`Uri::equivalent`] compares as RFC 3261 §19.1.4 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    /// The scheme.
    pub scheme: Scheme,
    /// The user part as written, escapes kept (see [`Uri::username`]); the number of a tel URI.
    pub user: Option<String>,
    /// The password, if somebody still sends one.
    pub password: Option<String>,
    /// Host, an IPv6 address with its brackets. Empty for tel; the opaque part for other schemes.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// The parameters.
    pub params: Params,
    /// What follows the question mark, as written.
    pub headers: Option<String>,
}

impl Uri {
    /// `sip:user@host`; the user is escaped where it must be.
    pub fn sip(user: &str, host: impl Into<String>) -> Self {
        Self {
            user: Some(escape(user)),
            ..Self::host(host)
        }
    }

    /// `sip:host`.
    pub fn host(host: impl Into<String>) -> Self {
        Self {
            scheme: Scheme::Sip,
            user: None,
            password: None,
            host: host.into(),
            port: None,
            params: Params::new(),
            headers: None,
        }
    }

    /// With a parameter, for building.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.set(name, value);
        self
    }

    /// The user with its escapes resolved: the number that was meant.
    pub fn username(&self) -> Option<Cow<'_, str>> {
        self.user.as_deref().map(unescape)
    }

    /// Is it `sip:` or `sips:`?
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// Does it carry `lr` (RFC 3261 §19.1.1: a loose router)?
    pub fn is_loose_router(&self) -> bool {
        self.params
            .iter()
            .any(|(name, _)| unescape(name).eq_ignore_ascii_case("lr"))
    }

    /// As a request may be sent to it: without the headers that a link may carry (RFC 3261 §19.1.1).
    #[must_use]
    pub fn without_headers(mut self) -> Self {
        self.headers = None;
        self
    }

    /// The address-of-record: scheme, user and host, nothing else (RFC 3261 §10.3 step 5).
    pub fn address_of_record(&self) -> Self {
        Self {
            scheme: self.scheme.clone(),
            user: self.username().map(|u| escape(&u)),
            password: None,
            host: if self.is_sip() {
                self.host.to_ascii_lowercase()
            } else {
                self.host.clone()
            },
            port: self.port,
            params: Params::new(),
            headers: None,
        }
    }

    /// The same URI by the rules of RFC 3261 §19.1.4?
    pub fn equivalent(&self, other: &Self) -> bool {
        let same_host = if self.is_sip() {
            self.host.eq_ignore_ascii_case(&other.host)
        } else {
            self.host == other.host
        };
        self.scheme == other.scheme
            && self.username() == other.username()
            && self.password == other.password
            && same_host
            && self.port == other.port
            && params_match(&self.params, &other.params)
            && params_match(&other.params, &self.params)
            && headers_match(self.headers.as_deref(), other.headers.as_deref())
    }

    pub(super) fn parse_text(text: &str) -> Result<Self, ParseError> {
        Self::try_from(UriRef::parse(text)?)
    }
}

/// A parameter in both must match; these may not be in one only. One that is there twice (RFC 3261 §19.1.1 forbids it) matches
/// where any of its values does.
fn params_match(a: &Params, b: &Params) -> bool {
    a.iter().all(|(name, value)| {
        let (name, value) = (unescape(name), unescape(value.unwrap_or("")));
        let mut theirs = b
            .iter()
            .filter(|(n, _)| unescape(n).eq_ignore_ascii_case(&name))
            .peekable();
        if theirs.peek().is_none() {
            return !["user", "ttl", "method", "maddr", "transport"]
                .iter()
                .any(|n| name.eq_ignore_ascii_case(n));
        }
        theirs.any(|(_, v)| unescape(v.unwrap_or("")).eq_ignore_ascii_case(&value))
    })
}

fn headers_match(a: Option<&str>, b: Option<&str>) -> bool {
    let sorted = |text: Option<&str>| {
        let mut items: Vec<String> = text
            .unwrap_or("")
            .split('&')
            .map(|i| unescape(i).to_ascii_lowercase())
            .collect();
        items.sort_unstable();
        items
    };
    a == b || sorted(a) == sorted(b)
}

impl TryFrom<UriRef<'_>> for Uri {
    type Error = ParseError;
    fn try_from(uri: UriRef<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            user: uri.user.map(Into::into),
            password: uri.password.map(Into::into),
            host: uri.host.into(),
            port: uri.port,
            params: Params::try_from(uri.params).map_err(|e| {
                if e == ParseError::Value {
                    ParseError::Uri
                } else {
                    e
                }
            })?,
            headers: uri.headers.map(Into::into),
            scheme: uri.scheme,
        })
    }
}

impl Text for Uri {
    fn write(&self, out: &mut String) {
        out.push_str(self.scheme.as_str());
        out.push(':');
        if let Some(user) = &self.user {
            out.push_str(user);
            if let Some(password) = &self.password {
                out.push(':');
                out.push_str(password);
            }
            if self.scheme != Scheme::Tel {
                out.push('@');
            }
        }
        out.push_str(&self.host);
        write_port(self.port, out);
        self.params.write(out);
        if let Some(headers) = &self.headers {
            out.push('?');
            out.push_str(headers);
        }
    }
}

/// `:port`, if there is one.
pub(super) fn write_port(port: Option<u16>, out: &mut String) {
    if let Some(port) = port {
        out.push(':');
        out.push_str(&port.to_string());
    }
}

as_text!(Uri);

/// Resolves `%41` escapes; what is no escape, or would be no UTF-8, stays as it is.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let escaped = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3)).flatten();
        match escaped
            .filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|h| u8::from_str_radix(h, 16).ok())
        {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Escapes what a user part may not hold (RFC 3261 §25.1: unreserved and user-unreserved stay).
fn escape(user: &str) -> String {
    let mut out = String::with_capacity(user.len());
    for b in user.bytes() {
        if b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push('%');
            out.push(char::from(b"0123456789ABCDEF"[usize::from(b >> 4)]));
            out.push(char::from(b"0123456789ABCDEF"[usize::from(b & 15)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn every_part_is_found_and_written_back_as_it_was() {
        for text in [
            "sip:alice.smith@example.com",
            "sips:alice:s3cret@[2001:db8::10]:5070;transport=ws;lr?Subject=hi&Priority=urgent",
            "sip:user;par=u%40example.net@company.com",
            "tel:+358-555-1234567;phone-context=+358",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "nobodyKnowsThisScheme:totallyopaquecontent",
            "sip:example.com:5060",
        ] {
            assert_eq!(uri(text).to_string(), text);
        }
        let full = uri("sips:alice:s3cret@[2001:db8::10]:5070;transport=ws;lr?Subject=hi");
        assert_eq!(full.scheme, Scheme::Sips);
        assert_eq!(full.password.as_deref(), Some("s3cret"));
        assert_eq!(full.host, "[2001:db8::10]");
        assert_eq!(full.port, Some(5070));
        assert!(full.is_loose_router());
        assert_eq!(full.headers.as_deref(), Some("Subject=hi"));
        assert_eq!(
            uri("sip:user;par=u%40example.net@company.com")
                .username()
                .as_deref(),
            Some("user;par=u@example.net")
        );
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "",
            "sip",
            "sip:",
            "sip:@h",
            "sip:a@",
            "sip:a@h:70000",
            "sip:a@h:x",
            "sip:a b@h",
            "<sip:a@h>",
            "sip:[::zz]",
            "sip:[::1",
            "sip:a@b@c",
            "tel:",
            "1x:y",
            "sip:a@h/x",
        ] {
            assert!(text.parse::<Uri>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_uri_is_equal_to_itself() {
        for text in [
            "sip:a@h;x=1;x=2",
            "sip:a@h;%78=1;X=2;lr",
            "sip:a@h;lr?b=1&a=2",
        ] {
            assert!(uri(text).equivalent(&uri(text)), "{text}");
        }
        assert!(!uri("sip:a@h;x=1").equivalent(&uri("sip:a@h;x=2")));
    }

    #[test]
    fn a_number_is_escaped_into_a_uri_and_comes_out_as_it_was() {
        let number = Uri::sip("+86*10#1", "example.com");
        assert_eq!(number.to_string(), "sip:+86*10%231@example.com");
        assert_eq!(number.username().as_deref(), Some("+86*10#1"));
    }

    #[test]
    fn equivalence_follows_the_examples_of_the_rfc() {
        // RFC 3261 §19.1.4
        let same = [
            (
                "sip:%61lice@atlanta.com;transport=TCP",
                "sip:alice@AtLanTa.CoM;Transport=tcp",
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ];
        for (a, b) in same {
            assert!(uri(a).equivalent(&uri(b)), "{a} {b}");
        }
        let different = [
            (
                "SIP:ALICE@AtLanTa.CoM;Transport=udp",
                "sip:alice@AtLanTa.CoM;Transport=UDP",
            ),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            (
                "sip:carol@chicago.com",
                "sip:carol@chicago.com?Subject=next%20meeting",
            ),
            (
                "sip:carol@chicago.com;security=on",
                "sip:carol@chicago.com;security=off",
            ),
        ];
        for (a, b) in different {
            assert!(!uri(a).equivalent(&uri(b)), "{a} {b}");
        }
    }
}
