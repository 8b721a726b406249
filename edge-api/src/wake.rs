//! Wakes and missed calls as the page sees them.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Where a wake stands: the furthest device while it lasts, then one final state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum WakeState {
    /// Devices are chosen, nothing has been sent yet.
    Targeted,
    /// A push service has taken the invitation.
    Pushed,
    /// A device says that its notification is on the screen.
    Shown,
    /// It was tapped, or the page was opened.
    Opened,
    /// The page has registered.
    Registered,
    /// The page said so after it registered.
    Ready,
    /// The INVITE is on its way to the page.
    Invited,
    /// The page alerts.
    Ringing,
    /// Final: somebody answered.
    Answered,
    /// Final: declined on a device.
    Declined,
    /// Final: the page was busy.
    Busy,
    /// Final: it rang and nobody answered.
    Unanswered,
    /// Final: nobody came in time.
    Expired,
    /// Final: the caller hung up first.
    Cancelled,
    /// Final: the line has no device.
    Unbound,
    /// Final: no device could be reached.
    Unreachable,
    /// Final: anything else.
    Failed,
}

impl WakeState {
    /// No further state follows.
    pub fn is_final(self) -> bool {
        self >= Self::Answered
    }
}

/// Why a wake expired; also what a page reports of itself while it cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Nobody opened the invitation.
    Unopened,
    /// It was opened, but the page's registration was refused.
    Refused,
    /// It was opened, but the page's registration got no answer, or the page never came.
    Unregistered,
    /// The page registered, but never said that it can take the call.
    Unready,
    /// The page took the call, but never rang.
    Unrung,
}

/// Where one device stands in a wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// Chosen.
    Targeted,
    /// Its push service has taken the invitation.
    Pushed,
    /// Its notification is on the screen.
    Shown,
    /// It was tapped, or the page was opened.
    Opened,
    /// Its page has registered.
    Registered,
    /// Its page said so.
    Ready,
    /// The INVITE is on its way.
    Invited,
    /// It alerts.
    Ringing,
    /// It answered.
    Answered,
    /// It declined.
    Declined,
    /// It is in another call.
    Busy,
    /// It fell out: push refused, silent, or failed.
    Dropped,
    /// The wake ended elsewhere.
    Cancelled,
}

/// A line as the other side sees it. Data, never markup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Party {
    /// Its number.
    pub number: String,
    /// Its name; empty when none is known.
    pub display_name: String,
}

/// One device's part in a wake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceWake {
    /// The device's id.
    pub device: String,
    /// Where it stands.
    pub state: DeviceState,
}

/// One attempt to bring a line online for one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Wake {
    /// The edge's id of the call.
    pub id: String,
    /// Where it stands.
    pub state: WakeState,
    /// Who calls.
    pub caller: Party,
    /// When the call arrived.
    pub created_at: u64,
    /// When "ready" comes too late.
    pub expires_at: u64,
    /// Why it expired, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// The devices it asks.
    pub devices: Vec<DeviceWake>,
}

/// Body of `POST /v1/wakes/{wake}/{shown,opened,ready,decline}` when a token speaks; a capability names its device itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WakeReport {
    /// The device that reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    )]
    pub device: Option<String>,
    /// With `opened`: what keeps its page from going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hindered: Option<Why>,
}

/// `GET /v1/waiting`: what a page asks on every load, however it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Waiting {
    /// The edge's clock: a page whose own is wrong shows times by it.
    #[serde(default)]
    pub now: u64,
    /// Wakes that are not final.
    pub wakes: Vec<Wake>,
    /// Missed calls that have not been seen.
    pub missed: Vec<Missed>,
}

/// A call that nobody took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Missed {
    /// The wake's id.
    pub id: String,
    /// Who called.
    pub caller: Party,
    /// When.
    pub at: u64,
    /// How it ended.
    pub outcome: WakeState,
    /// The caller has a SIP binding now; left out when that could not be learned in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_online: Option<bool>,
    /// The user has seen it.
    pub seen: bool,
}

/// `GET /v1/missed`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MissedList {
    /// Newest first.
    pub missed: Vec<Missed>,
}

/// `POST /v1/missed/seen`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MissedSeen {
    /// Ids of [`Missed`].
    pub ids: Vec<String>,
}
