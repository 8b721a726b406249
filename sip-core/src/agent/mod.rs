//! The user agent of a page: its flows (mostly one), its registration, its calls. Pure and sans-IO.
//!
//! Two verbs: [`Agent::handle_input`] tells what happened, [`Agent::poll_output`] is drained until it gives
//! [`Output::Timeout`]. Time comes in with each input, randomness at the start. The driver owns socket, timer and media.
//!
//! | file | what it owns |
//! |---|---|
//! | `flow`, `flows` | one flow; all of them, and what is done when one is bound or lost |
//! | `link` | its socket: opened again when lost, asked for life while quiet |
//! | `receive`, `merged` | what comes in, which machine it is for, and whether it came twice |
//! | `registration` | its binding |
//! | `opening` | the first REGISTER, written ahead for a page whose core is not there yet |
//! | `rehearsal` | a call that nobody makes, for the browser's sake |
//! | `call`, `outgoing`, `incoming`, `invite` | one call |
//! | `early`, `reliable` | before its answer: early dialogs, PRACK |
//! | `modify`, `session_timer`, `sdp` | after it: hold, resume, refresh |
//! | `path`, `trickle`, `strand` | its path: when it is lost, candidates by INFO; when its flow is |
//! | `transfer`, `info`, `record` | sending the other side elsewhere; digits; recordings told |
//! | `about` | who calls, for whom, with which headers |
//! | `beside` | messages, subscriptions, publications (feature `beside`) |
//! | `post` | what all write through; loose ends that outlive their call |
//! | `proof` | answers to challenges of calls |
//! | `respond`, `identity`, `outcome` | stateless answers; requests; words for ends |

mod about;
#[cfg(feature = "beside")]
mod beside;
mod call;
mod config;
mod digests;
mod early;
mod event;
mod flow;
mod flows;
mod identity;
mod incoming;
mod info;
mod invite;
mod io;
mod link;
#[cfg(feature = "outbound")]
mod merged;
mod modify;
mod opening;
mod outcome;
mod outgoing;
mod path;
mod post;
mod proof;
mod receive;
mod record;
mod registration;
mod rehearsal;
mod reliable;
mod respond;
mod sdp;
mod session_timer;
mod strand;
#[cfg(test)]
mod tests;
mod transfer;
mod trickle;
mod weights;

use alloc::vec::Vec;
#[cfg(feature = "beside")]
pub use beside::{
    BesideCommand, BesideEvent, BesideId, MessageCount, MessageSummary, PublicationState,
    SubscriptionState,
};
pub use config::{Config, Patience, Policy};
pub use event::{
    About, By, CallId, CallState, CallView, Direction, End, Event, Outcome, Party, Progress,
    Registration, Stage, Wish,
};
pub use flow::FlowId;
#[cfg(feature = "outbound")]
pub use flows::MOST_FLOWS;
pub use io::{Command, Input, MediaReply, MediaRequest, Output};
pub use opening::Opening;
pub use path::Path;
pub use proof::Asked;
pub use rehearsal::rehearse;
pub use weights::Weighted;
#[cfg(feature = "outbound")]
pub use weights::order;

use crate::entropy::Entropy;
use crate::time::Time;
use crate::wire::ParseError;

use call::Call;
use flow::{Flow, Flows};
use identity::Identity;
use post::Post;
use proof::Proof;

/// The user agent of a page.
#[derive(Debug)]
pub struct Agent {
    patience: Patience,
    post: Post,
    /// At least the first.
    flows: Flows,
    /// What came on them.
    #[cfg(feature = "outbound")]
    merged: merged::Merged,
    calls: Vec<Call>,
    last_call: u64,
    #[cfg(feature = "beside")]
    beside: beside::Beside,
    /// How many servers the driver knows.
    servers: usize,
    /// In which order they are tried, where they have weights.
    order: Vec<usize>,
    /// Until when each of them, in that order, is not to be asked: it has turned a flow away, or was not there.
    away: Vec<Time>,
    stopped: bool,
    /// What the page was told last.
    shown: Option<Registration>,
}

impl Agent {
    /// An agent that has not started. Fails if the address-of-record is none.
    pub fn new(config: &Config, mut entropy: Entropy) -> Result<Self, ParseError> {
        let me = Identity::new(config, &mut entropy)?;
        let mut post = Post::new(me, Proof::new(config), entropy, config.policy);
        let flows = Flows::from([Flow::new(FlowId::FIRST, config, &mut post)]);
        Ok(Self {
            patience: config.patience,
            post,
            flows,
            #[cfg(feature = "outbound")]
            merged: merged::Merged::default(),
            calls: Vec::new(),
            last_call: 0,
            #[cfg(feature = "beside")]
            beside: beside::Beside::default(),
            servers: 1,
            order: Vec::new(),
            away: Vec::new(),
            stopped: true,
            shown: None,
        })
    }

    /// The driver knows so many servers, in the order in which they are to be tried.
    #[must_use]
    pub fn with_servers(mut self, servers: usize) -> Self {
        self.servers = servers.max(1);
        self
    }

