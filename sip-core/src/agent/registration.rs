//! The binding of a flow at the registrar (RFC 3261 §10, RFC 5626 §4.2, RFC 8898).
//!
//! The token goes with the first try, so that no challenge costs a round trip. Digest answers a challenge when there is
//! a password.

use super::config::Config;
use super::digests::Digests;
use super::flow::FlowId;
use super::post::Post;
use crate::auth::Login;
use crate::pii::Pii;
use crate::time::{Duration, Time};
use crate::transaction::{ClientAction, ClientKey, ClientNonInvite, Transport};
use crate::wire::{Contacts, Credentials, HeaderName, Response, Text, Uri};
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};

/// Redirections that are followed.
const REDIRECTIONS: usize = 5;
/// Challenges in a row that are answered.
const CHALLENGES: u8 = 4;

/// ```text
/// Unbound → Asking → Bound → Asking (refresh) → …
///             ↓ ↑
///           Refused            Leaving → Unbound
/// ```
#[derive(Debug)]
enum State {
    /// No binding on this flow.
    Unbound,
    /// A REGISTER is under way; the flow is dead if no answer comes by then.
    Asking(Box<ClientNonInvite>, Time),
    /// Confirmed; refreshed at this time.
    Bound(Time),
    /// The registrar said no; asked again at this time.
    Refused(u16, Option<Time>),
    /// The last REGISTER is under way; it is not waited for longer than this.
    Leaving(Box<ClientNonInvite>, Time),
}

/// What became of a REGISTER.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing yet.
    None,
    /// The binding stands.
    Bound {
        /// The wakes of this line that are not over.
        waiting: Vec<String>,
        /// It is the first one on its flow.
        new_flow: bool,
    },
    /// The token was refused; a new one may help.
    TokenRefused,
    /// Refused; the flow is of no use for now.
    Refused,
    /// No answer: the flow is dead.
    Silent,
    /// The time of a refusal is over.
    Due,
    /// Unbound, or nobody answered the farewell.
    Left,
}

/// The registration of one flow.
#[derive(Debug)]
pub struct Registrar {
    flow: FlowId,
    state: State,
    /// A binding was confirmed on this flow, and is believed to stand.
    bound: bool,
    /// A binding was confirmed once in the life of this page.
    ever: bool,
    call_id: String,
    cseq: u32,
    expires: u32,
    patience: Duration,
    farewell: Duration,
    token: Option<Pii<String>>,
    login: Option<Login>,
    /// What answers the registrar, and a proxy before it.
    digests: Digests,
    /// Challenges that were answered since the last answer that was none.
    challenges: u8,
    /// The challenge that is answered first was asked for ahead: its nonce may have aged since, and not every server says so.
    ahead: bool,
    /// The registrars that others have named instead of themselves; the last one is asked.
    elsewhere: Vec<Uri>,
}

impl Registrar {
    /// A registration that has not begun.
    pub fn new(flow: FlowId, config: &Config, post: &mut Post) -> Self {
        Self {
            flow,
            state: State::Unbound,
            bound: false,
            ever: false,
            call_id: post.entropy.call_id(),
            cseq: post.entropy.cseq(),
            expires: u32::try_from(config.patience.expires.as_secs()).unwrap_or(u32::MAX),
            patience: config.patience.register,
            farewell: config.patience.farewell,
            token: config.token.clone(),
            login: config.login.clone(),
            digests: Digests::default(),
            challenges: 0,
            ahead: false,
            elsewhere: Vec::new(),
        }
    }

    /// The binding stands.
    pub const fn is_bound(&self) -> bool {
        self.bound
    }

    /// It stood once.
    pub const fn was_bound(&self) -> bool {
        self.ever
    }

    /// The registrar's no, and when it is asked again.
    pub const fn refusal(&self) -> Option<(u16, Option<Time>)> {
        match self.state {
            State::Refused(status, at) => Some((status, at)),
            _ => None,
        }
    }

    /// A refusal holds until then.
    pub fn refused_until(&mut self, until: Time) {
        if let State::Refused(_, at) = &mut self.state {
            *at = Some(until);
        }
    }

    /// A refusal is forgotten: someone wants to try again.
    pub fn forgive(&mut self) {
        if matches!(self.state, State::Refused(..)) {
            self.state = State::Unbound;
        }
    }

    /// A new token, for the next REGISTER.
    pub fn set_token(&mut self, token: Pii<String>) {
        self.token = Some(token);
        self.digests = Digests::default();
    }

    /// A new login, for the next REGISTER.
    pub fn set_login(&mut self, login: Login) {
        self.login = Some(login);
        self.digests = Digests::default();
    }

