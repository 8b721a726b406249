//! What flow and line objects say to each other, inside [`Envelope`](super::outbox::Envelope)s.

use super::callserver::Limited;
use crate::id::{DeviceId, FlowToken, Number, SiteId, Uid, WakeId};
use crate::time::Time;
use crate::wake::WakeState;
use crate::wire::{Request, Response};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Somebody in a call, as the edge knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The line's number.
    pub number: Number,
    /// The user behind it.
    pub uid: Uid,
    /// The name to show; data, never markup.
    pub display_name: String,
}

/// How a REGISTER proved who sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// A token that the driver verified (RFC 8898).
    Bearer {
        /// The user of the token.
        uid: Uid,
        /// The name in the token, if it has one.
        display_name: Option<String>,
        /// The device that the token was issued to, if any: dead when that device is revoked.
        device: Option<DeviceId>,
        /// When the token ends. A binding may outlive it.
        expires_at: Time,
        /// When it was signed.
        #[serde(default)]
        issued_at: Option<Time>,
    },
    /// A digest response (RFC 8760) over a nonce of this flow: the line compares, so that its
    /// secret never leaves it.
    Digest {
        /// The `Authorization` value.
        authorization: String,
    },
}

/// One contact of a REGISTER.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRow {
    /// The contact's URI.
    pub uri: String,
    /// The device of its `+sip.instance`.
    pub instance: Option<DeviceId>,
    /// Its `reg-id` (RFC 5626).
    pub reg_id: Option<u32>,
    /// Seconds asked for; 0 unbinds.
    pub expires_s: Option<u32>,
    /// Its q value in thousandths.
    pub q: u16,
    /// Its `pn-*` parameters (RFC 8599) as a push target that the driver understands.
    #[serde(default)]
    pub pn: Option<String>,
}

/// What a REGISTER wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bind {
    /// Nothing: it asks for the bindings.
    Query,
    /// `Contact: *` with `Expires: 0`.
    RemoveAll,
    /// Adds, refreshes or removes these.
    Contacts(Vec<ContactRow>),
}

/// From a flow to a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowToLine {
    /// An authenticated REGISTER (RFC 3261 §10.3, RFC 5626 §6).
    Register {
        /// Names the waiting server transaction of the flow.
        tx: String,
        /// Who it is.
        proof: Proof,
        /// Call-ID, to tell a new attempt from an old one.
        call_id: String,
        /// CSeq number.
        cseq: u32,
        /// What it wants.
        bind: Bind,
        /// The address that the socket comes from.
        #[serde(default)]
        address: Option<String>,
    },
    /// The socket of this flow is gone. Outside a call: its bindings end. In a call: that party is lost.
    Gone,
    /// A new call; the envelope's call is the wake id that the flow minted.
    Invite {
        /// Who calls, as authenticated.
        caller: Party,
        /// The caller's device, so that a line calling itself does not ring the caller.
        device: Option<DeviceId>,
        /// The request, cleaned of hop-by-hop headers and carrying P-Asserted-Identity.
        request: Request,
    },
    /// A new call that is refused before the line has a say: its driver found a limit of the site reached.
    /// 429 when the caller called too often, 503 when all did.
    Limited(Limited),
    /// The caller cancelled.
    Cancel {
        /// The `Reason` header of the CANCEL.
        reason: Option<String>,
    },
    /// A probed device answered: its flow is alive.
    Alive {
        /// The device.
        device: DeviceId,
    },
    /// A response to a request that the line sent through this flow, Via already popped.
    Response {
        /// The line's name for that transaction.
        tx: String,
        /// The response; `None` when the flow gave up waiting or cannot send.
        response: Option<Response>,
    },
    /// A request inside a dialog, routed by our Record-Route.
    InDialog {
        /// Names the server transaction of the flow; `None` for ACK.
        tx: Option<String>,
        /// The number that this flow is authenticated for and that sent it.
        from: Option<Number>,
        /// The request.
        request: Request,
    },
    /// The sender's CANCEL of a request inside a dialog (re-INVITE).
    CancelInDialog {
        /// The server transaction being cancelled.
        tx: String,
    },
}

