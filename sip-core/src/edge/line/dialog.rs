//! Answered calls: requests inside the dialog both ways, parties that are lost, the edge's own BYE.

use super::Line;
use super::branch::{in_dialog_request, plain};
use super::call::{BranchState, Call, Leg, LostLimits, Relay, Side, party_number};
use crate::edge::command::EndedBy;
use crate::edge::flow::edge_host;
use crate::edge::messages::LineToFlow;
use crate::id::Number;
use crate::time::Time;
use crate::wake::WakeState;
use crate::wire::{HeaderName, Method, NameAddr, Reason, Request, Uri};
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
};

/// Requests of one call that wait for their answer.
const MAX_RELAYS: usize = 32;

impl Line {
    pub(super) fn lost_limits(&self) -> LostLimits {
        LostLimits {
            told: self.config.edge.lost_told,
            ends: self.config.edge.lost_ends,
        }
    }

    /// A request that came by our Record-Route.
    pub(super) fn in_dialog(
        &mut self,
        now: Time,
        (flow, sent_at): (&str, Time),
        stream: &str,
        tx: Option<String>,
        from: Option<Number>,
        request: Request,
    ) {
        let refused = match self.call_of(stream).and_then(|key| self.calls.remove(&key)) {
            None => true,
            Some(mut call) => {
                let done = self.route_in_dialog(
                    now,
                    (flow, sent_at),
                    stream,
                    tx.as_deref(),
                    from.as_ref(),
                    &request,
                    &mut call,
                );
                self.put_call(call);
                done.is_none()
            }
        };
        if refused && let Some(tx) = tx {
            let tag = self.entropy.tag();
            let answer = plain(481, "Call/Transaction Does Not Exist", &tag);
            self.outbox.send(
                now,
                flow,
                stream,
                LineToFlow::Answer {
                    tx: Some(tx),
                    answer,
                },
            );
        }
    }

