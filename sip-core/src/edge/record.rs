//! What an object leaves for the directory (D1): records of calls, of states, of users who were deleted.
//!
//! They leave like messages: rows until they are known to be stored, sent again until then, and stored twice without
//! harm. None of them is in the path of a call.

use super::command::CallRecord;
use super::messages::Party;
use crate::id::{Number, Uid, WakeId};
use crate::time::Time;
use crate::wake::DeviceState;
use alloc::{borrow::ToOwned, boxed::Box, string::String};
use serde::{Deserialize, Serialize};

/// Something to be stored outside of the object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A call was asked for (`user_call`).
    Asked(CallAsked),
    /// A call is over.
    Call(Box<CallRecord>),
    /// The line came or went (`user_property`).
    State(LineState),
    /// The line's user was deleted: nothing outside may name them any longer.
    Deleted(DeletedUser),
}

/// Names a record of one object when the driver reports it stored. A later state has another name than an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordId {
    /// Its row.
    pub(super) key: String,
    /// Of when it is.
    pub(super) at: Time,
}

/// A call request, recorded when it is asked, whether or not anybody is there: `user_call {User_id, callee id, Call_date}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallAsked {
    /// The call.
    pub wake: WakeId,
    /// `User_id`: who calls.
    pub caller: Party,
    /// Who is called.
    pub callee: Party,
    /// `Call_date`.
    pub at: Time,
}

/// A line's state and address: `user_property {User_id, User_ip, User_netstate}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineState {
    /// The line.
    pub number: Number,
    /// `User_id`.
    pub uid: Uid,
    /// `User_ip`: where the newest living registration comes from; none while offline.
    pub address: Option<String>,
    /// `User_netstate`, 1 or 0.
    pub online: bool,
    /// Since when.
    pub at: Time,
}

impl core::fmt::Debug for LineState {
    /// Without the address.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LineState")
            .field("number", &self.number)
            .field("online", &self.online)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// A user whose line was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedUser {
    /// The line that was theirs.
    pub number: Number,
    /// The user.
    pub uid: Uid,
    /// When: what was recorded until then names nobody any longer.
    pub at: Time,
}

/// What a device of a call reached, and when. Devices are numbered in the order in which they were asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The device's place, from 1.
    pub device: u16,
    /// What it reached.
    pub state: DeviceState,
    /// When.
    pub at: Time,
}

/// What a push service said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushNote {
    /// The device's place, from 1; 0 for one that is no longer part of the call.
    pub device: u16,
    /// Whose push service it is, as the driver knows it.
    pub provider: String,
    /// `accepted`, `gone`, `throttled`, `later` or `refused`.
    pub answer: String,
    /// When it answered.
    pub at: Time,
}

impl Record {
    /// Its name.
    pub fn id(&self) -> RecordId {
        let (key, at) = match self {
            Self::Asked(asked) => (format!("asked:{}", asked.wake), asked.at),
            Self::Call(call) => (format!("call:{}", call.wake), call.ended_at),
            Self::State(state) => ("state".to_owned(), state.at),
            Self::Deleted(user) => (format!("deleted:{}", user.uid), user.at),
        };
        RecordId { key, at }
    }
}
