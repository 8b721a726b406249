//! The line's state: what is recorded of it, and who may look it up.
//!
//! **Who may look.** A line of the same site, while the callee shows its state (`everyone`, the default; `nobody` hides
//! it). Whoever may not is told the same as about a line that does not exist; a blocked caller never sees the line
//! online, and learns nothing else of the block. The line itself and the site's backend always may.

use super::Line;
use crate::edge::command::{Availability, LineError, LineReply, Visibility};
use crate::edge::record::{LineState, Record};
use crate::id::Number;
use crate::time::Time;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// The state as it was last recorded.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Noted {
    online: bool,
    address: Option<String>,
    at: Time,
}

impl Line {
    /// Registered now, to be woken, or neither.
    fn availability(&self, now: Time) -> Availability {
        if self.bindings.values().any(|b| b.expires_at > now) {
            return Availability::Online;
        }
        self.without_bindings()
    }

    fn without_bindings(&self) -> Availability {
        let wakes =
            |device: &super::account::Device| device.revoked_at.is_none() && device.push.is_some();
        if self.devices.values().any(wakes) {
            Availability::Asleep
        } else {
            Availability::Offline
        }
    }

    pub(super) fn presence(
        &self,
        now: Time,
        viewer: Option<&Number>,
    ) -> Result<LineReply, LineError> {
        self.account()?;
        if viewer.is_some_and(|viewer| !self.may_look(viewer)) {
            return Err(LineError::UnknownLine);
        }
        let mut availability = self.availability(now);
        if availability == Availability::Online
            && viewer.is_some_and(|viewer| self.is_blocked(viewer))
        {
            // As their calls go: the phone seems to be left alone.
            availability = self.without_bindings();
        }
        Ok(LineReply::Presence {
            availability,
            visibility: self.visibility(),
        })
    }

    fn may_look(&self, viewer: &Number) -> bool {
        *viewer == self.number || self.visibility() == Visibility::Everyone
    }

    fn visibility(&self) -> Visibility {
        self.visibility.get("state").copied().unwrap_or_default()
    }

    pub(super) fn set_visibility(
        &mut self,
        now: Time,
        visibility: Visibility,
    ) -> Result<LineReply, LineError> {
        self.account()?;
        if visibility == Visibility::default() {
            self.visibility.remove("state");
        } else {
            self.visibility.insert("state", visibility);
        }
        self.presence(now, None)
    }

    /// Connections have come or gone: a state that is new is recorded.
    pub(super) fn note_presence(&mut self, now: Time) {
        let Ok(account) = self.account() else { return };
        let uid = account.party.uid.clone();
        let living = self.bindings.values().filter(|b| b.expires_at > now);
        let newest = living.max_by_key(|b| b.registered_at);
        let (online, address) = (newest.is_some(), newest.and_then(|b| b.address.clone()));
        let before = self.noted.get("state");
        // A line that was never registered is offline without anybody having to say so.
        let same = before.map_or(!online, |b| b.online == online && b.address == address);
        if same {
            return;
        }
        // Two states of one millisecond are told apart all the same.
        let at = before.map_or(now, |b| {
            now.max(b.at + crate::time::Duration::from_millis(1))
        });
        let state = LineState {
            number: self.number.clone(),
            uid,
            address: address.clone(),
            online,
            at,
        };
        let noted = Noted {
            online,
            address,
            at,
        };
        self.noted.insert("state", noted);
        self.record(now, Record::State(state));
    }
}
