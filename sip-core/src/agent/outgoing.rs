//! Calling out (RFC 3261 §13.2): the INVITE, its stages while the other line is woken, its answers.

use super::call::{Call, Phase, party};
use super::event::{CallId, CallState, Direction, Outcome, Party, Stage};
use super::identity::SDP;
use super::invite::{Invite, InviteNews};
use super::io::{MediaReply, MediaRequest};
use super::post::{Post, sdp_of, wake_of};
use super::session_timer::{self, SessionTimer};
use super::{about, outcome};
use crate::pii::Pii;
use crate::time::{Duration, Time};
use crate::wire::{HeaderName, NameAddr, Request, Response, Text, Uri};
use alloc::{
    borrow::ToOwned,
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};

/// Redirections of one call that are followed.
const REDIRECTIONS: usize = 5;

impl Call {
    /// The user calls someone.
    pub fn start(
        post: &mut Post,
        id: CallId,
        to: &str,
        headers: Vec<(String, String)>,
        without_offer: bool,
    ) -> Self {
        let mut call = Self::dial(post, id, to, without_offer);
        call.headers = headers;
        call
    }

    /// A call to this address.
    pub fn start_at(post: &mut Post, id: CallId, to: Uri, without_offer: bool) -> Self {
        let party = party(&NameAddr::new(to.clone()));
        let phase = if without_offer {
            Phase::Parked(to, Vec::new(), Time(u64::MAX))
        } else {
            post.media(id, MediaRequest::CreateOffer);
            Phase::Offering(to)
        };
        let mut call = Self::new(id, Direction::Out, party, CallState::New, phase);
        call.without_offer = without_offer;
        call.session = post.policy.session;
        call
    }

    fn dial(post: &mut Post, id: CallId, to: &str, without_offer: bool) -> Self {
        let remote = |number: String| Party {
            number: Pii(number),
            display_name: Pii::default(),
        };
        match post.me.target(to) {
            Ok(uri) => Self::start_at(post, id, uri, without_offer),
            Err(_) => {
                let unusable = Phase::Offering(Uri::host(""));
                let mut call = Self::new(
                    id,
                    Direction::Out,
                    remote(to.to_owned()),
                    CallState::New,
                    unusable,
                );
                let status = Response {
                    status: 404,
                    reason: String::new(),
                    headers: Default::default(),
                    body: Vec::new(),
                };
                call.over(post, outcome::of_response(&status));
                call
            }
        }
    }

    /// The driver has made the offer.
    pub fn offered(&mut self, post: &mut Post, to: Uri, reply: MediaReply) {
        match reply {
            MediaReply::Local(sdp) => {
                self.phase = Phase::Parked(to, sdp.into_inner(), Time(u64::MAX));
                self.flow_registered(post);
            }
            MediaReply::Applied | MediaReply::Failed => self.fail(post, 0, "microphone refused"),
        }
    }

