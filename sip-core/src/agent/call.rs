//! One call. How it begins is in [`outgoing`](super::outgoing) and [`incoming`](super::incoming); here is what both have.

use super::event::{By, CallId, CallState, CallView, Direction, End, Event, Outcome, Party};
use super::flow::FlowId;
use super::info::Digits;
use super::invite::Invite;
use super::io::{MediaReply, MediaRequest, Output};
use super::modify::Modify;
use super::path::Broken;
use super::post::{Ask, Post, Reply, sdp_of};
use super::record::{self, Recorder};
use super::session_timer::SessionTimer;
use super::transfer::{Referred, Transfer};
use super::trickle::{self, Trickle};
use super::{incoming::Asked, incoming::Orphan, outcome};
use crate::dialog::{Dialog, DialogId};
use crate::pii::Pii;
use crate::time::Time;
use crate::wire::{HeaderName, Headers, Method, NameAddr, Request, Response, Uri};
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};

/// Where a call stands on the wire.
///
/// ```text
/// out: Offering → Parked → Inviting → Applying → Talking → Over
///                             ↕ flow lost
///                          Stranded
/// in:  Waiting → Answering → Accepted → Talking → Over
///         ↕ flow lost
///      Orphaned
/// ```
#[derive(Debug)]
pub enum Phase {
    /// Out: the driver makes an offer.
    Offering(Uri),
    /// Out: the offer waits for a registration until then.
    Parked(Uri, Vec<u8>, Time),
    /// Out: the INVITE is under way.
    Inviting(Box<Invite>),
    /// Out: its flow is gone; the INVITE goes out again on the next one, if that comes by then.
    Stranded(Box<Request>, Time),
    /// Out: answered; the driver takes the answer.
    Applying,
    /// In: waits for the user.
    Waiting(Box<Asked>),
    /// In: the user wants it; the driver makes an answer.
    Answering(Box<Asked>),
    /// In: the 2xx waits for its ACK.
    Accepted(Box<Asked>),
    /// In: its flow is gone; the INVITE is expected on another one.
    Orphaned(Box<Orphan>),
    /// Both sides have agreed.
    Talking,
    /// Over.
    Over,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// What the page may show.
    pub view: CallView,
    /// What it was shown last.
    shown: Option<CallView>,
    /// Where it stands.
    pub phase: Phase,
    /// The dialog, once there is one.
    pub dialog: Option<Dialog>,
    /// The flow on which the other side finds us.
    pub flow: FlowId,
    /// A re-INVITE of the other side that is being answered.
    pub refresh: Option<Box<Asked>>,
    /// An UPDATE of the other side that is being answered.
    pub update: Option<Box<Request>>,
    /// What this side wants to change.
    pub modify: Modify,
    /// The path of its media does not carry.
    pub broken: Option<Broken>,
    /// The session timer, where one was agreed on.
    pub timer: Option<SessionTimer>,
    /// The interval that this side asks for, in seconds; 0 for none.
    pub session: u32,
    /// The other side takes UPDATE.
    pub allows_update: bool,
    /// The driver takes an answer that came with an ACK.
    pub late_answer: bool,
    /// Out: the other side makes the offer.
    pub without_offer: bool,
    /// The ACK that waits for our answer.
    pub ack: Option<Box<Request>>,
    /// The driver's next reply is for something that was called off.
    pub called_off: bool,
    /// Digits on their way.
    pub digits: Digits,
    /// What is said of recordings.
    pub recorder: Recorder,
    /// Candidates that come apart from descriptions.
    pub trickle: Trickle,
    /// A transfer that this side asked for.
    pub transfer: Option<Transfer>,
    /// The call in which this one was asked for.
    pub referred: Option<Referred>,
    /// A REFER of the other side was followed.
    pub has_referred: bool,
    /// The call that ends when this one is answered (RFC 3891).
    pub takes: Option<CallId>,
    /// Headers of the agent's own.
    pub more: Vec<(HeaderName, String)>,
    /// Headers of the page's own.
    pub headers: Vec<(String, String)>,
    /// Where a redirected call has been.
    pub tried: Vec<Uri>,
}

