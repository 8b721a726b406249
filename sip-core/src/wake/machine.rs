//! [`Wake`]: events in, actions out.
//!
//! Long because every event of a wake is judged here, in one place: what ends it must be seen beside what keeps it alive.
//! What an end does is in `end`.

mod end;
mod told;

use super::push::{Pushes, Verdict};
use super::{
    Action, DeclineScope, DeviceState, Event, Failure, Limits, PushOutcome, Quiet, ServerSaid,
    Target, WakeState, Why,
};
use crate::id::DeviceId;
use crate::time::Time;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Devices of one wake; a line binds fewer.
const MAX_DEVICES: usize = 64;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Device {
    id: DeviceId,
    state: DeviceState,
    /// What it falls back to when its flow is lost: how far push and tap have brought it.
    without_flow: DeviceState,
    pushes: Pushes,
    /// The probe, or the branch without any response, counts as silent at this time.
    silent_at: Option<Time>,
    /// It lost its flow, or was silent, and cannot be pushed: until then it may come back.
    back_until: Option<Time>,
    /// What its page said keeps it from going on.
    #[serde(default)]
    hindered: Option<Why>,
    /// INVITEs sent to it.
    forks: u32,
    /// The replacement it still has to get.
    owed: Option<Quiet>,
    steps: Vec<(DeviceState, Time)>,
}

impl Device {
    /// How far it came, whatever became of it afterwards.
    fn furthest(&self) -> DeviceState {
        let steps = self.steps.iter().map(|(state, _)| *state);
        steps
            .filter(|state| *state <= DeviceState::Ringing)
            .max()
            .unwrap_or(DeviceState::Targeted)
    }
}

/// A wake for a call server: the edge brings a page to "ready", and hears how it went on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Server {
    /// How far its INVITE came, by its own word; also when no device is known that it could have gone to.
    heard: Option<DeviceState>,
}

/// One attempt to bring a line online for one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wake {
    limits: Limits,
    state: WakeState,
    devices: Vec<Device>,
    ready_by: Time,
    tap_graced: bool,
    ring_until: Option<Time>,
    rang: bool,
    caller_lost_until: Option<Time>,
    failure: Option<Failure>,
    /// A call server sends the INVITE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<Server>,
    #[serde(skip)]
    actions: Vec<Action>,
}

impl Wake {
    /// Begins a wake: open flows are probed, all others pushed at once.
    pub fn begin(now: Time, limits: Limits, targets: Vec<Target>) -> (Self, Vec<Action>) {
        Self::start(now, limits, targets, None)
    }

    /// Begins a wake for a call server: every device that can be pushed to is, for whether a page is registered with
    /// the call server is not known here. "ready" is told, and no INVITE is sent.
    pub fn begin_for_server(
        now: Time,
        limits: Limits,
        targets: Vec<Target>,
    ) -> (Self, Vec<Action>) {
        let targets = targets.into_iter().map(|target| Target {
            open: false,
            ..target
        });
        Self::start(now, limits, targets.collect(), Some(Server::default()))
    }

    fn start(
        now: Time,
        limits: Limits,
        targets: Vec<Target>,
        server: Option<Server>,
    ) -> (Self, Vec<Action>) {
        let mut wake = Self {
            server,
            ready_by: now + limits.ready,
            limits,
            state: WakeState::Targeted,
            devices: Vec::new(),
            tap_graced: false,
            ring_until: None,
            rang: false,
            caller_lost_until: None,
            failure: None,
            actions: Vec::new(),
        };
        for target in targets
            .into_iter()
            .filter(|target| target.pushable || target.open)
            .take(MAX_DEVICES)
        {
            let index = wake.add(now, target.device, target.pushable);
            if target.open {
                wake.probe(now, index);
            } else {
                wake.push(now, index);
            }
        }
        if wake.devices.is_empty() {
            wake.finish(now, WakeState::Unbound, None, Quiet::Missed);
        }
        let actions = core::mem::take(&mut wake.actions);
        (wake, actions)
    }

    /// A wake that ends before it begins, for a reason of the line's own.
    pub fn refused(now: Time, limits: Limits, failure: Failure) -> (Self, Vec<Action>) {
        let (mut wake, _) = Self::begin(now, limits, Vec::new());
        wake.state = WakeState::Failed(failure);
        let end = Action::End(wake.state.clone());
        (wake, vec![end])
    }