    /// There is a registered flow, perhaps: what waits for one goes out.
    pub fn flow_registered(&mut self, post: &mut Post) {
        match core::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Parked(to, offer, _) if post.registered() => {
                let mut request = post.me.invite(&mut post.entropy, &to, offer);
                if self.session > 0 {
                    let seconds = self.session.to_string();
                    request.headers.push(HeaderName::SessionExpires, seconds);
                }
                for (name, value) in &self.more {
                    request.headers.push(*name, value.as_str());
                }
                about::add(&mut request.headers, &self.headers);
                self.view.state = CallState::Calling;
                self.phase = Phase::Inviting(Box::new(Invite::start(request, post)));
            }
            // The same INVITE once more: the edge knows it by Call-ID and tag, and the call goes on where it was.
            Phase::Stranded(request, _) if post.registered() => {
                self.phase = Phase::Inviting(Box::new(Invite::again(*request, post)));
            }
            phase => self.phase = phase,
        }
        self.modify_next(post);
    }

    /// A call that waits for a registration waits no longer than this.
    pub fn park(&mut self, now: Time, patience: Duration) {
        if let Phase::Parked(_, _, until) = &mut self.phase {
            *until = (*until).min(now + patience);
        }
    }

    /// A response to our INVITE.
    pub fn response(&mut self, post: &mut Post, response: Response) {
        let Phase::Inviting(invite) = &mut self.phase else {
            return;
        };
        let actions = invite.transaction.receive(response, post.now);
        let news = post.invite_actions(invite.flow, actions);
        self.invite_news(post, news);
    }

    pub(super) fn invite_timeout(&mut self, post: &mut Post) {
        let Phase::Inviting(invite) = &mut self.phase else {
            return;
        };
        let actions = invite.transaction.timeout(post.now);
        let news = post.invite_actions(invite.flow, actions);
        self.invite_news(post, news);
    }

    fn invite_news(&mut self, post: &mut Post, news: Vec<InviteNews>) {
        for news in news {
            match news {
                InviteNews::Response(response) if response.is_provisional() => {
                    if let Phase::Inviting(invite) = &mut self.phase {
                        invite.under_way = true;
                    }
                    if response.status > 100 {
                        post.no_edge = wake_of(&response.headers).0.is_none();
                    }
                    self.provisional(post, &response);
                }
                InviteNews::Response(response) if response.is_success() => {
                    self.answered(post, &response)
                }
                InviteNews::Response(response) => {
                    if let Phase::Inviting(invite) = &mut self.phase
                        && invite.challenged(post, &response)
                    {
                        // The news of the former transaction end here.
                        return;
                    }
                    self.progress(&response);
                    if !self.tried_again(post, &response) {
                        let mut end = outcome::of_response(&response);
                        // An INVITE that this page took back is the post's: here the edge did, for want of a caller.
                        if end.outcome == Outcome::Cancelled {
                            end.outcome = Outcome::Lost;
                        }
                        self.over(post, end);
                    }
                }
                InviteNews::TimedOut => self.fail(post, 408, "no answer from the edge"),
                InviteNews::Ended => {}
            }
        }
    }

    /// How far the other side has come. Stages come from several devices and in any order; the wake only goes forward.
    fn progress(&mut self, response: &Response) {
        let (wake, state) = wake_of(&response.headers);
        if wake.is_some() {
            self.view.wake = wake;
        }
        match response.status {
            180 => {
                self.view.state = CallState::Ringing;
                self.view.stage = None;
            }
            182 => {
                // A wake that begins anew after a page was lost is told as it is.
                self.view.state = CallState::Waking;
                let word = state.unwrap_or_else(|| response.reason.to_ascii_lowercase());
                self.view.stage = match word.as_str() {
                    "pushed" => Some(Stage::Pushed),
                    "shown" => Some(Stage::Shown),
                    "opened" | "registered" | "ready" | "invited" => Some(Stage::Opened),
                    _ => self.view.stage,
                };
            }
            _ => {}
        }
    }

    fn provisional(&mut self, post: &mut Post, response: &Response) {
        let Phase::Inviting(invite) = &mut self.phase else {
            return;
        };
        let request = invite.transaction.request().clone();
        let (taken, early) = invite.early.receive(post, self.id, &request, response);
        if !taken {
            return;
        }
        self.progress(response);
        // What comes early and is no answer to us is no sound.
        if let Some(answer) = early.filter(|_| !self.without_offer) {
            self.view.early = true;
            let answer = Pii(answer);
            post.media(self.id, MediaRequest::ApplyEarly { answer });
        }
    }

    /// A refusal that is no end: a longer session interval, another address. The same offer goes out again.
    fn tried_again(&mut self, post: &mut Post, response: &Response) -> bool {
        let Phase::Inviting(invite) = &self.phase else {
            return false;
        };
        let request = invite.transaction.request();
        if invite.transaction.is_cancelled() {
            return false;
        }
        let other_flow = post.other_flow(invite.flow, response);
        let flow = other_flow.unwrap_or(post.best());
        let mut again = match response.status {
            430 if other_flow.is_some() => post.again(request),
            422 => match session_timer::least(response) {
                Some(least) if least > self.session => {
                    self.session = least;
                    let mut again = post.again(request);
                    let least = least.to_string();
                    again
                        .headers
                        .set(HeaderName::SessionExpires, least.as_str());
                    again.headers.set(HeaderName::MinSe, least);
                    again
                }
                _ => return false,
            },
            301 | 302 => match self.elsewhere(request, response) {
                Some(to) => {
                    let mut again = post.again(request);
                    again
                        .headers
                        .set(HeaderName::To, NameAddr::new(to.clone()).to_text());
                    self.tried.push(request.uri.clone());
                    again.uri = to;
                    again
                }
                None => return false,
            },
            _ => return false,
        };
        // Whoever answers now is another one than whoever was heard.
        self.view.early = false;
        again.headers.remove(HeaderName::Route);
        self.phase = Phase::Inviting(Box::new(Invite::start_on(flow, again, post)));
        true
    }

    /// Where a redirection leads: the best contact that was not tried yet (RFC 3261 §8.1.3.4).
    fn elsewhere(&self, request: &Request, response: &Response) -> Option<Uri> {
        let known = |uri: &Uri| uri == &request.uri || self.tried.contains(uri);
        let contacts = response.headers.contacts().ok()?;
        let mut to = contacts.best(&|uri| uri.is_sip() && !known(uri))?.uri;
        // Headers that a stranger wants on our request are its business alone.
        to.headers = None;
        (self.tried.len() < REDIRECTIONS).then_some(to)
    }

    /// The first 2xx. Those of other branches are acknowledged and ended by the post (RFC 3261 §13.2.2.4).
    fn answered(&mut self, post: &mut Post, response: &Response) {
        let Phase::Inviting(mut invite) = core::mem::replace(&mut self.phase, Phase::Applying)
        else {
            return;
        };
        self.flow = invite.flow;
        self.progress(response);
        self.learn(&response.headers);
        self.view.stage = None;
        self.view.early = false;
        if self.without_offer {
            return self.offered_late(post, *invite, response);
        }
        self.dialog = invite.answered(post, response);
        self.timer = SessionTimer::of_response(response, post.now);
        let heard = invite.early.heard.take();
        let early = invite.early.take(response);
        let other = heard.is_some_and(|tag| {
            let answered = self.dialog.as_ref().map(|d| &d.id().remote_tag);
            answered != Some(&tag)
        });
        post.let_go(*invite);
        let early = early.map(|(dialog, answer)| {
            if let Some(confirmed) = &mut self.dialog {
                confirmed.go_on_from(&dialog);
            }
            answer
        });
        let answer = sdp_of(&response.headers, &response.body).or(early.flatten());
        match (&self.dialog, answer) {
            (Some(dialog), Some(answer)) => {
                let answered = party(dialog.remote());
                if !answered.display_name.is_empty() {
                    self.view.remote.display_name = answered.display_name;
                }
                self.view.state = CallState::Connecting;
                if other {
                    // The connection belongs to the branch that was heard early.
                    self.modify.renew();
                    self.talk(post);
                    self.modify_next(post);
                    return;
                }
                self.heard(&answer);
                let answer = Pii(answer);
                post.media(self.id, MediaRequest::ApplyAnswer { answer });
            }
            _ => {
                self.fail(post, response.status, "answer cannot be used");
                self.bye(post);
            }
        }
    }

    /// A 2xx with the offer that we did not make: the ACK waits for our answer.
    fn offered_late(&mut self, post: &mut Post, mut invite: Invite, response: &Response) {
        let promised = invite.promise(post, response);
        post.let_go(invite);
        let offer = sdp_of(&response.headers, &response.body);
        let Some((dialog, ack)) = promised else {
            return self.fail(post, response.status, "answer cannot be used");
        };
        self.timer = SessionTimer::of_response(response, post.now);
        let answered = party(dialog.remote());
        if !answered.display_name.is_empty() {
            self.view.remote.display_name = answered.display_name;
        }
        self.dialog = Some(dialog);
        self.ack = Some(Box::new(ack));
        match offer {
            Some(offer) => {
                self.view.state = CallState::Connecting;
                self.heard(&offer);
                let offer = Pii(offer);
                post.media(self.id, MediaRequest::CreateAnswer { offer });
            }
            None => {
                self.acknowledge(post, None);
                self.fail(post, response.status, "no offer came");
                self.bye(post);
            }
        }
    }

    /// Sends the ACK that waits for our answer, with it or without.
    pub fn acknowledge(&mut self, post: &mut Post, answer: Option<Vec<u8>>) {
        if let (Some(ack), Some(dialog)) = (self.ack.take(), &self.dialog) {
            let ack = match answer {
                Some(sdp) => ack.with_body(SDP, sdp),
                None => *ack,
            };
            post.acknowledge_late(dialog.id(), ack);
        }
    }

    /// The driver has taken the answer, or made ours.
    pub fn applied(&mut self, post: &mut Post, reply: MediaReply) {
        let reply = match reply {
            MediaReply::Local(sdp) if self.ack.is_some() => {
                self.acknowledge(post, Some(sdp.into_inner()));
                MediaReply::Applied
            }
            reply => {
                self.acknowledge(post, None);
                reply
            }
        };
        match reply {
            MediaReply::Applied | MediaReply::Local(_) => {
                self.talk(post);
                self.modify_next(post);
            }
            MediaReply::Failed => {
                self.fail(post, 488, "answer cannot be used");
                self.bye(post);
            }
        }
    }
}
