//! Responses of the pages: to forked INVITEs, and to what was relayed.

use super::Line;
use super::call::{BranchState, Call, Dialog, Leg};
use crate::edge::in_dialog::in_dialog;
use crate::edge::messages::{Answer, LineToFlow};
use crate::id::DeviceId;
use crate::time::Time;
use crate::wake::{Event, Failure, WakeState};
use crate::wire::{HeaderName, Method, NameAddr, Reason, Request, Response, Uri};
use alloc::{borrow::ToOwned, string::ToString, vec::Vec};

impl Line {
    pub(super) fn response(
        &mut self,
        now: Time,
        flow: &str,
        stream: &str,
        tx: &str,
        response: Option<Response>,
    ) {
        let Some(key) = self.call_of(stream) else {
            return;
        };
        let Some(mut call) = self.calls.remove(&key) else {
            return;
        };
        if let Some(index) = call
            .branches
            .iter()
            .position(|b| b.tx == tx && b.flow == flow)
        {
            self.branch_response(now, &mut call, index, response);
        } else {
            self.relay_response(now, &mut call, flow, tx, response);
        }
        self.put_call(call);
    }

    fn branch_response(
        &mut self,
        now: Time,
        call: &mut Call,
        index: usize,
        response: Option<Response>,
    ) {
        let branch = &mut call.branches[index];
        let device = branch.device.clone();
        if branch.state == BranchState::Abandoned {
            if response.is_none() {
                branch.state = BranchState::Lapsed;
                return;
            }
            branch.state = BranchState::Open;
            self.wake_event_of(now, call, Event::Late(device.clone()));
        }
        let branch = &mut call.branches[index];
        let was_open = branch.state == BranchState::Open;
        let was_lapsed = branch.state == BranchState::Lapsed;
        let Some(response) = response else {
            branch.state = BranchState::Done;
            if was_open {
                self.wake_event_of(now, call, Event::FlowLost(device));
            }
            return;
        };
        if let Some(tag) = response
            .headers
            .to()
            .ok()
            .and_then(|to| to.tag().map(str::to_owned))
        {
            branch.tag = Some(tag);
        }
        if response.is_final() {
            branch.state = BranchState::Done;
        }
        match response.status {
            ..=100 if was_open => self.wake_event_of(now, call, Event::Responded(device)),
            101..=199 if was_open => self.branch_progress(now, call, device, response),
            200..=299 => self.branch_answered(now, call, index, response),
            300.. if was_open => {
                let event = refusal(device, &response);
                self.wake_event_of(now, call, event);
            }
            // The page was frozen for very long, not gone, and its flow has cancelled what it found: it gets a new INVITE.
            300.. if was_lapsed => self.wake_event_of(now, call, Event::Alive(device)),
            _ => {}
        }
    }

    /// 180 is passed on, and only because a page alerts (Timer C is the wake's ring limit).
    fn branch_progress(
        &mut self,
        now: Time,
        call: &mut Call,
        device: DeviceId,
        response: Response,
    ) {
        if response.status == 180 {
            call.ringing_at.get_or_insert(now);
            self.wake_event_of(now, call, Event::Rang(device));
        } else {
            self.wake_event_of(now, call, Event::Responded(device));
        }
        // Whoever insists on reliable responses gets those that the page has made so.
        let reliable = response.headers.has_token(HeaderName::Require, "100rel");
        if (!call.only_trying || reliable) && !call.wake.state().is_final() {
            self.pass_to_caller(now, call, response);
        }
    }

    /// The first 2xx wins, if the wake lets it: any other one is acknowledged and ended with a reason.
    fn branch_answered(&mut self, now: Time, call: &mut Call, index: usize, response: Response) {
        let branch = &call.branches[index];
        let (device, flow) = (branch.device.clone(), branch.flow.clone());
        let leg = Leg::of_callee(&flow, call.id.as_str(), &response);
        let again = |dialog: &Dialog| {
            leg.as_ref()
                .is_some_and(|leg| leg.tag == dialog.callee_leg.tag)
        };
        if call.dialog.as_ref().is_some_and(again) {
            self.pass_to_caller(now, call, response);
            return;
        }
        // Its page was opened anew and rings again: what the old one had said is overtaken, there is nobody there.
        let mut branches = call.branches.iter().enumerate();
        let overtaken = branches
            .any(|(other, b)| other != index && b.device == device && b.state == BranchState::Open);
        let may_win = call.dialog.is_none() && !call.wake.state().is_final() && !overtaken;
        if let Some(leg) = leg.filter(|_| may_win) {
            // Nothing may be promised before the wake has agreed: the device may have declined or been revoked.
            self.wake_event_of(now, call, Event::Answered(device.clone()));
            if *call.wake.state() == WakeState::Answered {
                let answer = self.pass_to_caller(now, call, response);
                call.dialog = Some(Dialog {
                    callee_leg: leg,
                    device,
                    answered_at: now,
                    answer: Some(answer),
                    told: false,
                    ended: None,
                });
                return;
            }
        }
        self.end_stray_answer(now, call, &flow, &response);
    }

