//! A new call: may it wait here, whom does it wake, and is it one whose caller came back?

use super::Line;
use super::call::{Call, Leg};
use super::pretence;
use super::quiet;
use crate::edge::callserver::Limited;
use crate::edge::command::Withheld;
use crate::edge::messages::{Answer, LineToFlow, Party};
use crate::id::{DeviceId, WakeId};
use crate::time::{Duration, Time};
use crate::wake::{Event, Target, Wake};
use crate::wire::{HeaderName, Request};
use alloc::collections::BTreeSet;
use alloc::{borrow::ToOwned, string::ToString, vec::Vec};

/// The window of the limits that count calls.
const MINUTE: Duration = Duration::from_secs(60);

impl Line {
    /// A new call, or one whose caller came back on another flow.
    pub(super) fn invite(
        &mut self,
        now: Time,
        flow: &str,
        stream: &str,
        caller: Party,
        device: Option<DeviceId>,
        request: Request,
    ) {
        let (Ok(id), Some(leg)) = (
            WakeId::parse(stream),
            Leg::of_caller(flow, stream, &request),
        ) else {
            return self.answer_stranger(now, flow, stream, 400, "Bad Request");
        };
        if self.account.is_empty() {
            return self.answer_stranger(now, flow, stream, 404, "Not Found");
        }
        let myself = caller.number == self.number;
        // It was on its way when its device was revoked.
        if myself && device.as_ref().is_some_and(|id| self.is_revoked(id)) {
            return self.answer_stranger(now, flow, stream, 403, "Forbidden");
        }
        if self.caller_returns(now, &caller, &leg, &request) {
            return;
        }
        if self.is_merged(&caller, &leg, &request) {
            return self.answer_stranger(now, flow, stream, 482, "Request Merged");
        }
        if let Err(limited) = self.check_limits(now, &caller) {
            return self.limited(now, flow, stream, limited);
        }
        let withheld = self.withheld(&caller).filter(|_| !myself);
        let limits = self.config.wake.clone();
        let (wake, actions) = match withheld {
            Some(Withheld::DoNotDisturb) => Wake::refused(now, limits, quiet::failure()),
            withheld => {
                let mut targets = self.targets(now, |id, bound_flow| {
                    myself && (Some(id) == device.as_ref() || bound_flow == Some(flow))
                });
                if withheld.is_some() {
                    pretence::asleep(&mut targets);
                }
                Wake::begin(now, limits, targets)
            }
        };
        let mut call = Call {
            caller_device: device,
            call_id: request.headers.call_id().unwrap_or_default().to_owned(),
            only_trying: request.headers.has_token(HeaderName::Require, "100rel"),
            edge_tag: self.entropy.tag(),
            ..Call::new(now, id, caller, leg, wake, withheld)
        };
        self.invites.insert(call.id.as_str(), request);
        self.carry_out(now, &mut call, actions);
        if call.forget_at.is_none() {
            self.record_asked(now, &call);
        }
        self.put_call(call);
    }

    /// How many calls may wait, and how often one caller may wake this line: each wake pushes to every device.
    pub(super) fn check_limits(&mut self, now: Time, caller: &Party) -> Result<(), Limited> {
        let limits = self.config.edge.clone();
        let count = |matches: &dyn Fn(&Call) -> bool| {
            self.calls.values().filter(|call| matches(call)).count()
        };
        let parked = |call: &Call| !call.wake.state().is_final();
        let own = |call: &Call| call.caller.number == caller.number;
        let recent = |call: &Call| now.since(call.created_at) < MINUTE;
        // When the first of these calls is a minute old.
        let wait_s = |matches: &dyn Fn(&Call) -> bool| {
            let first = self.calls.values().filter(|call| matches(call));
            let age = first.map(|call| now.since(call.created_at)).max();
            let left = MINUTE.as_millis() - age.map_or(0, |age| age.as_millis().min(60_000));
            u32::try_from(left.div_ceil(1000)).unwrap_or(60).max(1)
        };
        let refuse = |status, phrase: &str, retry_after_s| {
            Err(Limited {
                status,
                phrase: phrase.to_owned(),
                retry_after_s,
            })
        };
        if count(&|call| parked(call) && own(call)) >= limits.max_parked_per_caller {
            return refuse(429, "Already Calling", 10);
        }
        let own_recent = |call: &Call| own(call) && recent(call);
        if count(&own_recent) >= limits.calls_per_minute as usize {
            return refuse(429, "Too Many Calls In A Minute", wait_s(&own_recent));
        }
        if count(&recent) >= limits.line_calls_per_minute as usize {
            return refuse(503, "Too Many Calls To This Line", wait_s(&recent));
        }
        let running = |call: &Call| call.forget_at.is_none() && !call.is_talk_at_server();
        if count(&parked) >= limits.max_parked || count(&running) >= limits.max_calls {
            return refuse(503, "Too Many Calls", 10);
        }
        // Ended calls are remembered, but not without bound.
        while self.calls.len() >= limits.max_remembered {
            let ended = |call: &&Call| call.forget_at.is_some() || call.is_talk_at_server();
            let ended = self.calls.values().filter(ended);
            let Some(oldest) = ended
                .min_by_key(|call| call.forget_at.unwrap_or(call.created_at))
                .map(|call| call.id.clone())
            else {
                break;
            };
            self.end_talk_at_server(now, oldest.as_str());
            self.forget_call(&oldest);
        }
        Ok(())
    }

