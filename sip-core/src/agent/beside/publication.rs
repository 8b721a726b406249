//! A published state (RFC 3903): one request at a time, renewed before its end, begun anew when the server forgot it.

use super::super::post::{Post, Purpose};
use super::{
    BesideEvent, BesideId, Errand, PublicationState, Returned, passes, pause, renewal, tell,
};
use crate::time::Time;
use crate::wire::{HeaderName, Method, Response};
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};

/// The shortest life that is asked for.
const LEAST: u32 = 30;

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// Waits for a flow.
    Parked,
    /// A PUBLISH is under way.
    Asking,
    /// The server has it until it is renewed at this time.
    Standing(Time),
    /// Tried again at this time.
    Waiting(Time),
    /// It is being taken back.
    Leaving,
    Over,
}

/// One published state.
#[derive(Debug)]
pub struct Publication {
    /// Its id.
    pub id: BesideId,
    package: String,
    /// Type and state.
    body: (String, Vec<u8>),
    seconds: u32,
    /// What the server calls the state that it has.
    etag: Option<String>,
    stage: Stage,
    /// The state is another one than that under way.
    changed: bool,
    /// It is to be taken back when the answer is here.
    unwanted: bool,
    failures: u32,
    shown: Option<PublicationState>,
}

impl Publication {
    pub const fn new(id: BesideId, package: String, body: (String, Vec<u8>), expires: u32) -> Self {
        Self {
            id,
            package,
            body,
            seconds: if expires < LEAST { LEAST } else { expires },
            etag: None,
            stage: Stage::Parked,
            changed: true,
            unwanted: false,
            failures: 0,
            shown: None,
        }
    }

    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Sends what is to be said now.
    pub fn begin(&mut self, post: &mut Post) {
        if !post.registered() {
            self.stage = Stage::Parked;
            return;
        }
        self.stage = Stage::Asking;
        let with_body = core::mem::take(&mut self.changed) || self.etag.is_none();
        self.send(post, self.seconds, with_body);
    }

    fn send(&mut self, post: &mut Post, seconds: u32, with_body: bool) {
        let to = post.me.address_of_record.clone();
        let mut request = post
            .me
            .outside(&mut post.entropy, Method::Publish, &to)
            .with(HeaderName::Event, self.package.as_str())
            .with(HeaderName::Expires, seconds.to_string());
        if let Some(etag) = &self.etag {
            request.headers.push(HeaderName::SipIfMatch, etag.as_str());
        }
        if with_body {
            request = request.with_body(&self.body.0, self.body.1.clone());
        }
        post.ask(request, Purpose::Beside(Errand::Publish(self.id)));
    }

    /// Another state.
    pub fn change(&mut self, post: &mut Post, body: (String, Vec<u8>)) {
        self.body = body;
        self.changed = true;
        if matches!(self.stage, Stage::Standing(_)) {
            self.begin(post);
        }
    }

    /// Nobody wants it any more.
    pub fn leave(&mut self, post: &mut Post) {
        match self.stage {
            Stage::Asking => self.unwanted = true,
            Stage::Leaving | Stage::Over => {}
            _ if self.etag.is_some() && post.registered() => {
                self.stage = Stage::Leaving;
                self.send(post, 0, false);
            }
            _ => self.end(post, 200),
        }
    }

    /// The answer.
    pub fn returned(&mut self, post: &mut Post, returned: Returned) {
        if let Some(again) = returned.again {
            return post.start(again, Purpose::Beside(returned.errand));
        }
        if self.stage == Stage::Leaving {
            return self.end(post, 200);
        }
        match returned.response {
            Some(response) if response.is_success() => self.published(post, &response),
            // The server has forgotten it (§4.1): the whole state once more.
            Some(response) if response.status == 412 && self.etag.is_some() => {
                self.etag = None;
                self.again(post);
            }
            Some(response) => match response.headers.min_expires().ok().flatten() {
                Some(least) if response.status == 423 && least > self.seconds => {
                    self.seconds = least;
                    self.changed = true;
                    self.again(post);
                }
                _ if passes(response.status) => {
                    self.wait(post, response.headers.retry_after().ok().flatten());
                }
                _ => self.end(post, response.status),
            },
            None if post.registered() => self.wait(post, None),
            None => {
                self.changed = true;
                self.stage = Stage::Parked;
            }
        }
    }

    fn again(&mut self, post: &mut Post) {
        self.changed = true;
        if self.unwanted {
            return self.end(post, 200);
        }
        self.begin(post);
    }

    fn published(&mut self, post: &mut Post, response: &Response) {
        self.failures = 0;
        self.etag = response
            .headers
            .get(HeaderName::SipETag)
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned);
        let granted = response.headers.expires().ok().flatten();
        let seconds = granted.filter(|s| *s > 0).unwrap_or(self.seconds);
        self.stage = Stage::Standing(renewal(post.now, seconds));
        if self.unwanted {
            return self.leave(post);
        }
        if self.changed {
            return self.begin(post);
        }
        self.show(post, PublicationState::Published);
    }

    fn wait(&mut self, post: &mut Post, said: Option<u32>) {
        if self.unwanted {
            return self.end(post, 200);
        }
        let pause = pause(&mut post.entropy, self.failures, said);
        self.failures += 1;
        self.changed = true;
        let retry_at = post.now + pause;
        self.stage = Stage::Waiting(retry_at);
        self.show(post, PublicationState::Waiting { retry_at });
    }

    fn end(&mut self, post: &mut Post, status: u16) {
        self.stage = Stage::Over;
        self.show(post, PublicationState::Ended { status });
    }

    pub fn flow_registered(&mut self, post: &mut Post) {
        if self.stage == Stage::Parked {
            self.begin(post);
        }
    }

    pub fn deadline(&self, registered: bool) -> Option<Time> {
        match self.stage {
            Stage::Standing(at) | Stage::Waiting(at) if registered => Some(at),
            _ => None,
        }
    }

    /// Time has passed.
    pub fn timeout(&mut self, post: &mut Post) {
        if self
            .deadline(post.registered())
            .is_some_and(|at| at <= post.now)
        {
            self.begin(post);
        }
    }

    fn show(&mut self, post: &mut Post, state: PublicationState) {
        if self.shown != Some(state) {
            self.shown = Some(state);
            tell(post, BesideEvent::Publication(self.id, state));
        }
    }
}