impl Call {
    /// A call that has just begun.
    pub fn new(
        id: CallId,
        direction: Direction,
        remote: Party,
        state: CallState,
        phase: Phase,
    ) -> Self {
        let view = CallView {
            wake: None,
            direction,
            remote,
            state,
            stage: None,
            held: false,
            remote_held: false,
            video: false,
            recorded: false,
            recording_told: false,
            early: false,
            replaces: None,
            about: None,
            answered_at: None,
            lost: false,
            end: None,
        };
        Self {
            id,
            view,
            shown: None,
            phase,
            dialog: None,
            flow: FlowId::FIRST,
            refresh: None,
            update: None,
            modify: Modify::default(),
            broken: None,
            timer: None,
            session: 0,
            allows_update: false,
            late_answer: false,
            without_offer: false,
            ack: None,
            called_off: false,
            digits: Digits::default(),
            recorder: Recorder::default(),
            trickle: Trickle::default(),
            transfer: None,
            referred: None,
            has_referred: false,
            takes: None,
            more: Vec::new(),
            headers: Vec::new(),
            tried: Vec::new(),
        }
    }

    /// We made the call, and its Call-ID.
    pub fn is_ours(&self) -> bool {
        self.view.direction == Direction::Out
    }

    /// What the other side takes.
    pub fn learn(&mut self, headers: &Headers) {
        if headers.has(HeaderName::Allow) {
            self.allows_update = headers.has_token(HeaderName::Allow, "UPDATE");
        }
        if headers.has(HeaderName::Supported) {
            self.recorder.aware = headers.has_token(HeaderName::Supported, record::AWARE);
            self.trickle.taken = Some(trickle::takes(headers));
        }
    }

    /// It is over.
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// The dialog's id, once there is one.
    pub fn dialog_id(&self) -> Option<&DialogId> {
        self.dialog.as_ref().map(Dialog::id)
    }

    /// The dialog with this id: this one, or an early one of our INVITE.
    pub fn dialog_of(&mut self, id: &DialogId) -> Option<&mut Dialog> {
        match &mut self.phase {
            Phase::Inviting(invite) => invite.early.dialog(id),
            _ => self.dialog.as_mut().filter(|d| d.id() == id),
        }
    }

    /// Tells the page if there is news.
    pub fn show(&mut self, post: &mut Post) {
        if self.shown.as_ref() == Some(&self.view) {
            return;
        }
        let first = self.shown.is_none() && self.view.state == CallState::Incoming;
        let view = self.view.clone();
        self.shown = Some(view.clone());
        let event = if first {
            Event::Incoming(self.id, view)
        } else {
            Event::Call(self.id, view)
        };
        post.out.push_back(Output::Event(event));
    }

    /// Ends it for the page and lets its media go. What is left on the wire is the caller's business.
    pub fn over(&mut self, post: &mut Post, end: End) -> Phase {
        post.media(self.id, MediaRequest::Release);
        self.view.state = CallState::Ended;
        self.view.stage = None;
        self.view.lost = false;
        self.view.end = Some(end);
        // Whoever has asked for a change hears that nothing comes of it (RFC 3261 §15.1.2).
        if let Some(refresh) = self.refresh.take().filter(|r| !r.is_answered()) {
            refresh.refuse(post, 487);
        }
        core::mem::take(&mut self.modify).leave(post, self.dialog.as_ref());
        self.broken = None;
        self.transfer = None;
        if let Some(update) = self.update.take() {
            post.send_on(self.flow, Response::for_request(&update, 487, ""));
        }
        core::mem::replace(&mut self.phase, Phase::Over)
    }

    /// Both sides have agreed.
    pub fn talk(&mut self, post: &Post) {
        self.phase = Phase::Talking;
        self.view.state = CallState::Active;
        self.view.answered_at.get_or_insert(post.now);
    }

    /// The user ends it.
    pub fn hang_up(&mut self, post: &mut Post) {
        self.end_locally(post, None);
    }

