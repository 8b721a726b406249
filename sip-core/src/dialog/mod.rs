//! Dialogs (RFC 3261 §12): who talks to whom, by which route, and in which order.
//!
//! A [`Dialog`] is a value that is made from an INVITE and its response, on either side. It builds the requests inside
//! of it and judges those that arrive. It can be stored and restored between any two messages.

mod answered;
mod error;
mod id;
mod request;

use alloc::{borrow::ToOwned, vec::Vec};
pub use answered::{AnsweredAction, AnsweredInvite};
pub use error::DialogError;
pub use id::DialogId;
pub use request::numbered;

use serde::{Deserialize, Serialize};

use crate::wire::{Method, NameAddr, Request, Response, Scheme, Uri};

/// How far a dialog has come.
///
/// ```text
///   1xx with tag   ┌───────┐  2xx   ┌───────────┐
///  ───────────────►│ Early ├───────►│ Confirmed │
///                  └───┬───┘        └─────┬─────┘
///            300-699   │                  │ BYE, 481, 408
///                  ┌───▼──────────────────▼───┐
///                  │        Terminated        │
///                  └──────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DialogState {
    /// A provisional response with a tag was sent or heard.
    Early,
    /// A 2xx was sent or heard.
    Confirmed,
    /// Over.
    Terminated,
}

/// A dialog as one of its two sides sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialog {
    id: DialogId,
    state: DialogState,
    /// Our From (or To), tag included.
    local: NameAddr,
    /// The peer's, tag included if it has one.
    remote: NameAddr,
    /// Where our requests go: the peer's latest Contact.
    remote_target: Uri,
    /// The Routes of our requests, in their order.
    route_set: Vec<NameAddr>,
    /// Our last CSeq.
    local_cseq: u32,
    /// The peer's last CSeq.
    remote_cseq: Option<u32>,
    /// Was it made over sips, so that it must stay there?
    secure: bool,
}

impl Dialog {
    /// The caller's dialog, from its INVITE and a response with a tag (RFC 3261 §12.1.2).
    pub fn uac(request: &Request, response: &Response) -> Result<Self, DialogError> {
        let (local, remote) = (request.headers.from()?, response.headers.to()?);
        let mut route_set = response.headers.record_routes()?;
        route_set.reverse();
        let target = response.headers.contact()?.map(|c| c.uri.without_headers());
        // A provisional response may come without a Contact; a 2xx may not.
        let remote_target = match target {
            Some(target) => target,
            None if response.is_provisional() => request.uri.clone(),
            None => return Err(DialogError::NoContact),
        };
        Ok(Self {
            id: DialogId {
                call_id: response.headers.call_id()?.to_owned(),
                local_tag: local.tag().ok_or(DialogError::NoTag)?.to_owned(),
                remote_tag: remote.tag().ok_or(DialogError::NoTag)?.to_owned(),
            },
            state: if response.is_success() {
                DialogState::Confirmed
            } else {
                DialogState::Early
            },
            local,
            remote,
            remote_target,
            route_set,
            local_cseq: request.headers.cseq()?.number,
            remote_cseq: None,
            secure: request.uri.scheme == Scheme::Sips,
        })
    }

    /// The callee's dialog, from the INVITE and the tag that it answers with (RFC 3261 §12.1.1). Early, until
    /// [`Dialog::confirm`].
    pub fn uas(request: &Request, local_tag: &str) -> Result<Self, DialogError> {
        let (remote, local) = (
            request.headers.from()?,
            request.headers.to()?.with_tag(local_tag),
        );
        Ok(Self {
            id: DialogId {
                call_id: request.headers.call_id()?.to_owned(),
                local_tag: local_tag.to_owned(),
                // A caller of RFC 2543 may have no tag.
                remote_tag: remote.tag().unwrap_or_default().to_owned(),
            },
            state: DialogState::Early,
            local,
            // A caller of RFC 2543 may give no Contact: then its From is what there is.
            remote_target: request
                .headers
                .contact()?
                .map_or_else(|| remote.uri.clone(), |c| c.uri)
                .without_headers(),
            remote,
            route_set: request.headers.record_routes()?,
            local_cseq: 0,
            remote_cseq: Some(request.headers.cseq()?.number),
            secure: request.uri.scheme == Scheme::Sips,
        })
    }

