//! The invitation's own life on one device: in flight, waiting for its next turn, stopped.

use super::Limits;
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// What a push service said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushOutcome {
    /// Accepted (201). Not delivery.
    Accepted,
    /// 404 or 410: the subscription is gone.
    Gone,
    /// 429, 5xx or no answer: may be tried again.
    Later {
        /// Seconds, by `Retry-After`.
        retry_after_s: Option<u32>,
        /// Whether it was a 429: then there is no re-push either.
        throttled: bool,
    },
    /// Anything else: will not work.
    Refused,
}

impl PushOutcome {
    /// One word, for counting.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Gone => "gone",
            Self::Later {
                throttled: true, ..
            } => "throttled",
            Self::Later { .. } => "later",
            Self::Refused => "refused",
        }
    }
}

/// What becomes of the device after an answer of its push service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has been reached, now or before.
    Reached,
    /// It will be tried again.
    Waits,
    /// It cannot be reached by push.
    Lost,
}

/// The pushes of one invitation to one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pushes {
    /// The device has a push target.
    pub(super) possible: bool,
    /// Pushes begun so far.
    pub(super) attempts: u32,
    /// The push service accepted one.
    pub(super) accepted: bool,
    /// One is with the driver; it counts as lost at this time.
    in_flight_until: Option<Time>,
    /// The next one is due.
    next_at: Option<Time>,
    /// A 429 was seen: no more than needed.
    throttled: bool,
    failures: u32,
    /// One had no answer, or an error that says nothing of what became of it: it may be on the screen all the same.
    #[serde(default)]
    uncertain: bool,
}

impl Pushes {
    pub(super) fn new(possible: bool) -> Self {
        Self {
            possible,
            attempts: 0,
            accepted: false,
            in_flight_until: None,
            next_at: None,
            throttled: false,
            failures: 0,
            uncertain: false,
        }
    }

    /// Begins a push; yields its number.
    pub(super) fn begin(&mut self, now: Time, limits: &Limits) -> u32 {
        self.attempts += 1;
        self.next_at = None;
        self.in_flight_until = Some(now + limits.push_lost);
        self.attempts
    }

    pub(super) fn in_flight(&self) -> bool {
        self.in_flight_until.is_some()
    }

    /// Whether the device may hold our notification.
    pub(super) fn may_have_arrived(&self) -> bool {
        self.accepted || self.in_flight()
    }

    /// Whether something of ours may be on its screen, which is more than "reached": it is what has to be replaced.
    pub(super) fn may_be_shown(&self) -> bool {
        self.may_have_arrived() || self.uncertain
    }

    pub(super) fn outcome(
        &mut self,
        now: Time,
        limits: &Limits,
        ready_by: Time,
        outcome: PushOutcome,
    ) -> Verdict {
        self.in_flight_until = None;
        match outcome {
            PushOutcome::Accepted => {
                self.accepted = true;
                self.failures = 0;
                if limits.repush.as_millis() > 0 && !self.throttled {
                    self.next_at = Some(now + limits.repush).filter(|at| *at < ready_by);
                }
            }
            PushOutcome::Later {
                retry_after_s,
                throttled,
            } => {
                self.failures += 1;
                self.throttled |= throttled;
                self.uncertain |= !throttled;
                let backoff = limits.push_retry * (1 << (self.failures - 1).min(4));
                let wait = retry_after_s
                    .map_or(backoff, |s| crate::time::Duration::from_secs(u64::from(s)))
                    .max(limits.push_retry);
                if !(self.accepted && self.throttled) {
                    self.next_at = Some(now + wait).filter(|at| *at < ready_by);
                }
            }
            PushOutcome::Gone | PushOutcome::Refused => self.possible = false,
        }
        if self.accepted {
            Verdict::Reached
        } else if self.next_at.is_some() {
            Verdict::Waits
        } else {
            self.possible = false;
            Verdict::Lost
        }
    }

    /// No further push, unless begun anew.
    pub(super) fn stop(&mut self) {
        self.next_at = None;
    }

    /// Whether the next push is due, or the one in flight was lost.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.deadline().is_some_and(|at| at <= now)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.in_flight_until.or(self.next_at)
    }

    /// The driver never said what became of it.
    pub(super) fn lost_in_flight(&mut self) {
        self.uncertain |= self.in_flight();
        self.in_flight_until = None;
    }
}