    /// Every device that may be woken and every user agent that is registered, but not who calls.
    pub(super) fn targets(
        &self,
        now: Time,
        is_caller: impl Fn(&DeviceId, Option<&str>) -> bool,
    ) -> Vec<Target> {
        let devices = self
            .devices
            .iter()
            .filter(|(_, device)| device.revoked_at.is_none());
        let bound = devices
            .filter_map(|(id, device)| Some((DeviceId::parse(id).ok()?, device.push.is_some())));
        let mut targets: Vec<Target> = bound
            .filter(|(id, _)| !is_caller(id, None))
            .map(|(device, pushable)| Target {
                open: self.binding_of(now, &device).is_some(),
                device,
                pushable,
            })
            .collect();
        let others = self
            .bindings
            .values()
            .filter(|b| b.expires_at > now && !self.devices.contains(b.device.as_str()));
        let others: BTreeSet<&DeviceId> = others
            .filter(|b| !is_caller(&b.device, Some(&b.flow)))
            .map(|b| &b.device)
            .collect();
        targets.extend(others.into_iter().map(|device| Target {
            device: device.clone(),
            pushable: false,
            open: true,
        }));
        targets
    }

    /// The same INVITE twice over one socket, under two branches (RFC 3261 §8.2.2.2): one call, not two. A caller's next try
    /// has a higher CSeq.
    fn is_merged(&self, caller: &Party, leg: &Leg, request: &Request) -> bool {
        let call_id = request.headers.call_id().unwrap_or_default();
        self.calls.values().any(|call| {
            call.caller == *caller
                && call.caller_leg.flow == leg.flow
                && call.caller_leg.tag == leg.tag
                && call.caller_leg.cseq >= leg.cseq
                && call.call_id == call_id
        })
    }

    /// The caller's socket broke, noticed or not, and the same INVITE comes over another one: the call goes on.
    fn caller_returns(&mut self, now: Time, caller: &Party, leg: &Leg, request: &Request) -> bool {
        let call_id = request.headers.call_id().unwrap_or_default();
        let same = |call: &Call| {
            call.caller == *caller
                && call.server.is_none()
                && call.caller_leg.flow != leg.flow
                && call.caller_leg.tag == leg.tag
                && call.call_id == call_id
        };
        let Some(key) = self.calls.keys_where(same).into_iter().next() else {
            return false;
        };
        let Some(mut call) = self.calls.remove(&key) else {
            return false;
        };
        call.caller_leg = leg.clone();
        let state = call.wake.state().clone();
        if state.is_final() && !call.is_talking() {
            // It ended while they were away: they hear how, and nobody is woken again.
            self.answer_end(now, &call, &state);
            self.put_call(call);
            return true;
        }
        self.wake_event_of(now, &mut call, Event::CallerBack);
        self.party_back(now, &mut call);
        match call
            .dialog
            .as_ref()
            .and_then(|dialog| dialog.answer.clone())
        {
            Some(answer) => self.tell_leg(
                now,
                &call,
                LineToFlow::Response {
                    tx: None,
                    response: answer,
                },
            ),
            None => self.tell_caller(now, &mut call, &state),
        }
        self.put_call(call);
        true
    }

    /// 429 or 503: not now.
    pub(super) fn limited(&mut self, now: Time, flow: &str, stream: &str, limited: Limited) {
        let answer = Answer {
            status: limited.status,
            phrase: limited.phrase,
            to_tag: self.entropy.tag(),
            wake: None,
            headers: vec![("Retry-After".to_owned(), limited.retry_after_s.to_string())],
        };
        self.outbox
            .send(now, flow, stream, LineToFlow::Answer { tx: None, answer });
    }

    fn answer_stranger(&mut self, now: Time, flow: &str, stream: &str, status: u16, phrase: &str) {
        let answer = Answer {
            status,
            phrase: phrase.to_owned(),
            to_tag: self.entropy.tag(),
            wake: None,
            headers: Vec::new(),
        };
        self.outbox
            .send(now, flow, stream, LineToFlow::Answer { tx: None, answer });
    }
}
