//! Missed calls.

use super::Line;
use super::call::Call;
use crate::edge::command::{MissedView, WakeView};
use crate::edge::messages::Party;
use crate::id::WakeId;
use crate::time::Time;
use crate::wake::WakeState;
use serde::{Deserialize, Serialize};

/// A call that nobody took.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Missed {
    id: WakeId,
    caller: Party,
    at: Time,
    outcome: WakeState,
    seen: bool,
}

impl Line {
    pub(super) fn note_missed(&mut self, call: &Call) {
        let outcome = call.wake.state().clone();
        let missed = Missed {
            id: call.id.clone(),
            caller: call.caller.clone(),
            at: call.created_at,
            outcome,
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

    pub(super) fn unseen(&self) -> u32 {
        u32::try_from(self.missed.values().filter(|missed| !missed.seen).count())
            .unwrap_or(u32::MAX)
    }

    /// The wake that a missed call was, long after its call was forgotten.
    pub(super) fn missed_wake(&self, id: &WakeId) -> Option<WakeView> {
        let missed = self.missed.values().find(|missed| missed.id == *id)?;
        Some(WakeView {
            id: missed.id.clone(),
            state: missed.outcome.clone(),
            caller: missed.caller.clone(),
            created_at: missed.at,
            expires_at: missed.at,
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
