//! Being called (RFC 3261 §13.3): an INVITE, alerting, the answer until its ACK; and re-INVITEs (§14.2).

use super::call::{Call, Phase};
use super::event::{By, CallId, CallState, Direction, End, Event, Outcome};
use super::flow::{FlowId, SEVERAL};
use super::identity::SDP;
use super::io::{MediaReply, MediaRequest, Output};
use super::outcome;
use super::post::{Post, sdp_of, wake_of};
use super::reliable::Reliable;
use super::session_timer::{self, SessionTimer};
use super::{about, respond, sdp};
use crate::dialog::{AnsweredAction, AnsweredInvite, Dialog};
use crate::pii::Pii;
use crate::time::{Duration, Time};
use crate::transaction::{ServerInvite, ServerKey, Transport};
use crate::wire::{HeaderName, Method, Request, Response};
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};

/// So long rings a call whose flow is gone while another one carries what we say of it.
const MOVED: Duration = Duration::from_secs(30);

/// An INVITE that was asked of us.
#[derive(Debug)]
pub struct Asked {
    transaction: ServerInvite,
    /// The flow that it came on, or the one that has taken its place.
    flow: FlowId,
    /// It came on another one. Nobody could take it back on this one: it rings no longer than until then.
    moved: Option<Time>,
    tag: String,
    /// The other side's offer; none when it wants ours.
    offer: Option<Vec<u8>>,
    answered: Option<AnsweredInvite>,
    alerted: bool,
    reliable: Option<Reliable>,
}

/// An incoming call without a flow.
#[derive(Debug)]
pub struct Orphan {
    /// It is not waited for longer than this.
    pub until: Time,
    call_id: String,
    from_tag: String,
    offer: Option<Vec<u8>>,
    alerted: bool,
    /// The user has taken it; the driver's answer comes.
    answering: bool,
    /// The driver's answer.
    answer: Option<MediaReply>,
}

impl Asked {
    /// An INVITE arrived. It is answered by 100 at once, not after the 200 ms of RFC 3261 §17.2.1: a page that is still
    /// loading shows life with it, and the edge abandons one that shows none.
    pub fn new(post: &mut Post, request: Request) -> Self {
        let offer = sdp_of(&request.headers, &request.body);
        let promised = post.promised.take();
        let tag = promised.unwrap_or_else(|| post.entropy.tag());
        let trying = Response::for_request(&request, 100, "");
        let transaction = ServerInvite::start(request, Transport::Reliable, post.now);
        let mut asked = Self {
            transaction,
            flow: post.here,
            moved: None,
            tag,
            offer,
            answered: None,
            alerted: false,
            reliable: None,
        };
        asked.respond(post, trying);
        asked
    }

    fn request(&self) -> &Request {
        self.transaction.request()
    }

    /// Is this its transaction?
    pub fn owns(&self, key: &ServerKey) -> bool {
        ServerKey::of(self.request()).as_ref() == Ok(key)
    }

    /// The INVITE arrived again.
    pub fn again(&mut self, post: &mut Post, request: Request) {
        let actions = self.transaction.receive(request, post.now);
        post.serve(self.flow, actions);
    }

    fn respond(&mut self, post: &mut Post, response: Response) {
        let actions = self.transaction.respond(response, post.now);
        post.serve(self.flow, actions);
    }

    /// Refuses it.
    pub fn refuse(self, post: &mut Post, status: u16) {
        let response = Response::for_request(self.request(), status, "");
        self.refuse_with(post, response);
    }

    /// Refuses it in these words.
    pub fn refuse_with(mut self, post: &mut Post, response: Response) {
        let response = response.with_to_tag(&self.tag);
        self.respond(post, response);
        post.let_refused_go(self.transaction);
    }

    /// Says that it rings, once; reliably to whoever insists, or can and we want it.
    fn ring(&mut self, post: &mut Post) {
        if core::mem::replace(&mut self.alerted, true) {
            return;
        }
        let ringing = post.me.in_dialog(self.request(), 180, &self.tag);
        let headers = &self.request().headers;
        let reliable = headers.has_token(HeaderName::Require, "100rel")
            || (post.policy.reliable && headers.has_token(HeaderName::Supported, "100rel"));
        if reliable {
            let reliable = Reliable::start(ringing, post.entropy.u32(), post.now);
            let ringing = reliable.response().clone();
            self.reliable = Some(reliable);
            self.respond(post, ringing);
        } else {
            self.respond(post, ringing);
        }
    }

