//! A subscription (RFC 6665): asked for, kept alive, and asked for again where its end was not meant for good.
//!
//! It is the NOTIFY that makes a dialog, whether it comes before the 2xx or after; several notifiers may answer one
//! SUBSCRIBE, each in a dialog of its own (§4.1.4, §5.4.9).

use super::super::post::{Post, Purpose};
use super::{
    BesideEvent, BesideId, Errand, MessageSummary, Returned, SubscriptionState, bad_event, passes,
    pause, renewal, tell, unknown_type,
};
use crate::dialog::{Dialog, DialogId};
use crate::pii::Pii;
use crate::time::{Duration, Time};
use crate::timers::GIVE_UP;
use crate::wire::{HeaderName, Headers, Method, Request, Response, Uri};
use alloc::{
    borrow::ToOwned,
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};

/// Notifiers that answer one subscription.
const MOST: usize = 8;
/// One that has lasted for so long stands: what failed before is no matter any more.
const STEADY: Duration = Duration::from_secs(60);
/// The shortest life that is asked for.
const LEAST: u32 = 30;

/// ```text
/// Parked → Asking → Standing → Waiting → Asking
///             ↓         ↓
///            Over ← Leaving
/// ```
#[derive(Debug)]
enum Stage {
    /// Waits for a flow.
    Parked,
    /// The SUBSCRIBE is under way, or its 2xx is here; without a NOTIFY by then it has failed (Timer N).
    Asking(Time),
    /// There is a dialog.
    Standing,
    /// Asked for anew at this time.
    Waiting(Time),
    /// Nobody wants it any more; the last NOTIFY is not waited for longer than this.
    Leaving(Time),
    /// Over.
    Over,
}

/// One notifier.
#[derive(Debug)]
struct Branch {
    number: u32,
    dialog: Dialog,
    refresh_at: Time,
    ends: Time,
    /// A refresh is under way; its NOTIFY is expected by then.
    asked: Option<Time>,
    /// The last NOTIFY named its own end.
    told: bool,
}

/// One subscription.
#[derive(Debug)]
pub struct Subscription {
    /// Its id.
    pub id: BesideId,
    to: Uri,
    package: String,
    accept: Vec<String>,
    /// The life that is asked for.
    seconds: u32,
    /// The life that the 2xx gave.
    granted: Option<u32>,
    call_id: String,
    tag: String,
    cseq: u32,
    stage: Stage,
    branches: Vec<Branch>,
    /// Counts branches.
    next: u32,
    failures: u32,
    /// When it was asked for.
    begun: Time,
    shown: Option<SubscriptionState>,
}

impl Subscription {
    pub fn new(id: BesideId, to: Uri, package: String, accept: Vec<String>, expires: u32) -> Self {
        Self {
            id,
            to,
            package: package.trim().to_ascii_lowercase(),
            accept: accept.iter().map(|t| t.to_ascii_lowercase()).collect(),
            seconds: expires.max(LEAST),
            granted: None,
            call_id: String::new(),
            tag: String::new(),
            cseq: 0,
            stage: Stage::Parked,
            branches: Vec::new(),
            next: 0,
            failures: 0,
            begun: Time::ZERO,
            shown: None,
        }
    }

    pub const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// A NOTIFY of this subscription?
    pub fn owns(&self, id: &DialogId) -> bool {
        !self.call_id.is_empty() && id.call_id == self.call_id && id.local_tag == self.tag
    }

    /// Asks for it from the beginning.
    pub fn begin(&mut self, post: &mut Post) {
        self.branches.clear();
        self.granted = None;
        if !post.registered() {
            self.stage = Stage::Parked;
            return self.show(post, SubscriptionState::Asking);
        }
        let request = post
            .me
            .outside(&mut post.entropy, Method::Subscribe, &self.to);
        let headers = &request.headers;
        self.call_id = headers.call_id().unwrap_or_default().to_owned();
        let from = headers.from().ok();
        self.tag = from
            .and_then(|f| f.tag().map(str::to_owned))
            .unwrap_or_default();
        self.cseq = headers.cseq().map_or(1, |c| c.number);
        let request = self.dressed(post, request, self.seconds);
        self.begun = post.now;
        self.stage = Stage::Asking(post.now + GIVE_UP);
        self.show(post, SubscriptionState::Asking);
        post.ask(request, Purpose::Beside(Errand::Subscribe(self.id)));
    }

    /// The headers of every SUBSCRIBE.
    fn dressed(&self, post: &Post, request: Request, seconds: u32) -> Request {
        let mut request = request
            .with(HeaderName::Contact, post.me.contact())
            .with(HeaderName::Event, self.package.as_str())
            .with(HeaderName::Expires, seconds.to_string());
        if !self.accept.is_empty() {
            request
                .headers
                .push(HeaderName::Accept, self.accept.join(", "));
        }
        request
    }