    /// Its media has no path.
    pub fn media_lost(&mut self, post: &mut Post) {
        self.end_locally(post, Some("no path for media"));
    }

    fn end_locally(&mut self, post: &mut Post, failure: Option<&str>) {
        let outcome = match (&self.phase, failure) {
            (Phase::Over, _) => return,
            (_, Some(_)) => Outcome::Failed,
            (Phase::Waiting(_) | Phase::Orphaned(_), _) => Outcome::Declined,
            (Phase::Applying | Phase::Accepted(_) | Phase::Talking | Phase::Answering(_), _) => {
                Outcome::HungUp
            }
            (
                Phase::Offering(_) | Phase::Parked(..) | Phase::Inviting(_) | Phase::Stranded(..),
                _,
            ) => Outcome::Cancelled,
        };
        let end = End {
            outcome,
            status: 0,
            reason: failure.unwrap_or_default().to_owned(),
            by: By::Local,
        };
        match self.over(post, end) {
            Phase::Inviting(invite) => invite.cancel(post, None),
            Phase::Waiting(asked) | Phase::Answering(asked) => {
                asked.refuse(post, if failure.is_some() { 500 } else { 603 });
            }
            Phase::Stranded(request, _) => post.take_back_later(*request),
            Phase::Accepted(asked) => self.bye_after_ack(post, *asked),
            Phase::Applying | Phase::Talking => {
                // Nobody may end what it has not acknowledged (RFC 3261 §13.2.2.4).
                self.acknowledge(post, None);
                self.bye(post);
            }
            Phase::Offering(_) | Phase::Parked(..) | Phase::Orphaned(_) | Phase::Over => {}
        }
    }

    /// A callee may not send a BYE before the ACK of its 2xx (RFC 3261 §15); over one ordered flow the ACK is under way
    /// or will never come, and the edge takes both in order.
    fn bye_after_ack(&mut self, post: &mut Post, _asked: Asked) {
        self.bye(post);
    }

    /// Ends the dialog.
    pub fn bye(&mut self, post: &mut Post) {
        if let Some(dialog) = self.dialog.take() {
            post.bye(dialog);
        }
    }