    /// The PRACK of our ringing?
    pub fn pracked(&mut self, prack: &Request) -> bool {
        self.reliable.as_mut().is_some_and(|r| r.acknowledge(prack))
    }

    fn accept(&mut self, post: &mut Post, sdp: Vec<u8>) -> Option<SessionTimer> {
        if let Some(reliable) = &mut self.reliable {
            reliable.stop();
        }
        let timer = SessionTimer::of_request(self.request(), post.now);
        let mut response = post
            .me
            .in_dialog(self.request(), 200, &self.tag)
            .with_body(SDP, sdp);
        if let Some(timer) = timer {
            response = timer.write(self.request(), response);
        }
        let cseq = self.request().headers.cseq().map_or(0, |c| c.number);
        self.answered = Some(AnsweredInvite::start(response.clone(), cseq, post.now));
        self.respond(post, response);
        timer
    }

    /// The ACK of our 2xx?
    pub fn acknowledged(&mut self, cseq: u32) -> bool {
        self.answered.as_mut().is_some_and(|a| a.acknowledge(cseq))
    }

    /// Our 2xx is on its way.
    pub const fn is_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// We made the offer, so the ACK has the answer.
    pub const fn awaits_answer(&self) -> bool {
        self.offer.is_none()
    }

    /// What the driver has to make.
    pub fn media_request(&self) -> MediaRequest {
        match &self.offer {
            Some(offer) => MediaRequest::CreateAnswer {
                offer: Pii(offer.clone()),
            },
            None => MediaRequest::CreateOffer,
        }
    }

    /// Its flow is gone, and another one carries its answers from now on. False if none is, or it had another one.
    pub fn move_from(&mut self, lost: FlowId, post: &Post) -> bool {
        if SEVERAL && self.flow == lost && post.registered() {
            (self.flow, self.moved) = (post.best(), Some(post.now + MOVED));
        }
        self.flow != lost
    }

    /// Whoever has sent it may not know that its flow is gone: it has rung long enough for nobody.
    pub fn rings_for_nobody(&self, now: Time) -> bool {
        SEVERAL && self.moved.is_some_and(|until| until <= now)
    }

    /// The 2xx, once more: it may be lost with its flow.
    pub fn answer_again(&self, post: &mut Post) {
        if let Some(answered) = &self.answered {
            post.send_on(post.best(), answered.response().clone());
        }
    }

    /// Its flow is gone.
    pub fn orphan(self, until: Time, answering: bool) -> Orphan {
        let headers = &self.request().headers;
        Orphan {
            until,
            call_id: headers.call_id().unwrap_or_default().to_owned(),
            from_tag: from_tag(self.request()),
            alerted: self.alerted,
            answering,
            answer: None,
            offer: self.offer,
        }
    }

    /// When [`Asked::timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        let answered = self.answered.as_ref().and_then(AnsweredInvite::deadline);
        let reliable = self.reliable.as_ref().and_then(Reliable::deadline);
        self.transaction
            .deadline()
            .into_iter()
            .chain(answered)
            .chain(reliable)
            .chain(self.moved.filter(|_| SEVERAL && self.answered.is_none()))
            .min()
    }

    /// Time has passed; true when no ACK or PRACK came in the end.
    pub fn timeout(&mut self, post: &mut Post) -> bool {
        let actions = self.transaction.timeout(post.now);
        post.serve(self.flow, actions);
        match self.reliable.as_mut().map(|r| r.timeout(post.now)) {
            Some(Ok(Some(ringing))) => self.respond(post, ringing),
            Some(Err(())) => return true,
            _ => {}
        }
        match self.answered.as_mut().and_then(|a| a.timeout(post.now)) {
            Some(AnsweredAction::Send(response)) => {
                self.respond(post, response);
                false
            }
            Some(AnsweredAction::AckMissing) => true,
            None => false,
        }
    }
}

