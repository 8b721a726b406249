//! Calls that are not answered yet: the wake's actions carried out in SIP and pushes.

use super::Line;
use super::call::{Branch, BranchState, Call};
use super::pretence;
use crate::edge::config::SiteConfig;
use crate::edge::flow::edge_host;
use crate::edge::messages::{Answer, LineToFlow};
use crate::id::{DeviceId, WakeId};
use crate::time::Time;
use crate::wake::{Action, Event, Quiet, WakeState};
use crate::wire::{HeaderName, NameAddr, Reason, Request, Uri};
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};

/// Why a wake expired, for the caller's agent.
const WAKE_WHY: &str = "Wakeline-Why";

impl Line {
    pub(super) fn forget_call(&mut self, id: &WakeId) {
        if let Some(call) = self.calls.remove(id.as_str()) {
            self.note_ended(&call);
        }
        self.forget_invitations(id);
        self.invites.remove(id.as_str());
    }

    /// Gives an event to a wake and carries out what follows.
    pub(super) fn wake_event(&mut self, now: Time, wake: &str, event: Event) {
        if let Some(mut call) = self.calls.remove(wake) {
            self.wake_event_of(now, &mut call, event);
            self.put_call(call);
        }
    }

    pub(super) fn wake_event_of(&mut self, now: Time, call: &mut Call, event: Event) {
        if call.pretence.is_some() && !pretence::concerns(&event) {
            return;
        }
        let actions = call.wake.handle(now, event);
        self.carry_out(now, call, actions);
    }

    pub(super) fn put_call(&mut self, call: Call) {
        let key = call.id.as_str().to_owned();
        self.calls.insert(&key, call);
    }

    /// The wakes that a device which registers over this flow may answer.
    pub(super) fn waiting_wakes(&self, flow: &str) -> Vec<WakeId> {
        let device = self
            .bindings
            .values()
            .find(|b| b.flow == flow)
            .map(|b| &b.device);
        let waiting = self
            .calls
            .values()
            .filter(|call| !call.wake.state().is_final() && call.pretence.is_none())
            .filter(|call| !self.is_caller(call, device, flow));
        waiting.map(|call| call.id.clone()).collect()
    }

    /// A line that calls itself: is this the device that calls?
    pub(super) fn is_caller(&self, call: &Call, device: Option<&DeviceId>, flow: &str) -> bool {
        call.caller.number == self.number
            && (call.caller_leg.flow == flow
                || device.is_some() && call.caller_device.as_ref() == device)
    }

    pub(super) fn carry_out(&mut self, now: Time, call: &mut Call, actions: Vec<Action>) {
        if call.pretence.is_some() {
            return self.pretend(now, call, actions);
        }
        for action in actions {
            match action {
                Action::Probe(device) => self.probe(now, call, device),
                Action::Push { device, attempt } => {
                    self.push_invitation(now, call, &device, attempt)
                }
                Action::Invite(device) => self.fork(now, call, &device),
                Action::Cancel(device, quiet) => self.call_off(now, call, &device, quiet),
                Action::Tell(state) => self.tell_caller(now, call, &state),
                Action::End(state) => self.end_wake(now, call, &state),
                Action::Replace(device, quiet) => self.push_replacement(now, call, &device, quiet),
            }
        }
        // A branch that was given up for its silence may answer as long as its device may take the call.
        let wake = &call.wake;
        let may_answer = |b: &Branch| {
            !wake.state().is_final() && wake.device(&b.device).is_some_and(|s| s.is_live())
        };
        let dead: Vec<_> = call
            .branches
            .iter()
            .filter(|b| b.state == BranchState::Abandoned && !may_answer(b))
            .map(|b| b.device.clone())
            .collect();
        for device in dead {
            self.drop_abandoned(now, call, &device);
        }
    }

    /// Cancels what was sent to a device that had been silent: another INVITE goes there, or none may be answered.
    fn drop_abandoned(&mut self, now: Time, call: &mut Call, device: &DeviceId) {
        let reason = Reason::sip(408, "No response").to_string();
        for branch in &mut call.branches {
            if branch.device == *device && branch.state == BranchState::Abandoned {
                branch.state = BranchState::CalledOff;
                let msg = LineToFlow::Cancel {
                    tx: branch.tx.clone(),
                    reason: reason.clone(),
                };
                self.outbox.send(now, &branch.flow, call.id.as_str(), msg);
            }
        }
    }

    fn probe(&mut self, now: Time, call: &Call, device: DeviceId) {
        let Some(binding) = self.binding_of(now, &device) else {
            return;
        };
        let (flow, contact) = (binding.flow.clone(), binding.contact.uri.clone());
        let msg = LineToFlow::Probe {
            device,
            contact,
            number: self.number.clone(),
        };
        self.outbox.send(now, &flow, call.id.as_str(), msg);
    }