    /// Takes one event. After the end only pushes in flight and their deadlines still matter.
    pub fn handle(&mut self, now: Time, event: Event) -> Vec<Action> {
        if self.state.is_final() {
            self.after_the_end(now, &event);
        } else {
            let before = self.state.clone();
            self.apply(now, event);
            self.settle(now, &before);
        }
        core::mem::take(&mut self.actions)
    }

    /// When [`Event::Timeout`] is wanted.
    pub fn deadline(&self) -> Option<Time> {
        let devices = self.devices.iter().filter_map(|d| {
            if self.state.is_final() {
                d.owed.and(d.pushes.deadline())
            } else if d.state.is_live() {
                [d.silent_at, d.back_until, d.pushes.deadline()]
                    .into_iter()
                    .flatten()
                    .min()
            } else {
                None
            }
        });
        let own = if self.state.is_final() {
            [None, None, None]
        } else {
            let ready = (!self.is_ready_met()).then_some(self.ready_by);
            [ready, self.ring_until, self.caller_lost_until]
        };
        own.into_iter().flatten().chain(devices).min()
    }

    fn apply(&mut self, now: Time, event: Event) {
        match event {
            Event::Push(device, outcome) => self.pushed(now, &device, outcome),
            // Flows of the edge are of no use to a call server.
            Event::Alive(_) | Event::Joined(_) if self.server.is_some() => {}
            Event::Alive(device) => {
                if let Some(index) = self
                    .live(&device)
                    .filter(|i| self.devices[*i].state < DeviceState::Invited)
                {
                    self.invite(now, index);
                }
            }
            Event::Joined(device) => {
                if let Some(index) = self
                    .joining(now, device)
                    .filter(|i| self.devices[*i].state < DeviceState::Invited)
                {
                    self.advance(now, index, DeviceState::Registered);
                    self.probe(now, index);
                }
            }
            Event::Shown(device) => {
                if let Some(index) = self.live(&device) {
                    self.reach(now, index, DeviceState::Shown);
                }
            }
            Event::Opened(device) => {
                if let Some(index) = self.joining(now, device) {
                    self.devices[index].pushes.stop();
                    self.reach(now, index, DeviceState::Opened);
                    self.grace_a_late_tap(now);
                }
            }
            Event::Hindered(device, why) => {
                self.apply(now, Event::Opened(device.clone()));
                if let Some(index) = self.live(&device) {
                    self.devices[index].hindered = Some(why);
                }
            }
            Event::Registered(device) => {
                if let Some(index) = self.joining(now, device) {
                    self.devices[index].pushes.stop();
                    self.devices[index].hindered = None;
                    self.advance(now, index, DeviceState::Registered);
                }
            }
            Event::Ready(device) => {
                if let Some(index) = self
                    .joining(now, device)
                    .filter(|i| self.devices[*i].state < DeviceState::Invited)
                {
                    self.devices[index].pushes.stop();
                    self.advance(now, index, DeviceState::Ready);
                    if self.server.is_some() {
                        self.devices[index].back_until = None;
                        self.ring_until.get_or_insert(now + self.limits.ring);
                    } else {
                        self.invite(now, index);
                    }
                }
            }
            Event::Late(device) => {
                if let Some(index) = self
                    .live(&device)
                    .filter(|i| self.devices[*i].state < DeviceState::Invited)
                {
                    self.devices[index].pushes.stop();
                    self.ring_until.get_or_insert(now + self.limits.ring);
                    self.advance(now, index, DeviceState::Invited);
                }
            }
            Event::Responded(device) => {
                if let Some(index) = self
                    .live(&device)
                    .filter(|i| self.devices[*i].state >= DeviceState::Invited)
                {
                    self.devices[index].silent_at = None;
                }
            }
            Event::Rang(device) => {
                if let Some(index) = self
                    .live(&device)
                    .filter(|i| self.devices[*i].state >= DeviceState::Invited)
                {
                    self.devices[index].silent_at = None;
                    if !self.rang {
                        self.rang = true;
                        self.ring_until = Some(now + self.limits.ring);
                    }
                    self.advance(now, index, DeviceState::Ringing);
                }
            }
            Event::Answered(device) => {
                if let Some(index) = self.live(&device) {
                    self.set(now, index, DeviceState::Answered);
                    self.finish(now, WakeState::Answered, Some(&device), Quiet::Elsewhere);
                }
            }
            Event::Declined(device) => {
                let Some(index) = self.joining(now, device.clone()) else {
                    return;
                };
                if self.devices[index].state >= DeviceState::Invited
                    && self.limits.decline == DeclineScope::Device
                {
                    self.actions
                        .push(Action::Cancel(device.clone(), Quiet::Declined));
                }
                match self.limits.decline {
                    DeclineScope::Line => {
                        self.finish_declined(now, index);
                    }
                    DeclineScope::Device => {
                        self.leave(now, index, DeviceState::Declined);
                        // What is under way comes to the screen after what its user has closed there, and the others ring on.
                        let device = &mut self.devices[index];
                        device.owed = device.pushes.in_flight().then_some(Quiet::Declined);
                    }
                }
            }
            Event::Busy(device) => {
                if let Some(index) = self.live(&device) {
                    self.leave(now, index, DeviceState::Busy);
                }
            }
            Event::Refused(device, failure) => {
                if let Some(index) = self.live(&device) {
                    self.failure = Some(failure);
                    self.leave(now, index, DeviceState::Dropped);
                }
            }
            Event::FlowLost(device) => {
                if let Some(index) = self.live(&device) {
                    self.flow_lost(now, index);
                }
            }
            Event::Moved(device) => {
                if let Some(index) = self.live(&device) {
                    let back_to = self.devices[index].without_flow;
                    self.devices[index].silent_at = None;
                    self.set(now, index, back_to);
                }
            }
            Event::Revoked(device) => {
                if let Some(index) = self.live(&device) {
                    if self.devices[index].state >= DeviceState::Invited {
                        self.actions.push(Action::Cancel(device, Quiet::Cancelled));
                    }
                    self.devices[index].pushes.possible = false;
                    self.leave(now, index, DeviceState::Cancelled);
                }
            }
            Event::CallServer(said) => self.server_said(now, said),
            Event::CallerCancelled => {
                self.finish(now, WakeState::Cancelled, None, Quiet::Cancelled)
            }
            Event::CallerLost => {
                self.caller_lost_until
                    .get_or_insert(now + self.limits.caller_grace);
            }
            Event::CallerBack => self.caller_lost_until = None,
            Event::Timeout => self.timeout(now),
        }
    }

