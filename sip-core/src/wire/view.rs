//! [`View`]: what one pass over the bytes yields, without copying any of them.

use super::error::ParseError;
use super::limits::Limits;
use super::name::{AsName, HeaderName, NameRef};
use super::scan::{comment_depth, is_token, number, trim_bytes, utf8};
use super::{CSeq, Method, NameAddrRef, UriRef, ViaRef};
use alloc::vec::Vec;

/// The first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// Of a request.
    Request {
        /// The method, a token.
        method: &'a str,
        /// The Request-URI, not decoded yet.
        uri: &'a str,
    },
    /// Of a response.
    Response {
        /// 100 to 699.
        status: u16,
        /// The reason phrase as written, possibly empty.
        reason: &'a str,
    },
}

/// One header field, folds not resolved yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRef<'a> {
    /// The name if it is known, whatever its spelling was.
    pub known: Option<HeaderName>,
    /// The name as written; a token.
    pub name: &'a [u8],
    /// The value without white space at its ends.
    pub value: &'a [u8],
}

impl<'a> FieldRef<'a> {
    fn is(&self, name: NameRef<'_>) -> bool {
        match (name, self.known) {
            (NameRef::Known(name), Some(known)) => name == known,
            (NameRef::Other(name), None) => self.name.eq_ignore_ascii_case(name.as_bytes()),
            _ => false,
        }
    }

    /// The value as text.
    pub fn text(&self) -> Result<&'a str, ParseError> {
        utf8(self.value)
    }
}

/// A message as slices of the input.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The first line.
    pub start: StartLine<'a>,
    /// The header fields in their order.
    pub fields: Vec<FieldRef<'a>>,
    /// Everything behind the empty line; see [`View::body`].
    pub rest: &'a [u8],
}

impl<'a> View<'a> {
    /// Splits a message. Line ends before it are skipped (RFC 3261 §7.5). Nothing is decoded: a view may still lack
    /// mandatory headers or hold malformed ones.
    pub fn parse(input: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        let (line, at) = first_line(input, limits)?;
        let start = StartLine::parse(line)?;
        let (fields, rest) = header_fields(input, at, limits)?;
        Ok(Self {
            start,
            fields,
            rest,
        })
    }

    /// First line and fields of what looks like a request, however its first line is to be understood: enough to refuse
    /// it. None for what claims to be a response.
    pub(super) fn refusable(
        input: &'a [u8],
        limits: &Limits,
    ) -> Option<(&'a [u8], Vec<FieldRef<'a>>)> {
        let (line, at) = first_line(input, limits).ok()?;
        if is_status_line(line) {
            return None;
        }
        let (fields, _) = header_fields(input, at, limits).ok()?;
        Some((line, fields))
    }

