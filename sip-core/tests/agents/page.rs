//! A page with the real agent, in the place of the edge tests' scripted one.

use std::collections::VecDeque;

use wakeline_sip::agent::{
    Agent, CallId, CallState, CallView, Command, Config, Event, FlowId, Input, MediaReply,
    MediaRequest, Output, Patience, Policy, Registration,
};
use wakeline_sip::edge::{DeviceId, WakeId};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::pii::Pii;
use wakeline_sip::time::{Duration, Time};

use crate::sim::{START, World};

pub struct Page {
    pub number: String,
    pub device: DeviceId,
    pub flow: Option<String>,
    /// Where its sockets come from.
    pub address: Option<String>,
    pub closed_because: Option<&'static str>,
    pub agent: Agent,
    pub events: Vec<Event>,
    deadline: Option<Time>,
    wants_socket: bool,
    drops_socket: bool,
    sent: VecDeque<Vec<u8>>,
    media: VecDeque<(CallId, MediaReply)>,
    /// Its user allows the microphone, and its screen is up at once.
    pub microphone: bool,
}

impl Page {
    pub fn new(number: &str, name: &str) -> Self {
        let seed = name.bytes().fold(7, |seed: u64, b| {
            seed.wrapping_mul(31).wrapping_add(b.into())
        });
        let device = DeviceId::parse(&format!("00000000-0000-4000-8000-{seed:012x}")).unwrap();
        Self::load(number, device, seed)
    }

    /// The page of this device, loaded anew: nothing of the former one is left in it.
    pub fn load(number: &str, device: DeviceId, seed: u64) -> Self {
        let config = Config {
            address_of_record: Pii(format!("sip:{number}@example.test")),
            display_name: Pii(String::new()),
            instance: device.to_string(),
            secure: true,
            user_agent: "test".into(),
            token: Some(Pii(format!("u{number}/{number}"))),
            login: None,
            patience: Patience::default(),
            policy: Policy::default(),
        };
        Self {
            number: number.to_owned(),
            device,
            flow: None,
            address: None,
            closed_because: None,
            agent: Agent::new(&config, Entropy::for_tests(seed)).unwrap(),
            events: Vec::new(),
            deadline: None,
            wants_socket: false,
            drops_socket: false,
            sent: VecDeque::new(),
            media: VecDeque::new(),
            microphone: true,
        }
    }

    /// The world's own way to register: the agent has its own.
    pub fn register(&mut self, _expires: Option<u32>) -> Vec<u8> {
        unreachable!("agents register by themselves")
    }

    /// A frame arrived; what is answered at once.
    pub fn receive(&mut self, now: Time, frame: &[u8]) -> Vec<Vec<u8>> {
        self.input(now, Input::Frame(FlowId::FIRST, frame));
        self.sent.drain(..).collect()
    }

    pub fn input(&mut self, now: Time, input: Input<'_>) {
        self.agent.handle_input(now, input);
        loop {
            match self.agent.poll_output() {
                Output::Transmit(_, frame) => self.sent.push_back(frame),
                Output::Connect(_) => (self.wants_socket, self.drops_socket) = (true, true),
                Output::Disconnect(_) => (self.wants_socket, self.drops_socket) = (false, true),
                Output::Media(call, request) => {
                    let local = |sdp: &[u8]| MediaReply::Local(Pii(sdp.to_vec()));
                    let reply = match request {
                        _ if !self.microphone => continue,
                        MediaRequest::CreateOffer => local(b"v=0\r\no=offer"),
                        MediaRequest::CreateAnswer { .. } => local(b"v=0\r\no=answer"),
                        MediaRequest::ApplyAnswer { .. } => MediaReply::Applied,
                        _ => continue,
                    };
                    self.media.push_back((call, reply));
                }
                Output::Event(event) => self.events.push(event),
                Output::Timeout(at) => {
                    self.deadline = at;
                    return;
                }
            }
        }
    }

    pub fn view(&self) -> Option<&CallView> {
        self.events.iter().rev().find_map(|e| match e {
            Event::Call(_, view) | Event::Incoming(_, view) => Some(view),
            _ => None,
        })
    }

    pub fn state(&self) -> Option<CallState> {
        self.view().map(|v| v.state)
    }

    pub fn rings(&self) -> usize {
        self.events
            .iter()
            .filter(|e| matches!(e, Event::Incoming(..)))
            .count()
    }

    pub fn incoming(&self) -> CallId {
        let call = self.events.iter().rev().find_map(|e| match e {
            Event::Incoming(call, _) => Some(*call),
            _ => None,
        });
        call.expect("nobody called")
    }

    /// The wakes that the last registration named.
    pub fn waiting(&self) -> Vec<WakeId> {
        let last = self.events.iter().rev().find_map(|e| match e {
            Event::Registered { waiting, .. } => Some(waiting.clone()),
            _ => None,
        });
        last.unwrap_or_default()
            .iter()
            .map(|id| WakeId::parse(id).unwrap())
            .collect()
    }
}

/// What drives the pages of a world.
pub struct Stage {
    pub world: World,
    /// Sockets cannot be opened.
    pub dark: bool,
    /// Pages say ready for every wake that waits, as the driver does.
    pub eager: bool,
    said: Vec<(usize, Option<String>, WakeId)>,
    alerted: Vec<(usize, CallId)>,
    seen: Vec<usize>,
}

