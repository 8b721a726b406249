//! Records of calls leave like messages: rows until they are known to be stored.

use super::call::Call;
use super::{Line, LineOutput};
use crate::edge::command::CallRecord;
use crate::id::WakeId;
use crate::time::{Duration, Time};
use serde::{Deserialize, Serialize};

/// Records that wait at most; the oldest is given up.
const MAX_WAITING: usize = 256;
/// Longest wait between two tries.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// A record that is not stored yet.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Unrecorded {
    record: CallRecord,
    tries: u32,
    pub(super) next_try: Time,
}

impl Line {
    pub(super) fn record(&mut self, now: Time, call: &Call) {
        let Ok(account) = self.account() else { return };
        let record = call.record(now, account.party.clone());
        while self.records.len() >= MAX_WAITING {
            let oldest = self
                .records
                .iter()
                .min_by_key(|(_, r)| r.record.ended_at)
                .map(|(key, _)| key.to_owned());
            let Some(oldest) = oldest else { break };
            self.records.remove(&oldest);
        }
        let waiting = Unrecorded {
            record: record.clone(),
            tries: 1,
            next_try: now + wait(1),
        };
        self.records.insert(call.id.as_str(), waiting);
        self.effects.push(LineOutput::Record(Box::new(record)));
    }

    pub(super) fn recorded(&mut self, wake: &WakeId) {
        self.records.remove(wake.as_str());
    }

    pub(super) fn records_timeout(&mut self, now: Time) {
        for key in self.records.keys_where(|record| record.next_try <= now) {
            let Some(waiting) = self.records.get_mut(&key) else {
                continue;
            };
            waiting.tries = waiting.tries.saturating_add(1);
            waiting.next_try = now + wait(waiting.tries);
            let record = waiting.record.clone();
            self.effects.push(LineOutput::Record(Box::new(record)));
        }
    }
}

fn wait(tries: u32) -> Duration {
    (Duration::from_secs(5) * (1 << (tries - 1).min(10))).min(MAX_WAIT)
}