    /// Nobody wants it any more.
    pub fn leave(&mut self, post: &mut Post) {
        match self.stage {
            Stage::Leaving(_) | Stage::Over => return,
            Stage::Parked | Stage::Waiting(_) => return self.end(post, 200, ""),
            Stage::Asking(_) | Stage::Standing => {}
        }
        self.stage = Stage::Leaving(post.now + GIVE_UP);
        if !post.registered() {
            // Its life ends by itself.
            return self.end(post, 200, "");
        }
        for at in 0..self.branches.len() {
            self.renew(post, at, 0);
        }
    }

    /// Asks one notifier for another life; for none when `seconds` is 0.
    fn renew(&mut self, post: &mut Post, at: usize, seconds: u32) {
        let via = post.me.via(&mut post.entropy);
        let branch = &mut self.branches[at];
        let request = branch.dialog.request(Method::Subscribe, &via);
        branch.asked = Some(post.now + GIVE_UP);
        let errand = Errand::Refresh(self.id, branch.number);
        let request = self.dressed(post, request, seconds);
        post.ask(request, Purpose::Beside(errand));
    }

    /// A NOTIFY of this subscription.
    pub fn notified(&mut self, post: &mut Post, id: &DialogId, notify: &Request) {
        let refuse = |status| Response::for_request(notify, status, "");
        let event = notify.headers.get(HeaderName::Event).unwrap_or_default();
        let package = event.split(';').next().unwrap_or_default().trim();
        if !package.eq_ignore_ascii_case(&self.package) {
            return post.send(bad_event(notify));
        }
        let Some(said) = Said::of(&notify.headers) else {
            return post.send(refuse(400));
        };
        let known = self.branches.iter().position(|b| b.dialog.id() == id);
        let awaited = matches!(
            self.stage,
            Stage::Asking(_) | Stage::Standing | Stage::Leaving(_)
        );
        let at = match known {
            Some(at) => {
                if let Err(error) = self.branches[at].dialog.request_received(notify) {
                    return post.send(refuse(error.status()));
                }
                at
            }
            None if !awaited || self.branches.len() == MOST => return post.send(refuse(481)),
            None => match self.branch(post, notify) {
                Ok(at) => at,
                Err(status) => return post.send(refuse(status)),
            },
        };
        let kind = notify.headers.content_type().unwrap_or_default();
        if !notify.body.is_empty() && !self.takes(&kind) {
            let refusal = unknown_type(notify, self.accept.join(", "));
            return post.send(refusal);
        }
        post.send(refuse(200));
        let number = self.branches[at].number;
        if !notify.body.is_empty() {
            let read = self.package == "message-summary";
            let summary = read.then(|| MessageSummary::parse(&notify.body)).flatten();
            let event = BesideEvent::Notified {
                id: self.id,
                branch: number,
                content_type: kind,
                body: Pii(notify.body.clone()),
                summary: summary.map(Box::new),
            };
            tell(post, event);
        }
        self.follow(post, number, said);
    }

    fn takes(&self, kind: &str) -> bool {
        self.accept.is_empty() || self.accept.iter().any(|a| a == kind)
    }

    /// Another notifier: the dialog that its NOTIFY makes.
    fn branch(&mut self, post: &Post, notify: &Request) -> Result<usize, u16> {
        let mut dialog = Dialog::uas(notify, &self.tag).map_err(|e| e.status())?;
        dialog.confirm();
        dialog.count_from(self.cseq);
        let life = self.granted.unwrap_or(self.seconds);
        self.branches.push(Branch {
            number: self.next,
            dialog,
            refresh_at: renewal(post.now, life),
            ends: post.now + Duration::from_secs(life.into()),
            asked: None,
            told: false,
        });
        self.next += 1;
        Ok(self.branches.len() - 1)
    }

    /// What a NOTIFY says of the subscription itself.
    fn follow(&mut self, post: &mut Post, number: u32, said: Said) {
        let Some(at) = self.branches.iter().position(|b| b.number == number) else {
            return;
        };
        if said.state == State::Terminated {
            self.branches.remove(at);
            return match self.stage {
                Stage::Leaving(_) if self.branches.is_empty() => self.end(post, 200, ""),
                Stage::Leaving(_) => {}
                _ if self.branches.is_empty() => self.ended(post, &said),
                _ => {}
            };
        }
        let leaving = matches!(self.stage, Stage::Leaving(_));
        let branch = &mut self.branches[at];
        let asked = branch.asked.take().is_some();
        if let Some(seconds) = said.expires {
            branch.told = true;
            branch.ends = post.now + Duration::from_secs(seconds.into());
            branch.refresh_at = renewal(post.now, seconds);
        }
        if leaving {
            // One that did not know yet; any other has been asked, and this crossed it.
            if asked {
                self.branches[at].asked = Some(post.now + GIVE_UP);
            } else {
                self.renew(post, at, 0);
            }
            return;
        }
        self.stage = Stage::Standing;
        let state = if said.state == State::Pending {
            SubscriptionState::Pending
        } else {
            SubscriptionState::Active
        };
        self.show(post, state);
    }