impl Stage {
    pub fn new(world: World) -> Self {
        Self {
            world,
            dark: false,
            eager: true,
            said: Vec::new(),
            alerted: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// A line with a device that can be pushed to, and a page that is closed.
    pub fn page(&mut self, number: &str, name: &str) -> usize {
        self.seen.push(0);
        self.world.page(number, name, true)
    }

    pub fn open(&mut self, page: usize) {
        self.command(page, Command::Start);
    }

    pub fn command(&mut self, page: usize, command: Command) {
        let now = self.world.now;
        self.world.pages[page].input(now, Input::Command(command));
        self.carry_out(page);
    }

    pub fn input(&mut self, page: usize, input: Input<'_>) {
        let now = self.world.now;
        self.world.pages[page].input(now, input);
        self.carry_out(page);
    }

    pub fn dial(&mut self, page: usize, number: &str) -> CallId {
        let call = self.world.pages[page].agent.next_call();
        self.command(
            page,
            Command::Call {
                call,
                to: Pii(number.into()),
                headers: Vec::new(),
            },
        );
        call
    }

    pub fn answer(&mut self, page: usize) {
        let call = self.world.pages[page].incoming();
        self.command(page, Command::Answer(call));
    }

    /// The socket breaks, and both sides notice.
    pub fn cut(&mut self, page: usize) {
        self.world.cut(page);
        let now = self.world.now;
        self.world.pages[page].input(now, Input::Disconnected(FlowId::FIRST));
        self.carry_out(page);
    }

    pub fn run(&mut self, ms: u64) {
        self.run_to(self.world.now + Duration::from_millis(ms));
    }

    /// From one thing that happens to the next.
    pub fn run_to(&mut self, end: Time) {
        while self.world.now < end {
            let pages = self.world.pages.iter().filter_map(|page| page.deadline);
            let next = pages.chain(self.world.next_due()).min().unwrap_or(end);
            let soon = self.world.now + Duration::from_millis(1);
            self.world.run_until(next.clamp(soon, end.max(soon)));
            for page in 0..self.world.pages.len() {
                self.turn(page);
            }
        }
    }

    /// Loads a page anew in the place of the former one, which is gone without a word.
    pub fn reload(&mut self, page: usize, seed: u64) {
        self.world.cut(page);
        let old = &self.world.pages[page];
        self.world.pages[page] = Page::load(&old.number, old.device.clone(), seed);
        self.seen[page] = 0;
        self.alerted.retain(|(p, _)| *p != page);
        self.said.retain(|(p, _, _)| *p != page);
    }

    pub fn run_until(&mut self, what: &str, ms: u64, holds: impl Fn(&World) -> bool) {
        let end = self.world.now + Duration::from_millis(ms);
        while !holds(&self.world) {
            assert!(
                self.world.now < end,
                "not within {ms} ms: {what}; {:?}",
                self.states()
            );
            self.run(5);
        }
    }

    fn states(&self) -> Vec<(Registration, Option<CallState>)> {
        self.world
            .pages
            .iter()
            .map(|p| (p.agent.registration(), p.state()))
            .collect()
    }

    fn turn(&mut self, page: usize) {
        let now = self.world.now;
        // The edge closed the socket.
        if self.world.pages[page].closed_because.take().is_some() {
            self.world.pages[page].input(now, Input::Disconnected(FlowId::FIRST));
        }
        for _ in 0..100 {
            if self.world.pages[page].deadline.is_none_or(|at| now < at) {
                break;
            }
            self.world.pages[page].input(now, Input::Timeout);
        }
        self.carry_out(page);
        self.react(page);
    }

    fn carry_out(&mut self, page: usize) {
        let now = self.world.now;
        loop {
            let this = &mut self.world.pages[page];
            if std::mem::take(&mut this.drops_socket) {
                self.world.cut(page);
            }
            let this = &mut self.world.pages[page];
            let frame = this.sent.pop_front().filter(|_| this.flow.is_some());
            match frame.as_deref() {
                // The platform answers for the flow object, which sleeps on.
                Some(b"\r\n\r\n") => this.input(now, Input::Frame(FlowId::FIRST, b"\r\n")),
                Some(frame) => self.world.send(page, frame.to_vec()),
                None => {}
            }
            let this = &mut self.world.pages[page];
            if let Some((call, reply)) = this.media.pop_front() {
                this.input(now, Input::Media(call, reply));
                continue;
            }
            if !this.sent.is_empty() {
                continue;
            }
            if !std::mem::take(&mut this.wants_socket) {
                return;
            }
            if self.dark {
                this.input(now, Input::Disconnected(FlowId::FIRST));
            } else {
                self.world.connect(page);
                self.world.pages[page].input(now, Input::Connected(FlowId::FIRST));
            }
        }
    }

    /// What the driver does by itself: the screen comes up, and every wake that waits hears ready.
    fn react(&mut self, page: usize) {
        let seen = std::mem::replace(&mut self.seen[page], self.world.pages[page].events.len());
        let events = self.world.pages[page].events[seen..].to_vec();
        for event in events {
            match event {
                Event::Incoming(call, _) if !self.alerted.contains(&(page, call)) => {
                    self.alerted.push((page, call));
                    self.command(page, Command::Alert(call));
                }
                Event::Registered { .. } if self.eager => {
                    for wake in self.world.pages[page].waiting() {
                        let key = (page, self.world.pages[page].flow.clone(), wake.clone());
                        if !self.said.contains(&key) {
                            self.said.push(key);
                            let _ = self.world.report(page, &wake, "ready");
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// Two lines with open, registered pages.
pub fn two_open(world: World) -> (Stage, usize, usize) {
    let mut stage = Stage::new(world);
    let (caller, callee) = (stage.page("1001", "caller"), stage.page("1002", "callee"));
    stage.open(caller);
    stage.open(callee);
    stage.run_until("both are registered", 30_000, |w| {
        [caller, callee]
            .iter()
            .all(|p| w.pages[*p].agent.registration() == Registration::Registered)
    });
    assert!(stage.world.now > START);
    (stage, caller, callee)
}