/// From a line to a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineToFlow {
    /// The answer to a REGISTER.
    Registered {
        /// The flow's server transaction.
        tx: String,
        /// What came of it.
        outcome: RegisterOutcome,
        /// When, by the line's clock; none in a numbered stream, whose order says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Time>,
    },
    /// This flow's binding of `number` ended by another's hand (revoked device, replaced by a newer flow).
    Unbound {
        /// The line.
        number: Number,
    },
    /// Answer the caller's INVITE (or an in-dialog request) with a response of the edge's own.
    Answer {
        /// The flow's server transaction; `None` is the INVITE that began the call.
        tx: Option<String>,
        /// What to say.
        answer: Answer,
    },
    /// Pass a response of the far side on to the flow's server transaction.
    Response {
        /// The flow's server transaction; `None` is the INVITE that began the call.
        tx: Option<String>,
        /// The response as the far side sent it, minus our Via, plus our headers.
        response: Response,
    },
    /// Ask with OPTIONS whether the page behind this contact lives; only an answer is reported.
    Probe {
        /// The device, to name it in the answer.
        device: DeviceId,
        /// Its contact.
        contact: String,
        /// The number it is registered under.
        number: Number,
    },
    /// Send a request to the page; the flow adds its Via and owns the client transaction.
    Request {
        /// The line's name for the transaction; ACK has none.
        tx: Option<String>,
        /// The request, ready but for our Via.
        request: Request,
    },
    /// Cancel a pending INVITE to the page.
    Cancel {
        /// The line's name for the transaction.
        tx: String,
        /// The `Reason` header of the CANCEL.
        reason: String,
    },
}

/// What came of a REGISTER.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegisterOutcome {
    /// 200: the flow may speak for this party.
    Ok {
        /// Whose line it is.
        party: Party,
        /// The device of the binding on this flow.
        device: Option<DeviceId>,
        /// All bindings of the line now, for the Contact headers.
        bindings: Vec<BoundContact>,
        /// When this flow's own binding ends; `None` when it has none (query, unregister).
        bound_until: Option<Time>,
        /// Wakes of this line that wait for a device.
        waiting: Vec<WakeId>,
        /// Whether RFC 5626 was applied.
        outbound: bool,
    },
    /// 423 with Min-Expires.
    TooBrief {
        /// Seconds.
        min_expires_s: u32,
    },
    /// 401: the digest is wrong.
    BadCredentials,
    /// 503 with Retry-After: too many digests were wrong, this one was not compared.
    TooManyTries {
        /// Seconds.
        retry_after_s: u32,
    },
    /// 403: the device was revoked.
    Revoked,
    /// Any other refusal.
    Refused {
        /// The status.
        status: u16,
        /// Its reason phrase.
        reason: String,
    },
}

/// One binding as the 200 to REGISTER lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundContact {
    /// The contact and its parameters.
    pub contact: ContactRow,
    /// Seconds left.
    pub expires_s: u32,
}

/// A response that the edge makes itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The reason phrase.
    pub phrase: String,
    /// The To tag, the same in all of this call's answers.
    pub to_tag: String,
    /// The state of the wake, for `Wakeline-Wake`.
    pub wake: Option<(WakeId, WakeState)>,
    /// Further headers, e.g. `Reason`, `Retry-After`.
    pub headers: Vec<(String, String)>,
}

/// The flow a message came from or goes to.
pub fn flow_object(site: &SiteId, token: &FlowToken) -> String {
    format!("flow:{site}:{token}")
}

/// The object of a line.
pub fn line_object(site: &SiteId, number: &Number) -> String {
    format!("line:{site}:{number}")
}
