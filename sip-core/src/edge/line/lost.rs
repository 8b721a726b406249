//! Flows that are gone or were left: what it means for each call.

use super::Line;
use super::call::{BranchState, Call};
use crate::edge::messages::Party;
use crate::id::DeviceId;
use crate::time::Time;
use crate::wake::Event;
use crate::wire::Request;
use alloc::{borrow::ToOwned, vec::Vec};

impl Line {
    /// A socket is gone: what it means for one call.
    pub(super) fn flow_gone_in_call(&mut self, now: Time, flow: &str, stream: &str) {
        let Some(key) = self.call_of(stream) else {
            return;
        };
        let Some(mut call) = self.calls.remove(&key) else {
            return;
        };
        if call.caller_leg.flow == flow && call.caller_leg.lost_at.is_none() {
            call.caller_leg.lost_at = Some(now);
            self.wake_event_of(now, &mut call, Event::CallerLost);
        }
        if let Some(dialog) = &mut call.dialog
            && dialog.callee_leg.flow == flow
            && dialog.callee_leg.lost_at.is_none()
        {
            dialog.callee_leg.lost_at = Some(now);
        }
        self.branches_lost(now, &mut call, flow);
        self.put_call(call);
    }

    /// A caller's repeated INVITE has overtaken this one, which left earlier over a socket that is gone: it must not take the
    /// call back to there.
    pub(super) fn is_outrun(
        &self,
        flow: &str,
        sent_at: Time,
        caller: &Party,
        request: &Request,
    ) -> bool {
        let tag = request.headers.from().ok();
        let tag = tag.as_ref().and_then(|from| from.tag());
        self.calls.values().any(|call| {
            call.caller == *caller
                && call.server.is_none()
                && call.caller_leg.flow != flow
                && Some(call.caller_leg.tag.as_str()) == tag
                && request.headers.call_id().is_ok_and(|id| id == call.call_id)
                && call.caller_leg.sent_at > sent_at
        })
    }

    pub(super) fn note_sent(&mut self, stream: &str, sent_at: Time) {
        if let Some(key) = self.call_of(stream)
            && let Some(call) = self.calls.get_mut(&key)
        {
            call.caller_leg.sent_at = sent_at;
        }
    }

    /// Branches through a flow that is gone, or that their device has left.
    pub(super) fn branches_lost(&mut self, now: Time, call: &mut Call, flow: &str) {
        let mut lost = Vec::new();
        for branch in call
            .branches
            .iter_mut()
            .filter(|b| b.flow == flow && b.state != BranchState::Done)
        {
            if branch.state == BranchState::Open {
                lost.push(branch.device.clone());
            }
            branch.state = BranchState::Done;
        }
        for device in lost {
            self.wake_event_of(now, call, Event::FlowLost(device));
        }
    }

    /// Where a lost party may be reached all the same: its device registered anew after the loss was noticed, and has not
    /// spoken in the call yet. It counts as lost until it does: the page may be a fresh one that knows of no call. The caller's
    /// bindings are another line's, so only the callee can be followed.
    pub(super) fn follow_binding(&self, now: Time, call: &mut Call) -> bool {
        let Some(dialog) = &mut call.dialog else {
            return false;
        };
        let leg = &mut dialog.callee_leg;
        let Some(binding) = self.binding_of(now, &dialog.device) else {
            return false;
        };
        if leg.lost_at.is_some() {
            leg.flow.clone_from(&binding.flow);
        }
        true
    }

    /// A lost party answered a request of the call: it is back. A page that does not know the call says 481 (RFC 3261
    /// §12.2.2), and nobody answered at all with 408.
    pub(super) fn answered_in_dialog(
        &mut self,
        now: Time,
        call: &mut Call,
        flow: &str,
        status: u16,
    ) {
        if matches!(status, 408 | 481) {
            return;
        }
        if let Some(dialog) = &mut call.dialog
            && dialog.callee_leg.flow == flow
            && dialog.callee_leg.lost_at.take().is_some()
        {
            self.party_back(now, call);
        }
    }

    /// A device registered on a new flow: its old branch is dropped, its part in an answered call moves along.
    pub(super) fn device_moved(
        &mut self,
        now: Time,
        device: &DeviceId,
        old_flow: &str,
        (new_flow, sent_at): (&str, Time),
    ) {
        for key in self.calls.keys_where(|call| call.uses(old_flow)) {
            let Some(mut call) = self.calls.remove(&key) else {
                continue;
            };
            let mut moved = false;
            for branch in call
                .branches
                .iter_mut()
                .filter(|b| b.device == *device && b.flow == old_flow)
            {
                moved |= branch.state == BranchState::Open;
                branch.state = BranchState::Done;
            }
            if moved {
                self.wake_event_of(now, &mut call, Event::Moved(device.clone()));
            }
            if let Some(dialog) = &mut call.dialog
                && dialog.device == *device
                && dialog.callee_leg.flow == old_flow
            {
                dialog.callee_leg.flow = new_flow.to_owned();
                dialog.callee_leg.sent_at = sent_at;
                dialog.callee_leg.lost_at = None;
            }
            self.party_back(now, &mut call);
            self.put_call(call);
        }
    }
}