    /// The fields of a name.
    pub fn all<'s, N: AsName + ?Sized>(
        &'s self,
        name: &'s N,
    ) -> impl Iterator<Item = &'s FieldRef<'a>> {
        let name = name.as_name();
        self.fields.iter().filter(move |f| f.is(name))
    }

    /// The value of the first field of a name, as text.
    pub fn get<N: AsName + ?Sized>(&self, name: &N) -> Option<&'a str> {
        let name = name.as_name();
        self.fields
            .iter()
            .find(|f| f.is(name))
            .and_then(|f| f.text().ok())
    }

    fn first(&self, name: HeaderName) -> Result<&'a str, ParseError> {
        let field = self
            .fields
            .iter()
            .find(|f| f.known == Some(name))
            .ok_or(ParseError::Missing(name))?;
        field.text().map_err(|e| e.within(name))
    }

    /// From, decoded.
    pub fn from(&self) -> Result<NameAddrRef<'a>, ParseError> {
        self.address(HeaderName::From)
    }

    /// To, decoded.
    pub fn to(&self) -> Result<NameAddrRef<'a>, ParseError> {
        self.address(HeaderName::To)
    }

    /// The first Contact, decoded.
    pub fn contact(&self) -> Result<NameAddrRef<'a>, ParseError> {
        self.address(HeaderName::Contact)
    }

    /// The first value of a header of addresses.
    pub fn address(&self, name: HeaderName) -> Result<NameAddrRef<'a>, ParseError> {
        let text = self.first(name)?;
        let text = if name.is_list() {
            first_of_list(text)
        } else {
            Ok(text)
        };
        text.and_then(NameAddrRef::parse)
            .map_err(|e| e.within(name))
    }

    /// The topmost Via, decoded.
    pub fn top_via(&self) -> Result<ViaRef<'a>, ParseError> {
        let text = self.first(HeaderName::Via)?;
        first_of_list(text)
            .and_then(ViaRef::parse)
            .map_err(|e| e.within(HeaderName::Via))
    }

    /// The Call-ID.
    pub fn call_id(&self) -> Result<&'a str, ParseError> {
        self.first(HeaderName::CallId)
    }

    /// The number and the method of CSeq.
    pub fn cseq(&self) -> Result<(u32, &'a str), ParseError> {
        CSeq::split(self.first(HeaderName::CSeq)?).map_err(|e| e.within(HeaderName::CSeq))
    }

    /// The Request-URI, decoded; none for a response.
    pub fn uri(&self) -> Option<Result<UriRef<'a>, ParseError>> {
        match self.start {
            StartLine::Request { uri, .. } => Some(UriRef::parse(uri)),
            StartLine::Response { .. } => None,
        }
    }

    /// The body: as long as Content-Length says, else all the rest; a frame is one message (RFC 7118 §5, RFC 3261
    /// §18.3).
    pub fn body(&self) -> Result<&'a [u8], ParseError> {
        let Some(text) = self
            .fields
            .iter()
            .find(|f| f.known == Some(HeaderName::ContentLength))
        else {
            return Ok(self.rest);
        };
        let length: usize = text
            .text()
            .and_then(number)
            .map_err(|e| e.within(HeaderName::ContentLength))?;
        self.rest.get(..length).ok_or(ParseError::BodyTooShort)
    }

    /// Refuses what no element can work with: mandatory headers absent or malformed, single ones repeated, lists and
    /// comments beyond the limits (RFC 3261 §8.1.1, §8.2, §16.3).
    pub fn check(&self, limits: &Limits) -> Result<(), ParseError> {
        let mut seen = 0u128;
        for field in &self.fields {
            let Some(name) = field.known else { continue };
            if name.is_single() {
                let bit = 1u128 << (name as u8);
                if seen & bit != 0 {
                    return Err(ParseError::Duplicate(name));
                }
                seen |= bit;
            }
            if matches!(
                name,
                HeaderName::UserAgent | HeaderName::Server | HeaderName::RetryAfter
            ) {
                comment_depth(field.value, limits.nesting)?;
            }
        }
        self.check_lists(limits)?;
        let request = match self.start {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Response { .. } => None,
        };
        self.top_via()?
            .params
            .check()
            .map_err(|e| e.within(HeaderName::Via))?;
        for name in [HeaderName::From, HeaderName::To] {
            let address = self.address(name)?;
            address
                .params
                .check()
                .and_then(|()| address.uri()?.params.check())
                .map_err(|e| e.within(name))?;
        }
        if self.call_id()?.is_empty() {
            return Err(ParseError::Malformed(HeaderName::CallId));
        }
        let (_, method) = self.cseq()?;
        if request.is_some_and(|m| m != method) {
            return Err(ParseError::CSeqMethod);
        }
        // Headers stand in the URI of a link, never in one that is called (RFC 3261 §19.1.1).
        if let Some(uri) = self.uri()
            && uri?.headers.is_some()
        {
            return Err(ParseError::Uri);
        }
        if let Some(hops) = self.get(&HeaderName::MaxForwards) {
            number::<u8>(hops).map_err(|e| e.within(HeaderName::MaxForwards))?;
        }
        self.body().map(|_| ())
    }

    fn check_lists(&self, limits: &Limits) -> Result<(), ParseError> {
        // A list has at most one value more than it has commas: count those before anything is split.
        let mut counts: [u16; HeaderName::ALL.len()] = [0; HeaderName::ALL.len()];
        for field in &self.fields {
            let Some(name) = field.known.filter(|n| n.is_list()) else {
                continue;
            };
            let count = &mut counts[name as usize];
            let commas = memchr::memchr_iter(b',', field.value).count();
            *count = count.saturating_add(1 + u16::try_from(commas).unwrap_or(u16::MAX - 1));
            if usize::from(*count) > limits.list {
                return Err(ParseError::TooManyValues(name));
            }
        }
        Ok(())
    }
}