    /// The call server goes on with the call itself.
    fn server_said(&mut self, now: Time, said: ServerSaid) {
        match said {
            ServerSaid::Invited => self.server_reached(now, DeviceState::Invited),
            ServerSaid::Rang => {
                if !self.rang {
                    self.rang = true;
                    self.ring_until = Some(now + self.limits.ring);
                }
                self.server_reached(now, DeviceState::Ringing);
            }
            ServerSaid::Answered => {
                // Which of several pages took the call, only the call server knows; all of them have heard from it.
                let ready = |d: &Device| d.state.is_live() && d.state >= DeviceState::Ready;
                let places = 0..self.devices.len();
                let called: Vec<_> = places.filter(|i| ready(&self.devices[*i])).collect();
                if let [only] = called[..] {
                    self.set(now, only, DeviceState::Answered);
                }
                let by: Vec<_> = called.iter().map(|i| self.devices[*i].id.clone()).collect();
                self.finish_by(now, WakeState::Answered, &by, Quiet::Elsewhere);
            }
            ServerSaid::Failed(failure) => {
                let (end, quiet) = match failure.status {
                    486 | 600 => (WakeState::Busy, Quiet::Missed),
                    603 | 607 => (WakeState::Declined, Quiet::Declined),
                    487 => (WakeState::Cancelled, Quiet::Cancelled),
                    408 | 480 if self.rang => (WakeState::Unanswered, Quiet::Missed),
                    _ => (WakeState::Failed(failure), Quiet::Missed),
                };
                self.finish(now, end, None, quiet);
            }
        }
    }

    /// Its INVITE went to the pages that were ready, and one of those alerts.
    fn server_reached(&mut self, now: Time, to: DeviceState) {
        self.ring_until.get_or_insert(now + self.limits.ring);
        if let Some(server) = &mut self.server {
            server.heard = server.heard.max(Some(to));
        }
        for index in 0..self.devices.len() {
            let state = self.devices[index].state;
            if state.is_live() && state >= DeviceState::Ready {
                self.devices[index].pushes.stop();
                self.advance(now, index, to);
            }
        }
    }

