//! Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3).

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
};
use serde::{Deserialize, Serialize};

use crate::entropy::MAGIC_COOKIE;
use crate::wire::{Method, ParseError, Request, Response, Text};

/// The client transaction of a response: branch of the topmost Via, and method of CSeq.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientKey {
    /// The branch that we minted.
    pub branch: String,
    /// The method.
    pub method: String,
}

impl ClientKey {
    /// Of a request that is sent.
    pub fn of_request(request: &Request) -> Result<Self, ParseError> {
        let branch = request
            .headers
            .top_via()?
            .branch()
            .unwrap_or_default()
            .to_owned();
        Ok(Self {
            branch,
            method: request.method.as_str().to_owned(),
        })
    }

    /// Of a response that arrived.
    pub fn of_response(response: &Response) -> Result<Self, ParseError> {
        let branch = response
            .headers
            .top_via()?
            .branch()
            .unwrap_or_default()
            .to_owned();
        Ok(Self {
            branch,
            method: response.headers.cseq()?.method.as_str().to_owned(),
        })
    }
}

/// The server transaction of a request. One text, so that it can be the key of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerKey(String);

impl ServerKey {
    /// Of a request that arrived. An ACK has the key of its INVITE.
    pub fn of(request: &Request) -> Result<Self, ParseError> {
        let method = if request.method == Method::Ack {
            &Method::Invite
        } else {
            &request.method
        };
        Self::with_method(request, method)
    }

    /// Of the INVITE that this CANCEL cancels (RFC 3261 §9.2).
    pub fn of_cancelled(cancel: &Request) -> Result<Self, ParseError> {
        Self::with_method(cancel, &Method::Invite)
    }

    /// As the key of a row.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn with_method(request: &Request, method: &Method) -> Result<Self, ParseError> {
        let via = request.headers.top_via()?;
        // The cookie alone identifies nothing (RFC 4475 shows a sender of that kind).
        let unique = |b: &&str| b.len() > MAGIC_COOKIE.len() && b.starts_with(MAGIC_COOKIE);
        match via.branch().filter(unique) {
            Some(branch) => Ok(Self([branch, &via.sent_by(), method.as_str()].join("|"))),
            // A sender of RFC 2543. The To tag is left out: an ACK has it, its INVITE had not.
            None => {
                let from = request.headers.from()?;
                let (call, cseq) = (request.headers.call_id()?, request.headers.cseq()?.number);
                let tag = from.tag().unwrap_or_default();
                let uri = request.uri.to_text();
                let parts = [
                    &via.to_text(),
                    &uri,
                    tag,
                    call,
                    &cseq.to_string(),
                    method.as_str(),
                ];
                Ok(Self(parts.join("|")))
            }
        }
    }
}