    /// The notifier has ended it: whether it is asked for again is in its reason (§4.1.3).
    fn ended(&mut self, post: &mut Post, said: &Said) {
        match said.reason.as_str() {
            "rejected" | "noresource" | "invariant" => self.end(post, 0, &said.reason),
            // These want another one at once, perhaps elsewhere; a later one wants its pause.
            "deactivated" | "timeout" if said.retry_after.is_none() => self.begin_again(post),
            _ => self.wait(post, said.retry_after),
        }
    }

    /// Asks for it again, at once for the first time.
    fn begin_again(&mut self, post: &mut Post) {
        self.forgive(post.now);
        if self.failures > 0 {
            return self.wait(post, None);
        }
        self.failures = 1;
        self.begin(post);
    }

    fn forgive(&mut self, now: Time) {
        if now.since(self.begun) >= STEADY {
            self.failures = 0;
        }
    }

    /// Asks for it again later.
    fn wait(&mut self, post: &mut Post, said: Option<u32>) {
        self.forgive(post.now);
        let pause = pause(&mut post.entropy, self.failures, said);
        self.failures += 1;
        let retry_at = post.now + pause;
        self.branches.clear();
        self.stage = Stage::Waiting(retry_at);
        self.show(post, SubscriptionState::Waiting { retry_at });
    }

    fn end(&mut self, post: &mut Post, status: u16, reason: &str) {
        self.stage = Stage::Over;
        self.branches.clear();
        let reason = reason.to_owned();
        self.show(post, SubscriptionState::Ended { status, reason });
    }

    /// The answer to a SUBSCRIBE.
    pub fn returned(&mut self, post: &mut Post, returned: Returned) {
        match returned.errand {
            Errand::Refresh(_, number) => self.renewed(post, number, returned),
            _ => self.asked(post, returned),
        }
    }

    fn asked(&mut self, post: &mut Post, returned: Returned) {
        let response = returned.response;
        // An answer to an earlier try.
        let ours = response
            .as_ref()
            .is_none_or(|r| r.headers.call_id().ok() == Some(self.call_id.as_str()));
        if !ours || self.is_over() {
            return;
        }
        if let Some(again) = returned.again {
            self.cseq = again.headers.cseq().map_or(self.cseq, |c| c.number);
            return post.start(again, Purpose::Beside(returned.errand));
        }
        let leaving = matches!(self.stage, Stage::Leaving(_));
        match response {
            Some(response) if response.is_success() => {
                let granted = response.headers.expires().ok().flatten();
                self.granted = granted;
                let now = post.now;
                if let Some(seconds) = granted {
                    for branch in self.branches.iter_mut().filter(|b| !b.told) {
                        branch.refresh_at = renewal(now, seconds);
                        branch.ends = now + Duration::from_secs(seconds.into());
                    }
                }
            }
            // What notifiers have said counts more than an answer on the way that was not theirs.
            _ if !self.branches.is_empty() => {}
            _ if leaving => self.end(post, 200, ""),
            Some(response) if self.longer(&response) => self.begin(post),
            Some(response) if passes(response.status) => {
                let after = response.headers.retry_after().ok().flatten();
                self.wait(post, after);
            }
            Some(response) => self.end(post, response.status, ""),
            None if post.registered() => self.wait(post, None),
            None => self.stage = Stage::Parked,
        }
    }

    /// 423: the notifier wants a longer life. One that repeats itself does not keep us asking.
    fn longer(&mut self, response: &Response) -> bool {
        let least = response.headers.min_expires().ok().flatten();
        let longer = least.filter(|l| response.status == 423 && *l > self.seconds);
        self.seconds = longer.unwrap_or(self.seconds);
        longer.is_some()
    }

