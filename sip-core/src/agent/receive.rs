//! What comes in on the flow, and which machine it is for.

use super::call::{Call, Phase};
use super::flow::{Flow, FlowId};
use super::link::{PING, PONG};
use super::{Agent, CallId, Output, respond, session_timer, transfer};
use crate::dialog::DialogId;
use crate::transaction::{ClientKey, ServerInvite, ServerKey, Transport};
use crate::wire::{HeaderName, Limits, Message, Method, Request, Response};

impl Agent {
    pub(super) fn frame(&mut self, id: FlowId, frame: &[u8]) {
        let Some(flow) = self.flows.get_mut(id.place()) else {
            return;
        };
        flow.link.heard(self.post.now);
        match frame {
            PONG => return,
            PING => {
                self.post.out.push_back(Output::Transmit(id, PONG.to_vec()));
                return;
            }
            _ => {}
        }
        match Message::parse(frame, &Limits::DEFAULT) {
            Ok(Message::Request(request)) => self.request(request),
            Ok(Message::Response(response)) => self.response(response),
            Err(error) => {
                if let Some(response) = Response::for_rejected(frame, &Limits::DEFAULT, &error) {
                    self.answer(response);
                }
            }
        }
    }

    fn response(&mut self, response: Response) {
        let Ok(key) = ClientKey::of_response(&response) else {
            return;
        };
        let registers = |flow: &Flow| flow.registrar.owns(&key);
        if let Some(place) = self.flows.iter().position(registers) {
            let answer = self.flows[place]
                .registrar
                .receive(&mut self.post, response);
            self.registered(place, answer);
        } else if let Some(call) = self
            .calls
            .iter_mut()
            .find(|c| matches!(&c.phase, Phase::Inviting(invite) if invite.owns(&key)))
        {
            call.response(&mut self.post, response);
        } else if let Some(call) = self.calls.iter_mut().find(|c| c.modify.owns(&key)) {
            call.modify_response(&mut self.post, response);
        } else {
            self.post.response(&key, &response);
        }
    }

    #[inline(never)]
    fn request(&mut self, request: Request) {
        let Ok(key) = ServerKey::of(&request) else {
            return;
        };
        match request.method {
            Method::Ack => self.ack(&request),
            Method::Cancel => self.cancel(&request),
            Method::Invite if self.post.refused_again(&request) => {}
            Method::Invite if self.calls.iter().any(|c| c.is_asked_by(&key)) => {
                if let Some(call) = self.calls.iter_mut().find(|c| c.is_asked_by(&key)) {
                    call.asked_again(&mut self.post, &key, request);
                }
            }
            _ => match respond::unfit(&request) {
                Some(response) if request.method == Method::Invite => {
                    self.refuse_with(request, response);
                }
                Some(response) => self.answer(response),
                None => self.fit_request(request),
            },
        }
    }

    /// A new request that can be understood.
    fn fit_request(&mut self, request: Request) {
        match request.method {
            _ if request.headers.to().is_ok_and(|to| to.tag().is_some()) => self.in_dialog(request),
            Method::Invite => self.invite(request),
            Method::Options => {
                self.told(&request);
                let response = self.abilities(&request);
                self.post.send(response);
            }
            #[cfg(feature = "beside")]
            Method::Message if self.came_by_another_flow(&request) => {
                self.answer(Response::for_request(&request, 482, ""));
            }
            #[cfg(feature = "beside")]
            Method::Message => self.beside.message(&mut self.post, &request),
            // Outside of their dialog these find nothing (RFC 3261 §15.1.2, RFC 6665 §4.1.3).
            Method::Bye | Method::Notify => self.answer(Response::for_request(&request, 481, "")),
            // Nor has anything else a meaning there.
            _ => self.answer(respond::with_allow(Response::for_request(
                &request, 405, "",
            ))),
        }
    }

    /// A proxy has sent it to several of our flows, and it is here already.
    #[cfg(feature = "outbound")]
    fn came_by_another_flow(&mut self, request: &Request) -> bool {
        let (flow, now) = (self.post.here, self.post.now);
        self.flows.len() > 1 && self.merged.is_again(request, flow, now)
    }

    #[cfg(not(feature = "outbound"))]
    const fn came_by_another_flow(&self, _request: &Request) -> bool {
        false
    }

    /// What we can do. Whoever asks whether a call would be taken hears it as an INVITE would; the edge, which names its
    /// wake, asks for life only.
    fn abilities(&mut self, request: &Request) -> Response {
        let asks_for_life = super::post::wake_of(&request.headers).0.is_some();
        let status = if asks_for_life || self.has_room(request) {
            200
        } else {
            486
        };
        #[cfg(feature = "beside")]
        let accepts = &self.beside.accepts();
        #[cfg(not(feature = "beside"))]
        let accepts = "";
        respond::options(&mut self.post, request, status, accepts)
    }

    /// An answer that needs no state; with a tag of ours, if To has none (RFC 3261 §8.2.6.2).
    fn answer(&mut self, response: Response) {
        let tag = self.post.entropy.tag();
        self.post.send(response.with_to_tag(&tag));
    }

