//! Records leave like messages: rows until they are known to be stored.

use super::call::Call;
use super::{Line, LineOutput};
use crate::edge::record::{CallAsked, Record, RecordId};
use crate::time::{Duration, Time};
use alloc::{borrow::ToOwned, boxed::Box};
use serde::{Deserialize, Serialize};

/// Records that wait at most; the oldest call's is given up.
const MAX_WAITING: usize = 256;
/// Longest wait between two tries.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// A record that is not stored yet.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Unrecorded {
    record: Record,
    tries: u32,
    pub(super) next_try: Time,
}

impl Line {
    /// A call was asked for; one that has ended in the same turn is recorded as ended.
    pub(super) fn record_asked(&mut self, now: Time, call: &Call) {
        let Ok(account) = self.account() else { return };
        let asked = CallAsked {
            wake: call.id.clone(),
            caller: call.caller.clone(),
            callee: account.party.clone(),
            at: call.created_at,
        };
        self.record(now, Record::Asked(asked));
    }

    /// A call is over: that it was asked for is part of its record.
    pub(super) fn record_call(&mut self, now: Time, call: &Call) {
        let Ok(account) = self.account() else { return };
        let record = call.record(now, account.party.clone());
        self.records.remove(&format!("asked:{}", call.id));
        self.record(now, Record::Call(Box::new(record)));
    }

    pub(super) fn record(&mut self, now: Time, record: Record) {
        while self.records.len() >= MAX_WAITING {
            let calls = self.records.iter().filter(|(_, r)| r.record.is_of_a_call());
            let oldest = calls
                .min_by_key(|(_, r)| r.record.id().at)
                .map(|(key, _)| key.to_owned());
            let Some(oldest) = oldest else { break };
            self.records.remove(&oldest);
        }
        let waiting = Unrecorded {
            record: record.clone(),
            tries: 1,
            next_try: now + wait(1),
        };
        self.records.insert(&record.id().key, waiting);
        self.effects.push(LineOutput::Record(Box::new(record)));
    }

    pub(super) fn recorded(&mut self, id: &RecordId) {
        let same = |waiting: &Unrecorded| waiting.record.id() == *id;
        if self.records.get(&id.key).is_some_and(same) {
            self.records.remove(&id.key);
        }
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

impl Record {
    fn is_of_a_call(&self) -> bool {
        matches!(self, Self::Asked(_) | Self::Call(_))
    }
}

fn wait(tries: u32) -> Duration {
    (Duration::from_secs(5) * (1 << (tries - 1).min(10))).min(MAX_WAIT)
}