    /// The driver knows these servers; they are tried in an order by chance that keeps to their weights (RFC 2782).
    #[must_use]
    pub fn with_weighted_servers(mut self, servers: &[Weighted]) -> Self {
        self.order = weights::order(servers, &mut self.post.entropy);
        self.with_servers(servers.len())
    }

    /// It is known from an earlier page how the server asks for proof of calls ([`Event::Asked`]): it is given at once. A server that asks
    /// otherwise now is answered as ever.
    #[must_use]
    pub fn expecting(mut self, asked: Asked) -> Self {
        self.post.expect(asked);
        self
    }

    /// An id for a call to come.
    pub fn next_call(&mut self) -> CallId {
        self.last_call += 1;
        CallId(self.last_call)
    }

    /// An id for a message, a subscription or a publication to come.
    #[cfg(feature = "beside")]
    pub fn next_beside(&mut self) -> BesideId {
        self.last_call += 1;
        BesideId(self.last_call)
    }

    /// Something happened. What a registration does not need (`command`, `media`, `request`) stays out of this function: a browser compiles
    /// it as a whole while a page waits to be registered.
    pub fn handle_input(&mut self, now: Time, input: Input<'_>) {
        self.post.now = now;
        self.post.here = match input {
            Input::Frame(flow, _) => flow,
            _ => self.post.best(),
        };
        let urgent = !self.calls.is_empty();
        for flow in &mut self.flows {
            flow.link.set_urgent(urgent);
        }
        match input {
            Input::Connected(id) => {
                if let Some(flow) = self.flows.get_mut(id.place())
                    && flow.link.opened(now)
                {
                    flow.registrar.register(&mut self.post);
                }
            }
            Input::Disconnected(id) => {
                if let Some(flow) = self.flows.get_mut(id.place()) {
                    let step = flow.link.lost(now, &mut self.post.entropy);
                    self.step(id.place(), step);
                }
            }
            Input::Frame(id, frame) => self.frame(id, frame),
            Input::Timeout => self.timeout(),
            Input::Online(online) => self.each(&mut |flow, _| flow.link.network(now, online)),
            Input::Woken => self.each(&mut |flow, _| flow.link.doubt(now)),
            Input::Command(command) => self.command(command),
            Input::Media(call, reply) => self.media(call, reply),
        }
        self.settle();
    }

    /// What is to be done next; drained until [`Output::Timeout`].
    pub fn poll_output(&mut self) -> Output {
        self.post
            .out
            .pop_front()
            .unwrap_or_else(|| Output::Timeout(self.deadline()))
    }

    fn deadline(&self) -> Option<Time> {
        let flows = self.flows.iter().filter_map(Flow::deadline);
        #[cfg(feature = "beside")]
        let beside = self.beside.deadline(self.post.registered());
        #[cfg(not(feature = "beside"))]
        let beside = None;
        flows
            .chain(self.post.deadline())
            .chain(beside)
            .chain(self.calls.iter().filter_map(Call::deadline))
            .min()
    }

    /// Tells the page what has changed, and forgets what is over.
    fn settle(&mut self) {
        while let Some(reply) = self.post.replies.pop_front() {
            self.with_call(reply.call, |call, post| call.replied(post, reply));
        }
        #[cfg(feature = "beside")]
        while let Some(returned) = self.post.returned.pop_front() {
            self.beside.returned(&mut self.post, returned);
        }
        self.follow_referral();
        self.tell_referrers();
        for call in &mut self.calls {
            call.trickle_next(&mut self.post);
            call.show(&mut self.post);
        }
        self.calls.retain(|call| !call.is_over());
        self.leave_refused();
        let registration = self.registration();
        if self.shown != Some(registration) && !(self.shown.is_none() && self.stopped) {
            self.shown = Some(registration);
            self.post
                .out
                .push_back(Output::Event(Event::Registration(registration)));
        }
    }