    /// The edge says how a call stands: its other side is lost, or back.
    fn told(&mut self, options: &Request) {
        let (Some(wake), Some(state)) = super::post::wake_of(&options.headers) else {
            return;
        };
        for call in &mut self.calls {
            if call.view.wake.as_ref() == Some(&wake) {
                call.told(&state);
            }
        }
    }

    fn ack(&mut self, ack: &Request) {
        if self.post.refused_again(ack) {
            return;
        }
        let Ok(id) = DialogId::of_incoming(ack) else {
            return;
        };
        if let Some(call) = self.calls.iter_mut().find(|c| c.dialog_id() == Some(&id)) {
            call.acknowledged(&mut self.post, ack);
        }
    }

    fn cancel(&mut self, cancel: &Request) {
        let found = ServerKey::of_cancelled(cancel).ok();
        let call = self
            .calls
            .iter_mut()
            .find(|c| found.as_ref().is_some_and(|key| c.is_asked_by(key)));
        let status = if call.is_some() { 200 } else { 481 };
        let tag = self.post.entropy.tag();
        self.post
            .send(Response::for_request(cancel, status, "").with_to_tag(&tag));
        if let (Some(call), Some(key)) = (call, found) {
            call.cancelled(&mut self.post, &key, cancel);
        }
    }

    fn in_dialog(&mut self, request: Request) {
        #[cfg(feature = "beside")]
        if request.method == Method::Notify && self.beside.notified(&mut self.post, &request) {
            return;
        }
        let found = DialogId::of_incoming(&request).ok().and_then(|id| {
            let mut calls = self.calls.iter_mut();
            let call = calls.find_map(|c| c.dialog_of(&id).is_some().then_some(c));
            call.map(|call| (call, id))
        });
        match found {
            #[cfg(feature = "beside")]
            Some((call, id)) if request.method == Method::Message => {
                match call.dialog_of(&id).map(|d| d.request_received(&request)) {
                    Some(Err(error)) => {
                        let refusal = Response::for_request(&request, error.status(), "");
                        self.post.send(refusal);
                    }
                    _ => self.beside.message(&mut self.post, &request),
                }
            }
            Some((call, id)) => call.request(&mut self.post, &id, request),
            None if request.method == Method::Invite => self.refuse(request, 481),
            None => self.answer(Response::for_request(&request, 481, "")),
        }
    }

    fn refuse(&mut self, request: Request, status: u16) {
        let response = Response::for_request(&request, status, "");
        self.refuse_with(request, response);
    }

    fn refuse_with(&mut self, request: Request, response: Response) {
        let transaction = ServerInvite::start(request, Transport::Reliable, self.post.now);
        self.post.refuse(transaction, response);
    }

    /// An INVITE outside of any dialog.
    fn invite(&mut self, request: Request) {
        if let Some(call) = self.calls.iter_mut().find(|c| c.is_same_call(&request)) {
            call.adopt(&mut self.post, request);
            return;
        }
        if self.calls.iter().any(|c| c.is_merged_with(&request))
            || self.came_by_another_flow(&request)
        {
            self.refuse(request, 482);
            return;
        }
        if session_timer::is_too_short(&request) {
            let refusal = respond::too_short(&request);
            self.refuse_with(request, refusal);
            return;
        }
        let replaces = request.headers.get(HeaderName::Replaces);
        let replaced = match replaces.map(|text| self.replaced(text)) {
            None => None,
            Some(Ok(old)) => Some(old),
            Some(Err(status)) => return self.refuse(request, status),
        };
        if replaced.is_none() && !self.has_room(&request) {
            self.refuse(request, 486);
            return;
        }
        let id = self.next_call();
        let Some(mut call) = Call::asked(&mut self.post, id, request) else {
            return;
        };
        let asks = call.view.about.as_ref().is_some_and(|a| a.wants_answer);
        if asks && self.post.policy.auto_answer && self.under_way() == 0 {
            call.show(&mut self.post);
            call.answer(&mut self.post);
        }
        if let Some(old) = replaced {
            // Its user has taken the old one; nobody is asked again.
            call.view.replaces = Some(old);
            call.takes = Some(old);
            call.show(&mut self.post);
            call.answer(&mut self.post);
        }
        self.calls.push(call);
    }

    /// The call whose place an INVITE wants to take, or why it may not (RFC 3891 §3).
    fn replaced(&self, text: &str) -> Result<CallId, u16> {
        let (id, early_only) = transfer::replaced(text).ok_or(400u16)?;
        let found = self.calls.iter().find(|c| c.dialog_id() == Some(&id));
        match found {
            Some(call) if matches!(call.phase, Phase::Talking) && early_only => Err(486),
            Some(call) if matches!(call.phase, Phase::Talking) => Ok(call.id),
            _ => Err(481),
        }
    }

    /// Beside one call a second one may ring, unless the site wants callers to hear that we are busy.
    fn has_room(&self, invite: &Request) -> bool {
        let most = match invite.headers.get("Wakeline-Call-Waiting") {
            Some("off") => 1,
            _ => self.post.policy.calls,
        };
        self.under_way() < most
    }

    pub(super) fn under_way(&self) -> usize {
        self.calls.iter().filter(|c| !c.is_over()).count()
    }
}