    /// The state that follows from the devices, told to the caller when it changed.
    fn settle(&mut self, now: Time, before: &WakeState) {
        if self.state.is_final() {
            return;
        }
        let heard = self.server.and_then(|server| server.heard);
        let living = self.devices.iter().map(|d| d.state);
        let Some(furthest) = living.filter(|s| s.is_live()).max().max(heard) else {
            self.finish_exhausted(now);
            return;
        };
        if now >= self.ready_by && !self.is_ready_met() {
            self.finish_late(now);
            return;
        }
        let met = match self.server {
            Some(_) => DeviceState::Ready,
            None => DeviceState::Invited,
        };
        if furthest < met && !self.rang {
            self.ring_until = None;
        }
        self.state = WakeState::of_device(furthest);
        if self.state != *before {
            self.actions.push(Action::Tell(self.state.clone()));
        }
    }

    fn timeout(&mut self, now: Time) {
        if self.caller_lost_until.is_some_and(|at| at <= now) {
            self.finish(now, WakeState::Cancelled, None, Quiet::Cancelled);
            return;
        }
        if self.ring_until.is_some_and(|at| at <= now) {
            if self.rang {
                self.finish(now, WakeState::Unanswered, None, Quiet::Missed);
            } else {
                self.finish_late(now);
            }
            return;
        }
        if now >= self.ready_by && !self.is_ready_met() {
            return; // settle() ends it
        }
        for index in 0..self.devices.len() {
            if !self.devices[index].state.is_live() {
                continue;
            }
            if self.devices[index].silent_at.is_some_and(|at| at <= now) {
                self.silent(now, index);
            }
            if self.devices[index].back_until.is_some_and(|at| at <= now) {
                self.devices[index].back_until = None;
                if self.devices[index].state < DeviceState::Registered {
                    self.give_up_device(now, index);
                    continue;
                }
            }
            if self.devices[index].pushes.is_due(now) {
                self.devices[index].pushes.lost_in_flight();
                self.push(now, index);
            }
        }
    }

    /// A probe or a branch got no answer in time.
    fn silent(&mut self, now: Time, index: usize) {
        let device = &mut self.devices[index];
        if device.state == DeviceState::Invited {
            self.actions
                .push(Action::Cancel(device.id.clone(), Quiet::Silent));
        }
        if self.fall_back(now, index) {
            return;
        }
        // While somebody else may take the call anyway, a slow answer is waited for: dropped, it would not be heard any more.
        let live = self.devices.iter().filter(|d| d.state.is_live());
        if live.count() > 1 {
            self.devices[index].back_until = Some(now + self.limits.device_grace);
        } else {
            self.give_up_device(now, index);
        }
    }

    /// The flow of a device is gone: a page that reloads or changes its network comes back in a moment.
    fn flow_lost(&mut self, now: Time, index: usize) {
        self.fall_back(now, index);
        let device = &mut self.devices[index];
        if device.state < DeviceState::Registered {
            device.back_until = Some(now + self.limits.device_grace);
        }
    }

    /// Back to what push and tap have reached, pushed if it can be. `false` when nothing reaches it.
    fn fall_back(&mut self, now: Time, index: usize) -> bool {
        let device = &mut self.devices[index];
        device.silent_at = None;
        let back_to = device.without_flow;
        let reached = device.pushes.may_have_arrived() || back_to > DeviceState::Targeted;
        let possible = device.pushes.possible;
        self.set(now, index, back_to);
        if !reached && possible {
            self.push(now, index);
        }
        reached || possible
    }

    fn give_up_device(&mut self, now: Time, index: usize) {
        let device = &self.devices[index];
        if device.without_flow == DeviceState::Targeted && !device.pushes.may_have_arrived() {
            self.leave(now, index, DeviceState::Dropped);
        }
    }

    fn pushed(&mut self, now: Time, device: &DeviceId, outcome: PushOutcome) {
        let Some(index) = self.devices.iter().position(|d| d.id == *device) else {
            return;
        };
        let device = &mut self.devices[index];
        let verdict = device
            .pushes
            .outcome(now, &self.limits, self.ready_by, outcome);
        if !device.state.is_live() {
            return self.pushed_in_vain(index, outcome);
        }
        match verdict {
            Verdict::Reached => {
                if device.state > DeviceState::Shown {
                    device.pushes.stop();
                }
                self.reach(now, index, DeviceState::Pushed);
            }
            Verdict::Waits => {}
            Verdict::Lost => {
                let expected = device.silent_at.is_some() || device.back_until.is_some();
                if device.state == DeviceState::Targeted && !expected {
                    self.leave(now, index, DeviceState::Dropped);
                }
            }
        }
    }