    /// Registers, or registers anew. One that is under way counts.
    pub fn register(&mut self, post: &mut Post) {
        if !matches!(self.state, State::Asking(..)) {
            self.ask(post);
        }
    }

    fn ask(&mut self, post: &mut Post) {
        let transaction = self.send(post, self.expires);
        self.state = State::Asking(transaction, post.now + self.patience);
    }

    /// Removes the binding; false if there is none to remove.
    pub fn leave(&mut self, post: &mut Post) -> bool {
        if !self.bound {
            self.state = State::Unbound;
            return false;
        }
        self.bound = false;
        let transaction = self.send(post, 0);
        self.state = State::Leaving(transaction, post.now + self.farewell);
        true
    }

    fn send(&mut self, post: &mut Post, expires: u32) -> Box<ClientNonInvite> {
        self.cseq += 1;
        let mut request = post.me.register(
            &mut post.entropy,
            self.flow,
            self.elsewhere.last(),
            &self.call_id,
            self.cseq,
            expires,
        );
        #[cfg(feature = "outbound")]
        if post.policy.gruu {
            request.headers.push(HeaderName::Supported, "gruu");
        }
        if let Some(token) = &self.token {
            let credentials = Credentials::bearer(token.expose().clone());
            let name = HeaderName::Authorization;
            request.headers.push(name, credentials.to_text());
        }
        // In the place of the token where the registrar has asked for it, else beside it.
        if let Some(login) = &self.login {
            post.prove_register(&mut self.digests, login, &mut request);
        }
        let (transaction, actions) = ClientNonInvite::start(request, Transport::Reliable, post.now);
        for action in actions {
            if let ClientAction::Send(request) = action {
                post.send_on(self.flow, request);
            }
        }
        Box::new(transaction)
    }

    /// What the registrar has said on this flow to a question that was none of ours. A challenge is answered by the first
    /// REGISTER; a token needs none.
    pub fn foresee(&mut self, response: &Response) {
        self.ahead = matches!(response.status, 401 | 407)
            && self.token.is_none()
            && self.proves(response) == Some(true);
    }

    /// A response to our REGISTER?
    pub fn owns(&self, key: &ClientKey) -> bool {
        match &self.state {
            State::Asking(transaction, _) | State::Leaving(transaction, _) => {
                ClientKey::of_request(transaction.request()).as_ref() == Ok(key)
            }
            _ => false,
        }
    }

    /// The response to our REGISTER.
    pub fn receive(&mut self, post: &mut Post, response: Response) -> Answer {
        let (State::Asking(transaction, _) | State::Leaving(transaction, _)) = &mut self.state
        else {
            return Answer::None;
        };
        let actions = transaction.receive(response, post.now);
        let is_final = |r: &Response| r.is_final();
        let answer = actions.into_iter().find_map(|action| match action {
            ClientAction::Receive(response) => Some(response).filter(is_final),
            _ => None,
        });
        let Some(response) = answer else {
            return Answer::None;
        };
        if let State::Leaving(_, until) = self.state {
            // A nonce that has aged must not leave a binding behind.
            if matches!(response.status, 401 | 407) && self.proves(&response) == Some(true) {
                let transaction = self.send(post, 0);
                self.state = State::Leaving(transaction, until);
                return Answer::None;
            }
            self.state = State::Unbound;
            return Answer::Left;
        }
        match response.status {
            200..300 => self.confirmed(post, &response),
            401 | 407 => self.challenged(post, &response),
            300..=302 => match self.named(post, &response) {
                Some(other) => {
                    self.elsewhere.push(other);
                    self.ask(post);
                    Answer::None
                }
                None => self.refused(response.status, None),
            },
            423 => match response.headers.min_expires() {
                // A registrar that repeats itself must not keep us asking.
                Ok(Some(least)) if least > self.expires => {
                    self.expires = least;
                    self.ask(post);
                    Answer::None
                }
                _ => self.refused(423, None),
            },
            status => {
                let after = response.headers.retry_after().ok().flatten();
                // Whoever is told "later" or fails may come again, but not in a loop; other refusals are the user's business.
                let later = matches!(status, 408 | 430 | 480 | 500..600).then_some(30);
                let at = after
                    .or(later)
                    .map(|s| post.now + Duration::from_secs(s.max(1).into()));
                self.refused(status, at)
            }
        }
    }