impl Call {
    /// Someone calls. An INVITE that makes no dialog is refused and is no call.
    pub fn asked(post: &mut Post, id: CallId, request: Request) -> Option<Self> {
        let remote = about::caller(&request.headers);
        let (wake, _) = wake_of(&request.headers);
        let about = about::about(&request.headers);
        let asked = Asked::new(post, request);
        let dialog = match Dialog::uas(asked.request(), &asked.tag) {
            Ok(dialog) => dialog,
            Err(error) => {
                asked.refuse(post, error.status());
                return None;
            }
        };
        let mut call = Self::new(id, Direction::In, remote, CallState::Incoming, Phase::Over);
        call.flow = asked.flow;
        call.view.wake = wake;
        call.view.about = Some(Box::new(about));
        call.view.video = asked.offer.as_deref().is_some_and(sdp::shows);
        call.session = post.policy.session;
        call.learn(&asked.request().headers);
        call.dialog = Some(dialog);
        call.phase = Phase::Waiting(Box::new(asked));
        Some(call)
    }

    /// The INVITE of a call that lost its flow, on another one? Then it goes on where it was: one ring.
    pub fn is_same_call(&self, request: &Request) -> bool {
        match &self.phase {
            Phase::Orphaned(orphan) => {
                request.headers.call_id() == Ok(orphan.call_id.as_str())
                    && from_tag(request) == orphan.from_tag
            }
            Phase::Waiting(asked) | Phase::Answering(asked) if SEVERAL => {
                asked.moved.is_some() && self.is_merged_with(request)
            }
            _ => false,
        }
    }

    /// Takes that INVITE.
    pub fn adopt(&mut self, post: &mut Post, request: Request) {
        // Nobody hears an answer to the one that was moved from its flow.
        if SEVERAL {
            self.orphaned(post.now);
        }
        let Phase::Orphaned(orphan) = core::mem::replace(&mut self.phase, Phase::Over) else {
            return;
        };
        let asked = Box::new(Asked::new(post, request));
        self.flow = asked.flow;
        self.dialog = Dialog::uas(asked.request(), &asked.tag).ok();
        let same_offer = asked.offer == orphan.offer;
        self.phase = Phase::Waiting(asked);
        if orphan.alerted {
            self.alert(post);
        }
        match orphan.answer {
            Some(answer) if same_offer => {
                self.take(Phase::Answering);
                self.media(post, answer);
            }
            // Still under way.
            None if same_offer && orphan.answering => self.take(Phase::Answering),
            _ if orphan.answering => self.answer(post),
            _ => {}
        }
    }

