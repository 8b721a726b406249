//! The flows of an agent: what each of them wants, and what becomes of everything else when one is bound or lost.

#[cfg(feature = "outbound")]
use super::config::Config;
use super::event::{Event, Registration};
use super::flow::{Flow, FlowId, SEVERAL};
use super::io::Output;
use super::link::{PING, Step};
use super::registration::Answer;
use super::{Agent, Post};
use crate::time::Time;
use crate::wire::{Limits, Message};

/// Flows at the same time. RFC 5626 §4.2.1 asks for two; each costs everybody a socket.
#[cfg(feature = "outbound")]
pub const MOST_FLOWS: u8 = 4;

impl Agent {
    /// So many flows are held at the same time, each to a server of its own while there are as many (RFC 5626 §4.2).
    #[cfg(feature = "outbound")]
    #[must_use]
    pub fn with_flows(mut self, config: &Config, flows: u8) -> Self {
        for place in 1..usize::from(flows.min(MOST_FLOWS)) {
            let flow = Flow::new(FlowId::at(place), config, &mut self.post);
            self.flows.push(flow);
        }
        self
    }

    /// Which of the servers [`Output::Connect`] means for this flow.
    pub fn server(&self, flow: FlowId) -> usize {
        let turn = self.turn(flow.place(), 0);
        self.order.get(turn).copied().unwrap_or(turn)
    }

    /// Which server a flow means, or would so many tries further on: the flows share them, each begins at its own.
    fn turn(&self, place: usize, further: usize) -> usize {
        let tried = self
            .flows
            .get(place)
            .map_or(0, |flow| flow.link.server().wrapping_add(further));
        tried.wrapping_mul(self.flows.len()).wrapping_add(place) % self.servers
    }

    /// The server of this flow is not to be asked before then: whichever can be asked first is next (RFC 3263 §4.3), and when it can.
    fn pass_over(&mut self, place: usize, until: Time) -> Time {
        let here = self.turn(place, 0);
        self.away.resize(self.servers, Time::ZERO);
        self.away[here] = until;
        let free = |further: &usize| self.away[self.turn(place, *further)].max(self.post.now);
        let further = (1..=self.servers).min_by_key(free).unwrap_or(0);
        let at = free(&further);
        let link = &mut self.flows[place].link;
        link.set_server(link.server().wrapping_add(further));
        at
    }

    /// The page has asked for its bindings (RFC 3261 §10.2.3) on the socket that this flow is about to have, and this came back. The first
    /// REGISTER answers it if it is a challenge that it can answer; anything else is as if nobody had asked.
    pub fn challenged(&mut self, flow: FlowId, frame: &[u8]) {
        if let Some(flow) = self.flows.get_mut(flow.place())
            && let Ok(Message::Response(response)) = Message::parse(frame, &Limits::DEFAULT)
        {
            flow.registrar.foresee(&response);
        }
    }

    /// Where the registration stands. One flow is enough for it.
    pub fn registration(&self) -> Registration {
        if self.stopped {
            return Registration::Closed;
        }
        if self.flows.iter().any(Flow::is_bound) {
            return Registration::Registered;
        }
        let refusals = || self.flows.iter().map(|flow| flow.registrar.refusal());
        if let Some(Some((status, retry_at))) = refusals().next()
            && refusals().all(|refusal| refusal.is_some())
        {
            return Registration::Refused { status, retry_at };
        }
        if self.flows.iter().any(|flow| !flow.link.is_online()) {
            return Registration::Offline;
        }
        if self.flows.iter().any(|flow| flow.registrar.was_bound()) {
            let tried = self
                .flows
                .iter()
                .filter(|flow| flow.registrar.refusal().is_none());
            return Registration::Reconnecting {
                // One that is opening counts as now.
                retry_at: tried.map(|flow| flow.link.retry_at()).min().flatten(),
            };
        }
        Registration::Connecting
    }

    /// It was stopped, and has nothing more to say: each flow is unregistered, or is not there to be.
    pub fn has_left(&self) -> bool {
        self.stopped && !self.flows.iter().any(|flow| flow.link.is_open())
    }

    /// Something happens to each of them.
    pub(super) fn each(&mut self, act: &mut dyn FnMut(&mut Flow, &mut Post) -> Option<Step>) {
        for place in 0..self.flows.len() {
            let step = act(&mut self.flows[place], &mut self.post);
            self.step(place, step);
        }
    }

    pub(super) fn step(&mut self, place: usize, step: Option<Step>) {
        let id = FlowId::at(place);
        match step {
            None => {}
            Some(Step::Ping) => {
                let ping = Output::Transmit(id, PING.to_vec());
                self.post.out.push_back(ping);
            }
            Some(Step::Connect) => {
                self.flow_lost(place);
                self.post.out.push_back(Output::Connect(id));
            }
            Some(Step::Lost) => {
                self.flow_lost(place);
                self.post.out.push_back(Output::Disconnect(id));
                let flow = &mut self.flows[place];
                if flow.kept && !self.stopped && flow.registrar.refusal().is_some() {
                    return self.turned_away(place);
                }
                let again = flow.link.retry_at();
                if self.stopped || flow.registrar.refusal().is_some() {
                    flow.link.down();
                }
                if !flow.link.take_proven()
                    && let Some(again) = again
                {
                    self.pass_over(place, again);
                }
            }
        }
    }