    /// The registrar that this one names instead of itself (RFC 3261 §8.1.3.4): the best that was not asked yet. It is asked
    /// over the same socket, whose server is our outbound proxy (RFC 7118 §5).
    fn named(&self, post: &Post, response: &Response) -> Option<Uri> {
        let own = &post.me.address_of_record.host;
        let asked = |uri: &Uri| {
            self.elsewhere.contains(uri)
                || (uri.host.eq_ignore_ascii_case(own) && uri.port.is_none())
        };
        let plain = |uri: &Uri| Uri {
            headers: None,
            user: None,
            ..uri.clone()
        };
        let contacts = response.headers.contacts().ok()?;
        let best = contacts.best(&|uri| uri.is_sip() && !asked(&plain(uri)))?;
        (self.elsewhere.len() < REDIRECTIONS).then(|| plain(&best.uri))
    }

    fn confirmed(&mut self, post: &mut Post, response: &Response) -> Answer {
        self.challenges = 0;
        self.ahead = false;
        self.digests.told(&response.headers);
        // Calls go by the first flow; another one may lead to another server.
        if self.flow == FlowId::FIRST {
            post.register_proven(&self.digests);
        }
        let contacts = match response.headers.contacts() {
            Ok(Contacts::List(list)) => list,
            _ => Vec::new(),
        };
        let ours = contacts.iter().find(|c| post.me.is_ours(self.flow, c));
        let granted = ours.and_then(|c| c.expires());
        #[cfg(feature = "outbound")]
        if post.policy.gruu {
            let given = ours.and_then(|c| c.params.text("pub-gruu")?.parse().ok());
            post.me.gruu = given.filter(Uri::is_sip);
        }
        let seconds = granted
            .or_else(|| response.headers.expires().ok().flatten())
            .unwrap_or(self.expires)
            .max(1);
        // Before its end, by a minute or by half of a short life.
        let refresh = u64::from(seconds) * 1000;
        let refresh = refresh.saturating_sub(60_000).max(refresh / 2);
        self.state = State::Bound(post.now + Duration::from_millis(refresh));
        let new_flow = !core::mem::replace(&mut self.bound, true);
        self.ever = true;
        let waiting = response
            .headers
            .iter()
            .filter(|f| f.name().eq_ignore_ascii_case("Wakeline-Waiting"));
        let waiting = waiting.filter_map(|f| f.text()).flat_map(|t| t.split(','));
        let waiting = waiting
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
            .collect();
        Answer::Bound { waiting, new_flow }
    }

    fn challenged(&mut self, post: &mut Post, response: &Response) -> Answer {
        match self.proves(response) {
            Some(true) => {
                self.ask(post);
                Answer::None
            }
            None if self.token.is_some() => {
                self.refused(response.status, None);
                Answer::TokenRefused
            }
            _ => self.refused(response.status, None),
        }
    }

    /// Whether the next REGISTER answers this challenge; `None` where it is not one of digest that we could answer at all.
    fn proves(&mut self, response: &Response) -> Option<bool> {
        let (_, challenges) = self.digests.challenges(self.login.as_ref()?, response)?;
        // One after the other is stale, or of another realm, or two ask in turn: that has to end as well.
        self.challenges += 1;
        let of_use = self
            .digests
            .asked_again(&challenges)
            .all(|(_, before, new)| before.may_retry(new));
        let answered =
            self.challenges <= CHALLENGES && (core::mem::take(&mut self.ahead) || of_use);
        if answered {
            self.digests.answer(challenges);
        }
        Some(answered)
    }

    fn refused(&mut self, status: u16, again: Option<Time>) -> Answer {
        self.bound = false;
        self.challenges = 0;
        self.state = State::Refused(status, again);
        Answer::Refused
    }

    /// The flow is gone, and the binding with it.
    pub fn flow_lost(&mut self) {
        self.elsewhere.clear();
        self.challenges = 0;
        self.bound = false;
        if !matches!(self.state, State::Refused(..)) {
            self.state = State::Unbound;
        }
    }

    /// When [`Registrar::timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Asking(_, at) | State::Leaving(_, at) | State::Bound(at) => Some(*at),
            State::Refused(_, at) => *at,
            State::Unbound => None,
        }
    }

    /// Time has passed; does nothing before the deadline. A refusal whose time has come is forgotten: the flow begins anew.
    pub fn timeout(&mut self, post: &mut Post) -> Answer {
        if self.deadline().is_none_or(|at| post.now < at) {
            return Answer::None;
        }
        match self.state {
            State::Bound(_) => {
                self.ask(post);
                Answer::None
            }
            State::Asking(..) => {
                self.bound = false;
                self.state = State::Unbound;
                Answer::Silent
            }
            State::Refused(..) => {
                self.state = State::Unbound;
                Answer::Due
            }
            State::Leaving(..) => {
                self.state = State::Unbound;
                Answer::Left
            }
            State::Unbound => Answer::None,
        }
    }
}
