//! What becomes of a call when the flow is gone under it, and when there is another one.

use super::call::{Call, Phase};
use super::flow::{FlowId, SEVERAL};
use super::post::Post;
use crate::time::Time;
use alloc::boxed::Box;

impl Call {
    /// A flow is gone. A call that is answered goes on: its sound has a path of its own; one that is not yet waits for
    /// the next flow, if there is no other.
    pub fn flow_lost(&mut self, post: &mut Post, lost: FlowId, patience: Time) {
        self.refresh.take_if(|asked| !asked.move_from(lost, post));
        self.modify_flow_lost(post, lost);
        let found_there = self.flow == lost;
        if found_there {
            self.flow = post.best();
            if !post.registered() {
                self.update = None;
            }
        }
        match core::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Inviting(invite) if invite.flow == lost => {
                let request = invite.transaction.request().clone();
                self.phase = Phase::Stranded(Box::new(request), patience);
            }
            // Whether the 2xx arrived will show: the edge ends what it does not know.
            Phase::Accepted(asked) if found_there => {
                if SEVERAL && post.registered() {
                    asked.answer_again(post);
                }
                self.talk(post);
            }
            phase => self.phase = phase,
        }
        if let Phase::Waiting(asked) | Phase::Answering(asked) = &mut self.phase
            && !asked.move_from(lost, post)
        {
            self.orphaned(patience);
        }
        if SEVERAL && found_there && post.registered() {
            self.found_elsewhere(post);
        }
    }

    /// The other side would look for us where we are no more: a request that refreshes its target tells where we are (RFC 3261 §12.2).
    fn found_elsewhere(&mut self, post: &mut Post) {
        if matches!(self.phase, Phase::Talking | Phase::Applying) {
            self.refresh_session(post);
        }
    }

    /// This side came back on a new flow: does its call still stand?
    pub fn probe(&mut self, post: &mut Post) {
        if let (Phase::Talking, Some(dialog)) = (&self.phase, &mut self.dialog) {
            post.probe(self.id, dialog);
        }
    }
}