    /// The INVITE to one device, on its own flow only.
    fn fork(&mut self, now: Time, call: &mut Call, device: &DeviceId) {
        let Some(binding) = self.binding_of(now, device) else {
            return;
        };
        let (flow, contact) = (binding.flow.clone(), binding.contact.uri.clone());
        self.drop_abandoned(now, call, device);
        let (Some(invite), Ok(target)) = (
            self.invites.get(call.id.as_str()),
            contact.parse::<Uri>().map(Uri::without_headers),
        ) else {
            return;
        };
        let mut request = invite.clone();
        request.uri = target;
        // The name that rings is the one the edge knows, not the one the caller wrote.
        if let Ok(from) = request.headers.from() {
            let named = from.with_display(call.caller.display_name.clone());
            request.headers.set(HeaderName::From, named.to_string());
        }
        let route = record_route(&self.config, &call.id, self.number.as_str());
        request.headers.prepend(HeaderName::RecordRoute, route);
        if !self.config.edge.call_waiting {
            request.headers.set("Wakeline-Call-Waiting", "off");
        }
        request
            .headers
            .set("Wakeline-Wake", format!("{};state=invited", call.id));
        // Whoever insists on reliable responses gets those of the page; nobody else needs them on this ordered way.
        if !call.only_trying {
            without_token(&mut request, HeaderName::Supported, "100rel");
        }
        let tx = self.entropy.text(16);
        let branch = Branch {
            tx: tx.clone(),
            device: device.clone(),
            flow: flow.clone(),
            contact,
            tag: None,
            state: BranchState::Open,
        };
        call.branches.push(branch);
        self.outbox.send(
            now,
            &flow,
            call.id.as_str(),
            LineToFlow::Request {
                tx: Some(tx),
                request,
            },
        );
    }

    fn call_off(&mut self, now: Time, call: &mut Call, device: &DeviceId, quiet: Quiet) {
        let reason = match quiet {
            Quiet::Elsewhere => Reason::sip(200, "Call completed elsewhere"),
            Quiet::Cancelled => Reason::sip(487, "Cancelled by the caller"),
            Quiet::Declined => Reason::sip(603, "Declined"),
            Quiet::Missed => Reason::sip(480, "Not answered"),
            Quiet::Silent => {
                let silent = |b: &&mut Branch| b.device == *device && b.state == BranchState::Open;
                for branch in call.branches.iter_mut().filter(silent) {
                    branch.state = BranchState::Abandoned;
                }
                return;
            }
        };
        for branch in &mut call.branches {
            if branch.device == *device && branch.state == BranchState::Open {
                branch.state = BranchState::CalledOff;
                let msg = LineToFlow::Cancel {
                    tx: branch.tx.clone(),
                    reason: reason.to_string(),
                };
                self.outbox.send(now, &branch.flow, call.id.as_str(), msg);
            }
        }
    }

    /// 182 with the stage as its phrase. 180 is the page's own; states between are not the caller's business.
    pub(super) fn tell_caller(&mut self, now: Time, call: &mut Call, state: &WakeState) {
        if call.server.is_some() {
            return self.server_changed(now, call);
        }
        let phrase = match state {
            WakeState::Pushed => "Pushed",
            WakeState::Shown => "Shown",
            WakeState::Opened => "Opened",
            _ => return,
        };
        if !call.only_trying {
            self.answer_caller(now, call, 182, phrase, Vec::new());
        }
    }

    pub(super) fn answer_caller(
        &mut self,
        now: Time,
        call: &Call,
        status: u16,
        phrase: &str,
        headers: Vec<(String, String)>,
    ) {
        let answer = Answer {
            status,
            phrase: phrase.to_owned(),
            to_tag: call.edge_tag.clone(),
            wake: Some((call.id.clone(), call.wake.state().clone())),
            headers,
        };
        self.tell_leg(now, call, LineToFlow::Answer { tx: None, answer });
    }

    pub(super) fn tell_leg(&mut self, now: Time, call: &Call, msg: LineToFlow) {
        self.outbox
            .send(now, &call.caller_leg.flow, &call.caller_leg.stream, msg);
    }

    /// The one end of the wake: what the caller hears, what is remembered.
    pub(super) fn end_wake(&mut self, now: Time, call: &mut Call, state: &WakeState) {
        self.invites.remove(call.id.as_str());
        self.server_changed(now, call);
        if *state == WakeState::Answered {
            return; // the 200 of the page is the answer, the record follows at the end of the call
        }
        if call.server.is_none() {
            self.answer_end(now, call, state);
        }
        if state.is_missed() && call.pretence.is_none() {
            self.note_missed(call);
        }
        self.finish_call(now, call);
    }