    /// Which dialog it is.
    pub const fn id(&self) -> &DialogId {
        &self.id
    }

    /// How far it has come.
    pub const fn state(&self) -> DialogState {
        self.state
    }

    /// Our own address, tag included.
    pub const fn local(&self) -> &NameAddr {
        &self.local
    }

    /// The peer's address, tag included.
    pub const fn remote(&self) -> &NameAddr {
        &self.remote
    }

    /// Where our requests go.
    pub const fn remote_target(&self) -> &Uri {
        &self.remote_target
    }

    /// The Routes of our requests.
    pub fn route_set(&self) -> &[NameAddr] {
        &self.route_set
    }

    /// A callee has sent its 2xx.
    pub fn confirm(&mut self) {
        if self.state == DialogState::Early {
            self.state = DialogState::Confirmed;
        }
    }

    /// The numbers go on where those of the early dialog were.
    pub fn go_on_from(&mut self, early: &Self) {
        self.local_cseq = self.local_cseq.max(early.local_cseq);
        self.remote_cseq = self.remote_cseq.max(early.remote_cseq);
    }

    /// The numbers of our requests go on from this one: a dialog that a NOTIFY has made goes on where the SUBSCRIBE was.
    pub fn count_from(&mut self, number: u32) {
        self.local_cseq = self.local_cseq.max(number);
    }

    /// It is over.
    pub fn terminate(&mut self) {
        self.state = DialogState::Terminated;
    }

    /// A response to one of our requests in this dialog arrived: a 2xx confirms an early dialog and settles its route
    /// (RFC 3261 §13.2.2.4); a 2xx to a target refresh moves the target; 481 and 408 end it (§12.2.1.2).
    pub fn response(&mut self, response: &Response) -> Result<(), DialogError> {
        let method = response.headers.cseq()?.method;
        match response.status {
            200..300 if method == Method::Invite && self.state == DialogState::Early => {
                let mut routes = response.headers.record_routes()?;
                routes.reverse();
                self.route_set = routes;
                self.remote_target = response
                    .headers
                    .contact()?
                    .ok_or(DialogError::NoContact)?
                    .uri
                    .without_headers();
                self.state = DialogState::Confirmed;
            }
            101..300 if refreshes_target(&method) => {
                if let Some(contact) = response.headers.contact()? {
                    self.remote_target = contact.uri.without_headers();
                }
            }
            408 | 481 if method != Method::Cancel => self.terminate(),
            _ => {}
        }
        Ok(())
    }

    /// A request of this dialog arrived. Refuses what is out of order, moves the target if the request does so, and
    /// ends the dialog with a BYE. An ACK is always in order, and so is a BYE: a call that one side has left is over,
    /// whatever was counted on the way (RFC 3261 §12.2.2 would keep it alive for nobody).
    pub fn request_received(&mut self, request: &Request) -> Result<(), DialogError> {
        if self.state == DialogState::Terminated {
            return Err(DialogError::Terminated);
        }
        if matches!(request.method, Method::Ack | Method::Cancel) {
            return Ok(());
        }
        let number = request.headers.cseq()?.number;
        let late = self.remote_cseq.is_some_and(|last| number <= last);
        if late && request.method != Method::Bye {
            return Err(DialogError::OutOfOrder);
        }
        if !late {
            self.remote_cseq = Some(number);
        }
        if refreshes_target(&request.method)
            && let Some(contact) = request.headers.contact()?
        {
            self.remote_target = contact.uri.without_headers();
        }
        if request.method == Method::Bye {
            self.terminate();
        }
        Ok(())
    }
}

/// The target refresh requests (RFC 3261 §12.2, RFC 3311, RFC 6665).
fn refreshes_target(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer
    )
}
