//! Missed calls, and how those ended that were not missed.

use super::Line;
use super::call::Call;
use crate::edge::command::{MissedView, WakeView};
use crate::edge::messages::Party;
use crate::id::WakeId;
use crate::time::{Duration, Time};
use crate::wake::{WakeState, Why};
use alloc::{borrow::ToOwned, vec::Vec};
use serde::{Deserialize, Serialize};

/// A call that nobody took.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Missed {
    id: WakeId,
    pub(super) caller: Party,
    at: Time,
    outcome: WakeState,
    #[serde(default)]
    why: Option<Why>,
    seen: bool,
}

/// A call that ended otherwise: answered or declined.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) caller: Party,
    at: Time,
    outcome: WakeState,
}

/// As long as a replacement push may be stored.
const ENDED_KNOWN: Duration = Duration::from_secs(86_400);
/// Ended calls kept for late questions.
const MAX_ENDED: usize = 200;

impl Line {
    pub(super) fn note_missed(&mut self, call: &Call) {
        let outcome = call.wake.state().clone();
        let missed = Missed {
            id: call.id.clone(),
            caller: call.caller.clone(),
            at: call.created_at,
            outcome,
            why: call.wake.why(),
            seen: false,
        };
        self.missed.insert(
            &format!("{:015}|{}", call.created_at.as_millis(), call.id),
            missed,
        );
        while self.missed.len() > self.config.edge.max_missed {
            let Some(oldest) = self.missed.iter().next().map(|(key, _)| key.to_owned()) else {
                break;
            };
            self.missed.remove(&oldest);
        }
    }

    /// Newest first.
    pub(super) fn missed_views(&self) -> Vec<MissedView> {
        let mut views: Vec<_> = self.missed.values().map(Missed::view).collect();
        views.reverse();
        views
    }

    pub(super) fn mark_seen(&mut self, ids: &[WakeId]) {
        for key in self
            .missed
            .keys_where(|missed| !missed.seen && ids.contains(&missed.id))
        {
            if let Some(missed) = self.missed.get_mut(&key) {
                missed.seen = true;
            }
        }
    }

    /// Remembers the end of a call that was not missed, for as long as the capability in its push is good.
    pub(super) fn note_ended(&mut self, call: &Call) {
        if call.wake.state().is_missed() {
            return; // known by its missed call
        }
        if self.account.is_empty() {
            return; // its user was deleted meanwhile
        }
        let ended = Ended {
            caller: call.caller.clone(),
            at: call.created_at,
            outcome: call.wake.state().clone(),
        };
        self.ended.insert(call.id.as_str(), ended);
        let now = call.forget_at.unwrap_or(call.created_at);
        for id in self
            .ended
            .keys_where(|ended| now.since(ended.at) > ENDED_KNOWN)
        {
            self.ended.remove(&id);
        }
        while self.ended.len() > MAX_ENDED {
            let oldest = self
                .ended
                .iter()
                .min_by_key(|(_, ended)| ended.at)
                .map(|(id, _)| id.to_owned());
            let Some(oldest) = oldest else { break };
            self.ended.remove(&oldest);
        }
    }

    /// When the oldest missed call has been kept as long as the site keeps records.
    pub(super) fn missed_end(&self) -> Option<Time> {
        let kept = self.config.edge.retention?;
        // Keys begin with the time.
        let oldest = self.missed.values().next()?;
        Some(oldest.at + kept)
    }

    pub(super) fn missed_timeout(&mut self, now: Time) {
        while self.missed_end().is_some_and(|end| end <= now) {
            let Some(oldest) = self.missed.iter().next().map(|(key, _)| key.to_owned()) else {
                break;
            };
            self.missed.remove(&oldest);
        }
    }

    pub(super) fn unseen(&self) -> u32 {
        u32::try_from(self.missed.values().filter(|missed| !missed.seen).count())
            .unwrap_or(u32::MAX)
    }

    /// A wake long after its call was forgotten.
    pub(super) fn past_wake(&self, id: &WakeId) -> Option<WakeView> {
        let missed = self.missed.values().find(|missed| missed.id == *id);
        let why = missed.and_then(|missed| missed.why);
        let missed = missed.map(|missed| (&missed.caller, missed.at, &missed.outcome));
        let ended = self
            .ended
            .get(id.as_str())
            .map(|ended| (&ended.caller, ended.at, &ended.outcome));
        let (caller, at, outcome) = missed.or(ended)?;
        Some(WakeView {
            id: id.clone(),
            state: outcome.clone(),
            caller: caller.clone(),
            created_at: at,
            expires_at: at,
            why,
            devices: Vec::new(),
            steps: Vec::new(),
        })
    }
}

impl Missed {
    fn view(&self) -> MissedView {
        MissedView {
            id: self.id.clone(),
            caller: self.caller.clone(),
            at: self.at,
            outcome: self.outcome.clone(),
            seen: self.seen,
        }
    }
}
