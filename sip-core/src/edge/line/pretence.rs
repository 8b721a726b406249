//! What a blocked caller hears: a phone that nobody looks at. Their call is parked like any other, "pushed" comes after
//! about the time that a push service takes, and at the limit it ends as expired. Nothing is pushed, no page learns of it,
//! it is no missed call; the line's own record of it says why. A refusal at once, however worded, would tell of the block
//! to whoever compares it with another caller's luck.

use super::Line;
use super::call::Call;
use crate::id::DeviceId;
use crate::time::{Duration, Time};
use crate::wake::{Action, Event, PushOutcome, Target};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A push service takes from here …
const LEAST_MS: u64 = 60;
/// … to here.
const MOST_MS: u64 = 260;

/// Pushes that were never sent, and when the caller hears that they were accepted.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Pretence {
    pushed: Vec<DeviceId>,
    accepted_at: Option<Time>,
}

impl Pretence {
    pub(super) fn deadline(&self) -> Option<Time> {
        self.accepted_at
    }
}

/// An open page is not rung either: whoever can be pushed to seems to sleep, whoever cannot seems not to answer.
pub(super) fn asleep(targets: &mut [Target]) {
    for target in targets {
        target.open &= !target.pushable;
    }
}

/// What happens to the callee's devices is none of this call's business.
pub(super) fn concerns(event: &Event) -> bool {
    matches!(
        event,
        Event::CallerCancelled
            | Event::CallerLost
            | Event::CallerBack
            | Event::Timeout
            | Event::Push(..)
    )
}

impl Line {
    pub(super) fn pretend(&mut self, now: Time, call: &mut Call, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Push { device, .. } => {
                    let wait = LEAST_MS + self.entropy.below(MOST_MS - LEAST_MS);
                    if let Some(pretence) = &mut call.pretence {
                        pretence.pushed.push(device);
                        pretence
                            .accepted_at
                            .get_or_insert(now + Duration::from_millis(wait));
                    }
                }
                Action::Tell(state) => self.tell_caller(now, call, &state),
                Action::End(state) => self.end_wake(now, call, &state),
                Action::Probe(_) | Action::Invite(_) | Action::Cancel(..) | Action::Replace(..) => {
                }
            }
        }
    }

    pub(super) fn pretend_pushed(&mut self, now: Time, call: &mut Call) {
        let Some(pretence) = &mut call.pretence else {
            return;
        };
        if pretence.accepted_at.is_none_or(|at| now < at) {
            return;
        }
        pretence.accepted_at = None;
        for device in core::mem::take(&mut pretence.pushed) {
            self.wake_event_of(now, call, Event::Push(device, PushOutcome::Accepted));
        }
    }
}
