//! [`Message`]: owned, editable, serialisable.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::headers::{Field, Headers};
use super::view::{StartLine, View};
use super::{HeaderName, Limits, Method, ParseError, Text, Uri};

/// A request or a response.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What it asks for.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// The header fields; Content-Length is written by itself.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// 100 to 699.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The header fields; Content-Length is written by itself.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

impl Message {
    /// Parses one message and checks that an element can work with it (see [`View::check`]).
    pub fn parse(input: &[u8], limits: &Limits) -> Result<Self, ParseError> {
        let view = View::parse(input, limits)?;
        view.check(limits)?;
        Self::try_from(&view)
    }

    /// As it goes over the wire. Content-Length is always there and always right.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The header fields, to edit.
    pub fn headers_mut(&mut self) -> &mut Headers {
        match self {
            Self::Request(request) => &mut request.headers,
            Self::Response(response) => &mut response.headers,
        }
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        match self {
            Self::Request(request) => &request.body,
            Self::Response(response) => &response.body,
        }
    }

    /// The request, if it is one.
    pub fn into_request(self) -> Option<Request> {
        match self {
            Self::Request(request) => Some(request),
            Self::Response(_) => None,
        }
    }

    /// The response, if it is one.
    pub fn into_response(self) -> Option<Response> {
        match self {
            Self::Request(_) => None,
            Self::Response(response) => Some(response),
        }
    }

    /// What was stored by ourselves: only the structure is checked, and nothing is capped.
    fn restore(input: &[u8]) -> Result<Self, ParseError> {
        const OURS: Limits = Limits {
            message: usize::MAX,
            headers: usize::MAX,
            line: usize::MAX,
            list: usize::MAX,
            nesting: usize::MAX,
        };
        Self::try_from(&View::parse(input, &OURS)?)
    }
}

impl TryFrom<&View<'_>> for Message {
    type Error = ParseError;
    fn try_from(view: &View<'_>) -> Result<Self, ParseError> {
        let mut headers: Headers = view.fields.iter().map(Field::from).collect();
        headers.remove(HeaderName::ContentLength);
        let body = view.body()?.to_vec();
        Ok(match view.start {
            StartLine::Request { method, uri } => {
                let method = method.parse().map_err(|_| ParseError::StartLine)?;
                Self::Request(Request {
                    method,
                    uri: uri.parse()?,
                    headers,
                    body,
                })
            }
            StartLine::Response { status, reason } => Self::Response(Response {
                status,
                reason: reason.to_owned(),
                headers,
                body,
            }),
        })
    }
}

impl Request {
    /// As it goes over the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let uri = self.uri.to_text();
        let start = [self.method.as_str(), &uri, "SIP/2.0"];
        write(start, &self.headers, &self.body)
    }
}

impl Response {
    /// As it goes over the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let status = self.status.to_string();
        let start = ["SIP/2.0", &status, &self.reason];
        write(start, &self.headers, &self.body)
    }
}

fn write(start: [&str; 3], headers: &Headers, body: &[u8]) -> Vec<u8> {
    let room: usize = headers
        .iter()
        .map(|f| f.name().len() + f.bytes().len() + 4)
        .sum();
    let mut out = Vec::with_capacity(room + body.len() + 128);
    for part in start {
        out.extend_from_slice(part.as_bytes());
        out.push(b' ');
    }
    out.pop();
    // Parts of the start line are plain strings to whoever builds a message: they must not end the line.
    for byte in &mut out {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\r\n");
    for field in headers
        .iter()
        .filter(|f| f.known() != Some(HeaderName::ContentLength))
    {
        out.extend_from_slice(field.name().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(field.bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"Content-Length: ");
    out.extend_from_slice(body.len().to_string().as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
    out
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request) => request.fmt(f),
            Self::Response(response) => response.fmt(f),
        }
    }
}

/// Without identities: the method and the Call-ID's presence tell nothing of people.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Request({}, {} headers, body of {})",
            self.method,
            self.headers.len(),
            self.body.len()
        )
    }
}

/// Without identities.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Response({} {}, body of {})",
            self.status,
            self.reason,
            self.body.len()
        )
    }
}

/// Stored as its text where it is text, as its octets otherwise.
fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match core::str::from_utf8(bytes) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => serializer.collect_seq(bytes),
    }
}

struct StoredVisitor;

impl<'de> serde::de::Visitor<'de> for StoredVisitor {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stored sip message")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Message, E> {
        Message::restore(text.as_bytes()).map_err(E::custom)
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Message, E> {
        Message::restore(bytes).map_err(E::custom)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Message, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Message::restore(&bytes).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.to_bytes(), serializer)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StoredVisitor)
    }
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.to_bytes(), serializer)
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let message = deserializer.deserialize_any(StoredVisitor)?;
        message
            .into_request()
            .ok_or_else(|| serde::de::Error::custom("stored message is no request"))
    }
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.to_bytes(), serializer)
    }
}

impl<'de> Deserialize<'de> for Response {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let message = deserializer.deserialize_any(StoredVisitor)?;
        message
            .into_response()
            .ok_or_else(|| serde::de::Error::custom("stored message is no response"))
    }
}
