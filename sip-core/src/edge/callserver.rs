//! A call server in front: it parks the INVITE itself, asks the line to wake its devices, INVITEs the page after "ready",
//! and tells the line how the call goes on.

use super::messages::Party;
use crate::id::{Number, Uid, WakeId};
use crate::time::{Duration, Time};
use crate::wake::{Failure, WakeState, Why};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// What a call server asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskWake {
    /// The call server, as its site knows it.
    pub server: String,
    /// Its own id of the call: with the server it names the wake, never alone.
    pub call: String,
    /// Who calls.
    pub caller: Party,
    /// In place of the site's limit until "ready".
    pub ready: Option<Duration>,
    /// In place of the site's limit of ringing.
    pub ring: Option<Duration>,
    /// Where it wants to be told of each state.
    pub callback: Option<String>,
    /// A limit that the driver found reached: a wake that is known is answered all the same.
    pub limited: Option<Limited>,
}

/// A limit of calls that is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limited {
    /// The SIP status that a caller would get, 429 or 503.
    pub status: u16,
    /// In words.
    pub phrase: String,
    /// Seconds until another try may succeed.
    pub retry_after_s: u32,
}

/// How a call server's call goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerEvent {
    /// The INVITE is on its way to the page.
    Invited,
    /// The page alerts.
    Ringing,
    /// The page answered.
    Answered,
    /// The call is over. Of one that was never answered: its caller is gone.
    Ended,
    /// The caller gave up.
    Cancelled,
    /// It did not come to an answer.
    Failed(Failure),
}

/// A wake as its call server sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerWakeView {
    /// Its id.
    pub id: WakeId,
    /// The call server's id of the call.
    pub call: String,
    /// The line.
    pub number: Number,
    /// Its user.
    pub uid: Uid,
    /// Where it stands.
    pub state: WakeState,
    /// Why it expired, if it did.
    pub why: Option<Why>,
    /// Grows with each state, and with each page that is ready.
    pub version: u64,
    /// How many devices have said "ready": pages for the call server to call.
    pub ready: u32,
    /// When it ends by itself as things stand.
    pub expires_at: Time,
    /// What a caller gets for a final state, and in words.
    pub sip: Option<(u16, String)>,
}

/// A callback that the driver shall send. It reports with `LineInput::CallbackResult`.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackJob {
    /// Whom it tells: the driver signs with this server's secret.
    pub server: String,
    /// Where to.
    pub url: String,
    /// What it says.
    pub wake: ServerWakeView,
}
