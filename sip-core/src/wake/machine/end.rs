//! The one end of a wake: which it is, who has to be told, and what is still owed to a device after it.

use super::{Device, Wake};
use crate::id::DeviceId;
use crate::time::Time;
use crate::wake::{Action, DeviceState, Event, PushOutcome, Quiet, WakeState};

impl Wake {
    pub(super) fn finish_declined(&mut self, now: Time, index: usize) {
        let device = self.devices[index].id.clone();
        if self.devices[index].state >= DeviceState::Invited {
            self.actions
                .push(Action::Cancel(device.clone(), Quiet::Declined));
        }
        self.set(now, index, DeviceState::Declined);
        self.finish(now, WakeState::Declined, Some(&device), Quiet::Declined);
    }

    /// Nobody was ready in time.
    pub(super) fn finish_late(&mut self, now: Time) {
        // A push that no service has taken reached nobody, however often it was tried.
        let reached = |d: &Device| d.furthest() > DeviceState::Targeted;
        let end = if self.rang {
            WakeState::Unanswered
        } else if self.devices.iter().any(reached) {
            WakeState::Expired
        } else {
            WakeState::Unreachable
        };
        self.finish(now, end, None, Quiet::Missed);
    }

    /// No device is left that could take the call.
    pub(super) fn finish_exhausted(&mut self, now: Time) {
        let any = |state| self.devices.iter().any(|d| d.state == state);
        let end = if any(DeviceState::Busy) {
            WakeState::Busy
        } else if any(DeviceState::Declined) {
            WakeState::Declined
        } else if let Some(failure) = self.failure.clone() {
            WakeState::Failed(failure)
        } else if self.rang {
            WakeState::Unanswered
        } else {
            WakeState::Unreachable
        };
        self.finish(now, end, None, Quiet::Missed);
    }

    /// The one end. `by` is the device whose user ended it: it knows already.
    pub(super) fn finish(
        &mut self,
        now: Time,
        end: WakeState,
        by: Option<&DeviceId>,
        quiet: Quiet,
    ) {
        self.finish_by(now, end, by.map_or(&[], core::slice::from_ref), quiet);
    }

    /// As [`Wake::finish`], where several know.
    pub(super) fn finish_by(&mut self, now: Time, end: WakeState, by: &[DeviceId], quiet: Quiet) {
        debug_assert!(end.is_final() && !self.state.is_final(), "a wake ends once");
        self.state = end.clone();
        for index in 0..self.devices.len() {
            let device = &self.devices[index];
            let (id, state) = (device.id.clone(), device.state);
            if state.is_live() && state >= DeviceState::Invited {
                self.actions.push(Action::Cancel(id.clone(), quiet));
            }
            if state.is_live() {
                self.leave(now, index, DeviceState::Cancelled);
            }
            if !by.contains(&id)
                && state != DeviceState::Declined
                && self.devices[index].pushes.may_be_shown()
            {
                self.devices[index].owed = Some(quiet);
            }
        }
        self.actions.push(Action::End(end));
        for index in 0..self.devices.len() {
            if !self.devices[index].pushes.in_flight() {
                self.pay(index);
            }
        }
    }

    /// Sends the replacement that a device is owed. Never while its invitation is in flight, or the
    /// invitation could be the one that stays.
    fn pay(&mut self, index: usize) {
        let device = &mut self.devices[index];
        if let Some(quiet) = device.owed.take() {
            self.actions.push(Action::Replace(device.id.clone(), quiet));
        }
    }

    /// What became of an invitation that its device does not need any longer.
    pub(super) fn pushed_in_vain(&mut self, index: usize, outcome: PushOutcome) {
        let device = &mut self.devices[index];
        device.pushes.stop();
        if matches!(outcome, PushOutcome::Gone | PushOutcome::Refused) {
            device.owed = None;
        }
        self.pay(index);
    }

    pub(super) fn after_the_end(&mut self, now: Time, event: &Event) {
        for index in 0..self.devices.len() {
            let device = &mut self.devices[index];
            if device.owed.is_none() {
                continue;
            }
            match event {
                Event::Push(id, outcome) if *id == device.id => {
                    device
                        .pushes
                        .outcome(now, &self.limits, self.ready_by, *outcome);
                    self.pushed_in_vain(index, *outcome);
                }
                Event::Revoked(id) if *id == device.id => device.owed = None,
                Event::Timeout if device.pushes.is_due(now) => {
                    device.pushes.lost_in_flight();
                    self.pay(index);
                }
                _ => {}
            }
        }
    }
}
