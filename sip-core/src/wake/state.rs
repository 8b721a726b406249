//! The states of a device in a wake and of the wake itself.

use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Where one device stands in one wake. The order of the living states is their progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// It belongs to the line and will be woken.
    Targeted,
    /// The push service accepted the invitation. Not delivery.
    Pushed,
    /// Its service worker showed the notification. Some browsers cannot report it.
    Shown,
    /// The notification was tapped, or the page was opened by hand.
    Opened,
    /// Its page registered.
    Registered,
    /// Its page can take the call.
    Ready,
    /// The INVITE is on its way.
    Invited,
    /// It alerts.
    Ringing,
    /// It answered.
    Answered,
    /// Its user declined.
    Declined,
    /// It is in another call.
    Busy,
    /// It cannot be reached, or failed.
    Dropped,
    /// It was called off.
    Cancelled,
}

impl DeviceState {
    /// Whether this device may still take the call.
    pub fn is_live(self) -> bool {
        self < Self::Answered
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Targeted => "targeted",
            Self::Pushed => "pushed",
            Self::Shown => "shown",
            Self::Opened => "opened",
            Self::Registered => "registered",
            Self::Ready => "ready",
            Self::Invited => "invited",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Declined => "declined",
            Self::Busy => "busy",
            Self::Dropped => "dropped",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for DeviceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a wake expired: how far its furthest device came, and what held it up. Also what a page reports of itself while
/// it cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

impl Why {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unopened => "unopened",
            Self::Refused => "refused",
            Self::Unregistered => "unregistered",
            Self::Unready => "unready",
            Self::Unrung => "unrung",
        }
    }

    /// What the operator and the caller's agent read.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unopened => "not opened in time",
            Self::Refused => "opened but its registration was refused",
            Self::Unregistered => "opened but did not register in time",
            Self::Unready => "registered but never ready",
            Self::Unrung => "reached but never rang",
        }
    }
}

/// Why a wake failed in a way that has no state of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The SIP status that the last device failed with, or the edge's own.
    pub status: u16,
    /// Its words.
    pub reason: String,
}

/// Where a wake stands: the furthest living device, or exactly one final state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeState {
    /// It has begun; nothing has been accepted by a push service yet.
    Targeted,
    /// See [`DeviceState::Pushed`].
    Pushed,
    /// See [`DeviceState::Shown`].
    Shown,
    /// See [`DeviceState::Opened`].
    Opened,
    /// See [`DeviceState::Registered`].
    Registered,
    /// See [`DeviceState::Ready`].
    Ready,
    /// See [`DeviceState::Invited`].
    Invited,
    /// See [`DeviceState::Ringing`].
    Ringing,
    /// Final: a device took the call.
    Answered,
    /// Final: the user declined.
    Declined,
    /// Final: every device that could be asked is in another call.
    Busy,
    /// Final: it rang, and nobody answered.
    Unanswered,
    /// Final: no device was ready in time.
    Expired,
    /// Final: the caller gave up.
    Cancelled,
    /// Final: the line has no device.
    Unbound,
    /// Final: no push was accepted and nothing is registered.
    Unreachable,
    /// Final: something else went wrong.
    Failed(Failure),
}

impl WakeState {
    /// Whether the wake has ended.
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::Targeted
                | Self::Pushed
                | Self::Shown
                | Self::Opened
                | Self::Registered
                | Self::Ready
                | Self::Invited
                | Self::Ringing
        )
    }

    /// Whether a wake that ended so is a missed call.
    pub fn is_missed(&self) -> bool {
        self.is_final() && !matches!(self, Self::Answered | Self::Declined)
    }

    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Targeted => "targeted",
            Self::Pushed => "pushed",
            Self::Shown => "shown",
            Self::Opened => "opened",
            Self::Registered => "registered",
            Self::Ready => "ready",
            Self::Invited => "invited",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Declined => "declined",
            Self::Busy => "busy",
            Self::Unanswered => "unanswered",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Unbound => "unbound",
            Self::Unreachable => "unreachable",
            Self::Failed(_) => "failed",
        }
    }

    /// The state of a wake whose furthest living device stands at `furthest`.
    pub(super) fn of_device(furthest: DeviceState) -> Self {
        match furthest {
            DeviceState::Pushed => Self::Pushed,
            DeviceState::Shown => Self::Shown,
            DeviceState::Opened => Self::Opened,
            DeviceState::Registered => Self::Registered,
            DeviceState::Ready => Self::Ready,
            DeviceState::Invited => Self::Invited,
            DeviceState::Ringing => Self::Ringing,
            _ => Self::Targeted,
        }
    }
}

impl fmt::Display for WakeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
