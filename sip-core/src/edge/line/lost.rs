//! Flows that are gone or were left: what it means for each call.

use super::Line;
use super::call::{BranchState, Call};
use crate::id::DeviceId;
use crate::time::Time;
use crate::wake::Event;

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

    /// A device registered on a new flow: its old branch is dropped, its part in an answered call moves along.
    pub(super) fn device_moved(
        &mut self,
        now: Time,
        device: &DeviceId,
        old_flow: &str,
        new_flow: &str,
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
                dialog.callee_leg.lost_at = None;
            }
            self.party_back(now, &mut call);
            self.put_call(call);
        }
    }
}
