//! [`DialogId`].

use alloc::{borrow::ToOwned, string::String};
use serde::{Deserialize, Serialize};

use crate::wire::{ParseError, Request, Response};

/// What tells a dialog apart on one side: Call-ID and both tags (RFC 3261 §12).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DialogId {
    /// The Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's tag; empty for a peer without one.
    pub remote_tag: String,
}

impl DialogId {
    /// Of a request that arrived: the peer is its From.
    pub fn of_incoming(request: &Request) -> Result<Self, ParseError> {
        Ok(Self {
            call_id: request.headers.call_id()?.to_owned(),
            local_tag: request.headers.to()?.tag().unwrap_or_default().to_owned(),
            remote_tag: request.headers.from()?.tag().unwrap_or_default().to_owned(),
        })
    }

    /// Of a response that arrived: the peer is its To.
    pub fn of_response(response: &Response) -> Result<Self, ParseError> {
        Ok(Self {
            call_id: response.headers.call_id()?.to_owned(),
            local_tag: response
                .headers
                .from()?
                .tag()
                .unwrap_or_default()
                .to_owned(),
            remote_tag: response.headers.to()?.tag().unwrap_or_default().to_owned(),
        })
    }

    /// The same dialog as its other side names it.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            call_id: self.call_id,
            local_tag: self.remote_tag,
            remote_tag: self.local_tag,
        }
    }
}