    /// A 2xx that nobody wants: ACK, then BYE with the reason.
    fn end_stray_answer(&mut self, now: Time, call: &mut Call, flow: &str, response: &Response) {
        let Some(stray) = Leg::of_callee(flow, call.id.as_str(), response) else {
            return;
        };
        let cseq = response.headers.cseq().map_or(0, |cseq| cseq.number);
        let reason = match call.wake.state() {
            WakeState::Answered => Reason::sip(200, "Call completed elsewhere"),
            WakeState::Declined => Reason::sip(603, "Declined"),
            WakeState::Unanswered | WakeState::Expired => Reason::sip(480, "Not answered"),
            state if state.is_final() => Reason::sip(487, "The call had ended"),
            _ => Reason::sip(480, "It rings anew on this device"),
        };
        let Some(ack) =
            in_dialog_request(Method::Ack, cseq, &call.caller_leg, &stray, &call.call_id)
        else {
            return;
        };
        let Some(bye) = in_dialog_request(
            Method::Bye,
            cseq + 1,
            &call.caller_leg,
            &stray,
            &call.call_id,
        ) else {
            return;
        };
        let bye = bye.with(HeaderName::Reason, reason.to_string());
        self.outbox.send(
            now,
            flow,
            call.id.as_str(),
            LineToFlow::Request {
                tx: None,
                request: ack,
            },
        );
        let tx = self.entropy.text(16);
        self.outbox.send(
            now,
            flow,
            call.id.as_str(),
            LineToFlow::Request {
                tx: Some(tx),
                request: bye,
            },
        );
    }

    /// Passes a page's response on to the caller, with the wake's state and who the callee is.
    fn pass_to_caller(&mut self, now: Time, call: &Call, mut response: Response) -> Response {
        response.headers.set(
            "Wakeline-Wake",
            format!("{};state={}", call.id, call.wake.state()),
        );
        response.headers.remove(HeaderName::PAssertedIdentity);
        response.headers.remove(HeaderName::PPreferredIdentity);
        if let Ok(account) = self.account() {
            let identity =
                NameAddr::new(Uri::sip(self.number.as_str(), self.config.domain.clone()))
                    .with_display(account.party.display_name.clone());
            response
                .headers
                .push(HeaderName::PAssertedIdentity, identity.to_string());
        }
        self.tell_leg(
            now,
            call,
            LineToFlow::Response {
                tx: None,
                response: response.clone(),
            },
        );
        response
    }

    fn relay_response(
        &mut self,
        now: Time,
        call: &mut Call,
        flow: &str,
        tx: &str,
        response: Option<Response>,
    ) {
        let Some(index) = call
            .relays
            .iter()
            .position(|relay| relay.tx == tx && relay.to == flow)
        else {
            return;
        };
        let is_final = response.as_ref().is_none_or(Response::is_final);
        if let Some(response) = &response {
            self.answered_in_dialog(now, call, flow, response.status);
        }
        let back = call.relays[index].back.clone();
        if is_final {
            call.relays.remove(index);
        }
        let Some((flow, stream, tx)) = back else {
            return;
        };
        let msg = match response {
            Some(response) if response.status == 100 => return,
            Some(mut response) => {
                for name in [
                    "P-Asserted-Identity",
                    "P-Preferred-Identity",
                    "Wakeline-Wake",
                ] {
                    response.headers.remove(name);
                }
                LineToFlow::Response {
                    tx: Some(tx),
                    response,
                }
            }
            None => LineToFlow::Answer {
                tx: Some(tx),
                answer: plain(408, "Request Timeout", &call.edge_tag),
            },
        };
        self.outbox.send(now, &flow, &stream, msg);
    }
}

/// What a refusal of a page means for the wake.
fn refusal(device: DeviceId, response: &Response) -> Event {
    match response.status {
        486 | 600 => Event::Busy(device),
        603 | 607 => Event::Declined(device),
        status => {
            let words = response
                .headers
                .reason()
                .ok()
                .flatten()
                .and_then(|reason| reason.text());
            let mut reason = words.unwrap_or_else(|| response.reason.clone());
            reason.truncate(
                reason
                    .char_indices()
                    .nth(128)
                    .map_or(reason.len(), |(at, _)| at),
            );
            // A redirection is not followed: the edge knows no one outside of it. A challenge or an end that was meant
            // for the edge is not the caller's.
            let status = match status {
                401 | 407 | 487 => 480,
                400..=699 => status,
                _ => 480,
            };
            Event::Refused(device, Failure { status, reason })
        }
    }
}

/// An answer without headers.
pub(super) fn plain(status: u16, phrase: &str, to_tag: &str) -> Answer {
    Answer {
        status,
        phrase: phrase.to_owned(),
        to_tag: to_tag.to_owned(),
        wake: None,
        headers: Vec::new(),
    }
}

/// A request that the edge makes inside a dialog, in the name of `from`, to `to`.
pub(super) fn in_dialog_request(
    method: Method,
    cseq: u32,
    from: &Leg,
    to: &Leg,
    call_id: &str,
) -> Option<Request> {
    let target = to.contact.parse::<Uri>().ok()?;
    let (from, to) = (from.address.as_str(), to.address.as_str());
    Some(in_dialog(method, target, from, to, call_id, cseq))
}
