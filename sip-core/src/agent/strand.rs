//! What becomes of a call when the flow is gone under it, and when there is another one.

use super::call::{Call, Phase};
use super::post::Post;
use crate::time::Time;
use alloc::boxed::Box;

impl Call {
    /// The flow is gone. A call that is answered goes on: its sound has a path of its own; one that is not yet waits for
    /// the next flow.
    pub fn flow_lost(&mut self, post: &mut Post, patience: Time) {
        self.refresh = None;
        self.update = None;
        self.modify_flow_lost(post);
        match core::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Inviting(invite) => {
                let request = invite.transaction.request().clone();
                self.phase = Phase::Stranded(Box::new(request), patience);
            }
            Phase::Waiting(asked) => {
                self.dialog = None;
                self.phase = Phase::Orphaned(Box::new(asked.orphan(patience, false)));
            }
            Phase::Answering(asked) => {
                self.dialog = None;
                self.phase = Phase::Orphaned(Box::new(asked.orphan(patience, true)));
            }
            // Whether the 2xx arrived will show: the edge ends what it does not know.
            Phase::Accepted(_) => self.talk(post),
            phase => self.phase = phase,
        }
    }

    /// This side came back on a new flow: does its call still stand?
    pub fn probe(&mut self, post: &mut Post) {
        if let (Phase::Talking, Some(dialog)) = (&self.phase, &mut self.dialog) {
            post.probe(self.id, dialog);
        }
    }
}
