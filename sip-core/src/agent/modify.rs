//! Changing a session that stands: hold, resume, refresh. By re-INVITE (RFC 3261 §14.1), or by UPDATE where nothing but
//! the timer is to be renewed (RFC 3311, RFC 4028). Two sides that ask at once both step back and try again.

use super::call::{Call, Phase};
use super::event::{By, End, Event, Outcome, Wish};
use super::flow::FlowId;
use super::identity::SDP;
use super::invite::{Invite, InviteNews};
use super::io::{MediaReply, MediaRequest, Output};
use super::post::{Ask, Post, Purpose, of, sdp_of};
use super::sdp;
use super::session_timer::{self, SessionTimer};
use crate::dialog::Dialog;
use crate::pii::Pii;
use crate::time::{Duration, Time};
use crate::transaction::{ClientInvite, ClientKey, Transport};
use crate::wire::{HeaderName, Method, Request, Response};
use alloc::{borrow::ToOwned, boxed::Box, vec::Vec};

/// A change that is refused for a while is not tried more often than this.
const TRIES: u8 = 8;
/// The other side may have to ask its user, but not for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// ```text
/// Idle → Offering → Asking → Applying → Idle
///   └──→ Refreshing (UPDATE) ──────────────┘
/// ```
#[derive(Debug, Default)]
enum Step {
    /// Nothing is under way.
    #[default]
    Idle,
    /// The driver makes an offer.
    Offering,
    /// The re-INVITE is under way.
    Asking(Box<ClientInvite>, FlowId),
    /// An UPDATE is under way.
    Refreshing,
    /// One with an offer.
    Updating,
    /// The driver takes the answer.
    Applying,
}

/// What this side wants to change, and how far that has come.
#[derive(Debug, Default)]
pub struct Modify {
    step: Step,
    /// Hold or resume.
    hold: Option<bool>,
    /// What of that is in the offer which is under way: the other may be wanted by now.
    holding: Option<bool>,
    /// The session timer has come.
    refresh: bool,
    /// The connection has to be made anew.
    renew: bool,
    /// The connection needs another path.
    restart: bool,
    /// What is sent or taken has changed.
    offer: bool,
    /// That is in the offer which is under way.
    offered: bool,
    again_at: Option<Time>,
    /// A re-INVITE that is only promised an answer is taken back then.
    until: Option<Time>,
    tries: u8,
}

impl Modify {
    /// A description of ours is on its way, or about to be: an offer of the other side would cross it.
    pub const fn is_busy(&self) -> bool {
        !matches!(self.step, Step::Idle)
    }

    /// The driver's next reply is for this.
    pub const fn awaits_media(&self) -> bool {
        matches!(self.step, Step::Offering | Step::Applying)
    }

    /// A response to a re-INVITE of ours?
    pub fn owns(&self, key: &ClientKey) -> bool {
        matches!(&self.step, Step::Asking(t, _) if of(t.request(), key))
    }

    /// Its call is over. A re-INVITE that is under way has its answer acknowledged all the same.
    pub fn leave(self, post: &mut Post, dialog: Option<&Dialog>) {
        if let (Step::Asking(transaction, flow), Some(dialog)) = (self.step, dialog) {
            post.let_go(Invite::within(dialog.clone(), *transaction, flow));
        }
    }

    /// The connection has to be made anew before anyone can be heard.
    pub fn renew(&mut self) {
        self.renew = true;
    }

    /// Another path is on its way already.
    pub const fn restarts(&self) -> bool {
        self.restart
    }

    /// The path came back by itself.
    pub const fn without_restart(&mut self) {
        self.restart = false;
    }

    /// Nothing but another path is asked for: whoever does not answer that may have no path for answers either, and comes back.
    const fn only_restarts(&self) -> bool {
        self.restart && self.hold.is_none() && !self.renew && !self.offered
    }

    const fn is_wanted(&self) -> bool {
        self.refresh || self.changes()
    }

    /// Wants an offer.
    const fn changes(&self) -> bool {
        self.hold.is_some() || self.renew || self.restart || self.offer || self.offered
    }

    /// When [`Call::modify_timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        let again = self
            .again_at
            .filter(|_| self.is_wanted() && !self.is_busy());
        let asked = match &self.step {
            Step::Asking(transaction, _) => transaction.deadline(),
            _ => None,
        };
        let until = self.until.filter(|_| matches!(self.step, Step::Asking(..)));
        again.into_iter().chain(asked).chain(until).min()
    }
}

