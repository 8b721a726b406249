//! What a voice gateway asks of a line before it dials its mobile.

use super::Line;
use crate::edge::command::{LineError, LineReply};

impl Line {
    pub(super) fn reach(&self) -> Result<LineReply, LineError> {
        let uid = self.account()?.party.uid.clone();
        let wakes = |d: &super::Device| d.revoked_at.is_none() && d.push.is_some();
        Ok(LineReply::Reach {
            uid,
            wakeable: self.devices.values().any(wakes),
            threshold: self.gateway.get("threshold").copied(),
        })
    }

    pub(super) fn set_threshold(&mut self, dbm: Option<i16>) -> Result<LineReply, LineError> {
        self.account()?;
        match dbm {
            Some(dbm) => self.gateway.insert("threshold", dbm),
            None => drop(self.gateway.remove("threshold")),
        }
        self.reach()
    }
}
