//! One call. How it begins is in [`outgoing`](super::outgoing) and [`incoming`](super::incoming); here is what both have.

use super::event::{By, CallId, CallState, CallView, Direction, End, Event, Outcome, Party};
use super::io::{MediaReply, MediaRequest, Output};
use super::post::{Invite, Post, sdp_of};
use super::{incoming::Asked, incoming::Orphan, outcome};
use crate::dialog::{Dialog, DialogId};
use crate::pii::Pii;
use crate::time::Time;
use crate::wire::{Method, NameAddr, Request, Response, Uri};

/// Where a call stands on the wire.
///
/// ```text
/// out: Offering → Parked → Inviting → Applying → Talking → Over
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
    /// A re-INVITE of the other side that is being answered.
    pub refresh: Option<Box<Asked>>,
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
            answered_at: None,
            end: None,
        };
        Self {
            id,
            view,
            shown: None,
            phase,
            dialog: None,
            refresh: None,
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
        self.view.end = Some(end);
        self.refresh = None;
        std::mem::replace(&mut self.phase, Phase::Over)
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
            (Phase::Offering(_) | Phase::Parked(..) | Phase::Inviting(_), _) => Outcome::Cancelled,
        };
        let end = End {
            outcome,
            status: 0,
            reason: failure.unwrap_or_default().to_owned(),
            by: By::Local,
        };
        match self.over(post, end) {
            Phase::Inviting(invite) => invite.cancel(post, None),
            Phase::Waiting(asked) | Phase::Answering(asked) => asked.refuse(post, 603),
            Phase::Accepted(asked) => self.bye_after_ack(post, *asked),
            Phase::Applying | Phase::Talking => self.bye(post),
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
        if self.refresh.is_some() {
            self.refreshed(post, reply);
            return;
        }
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Offering(to) => self.offered(post, to, reply),
            Phase::Applying => self.applied(post, reply),
            Phase::Answering(asked) => self.answer_made(post, asked, reply),
            // Its answer to an INVITE without an offer was taken, or was not: the sound will tell.
            phase => self.phase = phase,
        }
    }

    /// A request inside of the dialog, but neither ACK nor CANCEL.
    pub fn request(&mut self, post: &mut Post, request: Request) {
        let refused = match &mut self.dialog {
            Some(dialog) => dialog.request_received(&request).err().map(|e| e.status()),
            None => Some(481),
        };
        if let Some(status) = refused {
            post.send(Response::for_request(&request, status, ""));
            return;
        }
        match request.method {
            Method::Bye => {
                post.send(Response::for_request(&request, 200, ""));
                self.dialog = None;
                let end = outcome::of_bye(&request.headers);
                match self.over(post, end) {
                    // A caller may end an early dialog by BYE; its INVITE still wants an answer (RFC 3261 §15.1.2).
                    Phase::Waiting(asked) | Phase::Answering(asked) => asked.refuse(post, 487),
                    _ => {}
                }
            }
            Method::Invite => self.refresh_asked(post, request),
            Method::Options => {
                let response = super::respond::options(post, &request);
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

    /// An ACK inside of the dialog.
    pub fn acknowledged(&mut self, post: &mut Post, ack: &Request) {
        let number = ack.headers.cseq().map_or(0, |c| c.number);
        if let Some(refresh) = &mut self.refresh
            && refresh.acknowledged(number)
        {
            let late = refresh.awaits_answer();
            self.refresh = None;
            if late && let Some(answer) = sdp_of(&ack.headers, &ack.body) {
                post.media(
                    self.id,
                    MediaRequest::ApplyAnswer {
                        answer: Pii(answer),
                    },
                );
            }
            return;
        }
        if let Phase::Accepted(asked) = &mut self.phase
            && asked.acknowledged(number)
        {
            let late = asked.awaits_answer();
            self.talk(post);
            if late {
                match sdp_of(&ack.headers, &ack.body) {
                    Some(answer) => post.media(
                        self.id,
                        MediaRequest::ApplyAnswer {
                            answer: Pii(answer),
                        },
                    ),
                    None => self.end_locally(post, Some("caller sent no answer")),
                }
            }
        }
    }

    /// The flow is gone. A call that is answered goes on: its sound has a path of its own.
    pub fn flow_lost(&mut self, post: &mut Post, patience: Time) {
        self.refresh = None;
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Inviting(_) => {
                let end = End {
                    outcome: Outcome::Failed,
                    status: 0,
                    reason: "connection lost".to_owned(),
                    by: By::Local,
                };
                self.over(post, end);
            }
            Phase::Waiting(asked) => {
                self.dialog = None;
                self.phase = Phase::Orphaned(Box::new(asked.orphan(patience, false)));
            }
            Phase::Answering(asked) => {
                self.dialog = None;
                self.phase = Phase::Orphaned(Box::new(asked.orphan(patience, true)));
            }
            // Whether the 2xx arrived will show: the edge ends what it does not know.
            Phase::Accepted(_) => self.talk(post),
            phase => self.phase = phase,
        }
    }

    /// This side came back on a new flow: does its call still stand?
    pub fn probe(&mut self, post: &mut Post) {
        if let (Phase::Talking, Some(dialog)) = (&self.phase, &mut self.dialog) {
            post.probe(self.id, dialog);
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
            Phase::Parked(_, _, at) => Some(*at),
            Phase::Inviting(invite) => invite.transaction.deadline(),
            Phase::Waiting(asked) | Phase::Answering(asked) | Phase::Accepted(asked) => {
                asked.deadline()
            }
            Phase::Orphaned(orphan) => Some(orphan.until),
            Phase::Offering(_) | Phase::Applying | Phase::Talking | Phase::Over => None,
        };
        let refresh = self.refresh.as_ref().and_then(|r| r.deadline());
        own.into_iter().chain(refresh).min()
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
        match &mut self.phase {
            Phase::Parked(..) => self.fail(post, 0, "not registered"),
            Phase::Inviting(_) => self.invite_timeout(post),
            Phase::Waiting(asked) | Phase::Answering(asked) | Phase::Accepted(asked) => {
                if asked.timeout(post) {
                    self.end_locally(post, Some("no ACK"));
                }
            }
            Phase::Orphaned(_) => {
                let reason = "caller's connection lost".to_owned();
                let end = End {
                    outcome: Outcome::Cancelled,
                    status: 0,
                    reason,
                    by: By::Remote,
                };
                self.over(post, end);
            }
            Phase::Offering(_) | Phase::Applying | Phase::Talking | Phase::Over => {}
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