    /// It waits for its INVITE on another flow.
    pub fn orphaned(&mut self, until: Time) {
        self.phase = match core::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Waiting(asked) => {
                self.dialog = None;
                Phase::Orphaned(Box::new(asked.orphan(until, false)))
            }
            Phase::Answering(asked) => {
                self.dialog = None;
                Phase::Orphaned(Box::new(asked.orphan(until, true)))
            }
            phase => phase,
        };
    }

    fn take(&mut self, next: fn(Box<Asked>) -> Phase) {
        match core::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Waiting(asked) => self.phase = next(asked),
            phase => self.phase = phase,
        }
    }

    /// The screen is up: the caller may hear it ring.
    pub fn alert(&mut self, post: &mut Post) {
        if let Phase::Waiting(asked) = &mut self.phase {
            asked.ring(post);
        }
    }

    /// The user takes it.
    pub fn answer(&mut self, post: &mut Post) {
        match &mut self.phase {
            Phase::Waiting(asked) => {
                // Its user wants it: it waits for the answer only.
                asked.moved = asked.moved.map(|_| Time(u64::MAX));
                let request = asked.media_request();
                post.media(self.id, request);
                self.view.state = CallState::Connecting;
                self.take(Phase::Answering);
            }
            Phase::Orphaned(orphan) if !orphan.answering => {
                orphan.answering = true;
                self.view.state = CallState::Connecting;
                let offer = orphan.offer.clone();
                let request = offer.map_or(MediaRequest::CreateOffer, |o| {
                    MediaRequest::CreateAnswer { offer: Pii(o) }
                });
                post.media(self.id, request);
            }
            _ => {}
        }
    }

    /// The user declines it.
    pub fn reject(&mut self, post: &mut Post) {
        if matches!(
            self.phase,
            Phase::Waiting(_) | Phase::Answering(_) | Phase::Orphaned(_)
        ) {
            let end = End {
                outcome: Outcome::Declined,
                status: 603,
                reason: String::new(),
                by: By::Local,
            };
            if let Phase::Waiting(asked) | Phase::Answering(asked) = self.over(post, end) {
                asked.refuse(post, 603);
            }
            self.dialog = None;
        }
    }

    /// The driver has made an answer, or could not.
    pub fn answer_made(&mut self, post: &mut Post, mut asked: Box<Asked>, reply: MediaReply) {
        match reply {
            MediaReply::Local(sdp) => {
                self.timer = asked.accept(post, sdp.into_inner());
                if let Some(offer) = &asked.offer {
                    self.heard(offer);
                }
                if let Some(dialog) = &mut self.dialog {
                    dialog.confirm();
                }
                self.view.answered_at = Some(post.now);
                self.phase = Phase::Accepted(asked);
            }
            MediaReply::Applied | MediaReply::Failed => {
                // The user may allow the microphone and take it yet.
                self.view.state = CallState::Incoming;
                self.phase = Phase::Waiting(asked);
                post.media(self.id, MediaRequest::Release);
                post.out
                    .push_back(Output::Event(Event::AnswerFailed(self.id)));
            }
        }
    }

    /// The driver's answer to a call whose flow was lost meanwhile is kept for the next one.
    pub fn keep_answer(&mut self, reply: &MediaReply) -> bool {
        match &mut self.phase {
            Phase::Orphaned(orphan) if orphan.answering => {
                orphan.answer = Some(reply.clone());
                true
            }
            _ => false,
        }
    }

    /// The INVITE behind this CANCEL?
    pub fn is_asked_by(&self, key: &ServerKey) -> bool {
        let first = match &self.phase {
            Phase::Waiting(asked) | Phase::Answering(asked) | Phase::Accepted(asked) => {
                asked.owns(key)
            }
            _ => false,
        };
        first || self.refresh.as_ref().is_some_and(|r| r.owns(key))
    }

    /// The INVITE came again.
    pub fn asked_again(&mut self, post: &mut Post, key: &ServerKey, request: Request) {
        if let Some(refresh) = self.refresh.as_mut().filter(|r| r.owns(key)) {
            refresh.again(post, request);
        } else if let Phase::Waiting(asked) | Phase::Answering(asked) | Phase::Accepted(asked) =
            &mut self.phase
        {
            asked.again(post, request);
        }
    }

    /// The same request by another path (RFC 3261 §8.2.2.2).
    pub fn is_merged_with(&self, request: &Request) -> bool {
        match &self.phase {
            Phase::Waiting(asked) | Phase::Answering(asked) | Phase::Accepted(asked) => {
                let (ours, theirs) = (&asked.request().headers, &request.headers);
                ours.call_id() == theirs.call_id()
                    && ours.get(HeaderName::CSeq) == theirs.get(HeaderName::CSeq)
                    && from_tag(asked.request()) == from_tag(request)
            }
            _ => false,
        }
    }

    /// The caller took it back. A CANCEL that crosses our final answer changes nothing (RFC 3261 §9.2).
    pub fn cancelled(&mut self, post: &mut Post, key: &ServerKey, cancel: &Request) {
        if self
            .refresh
            .as_ref()
            .is_some_and(|r| r.owns(key) && r.answered.is_none())
        {
            // The driver's answer finds nobody; the session stays as it was.
            if let Some(refresh) = self.refresh.take() {
                refresh.refuse(post, 487);
                self.called_off = true;
                post.media(self.id, MediaRequest::Rollback);
            }
            return;
        }
        if matches!(self.phase, Phase::Waiting(_) | Phase::Answering(_)) {
            let end = outcome::of_cancel(&cancel.headers);
            if let Phase::Waiting(asked) | Phase::Answering(asked) = self.over(post, end) {
                asked.refuse(post, 487);
            }
            self.dialog = None;
        }
    }

    /// A re-INVITE: one at a time (RFC 3261 §14.2).
    pub fn refresh_asked(&mut self, post: &mut Post, request: Request) {
        let busy = self.is_changing(&request);
        self.learn(&request.headers);
        let asked = Asked::new(post, request);
        if let Some(refusal) = busy {
            asked.refuse_with(post, refusal);
            return;
        }
        self.path_offered(post.now);
        post.media(self.id, asked.media_request());
        self.refresh = Some(Box::new(asked));
    }

    /// An UPDATE (RFC 3311 §5.2): with an offer it is a re-INVITE without an ACK, without one it renews the timer.
    pub fn update_asked(&mut self, post: &mut Post, request: Request) {
        self.learn(&request.headers);
        let offer = sdp_of(&request.headers, &request.body);
        if let Some(refusal) = self.is_changing(&request).filter(|_| offer.is_some()) {
            post.send(refusal);
            return;
        }
        match offer {
            Some(offer) => {
                let offer = Pii(offer);
                self.path_offered(post.now);
                post.media(self.id, MediaRequest::CreateAnswer { offer });
                self.update = Some(Box::new(request));
            }
            None if session_timer::is_too_short(&request) => {
                post.send(respond::too_short(&request));
            }
            None if request.body.is_empty() => self.update_done(post, &request, None),
            None => post.send(respond::only_sdp(&request)),
        }
    }

    /// Why a new offer cannot be taken now.
    fn is_changing(&self, request: &Request) -> Option<Response> {
        if session_timer::is_too_short(request) {
            return Some(respond::too_short(request));
        }
        if !request.body.is_empty() && sdp_of(&request.headers, &request.body).is_none() {
            return Some(respond::only_sdp(request));
        }
        let taken =
            self.refresh.is_some() || self.update.is_some() || self.late_answer || self.called_off;
        let status = match &self.phase {
            // Its answer came early (RFC 3262 §5), and stays until the call is answered: no driver takes another offer before.
            Phase::Inviting(invite)
                if invite.early.is_agreed() && request.method == Method::Update =>
            {
                488
            }
            Phase::Inviting(_) | Phase::Applying => 491,
            _ if self.modify.is_busy() => 491,
            Phase::Talking | Phase::Accepted(_) if !taken => return None,
            _ => 500,
        };
        let refusal = Response::for_request(request, status, "");
        Some(match status {
            500 => refusal.with(HeaderName::RetryAfter, "2"),
            _ => refusal,
        })
    }

    fn update_done(&mut self, post: &mut Post, request: &Request, answer: Option<Vec<u8>>) {
        let timer = SessionTimer::of_request(request, post.now);
        let mut response = post.me.in_dialog(request, 200, "");
        if let Some(timer) = timer {
            response = timer.write(request, response);
        }
        if timer.is_some() || answer.is_some() {
            self.timer = timer;
        }
        if let Some(answer) = answer {
            response = response.with_body(SDP, answer);
        }
        post.send_on(self.flow, response);
    }

    /// The driver has answered a re-INVITE or an UPDATE.
    pub fn refreshed(&mut self, post: &mut Post, reply: MediaReply) {
        if let Some(update) = self.update.take() {
            match reply {
                MediaReply::Local(sdp) => {
                    self.heard(&update.body);
                    self.update_done(post, &update, Some(sdp.into_inner()));
                }
                MediaReply::Applied | MediaReply::Failed => {
                    post.send_on(self.flow, Response::for_request(&update, 488, ""));
                }
            }
            return;
        }
        let Some(mut asked) = self.refresh.take() else {
            return;
        };
        match reply {
            MediaReply::Local(sdp) => {
                self.timer = asked.accept(post, sdp.into_inner());
                if let Some(offer) = &asked.offer {
                    self.heard(offer);
                }
                self.refresh = Some(asked);
            }
            // The session stays as it was.
            MediaReply::Applied | MediaReply::Failed => asked.refuse(post, 488),
        }
    }
}

fn from_tag(request: &Request) -> String {
    request
        .headers
        .from()
        .ok()
        .and_then(|f| f.tag().map(str::to_owned))
        .unwrap_or_default()
}