    /// A flow is gone with every transaction on it. What another one can carry goes there at once.
    fn flow_lost(&mut self, place: usize) {
        let id = FlowId::at(place);
        self.flows[place].registrar.flow_lost();
        self.post.flow_lost(id);
        let until = self.post.now + self.patience.rebind;
        for call in &mut self.calls {
            call.flow_lost(&mut self.post, id, until);
        }
        if SEVERAL && self.post.registered() && self.flows.len() > 1 {
            for call in &mut self.calls {
                call.flow_registered(&mut self.post);
            }
            // Notifiers have to learn where we are now.
            #[cfg(feature = "beside")]
            self.beside.flow_registered(&mut self.post, true);
        }
    }

    pub(super) fn close(&mut self, place: usize) {
        self.flows[place].link.down();
        if self.stopped {
            self.post.unbind_all();
        }
        self.flow_lost(place);
        let id = FlowId::at(place);
        self.post.out.push_back(Output::Disconnect(id));
    }

    /// Unregisters each flow that is registered, and closes the others.
    pub(super) fn leave(&mut self) {
        for place in 0..self.flows.len() {
            let flow = &mut self.flows[place];
            if !(flow.link.is_open() && flow.registrar.leave(&mut self.post)) {
                self.close(place);
            }
        }
    }

    /// What proves the line is new: whoever was refused may try again.
    pub(super) fn prove_anew(&mut self) {
        let (now, stopped) = (self.post.now, self.stopped);
        self.each(&mut |flow, post| {
            flow.registrar.refusal()?;
            if flow.link.is_open() {
                flow.registrar.register(post);
                return None;
            }
            if stopped {
                return None;
            }
            flow.registrar.forgive();
            Some(flow.link.connect(now))
        });
    }

    /// Someone waits for the proof of a registration: a flow that may be dead is not given the usual time.
    pub(super) fn register_now(&mut self) {
        let now = self.post.now;
        if self.stopped {
            return;
        }
        self.each(&mut |flow, post| {
            if !flow.link.is_open() {
                flow.registrar.forgive();
                flow.link.hurry(now)
            } else if flow.link.is_stale(now) {
                Some(flow.link.connect(now))
            } else {
                flow.registrar.register(post);
                flow.link.doubt(now)
            }
        });
    }

    pub(super) fn flows_timeout(&mut self) {
        let now = self.post.now;
        for place in 0..self.flows.len() {
            let step = self.flows[place].link.timeout(now, &mut self.post.entropy);
            self.step(place, step);
            let answer = self.flows[place].registrar.timeout(&mut self.post);
            self.registered(place, answer);
        }
    }

    pub(super) fn registered(&mut self, place: usize, answer: Answer) {
        let id = FlowId::at(place);
        let alone = !self.flows.iter().any(Flow::is_bound);
        let flow = &mut self.flows[place];
        match answer {
            Answer::None => {}
            Answer::Bound { waiting, new_flow } => {
                flow.link.proved();
                flow.kept = false;
                // Beside another one it changes nothing for anybody.
                let new_flow = new_flow && !self.post.registered();
                self.post.flow_registered(id);
                for call in &mut self.calls {
                    call.flow_registered(&mut self.post);
                    if new_flow {
                        call.probe(&mut self.post);
                    }
                }
                #[cfg(feature = "beside")]
                self.beside.flow_registered(&mut self.post, new_flow);
                self.post
                    .out
                    .push_back(Output::Event(Event::Registered { waiting, new_flow }));
            }
            // The socket stays open for the next token.
            Answer::TokenRefused => {
                flow.kept = false;
                self.post.unbind(id);
                self.post.out.push_back(Output::Event(Event::TokenRefused));
            }
            // Its calls have no other way: it is asked again where it is.
            Answer::Refused if alone && self.post.is_open(id) && !self.calls.is_empty() => {
                flow.kept = true;
            }
            Answer::Refused => self.turned_away(place),
            Answer::Due if flow.link.is_open() => flow.registrar.register(&mut self.post),
            Answer::Due => {
                let step = flow.link.hurry(self.post.now);
                self.step(place, step);
            }
            Answer::Silent => {
                let step = flow.link.lost(self.post.now, &mut self.post.entropy);
                self.step(place, step);
            }
            Answer::Left => self.close(place),
        }
    }

    /// What was kept for calls is left with the last of them.
    pub(super) fn leave_refused(&mut self) {
        for place in 0..self.flows.len() {
            let flow = &self.flows[place];
            let kept = flow.kept && flow.link.is_open() && flow.registrar.refusal().is_some();
            if kept && self.calls.is_empty() && self.post.is_at_rest() {
                self.turned_away(place);
            }
        }
    }

    /// The registrar has refused the flow. One that is in trouble is left for another server, if one may be asked now; else it is waited for
    /// the first that may.
    fn turned_away(&mut self, place: usize) {
        let trouble = match self.flows[place].registrar.refusal() {
            Some((408 | 500..600, at)) => at,
            _ => None,
        };
        let now = self.post.now;
        let next = trouble.map(|until| self.pass_over(place, until));
        let flow = &mut self.flows[place];
        flow.kept = false;
        match next {
            Some(at) if at <= now => {
                flow.registrar.forgive();
                flow.link.lost(now, &mut self.post.entropy);
            }
            _ => {
                if let Some(at) = next {
                    flow.registrar.refused_until(at);
                }
                flow.link.down();
            }
        }
        self.flow_lost(place);
        let id = FlowId::at(place);
        self.post.out.push_back(Output::Disconnect(id));
    }
}
