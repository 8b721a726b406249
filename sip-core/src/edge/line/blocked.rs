//! Callers whom the user has blocked. What such a caller hears is [`pretence`](super::pretence).

use super::Line;
use crate::edge::command::{BlockedView, LineError, LineReply, Withheld};
use crate::edge::messages::Party;
use crate::id::Number;
use crate::time::Time;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Octets of the name that is kept.
const MAX_NAME: usize = 256;

/// A caller who is blocked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Blocked {
    display_name: String,
    at: Time,
}

impl Line {
    /// Whether and why a call is kept from the user. Do-not-disturb comes first: a blocked caller hears of it like
    /// everybody else, or its absence would tell of the block.
    pub(super) fn withheld(&self, caller: &Party) -> Option<Withheld> {
        if !self.quiet.is_empty() {
            Some(Withheld::DoNotDisturb)
        } else if self.is_blocked(&caller.number) {
            Some(Withheld::Blocked)
        } else {
            None
        }
    }

    pub(super) fn is_blocked(&self, caller: &Number) -> bool {
        self.blocked.contains(caller.as_str())
    }

    pub(super) fn block(
        &mut self,
        now: Time,
        number: &Number,
        display_name: String,
    ) -> Result<LineReply, LineError> {
        self.account()?;
        if display_name.len() > MAX_NAME {
            return Err(LineError::TooLong);
        }
        let key = number.as_str();
        if !self.blocked.contains(key) && self.blocked.len() >= self.config.edge.max_blocked {
            return Err(LineError::TooManyBlocked);
        }
        let at = self.blocked.get(key).map_or(now, |known| known.at);
        self.blocked.insert(key, Blocked { display_name, at });
        self.blocked_callers()
    }

    pub(super) fn unblock(&mut self, number: &Number) -> Result<LineReply, LineError> {
        self.account()?;
        self.blocked.remove(number.as_str());
        self.blocked_callers()
    }

    /// Newest first.
    pub(super) fn blocked_callers(&self) -> Result<LineReply, LineError> {
        self.account()?;
        let view = |(number, blocked): (&str, &Blocked)| {
            Some(BlockedView {
                number: Number::parse(number).ok()?,
                display_name: blocked.display_name.clone(),
                at: blocked.at,
            })
        };
        let mut callers: Vec<_> = self.blocked.iter().filter_map(view).collect();
        callers.sort_by_key(|caller| core::cmp::Reverse(caller.at));
        Ok(LineReply::Blocked { callers })
    }
}
