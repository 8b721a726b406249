//! Do-not-disturb: callers are told (RFC 3261 §21.4.18 names 480 for it), nothing is pushed, nothing rings; the call is in
//! the list of missed ones.

use super::Line;
use crate::edge::command::{LineError, LineReply};
use crate::time::Time;
use crate::wake::{DO_NOT_DISTURB, Failure};
use alloc::borrow::ToOwned;

/// The end of a call to a line that wants none.
pub(super) fn failure() -> Failure {
    Failure {
        status: 480,
        reason: DO_NOT_DISTURB.to_owned(),
    }
}

impl Line {
    pub(super) fn set_do_not_disturb(
        &mut self,
        now: Time,
        on: bool,
    ) -> Result<LineReply, LineError> {
        self.account()?;
        if !on {
            self.quiet.remove("since");
        } else if self.quiet.is_empty() {
            self.quiet.insert("since", now);
        }
        self.do_not_disturb()
    }

    pub(super) fn do_not_disturb(&self) -> Result<LineReply, LineError> {
        self.account()?;
        Ok(LineReply::DoNotDisturb {
            since: self.quiet.get("since").copied(),
        })
    }
}