impl Call {
    /// The user wants to hold it, or to talk again.
    pub fn hold(&mut self, post: &mut Post, on: bool) {
        let last = self.modify.hold.unwrap_or(self.view.held);
        if matches!(self.phase, Phase::Over) || last == on {
            return;
        }
        self.modify.hold = Some(on);
        self.modify.tries = 0;
        self.modify_next(post);
    }

    /// Another call is talked to: this one is held if it is one that talks.
    pub fn hold_for_another(&mut self, post: &mut Post) {
        if matches!(
            self.phase,
            Phase::Applying | Phase::Talking | Phase::Answering(_) | Phase::Accepted(_)
        ) {
            self.hold(post, true);
        }
    }

    /// What the driver sends or takes has changed.
    pub fn offer_anew(&mut self, post: &mut Post) {
        self.modify.offer = true;
        self.modify.tries = 0;
        self.modify_next(post);
    }

    /// The connection needs another path.
    pub fn restart(&mut self, post: &mut Post) {
        self.modify.restart = true;
        self.modify.tries = 0;
        self.modify_next(post);
    }

    /// The session timer has come.
    pub fn refresh_session(&mut self, post: &mut Post) {
        self.modify.refresh = true;
        self.modify_next(post);
    }

    /// Begins what is wanted, if it can begin now.
    pub fn modify_next(&mut self, post: &mut Post) {
        let free = matches!(self.phase, Phase::Talking)
            && self.refresh.is_none()
            && self.update.is_none()
            && !self.late_answer
            && !self.called_off
            && !self.modify.is_busy();
        let due = self.modify.again_at.is_none_or(|at| at <= post.now);
        if !free || !due || !post.registered() || !self.modify.is_wanted() {
            return;
        }
        self.modify.again_at = None;
        if !self.modify.changes() && self.allows_update {
            let via = post.me.via(&mut post.entropy);
            let Some(dialog) = &mut self.dialog else {
                return;
            };
            let update = dialog.request(Method::Update, &via);
            let update = self.timed(post, update);
            self.modify.step = Step::Refreshing;
            post.ask(update, Purpose::Call(self.id, Ask::Update));
            return;
        }
        if self.modify.renew {
            post.media(self.id, MediaRequest::Renew);
        } else if self.modify.restart {
            post.media(self.id, MediaRequest::Restart);
        }
        if let Some(hold) = self.modify.hold {
            post.media(self.id, MediaRequest::Hold(hold));
        }
        self.modify.holding = self.modify.hold;
        // What is wanted from here on is not in this one.
        self.modify.offered |= core::mem::take(&mut self.modify.offer);
        self.modify.step = Step::Offering;
        post.media(self.id, MediaRequest::CreateOffer);
    }

    /// The headers of a request that refreshes the session.
    fn timed(&self, post: &Post, request: Request) -> Request {
        let mut request = post.me.refreshing(request);
        if self.session > 0 {
            let ours = self.timer.is_none_or(|t| t.ours);
            request.headers.push(
                HeaderName::SessionExpires,
                session_timer::text(self.session, ours),
            );
        }
        request
    }

    /// The driver has done what a change wanted.
    pub fn modify_media(&mut self, post: &mut Post, reply: MediaReply) {
        match (core::mem::take(&mut self.modify.step), reply) {
            (Step::Offering, MediaReply::Local(offer)) => {
                let via = post.me.via(&mut post.entropy);
                let Some(dialog) = self.dialog.as_mut().filter(|_| post.registered()) else {
                    // The flow went meanwhile; it is tried on the next one.
                    post.media(self.id, MediaRequest::Rollback);
                    return;
                };
                if post.policy.update && self.allows_update {
                    let update = dialog.request(Method::Update, &via);
                    let update = self.timed(post, update).with_body(SDP, offer.into_inner());
                    self.modify.step = Step::Updating;
                    return post.ask(update, Purpose::Call(self.id, Ask::Update));
                }
                let invite = dialog.request(Method::Invite, &via);
                let mut invite = self.timed(post, invite).with_body(SDP, offer.into_inner());
                post.authorize(&mut invite);
                self.ask_again(post, post.best(), invite);
            }
            (Step::Offering, _) => self.not_changed(post, 0),
            (Step::Applying, MediaReply::Applied) => {
                self.changed();
                self.modify_next(post);
            }
            // It is agreed on the wire, and cannot be: nothing would be heard.
            (Step::Applying, _) => self.break_off(post, 488, "answer cannot be used"),
            (step, _) => self.modify.step = step,
        }
    }