    fn grace_a_late_tap(&mut self, now: Time) {
        if !self.tap_graced && now + self.limits.tap_last >= self.ready_by {
            self.tap_graced = true;
            self.ready_by += self.limits.tap_grace;
        }
    }

    /// Whether the limit for "ready" has no say any more: somebody is ready, it has rung (then the ring limit
    /// counts), or a device that was ready is expected back.
    fn is_ready_met(&self) -> bool {
        let ready = |d: &Device| {
            d.state.is_live() && (d.state >= DeviceState::Ready || d.back_until.is_some())
        };
        let heard = self.server.is_some_and(|server| server.heard.is_some());
        self.rang || heard || self.devices.iter().any(ready)
    }

    fn live(&self, device: &DeviceId) -> Option<usize> {
        self.devices
            .iter()
            .position(|d| d.id == *device && d.state.is_live())
    }

    /// The device, added or revived when it comes by itself; never one that declined or was called off.
    fn joining(&mut self, now: Time, device: DeviceId) -> Option<usize> {
        let Some(index) = self.devices.iter().position(|d| d.id == device) else {
            return (self.devices.len() < MAX_DEVICES).then(|| self.add(now, device, false));
        };
        match self.devices[index].state {
            DeviceState::Dropped => {
                let back_to = self.devices[index].without_flow;
                self.set(now, index, back_to);
                Some(index)
            }
            state => state.is_live().then_some(index),
        }
    }

    fn add(&mut self, now: Time, device: DeviceId, pushable: bool) -> usize {
        self.devices.push(Device {
            id: device,
            state: DeviceState::Targeted,
            without_flow: DeviceState::Targeted,
            pushes: Pushes::new(pushable),
            silent_at: None,
            back_until: None,
            hindered: None,
            forks: 0,
            owed: None,
            steps: vec![(DeviceState::Targeted, now)],
        });
        self.devices.len() - 1
    }

    fn probe(&mut self, now: Time, index: usize) {
        self.devices[index].silent_at = Some(now + self.limits.silent);
        self.actions
            .push(Action::Probe(self.devices[index].id.clone()));
    }

    fn push(&mut self, now: Time, index: usize) {
        let device = &mut self.devices[index];
        if device.pushes.possible && device.state < DeviceState::Opened {
            let attempt = device.pushes.begin(now, &self.limits);
            self.actions.push(Action::Push {
                device: device.id.clone(),
                attempt,
            });
        } else {
            device.pushes.stop();
        }
    }

    fn invite(&mut self, now: Time, index: usize) {
        let device = &mut self.devices[index];
        // A page that has just said "ready", or that came back to life, may have a slow way to us: cancelling its
        // INVITE would cost more than waiting for it.
        let proven = device.state == DeviceState::Ready || device.forks > 0;
        device.silent_at = Some(now + self.limits.silent * if proven { 4 } else { 1 });
        device.forks += 1;
        device.back_until = None;
        device.pushes.stop();
        self.ring_until.get_or_insert(now + self.limits.ring);
        self.advance(now, index, DeviceState::Invited);
        self.actions
            .push(Action::Invite(self.devices[index].id.clone()));
    }

    /// Progress that does not hang on a flow.
    fn reach(&mut self, now: Time, index: usize, to: DeviceState) {
        let device = &mut self.devices[index];
        device.without_flow = device.without_flow.max(to);
        self.advance(now, index, to);
    }

    fn advance(&mut self, now: Time, index: usize, to: DeviceState) {
        if self.devices[index].state < to {
            self.set(now, index, to);
        }
    }

    fn set(&mut self, now: Time, index: usize, to: DeviceState) {
        let device = &mut self.devices[index];
        if to >= DeviceState::Registered {
            device.back_until = None;
        }
        if device.state != to {
            device.state = to;
            device.steps.push((to, now));
            if device.steps.len() > 64 {
                device.steps.remove(1);
            }
        }
    }

    fn leave(&mut self, now: Time, index: usize, to: DeviceState) {
        self.set(now, index, to);
        self.devices[index].silent_at = None;
        self.devices[index].pushes.stop();
    }
}
