//! Building messages: new requests, responses, CANCEL, and the ACK of a failure.

use super::view::View;
use super::{
    CSeq, HeaderName, Headers, Limits, Method, NameAddr, ParseError, Request, Response, Text, Uri,
    Via, phrase,
};
use alloc::{borrow::ToOwned, vec::Vec};

/// Max-Forwards of a new request (RFC 3261 §8.1.1.6).
const MAX_FORWARDS: &str = "70";

impl Request {
    /// A request without any header.
    pub const fn bare(method: Method, uri: Uri) -> Self {
        Self {
            method,
            uri,
            headers: Headers::new(),
            body: Vec::new(),
        }
    }

    /// A request with the six headers that each must have (RFC 3261 §8.1.1).
    pub fn new(
        method: Method,
        uri: Uri,
        via: &Via,
        from: &NameAddr,
        to: &NameAddr,
        call_id: &str,
        cseq: u32,
    ) -> Self {
        let mut headers = Headers::new();
        headers.push(HeaderName::Via, via.to_text());
        headers.push(HeaderName::MaxForwards, MAX_FORWARDS);
        headers.push(HeaderName::From, from.to_text());
        headers.push(HeaderName::To, to.to_text());
        headers.push(HeaderName::CallId, call_id);
        headers.push(HeaderName::CSeq, CSeq::new(cseq, method.clone()).to_text());
        Self {
            method,
            uri,
            headers,
            body: Vec::new(),
        }
    }

    /// With a field added.
    #[must_use]
    pub fn with(mut self, name: impl super::AsName, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// With a body and its type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.headers.set(HeaderName::ContentType, content_type);
        self.body = body.into();
        self
    }

    /// The CANCEL of this INVITE: same branch, no Require (RFC 3261 §9.1).
    pub fn cancel(&self) -> Self {
        self.same_hop(Method::Cancel, None)
    }

    /// The ACK of a final response to this INVITE that is no 2xx (RFC 3261 §17.1.1.3).
    pub fn ack_failure(&self, response: &Response) -> Self {
        self.same_hop(Method::Ack, response.headers.get(HeaderName::To))
    }

    /// A request of the same hop: topmost Via, routes, From, Call-ID and CSeq number are those of this one.
    fn same_hop(&self, method: Method, to: Option<&str>) -> Self {
        let mut headers = Headers::new();
        if let Some(via) = self.headers.get_all(HeaderName::Via).first() {
            headers.push(HeaderName::Via, *via);
        }
        headers.push(HeaderName::MaxForwards, MAX_FORWARDS);
        for route in self.headers.get_all(HeaderName::Route) {
            headers.push(HeaderName::Route, route);
        }
        copy(&self.headers, &mut headers, HeaderName::From);
        match to {
            Some(to) => headers.push(HeaderName::To, to),
            None => copy(&self.headers, &mut headers, HeaderName::To),
        }
        copy(&self.headers, &mut headers, HeaderName::CallId);
        let number = self.headers.cseq().map_or(0, |cseq| cseq.number);
        headers.push(
            HeaderName::CSeq,
            CSeq::new(number, method.clone()).to_text(),
        );
        Self {
            method,
            uri: self.uri.clone(),
            headers,
            body: Vec::new(),
        }
    }
}

impl Response {
    /// A response with the headers that it takes from its request (RFC 3261 §8.2.6.2). An empty reason is the usual one.
    pub fn for_request(request: &Request, status: u16, reason: &str) -> Self {
        let mut headers = Headers::new();
        for name in [
            HeaderName::Via,
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
        ] {
            copy(&request.headers, &mut headers, name);
        }
        if status == 100 {
            copy(&request.headers, &mut headers, HeaderName::Timestamp);
        }
        let reason = if reason.is_empty() {
            phrase(status)
        } else {
            reason
        };
        Self {
            status,
            reason: reason.to_owned(),
            headers,
            body: Vec::new(),
        }
    }

    /// The refusal of bytes that [`super::Message::parse`] did not accept, if they look like a request that can be
    /// answered: what such a response takes from its request is copied as far as it is there. Never for an ACK, nor for
    /// what has no Via to answer to.
    pub fn for_rejected(input: &[u8], limits: &Limits, error: &ParseError) -> Option<Self> {
        let (line, fields) = View::refusable(input, limits)?;
        if line.split(|b| *b == b' ').next() == Some(Method::Ack.as_str().as_bytes()) {
            return None;
        }
        let mut headers = Headers::new();
        for name in [
            HeaderName::Via,
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
        ] {
            let mut found = false;
            for field in fields.iter().filter(|f| f.known == Some(name)) {
                if found && name.is_single() {
                    continue;
                }
                headers.push(name, field.value);
                found = true;
            }
            if !found && name == HeaderName::Via {
                return None;
            }
        }
        Some(Self {
            status: error.status(),
            reason: error.reason(),
            headers,
            body: Vec::new(),
        })
    }

    /// With a field added.
    #[must_use]
    pub fn with(mut self, name: impl super::AsName, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// With a body and its type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.headers.set(HeaderName::ContentType, content_type);
        self.body = body.into();
        self
    }

    /// With a tag in To, unless the request was sent inside of a dialog and had one.
    #[must_use]
    pub fn with_to_tag(mut self, tag: &str) -> Self {
        if let Ok(to) = self.headers.to()
            && to.tag().is_none()
        {
            self.headers.set(HeaderName::To, to.with_tag(tag).to_text());
        }
        self
    }

    /// With the Record-Routes of the request, as a response that makes a dialog has them (RFC 3261 §12.1.1).
    #[must_use]
    pub fn with_record_routes(mut self, request: &Request) -> Self {
        copy(&request.headers, &mut self.headers, HeaderName::RecordRoute);
        self
    }

    /// 1xx?
    pub const fn is_provisional(&self) -> bool {
        self.status < 200
    }

    /// 2xx?
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// 200 and above?
    pub const fn is_final(&self) -> bool {
        self.status >= 200
    }
}

fn copy(from: &Headers, to: &mut Headers, name: HeaderName) {
    for field in from.iter().filter(|f| f.known() == Some(name)) {
        to.push(name, field.bytes());
    }
}