    fn ask_again(&mut self, post: &mut Post, flow: FlowId, invite: Request) {
        let (transaction, actions) = ClientInvite::start(invite, Transport::Reliable, post.now);
        post.invite_actions(flow, actions);
        self.modify.step = Step::Asking(Box::new(transaction), flow);
        self.modify.until = Some(post.now + PATIENCE);
    }

    /// It is as it was wanted.
    fn changed(&mut self) {
        if let Some(hold) = self.modify.holding.take() {
            self.view.held = hold;
        }
        self.modify.hold = self.modify.hold.filter(|&on| on != self.view.held);
        self.modify.refresh = false;
        self.modify.renew = false;
        self.modify.restart = false;
        self.modify.offered = false;
        self.modify.tries = 0;
        if !self.modify.offer {
            self.record_told();
        }
    }

    /// It stays as it was, and the page is told.
    fn not_changed(&mut self, post: &mut Post, status: u16) {
        self.modify.step = Step::Idle;
        post.media(self.id, MediaRequest::Rollback);
        if self.modify.renew {
            return self.break_off(post, status, "no session could be agreed on");
        }
        self.modify.refresh = false;
        self.modify.restart = false;
        let refused = |post: &mut Post, what| {
            post.out.push_back(Output::Event(Event::Refused {
                call: self.id,
                what,
                status,
            }));
        };
        if core::mem::take(&mut self.modify.offered) {
            refused(post, Wish::Media);
        }
        if let Some(hold) = self.modify.hold.take() {
            post.media(self.id, MediaRequest::Hold(self.view.held));
            // Whoever has thought better of it has what they want.
            if self.modify.holding.take().is_none_or(|on| on == hold) {
                refused(post, if hold { Wish::Hold } else { Wish::Resume });
            }
        }
    }

    /// A response to our re-INVITE.
    pub fn modify_response(&mut self, post: &mut Post, response: Response) {
        if let Step::Asking(transaction, flow) = &mut self.modify.step {
            let actions = transaction.receive(response, post.now);
            let news = post.invite_actions(*flow, actions);
            self.modify_news(post, news);
        }
    }

    fn modify_news(&mut self, post: &mut Post, news: Vec<InviteNews>) {
        for news in news {
            let Step::Asking(..) = &self.modify.step else {
                return;
            };
            match news {
                InviteNews::Response(response) if response.is_provisional() => {}
                InviteNews::Response(response) if response.is_success() => {
                    self.change_answered(post, &response);
                }
                InviteNews::Response(response) => {
                    let Step::Asking(transaction, flow) = core::mem::take(&mut self.modify.step)
                    else {
                        return;
                    };
                    let request = transaction.request();
                    let (flow, again) = match post.other_flow(flow, &response) {
                        Some(other) => (other, Some(post.again(request))),
                        None => (flow, post.challenged(request, &response)),
                    };
                    if let Some(mut again) = again
                        && let Some(dialog) = &mut self.dialog
                    {
                        dialog.renumber(&mut again);
                        self.ask_again(post, flow, again);
                        return;
                    }
                    self.change_refused(post, &response);
                }
                InviteNews::TimedOut => {
                    self.modify.step = Step::Idle;
                    if self.modify.only_restarts() {
                        return self.not_changed(post, 408);
                    }
                    self.break_off(post, 408, "no answer from the other side");
                }
                InviteNews::Ended => {}
            }
        }
    }

    fn change_answered(&mut self, post: &mut Post, response: &Response) {
        let step = core::mem::take(&mut self.modify.step);
        let (Step::Asking(transaction, flow), Some(dialog)) = (step, &mut self.dialog) else {
            return;
        };
        // A Contact that cannot be read leaves the target where it was.
        let _ = dialog.response(response);
        let mut invite = Invite::within(dialog.clone(), *transaction, flow);
        invite.answered(post, response);
        post.let_go(invite);
        self.learn(&response.headers);
        self.take_answer(post, response);
    }

    /// A 2xx to an offer of ours: its session interval counts, and its answer is applied.
    fn take_answer(&mut self, post: &mut Post, response: &Response) {
        self.timer = SessionTimer::of_response(response, post.now);
        match sdp_of(&response.headers, &response.body) {
            Some(answer) => {
                // What it says of itself; its directions only answer ours.
                self.view.recorded = sdp::records(&answer);
                self.modify.step = Step::Applying;
                let answer = Pii(answer);
                post.media(self.id, MediaRequest::ApplyAnswer { answer });
            }
            None => self.not_changed(post, response.status),
        }
    }