    /// The driver has done what was asked.
    pub fn media(&mut self, post: &mut Post, reply: MediaReply) {
        if core::mem::take(&mut self.called_off) {
            self.modify_next(post);
            return;
        }
        let reply = match reply {
            MediaReply::Local(sdp) => MediaReply::Local(Pii(self.marked(sdp.into_inner()))),
            reply => reply,
        };
        if core::mem::take(&mut self.late_answer) {
            match reply {
                MediaReply::Failed => self.end_locally(post, Some("answer cannot be used")),
                _ => self.modify_next(post),
            }
            return;
        }
        if self.modify.awaits_media() {
            self.modify_media(post, reply);
            return;
        }
        if self.update.is_some() || self.refresh.is_some() {
            self.refreshed(post, reply);
            self.modify_next(post);
            return;
        }
        match core::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Offering(to) => self.offered(post, to, reply),
            Phase::Applying => self.applied(post, reply),
            Phase::Answering(asked) => self.answer_made(post, asked, reply),
            // Its answer to an INVITE without an offer was taken, or was not: the sound will tell.
            phase => self.phase = phase,
        }
    }

    /// A request inside of this dialog of ours, but neither ACK nor CANCEL.
    pub fn request(&mut self, post: &mut Post, id: &DialogId, request: Request) {
        self.flow = post.here;
        // No callee may end what it has not answered (RFC 3261 §15).
        let early = matches!(self.phase, Phase::Inviting(_)) && request.method == Method::Bye;
        let refused = match self.dialog_of(id).filter(|_| !early) {
            Some(dialog) => dialog.request_received(&request).err().map(|e| e.status()),
            None => Some(481),
        };
        if let Some(status) = refused {
            post.send(Response::for_request(&request, status, ""));
            return;
        }
        // Whoever speaks is there.
        self.view.lost = false;
        match request.method {
            Method::Bye => {
                post.send(Response::for_request(&request, 200, ""));
                let end = outcome::of_bye(&request.headers);
                match self.over(post, end) {
                    // A caller may end an early dialog by BYE; its INVITE still wants an answer (RFC 3261 §15.1.2).
                    Phase::Waiting(asked) | Phase::Answering(asked) => asked.refuse(post, 487),
                    _ => {}
                }
                self.dialog = None;
            }
            Method::Invite => self.refresh_asked(post, request),
            Method::Update => self.update_asked(post, request),
            Method::Info => self.info_received(post, &request),
            Method::Notify => self.transfer_notified(post, &request),
            Method::Refer => {
                if let Some(target) = self.referred(post, request) {
                    post.referred = Some((self.id, target));
                }
            }
            Method::Prack => {
                let taken = match &mut self.phase {
                    Phase::Waiting(a) | Phase::Answering(a) | Phase::Accepted(a) => {
                        a.pracked(&request)
                    }
                    _ => false,
                };
                // An offer in a PRACK is none that we could answer before our first answer (RFC 3262 §5).
                let status = match taken {
                    true if request.body.is_empty() => 200,
                    true => 488,
                    false => 481,
                };
                post.send(Response::for_request(&request, status, ""));
            }
            Method::Options => {
                let response = super::respond::options(post, &request, 200, "");
                post.send(response);
            }
            ref method => {
                let status = super::respond::refusal(method);
                post.send(super::respond::with_allow(Response::for_request(
                    &request, status, "",
                )));
            }
        }
    }

    /// The edge's word on a call that is answered.
    pub fn told(&mut self, state: &str) {
        if matches!(self.phase, Phase::Talking | Phase::Accepted(_)) {
            self.view.lost = state == "lost";
        }
    }

    /// An ACK inside of the dialog.
    pub fn acknowledged(&mut self, post: &mut Post, ack: &Request) {
        let number = ack.headers.cseq().map_or(0, |c| c.number);
        if let Some(refresh) = &mut self.refresh
            && refresh.acknowledged(number)
        {
            let late = refresh.awaits_answer();
            self.refresh = None;
            if late {
                self.take_late_answer(post, ack);
            }
            self.modify_next(post);
            return;
        }
        if let Phase::Accepted(asked) = &mut self.phase
            && asked.acknowledged(number)
        {
            let late = asked.awaits_answer();
            self.talk(post);
            if late {
                self.take_late_answer(post, ack);
            }
            self.modify_next(post);
        }
    }

    /// The answer to an offer of ours that went with a 2xx (RFC 3261 §13.2.1).
    fn take_late_answer(&mut self, post: &mut Post, ack: &Request) {
        match sdp_of(&ack.headers, &ack.body) {
            Some(answer) => {
                self.heard(&answer);
                self.late_answer = true;
                let answer = Pii(answer);
                post.media(self.id, MediaRequest::ApplyAnswer { answer });
            }
            None => self.end_locally(post, Some("caller sent no answer")),
        }
    }

    /// What became of a request of this call.
    pub fn replied(&mut self, post: &mut Post, reply: Reply) {
        if let Some(mut again) = reply.again {
            match (&reply.ask, &mut self.phase, &mut self.dialog) {
                (Ask::Prack, Phase::Inviting(invite), _) => invite.early.renumber(&mut again),
                (_, _, Some(dialog)) => dialog.renumber(&mut again),
                _ => return,
            }
            post.start(again, super::post::Purpose::Call(self.id, reply.ask));
            return;
        }
        match reply.ask {
            Ask::Probe if reply.response.as_ref().is_some_and(|r| r.status == 481) => {
                self.gone(post);
            }
            Ask::Update => self.updated(post, reply.response.as_ref()),
            Ask::Candidates => self.trickle_answered(post, reply.response.as_ref()),
            Ask::Info => self.digit_answered(post, reply.response.as_ref()),
            Ask::Refer => self.refer_answered(post, reply.response.as_ref()),
            Ask::Probe | Ask::Prack | Ask::Notify => {}
        }
    }

    /// It was ended while this side was away.
    pub fn gone(&mut self, post: &mut Post) {
        if matches!(self.phase, Phase::Talking) {
            let reason = "ended while disconnected".to_owned();
            let end = End {
                outcome: Outcome::HungUp,
                status: 481,
                reason,
                by: By::Remote,
            };
            self.over(post, end);
            self.dialog = None;
        }
    }

    /// When [`Call::timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        let own = match &self.phase {
            Phase::Parked(_, _, at) | Phase::Stranded(_, at) => Some(*at),
            Phase::Inviting(invite) => invite.transaction.deadline(),
            Phase::Waiting(asked) | Phase::Answering(asked) | Phase::Accepted(asked) => {
                asked.deadline()
            }
            Phase::Orphaned(orphan) => Some(orphan.until),
            Phase::Offering(_) | Phase::Applying | Phase::Talking | Phase::Over => None,
        };
        let refresh = self.refresh.as_ref().and_then(|r| r.deadline());
        let timer = self.running_timer().map(|t| t.due);
        own.into_iter()
            .chain(refresh)
            .chain(timer)
            .chain(self.modify.deadline())
            .chain(self.path_deadline())
            .chain(self.transfer_deadline())
            .min()
    }

    fn running_timer(&self) -> Option<SessionTimer> {
        self.timer.filter(|_| matches!(self.phase, Phase::Talking))
    }

    /// Time has passed; does nothing before the deadline.
    pub fn timeout(&mut self, post: &mut Post) {
        if self.deadline().is_none_or(|at| post.now < at) {
            return;
        }
        if let Some(refresh) = &mut self.refresh
            && refresh.timeout(post)
        {
            self.refresh = None;
            self.end_locally(post, Some("no ACK"));
            return;
        }
        if let Some(timer) = self.running_timer().filter(|t| t.due <= post.now) {
            if timer.ends <= post.now {
                self.fail(post, 408, "session expired");
                self.bye(post);
                return;
            }
            self.timer = Some(SessionTimer {
                due: timer.ends,
                ..timer
            });
            self.refresh_session(post);
        }
        self.path_timeout(post);
        self.modify_timeout(post);
        self.transfer_timeout(post);
        match &mut self.phase {
            Phase::Parked(..) => self.fail(post, 0, "not registered"),
            Phase::Inviting(_) => self.invite_timeout(post),
            Phase::Stranded(..) => {
                let end = End {
                    outcome: Outcome::Lost,
                    status: 0,
                    reason: "connection lost".to_owned(),
                    by: By::Local,
                };
                if let Phase::Stranded(request, _) = self.over(post, end) {
                    post.take_back_later(*request);
                }
            }
            Phase::Waiting(asked) if asked.rings_for_nobody(post.now) => {
                self.caller_lost(post);
            }
            Phase::Waiting(asked) | Phase::Answering(asked) | Phase::Accepted(asked) => {
                if asked.timeout(post) {
                    self.end_locally(post, Some("no ACK"));
                }
            }
            Phase::Orphaned(_) => self.caller_lost(post),
            Phase::Offering(_) | Phase::Applying | Phase::Talking | Phase::Over => {}
        }
    }

    /// Nobody will hear whether it is taken.
    fn caller_lost(&mut self, post: &mut Post) {
        let reason = "caller's connection lost".to_owned();
        let end = End {
            outcome: Outcome::Cancelled,
            status: 0,
            reason,
            by: By::Remote,
        };
        if let Phase::Waiting(asked) = self.over(post, end) {
            asked.refuse(post, 480);
        }
    }

    /// Ends it as failed on our side.
    pub fn fail(&mut self, post: &mut Post, status: u16, reason: &str) {
        let end = End {
            outcome: Outcome::Failed,
            status,
            reason: reason.to_owned(),
            by: By::Local,
        };
        self.over(post, end);
    }
}

/// The other side as the page may show it.
pub fn party(address: &NameAddr) -> Party {
    Party {
        number: Pii(address.uri.username().unwrap_or_default().into_owned()),
        display_name: Pii(address.display.clone().unwrap_or_default()),
    }
}