    fn renewed(&mut self, post: &mut Post, number: u32, returned: Returned) {
        let Some(at) = self.branches.iter().position(|b| b.number == number) else {
            return;
        };
        let leaving = matches!(self.stage, Stage::Leaving(_));
        let branch = &mut self.branches[at];
        if let Some(mut again) = returned.again {
            branch.dialog.renumber(&mut again);
            return post.start(again, Purpose::Beside(returned.errand));
        }
        let now = post.now;
        match returned.response {
            Some(response) if response.is_success() => {
                // A Contact that cannot be read leaves the target where it was.
                let _ = branch.dialog.response(&response);
                if let Some(seconds) = response.headers.expires().ok().flatten()
                    && !leaving
                {
                    branch.refresh_at = renewal(now, seconds);
                    branch.ends = now + Duration::from_secs(seconds.into());
                }
            }
            Some(response) if self.longer(&response) && !leaving => {
                self.renew(post, at, self.seconds);
            }
            // §4.1.2.2: these end it; 481 only because the notifier has forgotten it.
            Some(response)
                if leaving
                    || matches!(
                        response.status,
                        404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604
                    ) =>
            {
                self.branches.remove(at);
                if !self.branches.is_empty() {
                    return;
                }
                match response.status {
                    _ if leaving => self.end(post, 200, ""),
                    481 if !response.headers.has(HeaderName::RetryAfter) => self.begin_again(post),
                    480 | 481 => {
                        let after = response.headers.retry_after().ok().flatten();
                        self.wait(post, after);
                    }
                    status => self.end(post, status, ""),
                }
            }
            // Any other failure leaves it as it was, until its end.
            response => {
                let branch = &mut self.branches[at];
                branch.asked = None;
                let after = response.and_then(|r| r.headers.retry_after().ok().flatten());
                let left = branch.ends.since(now).as_millis();
                let least = u64::from(after.unwrap_or(0))
                    .saturating_mul(1000)
                    .max(1_000);
                branch.refresh_at = now + Duration::from_millis((left / 2).max(least));
            }
        }
    }

    /// The flow is registered. On a new one each notifier has to learn where we are.
    pub fn flow_registered(&mut self, post: &mut Post, new_flow: bool) {
        match self.stage {
            Stage::Parked => self.begin(post),
            Stage::Standing if new_flow => {
                for at in 0..self.branches.len() {
                    self.renew(post, at, self.seconds);
                }
            }
            _ => {}
        }
    }

    pub fn deadline(&self, registered: bool) -> Option<Time> {
        let own = match self.stage {
            Stage::Asking(at) | Stage::Leaving(at) => Some(at),
            Stage::Waiting(at) => Some(at),
            Stage::Parked | Stage::Standing | Stage::Over => None,
        };
        let standing = matches!(self.stage, Stage::Standing);
        let branches = self.branches.iter().filter(|_| standing).map(|b| {
            let next = b
                .asked
                .unwrap_or(if registered { b.refresh_at } else { b.ends });
            next.min(b.ends)
        });
        own.into_iter().chain(branches).min()
    }

    /// Time has passed.
    pub fn timeout(&mut self, post: &mut Post) {
        let now = post.now;
        match self.stage {
            Stage::Asking(at) if at <= now => return self.wait(post, None),
            Stage::Leaving(at) if at <= now => return self.end(post, 200, ""),
            Stage::Waiting(at) if at <= now => return self.begin(post),
            Stage::Standing => {}
            _ => return,
        }
        // An end that came, or a refresh that nobody confirmed (§4.1.2.2).
        self.branches
            .retain(|b| b.ends > now && b.asked.is_none_or(|at| at > now));
        if self.branches.is_empty() {
            return self.begin_again(post);
        }
        for at in 0..self.branches.len() {
            let branch = &self.branches[at];
            if branch.asked.is_none() && branch.refresh_at <= now && post.registered() {
                self.renew(post, at, self.seconds);
            }
        }
    }

    fn show(&mut self, post: &mut Post, state: SubscriptionState) {
        if self.shown.as_ref() != Some(&state) {
            self.shown = Some(state.clone());
            tell(post, BesideEvent::Subscription(self.id, state));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    /// Active, or a word that is not known.
    Active,
    Terminated,
}

/// `Subscription-State`.
#[derive(Debug)]
struct Said {
    state: State,
    expires: Option<u32>,
    reason: String,
    retry_after: Option<u32>,
}

impl Said {
    fn of(headers: &Headers) -> Option<Self> {
        let text = headers.get(HeaderName::SubscriptionState)?;
        let mut parts = text.split(';').map(str::trim);
        let word = parts.next().filter(|w| !w.is_empty())?;
        let is = |name: &str| word.eq_ignore_ascii_case(name);
        let mut said = Self {
            state: if is("terminated") {
                State::Terminated
            } else if is("pending") {
                State::Pending
            } else {
                State::Active
            },
            expires: None,
            reason: String::new(),
            retry_after: None,
        };
        for (name, value) in parts.filter_map(|p| p.split_once('=')) {
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("expires") {
                said.expires = value.parse().ok();
            } else if name.eq_ignore_ascii_case("reason") {
                said.reason = value.to_ascii_lowercase();
            } else if name.eq_ignore_ascii_case("retry-after") {
                said.retry_after = value.parse().ok();
            }
        }
        Some(said)
    }
}
