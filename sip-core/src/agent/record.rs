//! Recordings and who is told of them (RFC 7866 §6): whoever records says so by `a=record` in its descriptions, and in one more
//! offer at once; a side that says `record-aware` shows it to its user.

use super::call::Call;
use super::post::Post;
use alloc::vec::Vec;

/// The option tag of who shows to its user that the other side records.
pub const AWARE: &str = "record-aware";

/// What is said of recordings in a call.
#[derive(Debug, Default)]
pub struct Recorder {
    /// This side records, or has.
    says: Option<bool>,
    /// The other side shows it.
    pub aware: bool,
}

impl Call {
    /// The page records what is said, or does so no more.
    pub fn record(&mut self, post: &mut Post, on: bool) {
        if self.is_over() || self.recorder.says.unwrap_or(false) == on {
            return;
        }
        self.recorder.says = Some(on);
        self.view.recording_told = false;
        self.offer_anew(post);
    }

    /// Our description, with what it has to say of a recording.
    pub fn marked(&self, mut sdp: Vec<u8>) -> Vec<u8> {
        let Some(on) = self.recorder.says else {
            return sdp;
        };
        let mark: &[u8] = if on {
            b"a=record:on\r\n"
        } else {
            b"a=record:off\r\n"
        };
        // Of the whole session: before its first stream.
        let at = sdp.windows(3).position(|w| w == b"\nm=");
        let at = at.map_or(sdp.len(), |at| at + 1);
        sdp.splice(at..at, mark.iter().copied());
        sdp
    }

    /// What was wanted is agreed on, a mark in it too.
    pub fn record_told(&mut self) {
        self.view.recording_told = self.recorder.says == Some(true) && self.recorder.aware;
    }
}