/// The first line, and where the next one begins.
fn first_line<'a>(input: &'a [u8], limits: &Limits) -> Result<(&'a [u8], usize), ParseError> {
    if input.len() > limits.message {
        return Err(ParseError::TooLarge);
    }
    let mut at = 0;
    while matches!(input.get(at), Some(b'\r' | b'\n')) {
        at += 1;
    }
    if at == input.len() {
        return Err(ParseError::Empty);
    }
    let end = line_end(input, at)?;
    if end - at > limits.line {
        return Err(ParseError::LineTooLong);
    }
    Ok((&input[at..end], end + 2))
}

/// The header fields from `at` on, and what is behind the empty line.
fn header_fields<'a>(
    input: &'a [u8],
    mut at: usize,
    limits: &Limits,
) -> Result<(Vec<FieldRef<'a>>, &'a [u8]), ParseError> {
    let mut fields = Vec::with_capacity(24);
    loop {
        if input[at..].starts_with(b"\r\n") {
            return Ok((fields, &input[at + 2..]));
        }
        if fields.len() == limits.headers {
            return Err(ParseError::TooManyHeaders);
        }
        let begin = at;
        while input.get(at).is_some_and(|b| is_token(*b)) {
            at += 1;
        }
        let name = &input[begin..at];
        while matches!(input.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        match input.get(at) {
            Some(b':') if !name.is_empty() => at += 1,
            None => return Err(ParseError::Truncated),
            Some(b'\r') if at + 1 == input.len() => return Err(ParseError::Truncated),
            _ => return Err(ParseError::HeaderLine),
        }
        let mut end = line_end(input, at)?;
        while matches!(input.get(end + 2), Some(b' ' | b'\t')) {
            end = line_end(input, end + 2)?;
        }
        if end - begin > limits.line {
            return Err(ParseError::LineTooLong);
        }
        fields.push(FieldRef {
            known: HeaderName::lookup(name),
            name,
            value: trim_bytes(&input[at..end]),
        });
        at = end + 2;
    }
}

fn first_of_list(text: &str) -> Result<&str, ParseError> {
    super::split_list(text)
        .next()
        .unwrap_or(Err(ParseError::Value))
}

/// The index of the CRLF that ends the line.
fn line_end(input: &[u8], from: usize) -> Result<usize, ParseError> {
    let at = from + memchr::memchr2(b'\r', b'\n', &input[from..]).ok_or(ParseError::Truncated)?;
    match (input[at], input.get(at + 1)) {
        (b'\r', Some(b'\n')) => Ok(at),
        (b'\r', None) => Err(ParseError::Truncated),
        _ => Err(ParseError::LineEnd),
    }
}

impl<'a> StartLine<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, ParseError> {
        let line = core::str::from_utf8(line).map_err(|_| ParseError::StartLine)?;
        let (first, rest) = line.split_once(' ').ok_or(ParseError::StartLine)?;
        if is_status_line(line.as_bytes()) {
            version(first)?;
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let status = number::<u16>(code)
                .ok()
                .filter(|s| code.len() == 3 && (100..700).contains(s));
            return Ok(Self::Response {
                status: status.ok_or(ParseError::StatusCode)?,
                reason,
            });
        }
        let (uri, last) = rest.rsplit_once(' ').ok_or(ParseError::StartLine)?;
        if !super::scan::all_token(first.as_bytes()) {
            return Err(ParseError::StartLine);
        }
        version(last)?;
        Ok(Self::Request { method: first, uri })
    }

    /// The method of a request.
    pub fn method(&self) -> Option<Method> {
        match self {
            Self::Request { method, .. } => method.parse().ok(),
            Self::Response { .. } => None,
        }
    }
}

/// Does it begin as the first line of a response does?
fn is_status_line(line: &[u8]) -> bool {
    line.len() > 4 && line[..4].eq_ignore_ascii_case(b"SIP/")
}

/// `SIP/2.0`, in any case (RFC 3261 §7.1).
fn version(text: &str) -> Result<(), ParseError> {
    match text.split_once('/') {
        Some((name, _)) if !name.eq_ignore_ascii_case("SIP") => Err(ParseError::StartLine),
        Some((_, "2.0")) => Ok(()),
        Some((_, number)) if number.starts_with(|c: char| c.is_ascii_digit()) => {
            Err(ParseError::Version)
        }
        _ => Err(ParseError::StartLine),
    }
}