    fn change_refused(&mut self, post: &mut Post, response: &Response) {
        self.modify.step = Step::Idle;
        let after = response.headers.retry_after().ok().flatten();
        let pause = match (response.status, after) {
            // RFC 3261 §14.1: the side that made the Call-ID waits longer, so that the two do not meet again.
            (491, _) if self.is_ours() => 2_100 + post.entropy.below(190) * 10,
            (491, _) => post.entropy.below(200) * 10,
            (500 | 503, Some(s)) if s <= 30 => u64::from(s.max(1)) * 1000,
            (422, _) => match session_timer::least(response) {
                Some(least) if least > self.session => {
                    self.session = least;
                    0
                }
                _ => return self.not_changed(post, 422),
            },
            (481, _) => return self.gone(post),
            (408, _) if self.modify.only_restarts() => return self.not_changed(post, 408),
            (408, _) => return self.break_off(post, 408, "no answer from the other side"),
            (status, _) => {
                self.not_changed(post, status);
                return self.modify_next(post);
            }
        };
        self.modify.tries += 1;
        if self.modify.tries > TRIES {
            return self.not_changed(post, response.status);
        }
        post.media(self.id, MediaRequest::Rollback);
        self.modify.again_at = Some(post.now + Duration::from_millis(pause));
    }

    /// What became of an UPDATE of ours.
    pub fn updated(&mut self, post: &mut Post, response: Option<&Response>) {
        let offered = match core::mem::take(&mut self.modify.step) {
            Step::Updating => true,
            Step::Refreshing => false,
            step => {
                self.modify.step = step;
                return;
            }
        };
        match response {
            Some(response) if offered => return self.update_answered(post, response),
            None if offered && !post.registered() => {
                return post.media(self.id, MediaRequest::Rollback);
            }
            Some(response) if response.is_success() => {
                if let Some(dialog) = &mut self.dialog {
                    let _ = dialog.response(response);
                }
                self.timer = SessionTimer::of_response(response, post.now);
                self.changed();
            }
            Some(response) => match response.status {
                408 | 422 | 481 | 491 => self.change_refused(post, response),
                500 | 503 if response.headers.has(HeaderName::RetryAfter) => {
                    self.change_refused(post, response);
                }
                // It has something against the method: a re-INVITE refreshes as well (RFC 4028 §7.4).
                _ => self.allows_update = false,
            },
            // The flow is gone, and the refresh goes out on the next one.
            None if !post.registered() => return,
            None => return self.break_off(post, 408, "no answer from the other side"),
        }
        self.modify_next(post);
    }

    /// What became of one with an offer.
    fn update_answered(&mut self, post: &mut Post, response: &Response) {
        match response.status {
            200..300 => {
                if let Some(dialog) = &mut self.dialog {
                    let _ = dialog.response(response);
                }
                self.learn(&response.headers);
                self.take_answer(post, response);
            }
            // It takes none, or would have to ask its user (RFC 3311 §5.2): then as any other asks.
            405 | 501 | 504 => {
                self.allows_update = false;
                post.media(self.id, MediaRequest::Rollback);
                self.modify_next(post);
            }
            _ => self.change_refused(post, response),
        }
    }

    /// Ends a call whose session is of no use.
    fn break_off(&mut self, post: &mut Post, status: u16, reason: &str) {
        let end = End {
            outcome: Outcome::Failed,
            status,
            reason: reason.to_owned(),
            by: By::Local,
        };
        self.over(post, end);
        self.bye(post);
    }

    /// The flow is gone with the change; it is tried again on the next one.
    pub fn modify_flow_lost(&mut self, post: &mut Post, lost: FlowId) {
        if matches!(self.modify.step, Step::Asking(_, flow) if flow == lost) {
            self.modify.step = Step::Idle;
            post.media(self.id, MediaRequest::Rollback);
        }
    }

    /// Time has passed.
    pub fn modify_timeout(&mut self, post: &mut Post) {
        let now = post.now;
        // The pause is over, also where the change cannot begin yet: it waits for what hinders it, not for a time that is past.
        self.modify.again_at.take_if(|at| *at <= now);
        if let Step::Asking(transaction, flow) = &mut self.modify.step {
            let mut actions = transaction.timeout(now);
            if self.modify.until.take_if(|until| *until <= now).is_some() {
                actions.extend(transaction.cancel(&[], now));
            }
            let news = post.invite_actions(*flow, actions);
            self.modify_news(post, news);
        }
        self.modify_next(post);
    }

    /// Notes what an offer or answer of the other side means for its hold, whether it shows anything, and whether it records.
    pub fn heard(&mut self, description: &[u8]) {
        self.view.remote_held = sdp::holds(description);
        self.view.video = sdp::shows(description);
        self.view.recorded = sdp::records(description);
    }
}