    /// The final response for a final state.
    pub(super) fn answer_end(&mut self, now: Time, call: &Call, state: &WakeState) {
        let (status, phrase) = status_of(state);
        let text = words_of(call);
        let reason = Reason::sip(status, &text).to_string();
        let mut headers = vec![("Reason".to_owned(), reason)];
        if let Some(why) = call.wake.why() {
            headers.push((WAKE_WHY.to_owned(), why.as_str().to_owned()));
        }
        self.answer_caller(now, call, status, phrase, headers);
    }

    /// The call is over: its record leaves, and after a while it is forgotten.
    pub(super) fn finish_call(&mut self, now: Time, call: &mut Call) {
        let mut remembered = self.config.edge.remembered;
        if call.server.is_some() {
            remembered = remembered.max(super::callserver::REMEMBERED);
        }
        call.forget_at = Some(now + remembered);
        self.record_call(now, call);
    }

    pub(super) fn caller_cancelled(&mut self, now: Time, flow: &str, stream: &str) {
        if let Some(key) = self.call_of(stream)
            && self
                .calls
                .get(&key)
                .is_some_and(|call| call.caller_leg.flow == flow)
        {
            self.wake_event(now, &key, Event::CallerCancelled);
        }
    }

    /// A probe was answered; only by the flow that the device is registered through.
    pub(super) fn alive(&mut self, now: Time, flow: &str, stream: &str, device: DeviceId) {
        if self
            .binding_of(now, &device)
            .is_some_and(|binding| binding.flow == flow)
        {
            self.wake_event(now, stream, Event::Alive(device));
        }
    }

    /// The key of the call that a flow knows under this stream.
    pub(super) fn call_of(&self, stream: &str) -> Option<String> {
        if self.calls.contains(stream) {
            return Some(stream.to_owned());
        }
        self.calls
            .keys_where(|call| call.caller_leg.stream == stream)
            .into_iter()
            .next()
    }

    pub(super) fn call_timeout(&mut self, now: Time, key: &str) {
        let Some(mut call) = self.calls.remove(key) else {
            return;
        };
        if call.forget_at.is_some_and(|at| at <= now) && call.wake.deadline().is_none() {
            let id = call.id.clone();
            self.put_call(call);
            return self.forget_call(&id);
        }
        self.pretend_pushed(now, &mut call);
        if call.wake.deadline().is_some_and(|at| at <= now) {
            self.wake_event_of(now, &mut call, Event::Timeout);
        }
        self.lost_timeout(now, &mut call);
        self.unconfirmed_timeout(now, &mut call);
        self.server_timeout(now, &mut call);
        self.put_call(call);
    }
}

/// The end in words, for the caller's agent.
pub(super) fn words_of(call: &Call) -> String {
    let (state, words) = (call.wake.state(), call.wake.words());
    if state.as_str() == words {
        words
    } else {
        format!("{state}: {words}")
    }
}

/// What the caller gets for a final state.
pub(super) fn status_of(state: &WakeState) -> (u16, &'static str) {
    match state {
        WakeState::Declined => (603, "Decline"),
        WakeState::Busy => (486, "Busy Here"),
        // The second is over already: only a caller who was away meanwhile hears of it.
        WakeState::Cancelled | WakeState::Answered => (487, "Request Terminated"),
        WakeState::Failed(failure) if (400..700).contains(&failure.status) => {
            (failure.status, crate::wire::phrase(failure.status))
        }
        WakeState::Failed(_) => (500, "Server Internal Error"),
        _ => (480, "Temporarily Unavailable"),
    }
}

/// Our Record-Route: it brings every later request of the dialog back to this line.
fn record_route(config: &SiteConfig, wake: &WakeId, line: &str) -> String {
    let mut uri = Uri::host(edge_host(config)).with_param("transport", "ws");
    uri.params.set_flag("lr");
    let uri = uri
        .with_param("wake", wake.as_str())
        .with_param("line", line);
    NameAddr::new(uri).to_string()
}

fn without_token(request: &mut Request, name: HeaderName, token: &str) {
    if request.headers.has_token(name, token) {
        let all = request.headers.get_all(name);
        let rest: Vec<_> = all
            .into_iter()
            .filter(|t| !t.eq_ignore_ascii_case(token))
            .collect();
        let rest = rest.join(", ");
        request.headers.remove(name);
        if !rest.is_empty() {
            request.headers.push(name, rest);
        }
    }
}