    #[inline(never)]
    fn command(&mut self, command: Command) {
        match command {
            Command::Start => {
                self.stopped = false;
                let now = self.post.now;
                self.each(&mut |flow, _| flow.link.hurry(now));
            }
            Command::Stop => {
                self.hang_up_all();
                #[cfg(feature = "beside")]
                self.beside.stop(&mut self.post);
                self.stopped = true;
                self.leave();
            }
            Command::Abandon => {
                self.hang_up_all();
                self.stopped = true;
                for place in 0..self.flows.len() {
                    self.close(place);
                }
            }
            Command::Token(token) => {
                for flow in &mut self.flows {
                    flow.registrar.set_token(token.clone());
                }
                self.prove_anew();
            }
            Command::Login(login) => {
                for flow in &mut self.flows {
                    flow.registrar.set_login(login.clone());
                }
                self.post.set_login(login);
                self.prove_anew();
            }
            Command::Register => self.register_now(),
            Command::Call { call, to, headers } => {
                self.hold_others(call);
                let call = Call::start(&mut self.post, call, to.expose(), headers, false);
                self.begin(call);
            }
            Command::CallWithoutOffer { call, to, headers } => {
                self.hold_others(call);
                let call = Call::start(&mut self.post, call, to.expose(), headers, true);
                self.begin(call);
            }
            Command::Alert(call) => self.with_call(call, |call, post| call.alert(post)),
            Command::Answer(call) => {
                self.hold_others(call);
                self.with_call(call, |call, post| call.answer(post));
            }
            Command::Hold(call, on) => {
                if !on {
                    self.hold_others(call);
                }
                self.with_call(call, |call, post| call.hold(post, on));
            }
            Command::Reject(call) => self.with_call(call, |call, post| call.reject(post)),
            Command::HangUp(call) => self.with_call(call, |call, post| call.hang_up(post)),
            Command::Dtmf(call, digits) => {
                self.with_call(call, |call, post| call.dial_in_call(post, &digits));
            }
            Command::Transfer(call, to) => {
                let to = self.post.me.target(to.expose());
                self.with_call(call, |call, post| match to {
                    Ok(to) => call.transfer(post, &to, None),
                    Err(_) => call.transfer_refused(post, 404),
                });
            }
            Command::TransferTo(call, other) => self.connect_calls(call, other),
            Command::Offer(call) => self.with_call(call, |call, post| call.offer_anew(post)),
            Command::Candidates(call, fragment) => {
                self.with_call(call, |call, _| call.trickle(fragment));
            }
            Command::Record(call, on) => self.with_call(call, |call, post| call.record(post, on)),
            Command::Path(call, path) => self.with_call(call, |call, post| call.path(post, path)),
            #[cfg(feature = "beside")]
            Command::Beside(command) => self.beside.command(&mut self.post, command),
        }
    }

    fn begin(&mut self, mut call: Call) {
        call.flow_registered(&mut self.post);
        call.park(self.post.now, self.patience.unregistered);
        self.calls.push(call);
        if !self.stopped && !self.post.registered() {
            let now = self.post.now;
            self.each(&mut |flow, _| flow.link.hurry(now));
        }
    }

    fn with_call(&mut self, id: CallId, act: impl FnOnce(&mut Call, &mut Post)) {
        if let Some(call) = self.calls.iter_mut().find(|c| c.id == id) {
            act(call, &mut self.post);
        }
    }

    /// The other side of one call is sent to that of another one (RFC 5589 §7).
    fn connect_calls(&mut self, call: CallId, other: CallId) {
        let found = self.calls.iter().find(|c| c.id == other && c.id != call);
        let target = found
            .filter(|c| matches!(c.phase, call::Phase::Talking))
            .and_then(|c| c.dialog.as_ref())
            .map(|d| (d.remote().uri.clone(), d.id().clone()));
        self.with_call(call, |call, post| match target {
            Some((to, id)) => call.transfer(post, &to, Some(&id)),
            None => call.transfer_refused(post, 0),
        });
    }

    /// The other side of a call wants us to call someone else: one after the other, and not beyond one call more than are taken. It is
    /// this line that calls, and answers for it.
    fn follow_referral(&mut self) {
        let Some((by, target)) = self.post.referred.take() else {
            return;
        };
        let by_it = |c: &Call| !c.is_over() && c.referred.as_ref().is_some_and(|r| r.by == by);
        let against = if self.calls.iter().any(by_it) {
            Some(491)
        } else {
            (self.under_way() > self.post.policy.calls.max(1)).then_some(486)
        };
        let mut referred = None;
        self.with_call(by, |call, post| {
            referred = call.follow(post, &target, against);
        });
        if referred.is_none() {
            return;
        }
        let id = self.next_call();
        let mut call = Call::start_at(&mut self.post, id, target.to, false);
        call.more = target.headers;
        call.referred = referred;
        call.view.replaces = Some(by);
        self.calls.push(call);
        self.hold_others(id);
    }

    /// What has become of calls that stand in for others is told to those who asked for them.
    fn tell_referrers(&mut self) {
        let mut at = 0;
        while at < self.calls.len() {
            let call = &mut self.calls[at];
            let news = call.news_for_referrer();
            let taken_over = call.takes_over();
            at += 1;
            if let Some(news) = news {
                self.with_call(news.by, |call, post| call.notify(post, &news));
            }
            if let Some(old) = taken_over {
                self.with_call(old, |call, post| call.replaced(post));
            }
        }
    }

    /// One is talked to at a time.
    fn hold_others(&mut self, but: CallId) {
        for call in self.calls.iter_mut().filter(|c| c.id != but) {
            call.hold_for_another(&mut self.post);
        }
    }

    fn hang_up_all(&mut self) {
        for call in &mut self.calls {
            call.hang_up(&mut self.post);
        }
    }

    #[inline(never)]
    fn media(&mut self, id: CallId, reply: MediaReply) {
        let parked = self.patience.unregistered;
        let now = self.post.now;
        self.with_call(id, |call, post| {
            if !call.keep_answer(&reply) {
                call.media(post, reply);
                call.park(now, parked);
            }
        });
    }

    fn timeout(&mut self) {
        self.flows_timeout();
        self.post.timeout();
        #[cfg(feature = "beside")]
        self.beside.timeout(&mut self.post);
        for call in &mut self.calls {
            call.timeout(&mut self.post);
        }
    }
}
