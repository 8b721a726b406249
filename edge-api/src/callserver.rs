//! Call servers: who they are, the wakes they ask for, the calls they ask about.

use crate::{WakeState, Why};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// `GET /v1/call-server`: who the edge takes the caller for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallServer {
    /// Its id.
    pub id: String,
    /// The site it belongs to.
    pub site: String,
    /// The SIP domain of that site.
    pub domain: String,
    /// What it may do; nothing else.
    pub may: Vec<String>,
    /// The edge's clock, to set one's own by.
    pub now: u64,
}

/// What a call server signs with its secret (`Authorization: WakelineServer id=…,at=…,sig=…`): the edge's origin, the method, the
/// path with its query, the time, and the lower-case hex SHA-256 of the body.
pub fn server_message(origin: &str, method: &str, target: &str, at: u64, body: &str) -> String {
    format!("wakeline-server\n{origin}\n{method}\n{target}\n{at}\n{body}")
}

/// Who calls, as the call server knows them. Data, never markup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerCaller {
    /// Their number; `anonymous` for one who shows none.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Za-z+*#._-]{1,64}$"))]
    pub number: String,
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    pub name: Option<String>,
}

/// Limits of one wake, in place of the site's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AskLimits {
    /// Seconds from the push to "ready".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 600))]
    pub ready_s: Option<u32>,
    /// Seconds of ringing, and from "ready" to the INVITE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 600))]
    pub ring_s: Option<u32>,
}

/// `POST /v1/wakes`: a call server parks a call and wants the callee's line woken. One of `number` and `uid` says whose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AskWake {
    /// The call server's own id of the call. Asked again with the same one, it is the same wake.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub call: String,
    /// The line's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Za-z+*#._-]{1,64}$"))]
    pub number: Option<String>,
    /// The user, where the number is not known: found in the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Za-z+*#._-]{1,64}$"))]
    pub uid: Option<String>,
    /// Who calls.
    pub caller: ServerCaller,
    /// Limits of this wake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<AskLimits>,
    /// Where each new state is posted: `https`, on a host that the site names in `callbacks` of this call server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub callback: Option<String>,
}

/// What the caller is to hear of a wake that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerSip {
    /// The status.
    pub status: u16,
    /// In words.
    pub reason: String,
}

/// A wake as its call server sees it; also the body of a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerWake {
    /// The edge's id of the call: the same in push, page and SIP.
    pub id: String,
    /// The call server's.
    pub call: String,
    /// The line; `null` when the user has none.
    pub number: Option<String>,
    /// Its user; `null` when there is no such line.
    pub uid: Option<String>,
    /// Where it stands.
    pub state: WakeState,
    /// No further state follows.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Why it expired, if it did; `null` otherwise.
    pub why: Option<Why>,
    /// Grows with each state, and with each page that is ready.
    pub version: u64,
    /// How many pages have said "ready". One that does so while another rings is called as well.
    pub ready: u32,
    /// When it ends by itself as things stand.
    pub expires_at: u64,
    /// What the caller is to hear, once it is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip: Option<ServerSip>,
}

/// What happened to the call at its call server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ServerEventKind {
    /// The INVITE is on its way to the page.
    Invited,
    /// The page alerts.
    Ringing,
    /// The page answered.
    Answered,
    /// The call is over.
    Ended,
    /// The caller gave up.
    Cancelled,
    /// It did not come to an answer: `status` or `cause` say why.
    Failed,
}

/// `POST /v1/wakes/{wake}/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerEvent {
    /// What happened.
    pub event: ServerEventKind,
    /// With `failed`: the SIP status of the page, or the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 300, maximum = 699))]
    pub status: Option<u16>,
    /// With `failed`: a Q.850 cause, where there is no status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 127))]
    pub cause: Option<u8>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    pub reason: Option<String>,
}

/// What a call server checks a callback by: HMAC-SHA-256 under its secret over this, in `Wakeline-Signature:
/// at=…,id=…,sig=…`. `id` names one telling of one state; whoever has seen it, or a later version, need not act again.
pub fn callback_message(at: u64, id: &str, body: &str) -> String {
    format!("{at}.{id}.{body}")
}