    /// `None` when the request does not belong to this call.
    #[expect(
        clippy::too_many_arguments,
        reason = "one request with where it came from"
    )]
    fn route_in_dialog(
        &mut self,
        now: Time,
        (flow, sent_at): (&str, Time),
        stream: &str,
        tx: Option<&str>,
        from: Option<&Number>,
        request: &Request,
        call: &mut Call,
    ) -> Option<()> {
        let headers = &request.headers;
        let (from_tag, to_tag) = (headers.from().ok()?, headers.to().ok()?);
        let side = call.side_of(from_tag.tag()?, to_tag.tag()?)?;
        if headers.call_id().ok()? != call.call_id
            || call.dialog.as_ref().is_some_and(|d| d.ended.is_some())
        {
            return None;
        }
        // Only the party itself may speak, wherever it is registered now.
        let expected = match side {
            Side::Caller => Some(call.caller.number.clone()),
            Side::Callee => call.dialog.as_ref().map_or(Some(self.number.clone()), |d| {
                party_number(&d.callee_leg.address)
            }),
        };
        if from.is_none() || from != expected.as_ref() {
            return None;
        }
        let cseq = headers.cseq().ok()?.number;
        let target_refresh = matches!(request.method, Method::Invite | Method::Update);
        let contact = headers
            .contact()
            .ok()
            .flatten()
            .map(|contact| contact.uri.to_string());
        if let Some(leg) = call.leg_mut(side) {
            leg.cseq = leg.cseq.max(cseq);
            // What left earlier over a flow that the party has left since says nothing of where it is.
            if leg.flow == flow || leg.sent_at <= sent_at {
                // The party came back on another flow: the call follows it.
                if leg.flow != flow {
                    leg.flow = flow.to_owned();
                    leg.stream = stream.to_owned();
                    leg.sent_at = sent_at;
                }
                leg.lost_at = None;
                if let Some(contact) = contact.filter(|_| target_refresh) {
                    leg.contact = contact;
                }
            }
        }
        self.party_back(now, call);
        if request.method == Method::Ack
            && side == Side::Caller
            && let Some(dialog) = &mut call.dialog
        {
            dialog.answer = None;
        }
        self.relay(now, flow, stream, tx, request, call, side);
        if request.method == Method::Bye && call.is_talking() {
            self.end_talk(
                now,
                call,
                if side == Side::Caller {
                    EndedBy::Caller
                } else {
                    EndedBy::Callee
                },
            );
        }
        Some(())
    }

    /// On to the other party; a BYE to one that is lost is answered here.
    #[expect(
        clippy::too_many_arguments,
        reason = "one request with where it came from"
    )]
    fn relay(
        &mut self,
        now: Time,
        flow: &str,
        stream: &str,
        tx: Option<&str>,
        request: &Request,
        call: &mut Call,
        side: Side,
    ) {
        let followed = side == Side::Caller && self.follow_binding(now, call);
        let far = match call.leg(side.other()) {
            Some(leg) => {
                let lost = leg.lost_at.is_some() && !followed;
                Some((leg.flow.clone(), leg.stream.clone(), lost))
            }
            // An early dialog: the branch with that tag.
            None => {
                let tag = request
                    .headers
                    .to()
                    .ok()
                    .and_then(|to| to.tag().map(str::to_owned));
                let branch = call
                    .branches
                    .iter()
                    .find(|b| b.state == BranchState::Open && b.tag == tag);
                branch.map(|branch| (branch.flow.clone(), call.id.as_str().to_owned(), false))
            }
        };
        let full = call.relays.len() >= MAX_RELAYS;
        let (Some(tx), Some((to, to_stream, lost))) = (tx, &far) else {
            if let Some((to, to_stream, false)) = far {
                let msg = LineToFlow::Request {
                    tx: None,
                    request: request.clone(),
                };
                self.outbox.send(now, &to, &to_stream, msg);
            }
            return;
        };
        if *lost || full {
            let (status, phrase) = match request.method {
                Method::Bye => (200, "OK"),
                _ if full => (500, "Too Many Requests In This Call"),
                _ => (480, "Temporarily Unavailable"),
            };
            let answer = plain(status, phrase, &call.edge_tag);
            self.outbox.send(
                now,
                flow,
                stream,
                LineToFlow::Answer {
                    tx: Some(tx.to_owned()),
                    answer,
                },
            );
            return;
        }
        let name = self.entropy.text(16);
        call.relays.push(Relay {
            tx: name.clone(),
            to: to.clone(),
            back: Some((flow.to_owned(), stream.to_owned(), tx.to_owned())),
        });
        self.outbox.send(
            now,
            to,
            to_stream,
            LineToFlow::Request {
                tx: Some(name),
                request: request.clone(),
            },
        );
    }

    /// The sender of a re-INVITE gave it up.
    pub(super) fn cancel_in_dialog(&mut self, now: Time, flow: &str, stream: &str, tx: &str) {
        let Some(key) = self.call_of(stream) else {
            return;
        };
        let Some(call) = self.calls.get(&key) else {
            return;
        };
        let mine = |relay: &&Relay| {
            relay
                .back
                .as_ref()
                .is_some_and(|(from, _, own)| from.as_str() == flow && own.as_str() == tx)
        };
        if let Some(relay) = call.relays.iter().find(mine) {
            let msg = LineToFlow::Cancel {
                tx: relay.tx.clone(),
                reason: Reason::sip(487, "").to_string(),
            };
            let (to, stream) = (relay.to.clone(), self.stream_on(call, &relay.to));
            self.outbox.send(now, &to, &stream, msg);
        }
    }

    fn stream_on(&self, call: &Call, flow: &str) -> String {
        if call.caller_leg.flow == flow {
            call.caller_leg.stream.clone()
        } else {
            call.id.as_str().to_owned()
        }
    }

    fn end_talk(&mut self, now: Time, call: &mut Call, by: EndedBy) {
        if let Some(dialog) = &mut call.dialog {
            dialog.ended = Some(by);
            dialog.answer = None;
        }
        self.finish_call(now, call);
    }

    /// A party's socket has been gone for a while: the other is told, then the edge ends the call.
    pub(super) fn lost_timeout(&mut self, now: Time, call: &mut Call) {
        let limits = self.lost_limits();
        let Some(dialog) = call.dialog.as_ref().filter(|dialog| dialog.ended.is_none()) else {
            return;
        };
        let Some(since) = call.lost_since(dialog) else {
            return;
        };
        if now >= since + limits.ends {
            self.hang_up(now, call, 408, "The other party was lost");
        } else if now >= since + limits.told && !dialog.told {
            self.tell_lost(now, call);
        }
    }

    /// The answer has not reached the caller, or its ACK not us: whoever answered talks to nobody. User agents end that
    /// by themselves; a page that does not must not be left in a call that there is not.
    pub(super) fn unconfirmed_timeout(&mut self, now: Time, call: &mut Call) {
        if call.confirmed_by().is_some_and(|at| at <= now) {
            self.hang_up(now, call, 408, "The answer was not confirmed");
        }
    }

    /// BYE to both sides, each in the name of the other.
    pub(super) fn hang_up(&mut self, now: Time, call: &mut Call, cause: u16, text: &str) {
        let reason = Reason::sip(cause, text).to_string();
        self.follow_binding(now, call);
        for side in [Side::Caller, Side::Callee] {
            if let Some(bye) = self.own_request(Method::Bye, call, side) {
                self.send_own(
                    now,
                    call,
                    side,
                    bye.with(HeaderName::Reason, reason.as_str()),
                );
            }
        }
        self.end_talk(now, call, EndedBy::Edge);
    }

    fn tell_lost(&mut self, now: Time, call: &mut Call) {
        self.tell_standing(now, call, "lost");
        if let Some(dialog) = &mut call.dialog {
            dialog.told = true;
        }
    }

    /// Nobody is lost any longer: whoever was told otherwise hears so.
    pub(super) fn party_back(&mut self, now: Time, call: &mut Call) {
        let told = call.dialog.as_ref().is_some_and(|dialog| {
            dialog.told && dialog.ended.is_none() && call.lost_since(dialog).is_none()
        });
        if told {
            self.tell_standing(now, call, WakeState::Answered.as_str());
            if let Some(dialog) = &mut call.dialog {
                dialog.told = false;
            }
        }
    }

    /// An OPTIONS that says in our own header how the call stands: harmless to whoever does not know it. It is sent
    /// outside of the dialog: a CSeq of the lost party must not be used up, or its next request is out of order.
    fn tell_standing(&mut self, now: Time, call: &mut Call, state: &str) {
        for side in [Side::Caller, Side::Callee] {
            if let Some(leg) = call.leg(side).filter(|leg| leg.lost_at.is_none())
                && let Ok(target) = leg.contact.parse::<Uri>().map(Uri::without_headers)
            {
                let host = Uri::host(edge_host(&self.config));
                let from = NameAddr::new(host).with_tag(self.entropy.tag());
                let told = Request::bare(Method::Options, target.clone())
                    .with(HeaderName::MaxForwards, "70")
                    .with(HeaderName::From, from.to_string())
                    .with(HeaderName::To, NameAddr::new(target).to_string())
                    .with(HeaderName::CallId, self.entropy.call_id())
                    .with(HeaderName::CSeq, "1 OPTIONS")
                    .with("Wakeline-Wake", format!("{};state={state}", call.id));
                self.send_own(now, call, side, told);
            }
        }
    }

    /// The last request of the edge to one side, with a CSeq above all that the other side used.
    fn own_request(&self, method: Method, call: &mut Call, to: Side) -> Option<Request> {
        let far = call.leg_mut(to.other())?;
        far.cseq += 1;
        let (cseq, from): (u32, Leg) = (far.cseq, far.clone());
        in_dialog_request(method, cseq, &from, call.leg(to)?, &call.call_id)
    }

    fn send_own(&mut self, now: Time, call: &mut Call, to: Side, request: Request) {
        let Some((flow, stream)) = call
            .leg(to)
            .map(|leg| (leg.flow.clone(), leg.stream.clone()))
        else {
            return;
        };
        let tx = self.entropy.text(16);
        call.relays.push(Relay {
            tx: tx.clone(),
            to: flow.clone(),
            back: None,
        });
        self.outbox.send(
            now,
            &flow,
            &stream,
            LineToFlow::Request {
                tx: Some(tx),
                request,
            },
        );
    }
}
