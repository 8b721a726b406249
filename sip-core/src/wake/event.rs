//! What a wake is told, and what it wants done.

use super::{Failure, PushOutcome, WakeState, Why};
use crate::id::DeviceId;
use serde::{Deserialize, Serialize};

/// A device that the wake begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The device.
    pub device: DeviceId,
    /// It has a push target.
    pub pushable: bool,
    /// It has an open binding: it is probed first.
    pub open: bool,
}

/// What the leader of the wake learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A push service answered an [`Action::Push`].
    Push(DeviceId, PushOutcome),
    /// The device answered the probe: its flow is alive.
    Alive(DeviceId),
    /// A user agent without a device registered: it is probed, for it knows no "ready".
    Joined(DeviceId),
    /// The notification was shown.
    Shown(DeviceId),
    /// The notification was tapped, or the page was opened.
    Opened(DeviceId),
    /// The notification was tapped, and the page says what keeps it from going on.
    Hindered(DeviceId, Why),
    /// The device registered.
    Registered(DeviceId),
    /// Its page can take the call.
    Ready(DeviceId),
    /// The branch to it, given up for its silence, answers after all: no other INVITE has gone out meanwhile.
    Late(DeviceId),
    /// The branch to it answered something, 100 included.
    Responded(DeviceId),
    /// It alerts (180).
    Rang(DeviceId),
    /// It accepted the call (200).
    Answered(DeviceId),
    /// Its user declined (603, or the notification's button).
    Declined(DeviceId),
    /// It is in another call (486).
    Busy(DeviceId),
    /// It refused with anything else.
    Refused(DeviceId, Failure),
    /// The flow that it was reached by is gone; it may come back.
    FlowLost(DeviceId),
    /// It registered anew on another flow: its old branch is dropped, nothing is lost.
    Moved(DeviceId),
    /// The device was revoked.
    Revoked(DeviceId),
    /// The call server that leads the call said so; nobody else's wakes hear it.
    CallServer(ServerSaid),
    /// The caller gave up.
    CallerCancelled,
    /// The caller's flow broke.
    CallerLost,
    /// The caller came back in time.
    CallerBack,
    /// [`Wake::deadline`] has come.
    Timeout,
}

/// What a call server says of the INVITE that it sends itself, after "ready". It may say so late, twice or in any order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerSaid {
    /// The INVITE is on its way.
    Invited,
    /// A page alerts.
    Rang,
    /// A page answered.
    Answered,
    /// It did not come to that.
    Failed(Failure),
}

/// Why a device has to be quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quiet {
    /// Another device answered.
    Elsewhere,
    /// The caller gave up.
    Cancelled,
    /// Another device declined for all.
    Declined,
    /// It took too long.
    Missed,
    /// The branch was silent and is abandoned; the wake goes on, and is cancelled only if that moves on without it.
    Silent,
}

/// What the leader of the wake has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask whether the open flow of the device lives.
    Probe(DeviceId),
    /// Push the invitation. Answered by [`Event::Push`].
    Push {
        /// Where.
        device: DeviceId,
        /// Counts from 1.
        attempt: u32,
    },
    /// Send the INVITE to the device.
    Invite(DeviceId),
    /// Cancel the INVITE to the device.
    Cancel(DeviceId, Quiet),
    /// Tell the caller how far it is. Never final.
    Tell(WakeState),
    /// The wake has ended; exactly once.
    End(WakeState),
    /// Replace the invitation on a device that was pushed; exactly once for each.
    Replace(DeviceId, Quiet),
}
