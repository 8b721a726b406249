//! Calling out (RFC 3261 §13.2): the INVITE, its stages while the other line is woken, its answers.

use super::call::{Call, Phase, party};
use super::event::{CallId, CallState, Direction, Party, Stage};
use super::io::{MediaReply, MediaRequest};
use super::outcome;
use super::post::{Invite, InviteNews, Post, sdp_of, wake_of};
use crate::pii::Pii;
use crate::time::{Duration, Time};
use crate::wire::{NameAddr, Response, Uri};

impl Call {
    /// The user calls someone.
    pub fn start(post: &mut Post, id: CallId, to: &str) -> Self {
        let remote = |number: String| Party {
            number: Pii(number),
            display_name: Pii::default(),
        };
        match post.me.target(to) {
            Ok(uri) => {
                post.media(id, MediaRequest::CreateOffer);
                let party = party(&NameAddr::new(uri.clone()));
                Self::new(
                    id,
                    Direction::Out,
                    party,
                    CallState::New,
                    Phase::Offering(uri),
                )
            }
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
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Parked(to, offer, _) if post.registered => {
                let request = post.me.invite(&mut post.entropy, &to, offer);
                self.view.state = CallState::Calling;
                self.phase = Phase::Inviting(Box::new(Invite::start(request, post)));
            }
            phase => self.phase = phase,
        }
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
        let news = post.invite_actions(actions);
        self.invite_news(post, news);
    }

    pub(super) fn invite_timeout(&mut self, post: &mut Post) {
        let Phase::Inviting(invite) = &mut self.phase else {
            return;
        };
        let actions = invite.transaction.timeout(post.now);
        let news = post.invite_actions(actions);
        self.invite_news(post, news);
    }

    fn invite_news(&mut self, post: &mut Post, news: Vec<InviteNews>) {
        for news in news {
            match news {
                InviteNews::Response(response) if response.is_provisional() => {
                    self.progress(&response)
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
                    self.over(post, outcome::of_response(&response));
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

    /// The first 2xx. Those of other branches are acknowledged and ended by the post (RFC 3261 §13.2.2.4).
    fn answered(&mut self, post: &mut Post, response: &Response) {
        let Phase::Inviting(mut invite) = std::mem::replace(&mut self.phase, Phase::Applying)
        else {
            return;
        };
        self.progress(response);
        self.view.stage = None;
        self.dialog = invite.answered(post, response);
        post.let_go(*invite);
        match (&self.dialog, sdp_of(&response.headers, &response.body)) {
            (Some(dialog), Some(answer)) => {
                let answered = party(dialog.remote());
                if !answered.display_name.is_empty() {
                    self.view.remote.display_name = answered.display_name;
                }
                self.view.state = CallState::Connecting;
                post.media(
                    self.id,
                    MediaRequest::ApplyAnswer {
                        answer: Pii(answer),
                    },
                );
            }
            _ => {
                self.fail(post, response.status, "answer cannot be used");
                self.bye(post);
            }
        }
    }

    /// The driver has taken the answer.
    pub fn applied(&mut self, post: &mut Post, reply: MediaReply) {
        match reply {
            MediaReply::Applied | MediaReply::Local(_) => self.talk(post),
            MediaReply::Failed => {
                self.fail(post, 488, "answer cannot be used");
                self.bye(post);
            }
        }
    }
}
