//! A user who is deleted, here and in what other lines remember of them.

use super::Line;
use crate::auth::Algorithm;
use crate::edge::command::{LineError, LineReply};
use crate::edge::messages::Party;
use crate::edge::record::{DeletedUser, Record};
use crate::id::{Number, Uid};
use crate::time::{Duration, Time};
use alloc::{borrow::ToOwned, string::String};
use serde::{Deserialize, Serialize};

/// No token lives longer than a week: until then one that was signed before may come.
const TOKENS_LIVE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Users of one number that are remembered as deleted.
const MAX_DELETED: usize = 8;
/// Who stands in the place of somebody who was deleted.
const NOBODY: &str = "anonymous";

/// That a user was deleted, by the hash of who it was: their tokens are dead.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tombstone {
    at: Time,
    pub(super) until: Time,
}

fn tombstone_key(uid: &Uid) -> String {
    Algorithm::Sha256.hash(&["deleted", uid.as_str()])
}

impl Line {
    /// The user is deleted: every call of theirs ends, no device, credential, missed call or setting is left, and tokens
    /// signed until now are dead. What the directory holds goes by a record, which is sent until it is stored.
    pub(super) fn delete_user(&mut self, now: Time) -> Result<LineReply, LineError> {
        let uid = self.account()?.party.uid.clone();
        for key in self.calls.keys_where(super::call::Call::is_talking) {
            if let Some(mut call) = self.calls.remove(&key) {
                self.hang_up(now, &mut call, 480, "The user was deleted");
                self.put_call(call);
            }
        }
        for key in self.calls.keys_where(super::call::Call::is_talk_at_server) {
            self.end_talk_at_server(now, &key);
        }
        self.forget_user(now);
        for key in self.jobs.keys_where(|_| true) {
            self.jobs.remove(&key);
        }
        for key in self.invites.keys_where(|_| true) {
            self.invites.remove(&key);
        }
        self.visibility.remove("state");
        self.noted.remove("state");
        self.records.remove("state");
        self.account.remove("account");
        while self.deleted.len() >= MAX_DELETED {
            let oldest = self.deleted.iter().min_by_key(|(_, d)| d.at);
            let Some(oldest) = oldest.map(|(key, _)| key.to_owned()) else {
                break;
            };
            self.deleted.remove(&oldest);
        }
        let until = now + TOKENS_LIVE;
        self.deleted
            .insert(&tombstone_key(&uid), Tombstone { at: now, until });
        let number = self.number.clone();
        self.record(
            now,
            Record::Deleted(DeletedUser {
                number,
                uid,
                at: now,
            }),
        );
        Ok(LineReply::Done)
    }

    /// A token that was signed before its user was deleted.
    pub(super) fn is_of_deleted(&self, uid: &Uid, issued_at: Option<Time>) -> bool {
        let Some(issued_at) = issued_at.filter(|_| !self.deleted.is_empty()) else {
            return false;
        };
        let deleted = self.deleted.get(&tombstone_key(uid));
        deleted.is_some_and(|deleted| issued_at <= deleted.at)
    }

    /// Somebody else was deleted: who called this line, and when, stays; who it was does not.
    pub(super) fn anonymise(&mut self, uid: &Uid, number: &Number) -> LineReply {
        let is_them = |party: &Party| party.uid == *uid && party.number == *number;
        for key in self.missed.keys_where(|m| is_them(&m.caller)) {
            if let Some(missed) = self.missed.get_mut(&key) {
                missed.caller = nobody();
            }
        }
        for key in self.ended.keys_where(|e| is_them(&e.caller)) {
            if let Some(ended) = self.ended.get_mut(&key) {
                ended.caller = nobody();
            }
        }
        self.blocked.remove(number.as_str());
        // A call that is over is remembered for late messages only.
        let over = |call: &super::call::Call| call.forget_at.is_some() && is_them(&call.caller);
        for key in self.calls.keys_where(over) {
            if let Some(call) = self.calls.get_mut(&key) {
                call.caller = nobody();
            }
        }
        LineReply::Done
    }

    pub(super) fn deleted_timeout(&mut self, now: Time) {
        for key in self.deleted.keys_where(|deleted| deleted.until <= now) {
            self.deleted.remove(&key);
        }
    }
}

fn nobody() -> Party {
    Party {
        number: Number::parse(NOBODY).expect("a word is a valid number"),
        uid: Uid::parse(NOBODY).expect("a word is a valid uid"),
        display_name: String::new(),
    }
}
