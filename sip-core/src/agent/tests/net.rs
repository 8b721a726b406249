//! The virtual world: pages with agents, a scripted edge, and a clock.

use std::collections::{HashMap, VecDeque};

use crate::agent::{
    Agent, CallId, CallState, CallView, Command, Config, Event, FlowId, Input, MediaReply,
    MediaRequest, Outcome, Output, Patience, Policy, Registration,
};
use crate::entropy::Entropy;
use crate::pii::Pii;
use crate::time::{Duration, Time};
use crate::wire::{HeaderName, Limits, Message, Method, NameAddr, Request, Response};

/// A flow that the test does not look at now.
#[derive(Default)]
struct Aside {
    open: bool,
    connecting: bool,
    sent: VecDeque<Vec<u8>>,
}

/// One page: its agent, and everything that it wanted.
pub struct Page {
    pub agent: Agent,
    pub now: Time,
    /// The flow that the test looks at: everything about sockets, frames and messages is of this one.
    flow: FlowId,
    aside: HashMap<FlowId, Aside>,
    /// Its socket is open.
    pub open: bool,
    /// A socket is wanted for it.
    pub connecting: bool,
    /// Frames for its server.
    pub sent: VecDeque<Vec<u8>>,
    pub events: Vec<Event>,
    pub media: Vec<(CallId, MediaRequest)>,
    pub deadline: Option<Time>,
    /// Answers media requests by itself.
    pub microphone: bool,
    holding: HashMap<CallId, bool>,
}

pub fn config(number: &str) -> Config {
    Config {
        address_of_record: Pii(format!("sip:{number}@wakeline.test")),
        display_name: Pii(format!("Name of {number}")),
        instance: "00000000-0000-4000-8000-000000000001".into(),
        secure: true,
        user_agent: "test".into(),
        token: Some(Pii("good".into())),
        login: None,
        patience: Patience::default(),
        policy: Policy::default(),
    }
}

impl Page {
    pub fn new(number: &str, seed: u64) -> Self {
        Self::with(config(number), seed)
    }

    pub fn with(config: Config, seed: u64) -> Self {
        Self {
            agent: Agent::new(&config, Entropy::for_tests(seed)).unwrap(),
            now: Time(1_000_000),
            flow: FlowId::FIRST,
            aside: HashMap::new(),
            open: false,
            connecting: false,
            sent: VecDeque::new(),
            events: Vec::new(),
            media: Vec::new(),
            deadline: None,
            microphone: true,
            holding: HashMap::new(),
        }
    }

    /// A page that is registered.
    pub fn registered(number: &str, seed: u64) -> Self {
        let mut page = Self::new(number, seed);
        page.command(Command::Start);
        page.connected();
        page.accept_register(600);
        page.events.clear();
        page
    }

    /// Looks at another flow.
    pub fn on(&mut self, flow: FlowId) -> &mut Self {
        if flow != self.flow {
            let next = self.aside.remove(&flow).unwrap_or_default();
            let before = Aside {
                open: std::mem::replace(&mut self.open, next.open),
                connecting: std::mem::replace(&mut self.connecting, next.connecting),
                sent: std::mem::replace(&mut self.sent, next.sent),
            };
            self.aside.insert(self.flow, before);
            self.flow = flow;
        }
        self
    }

    fn wanted(&mut self, flow: FlowId, open: bool, connecting: bool) {
        let looked_at = self.flow;
        self.on(flow);
        (self.open, self.connecting) = (open, connecting);
        self.on(looked_at);
    }

    pub fn input(&mut self, input: Input<'_>) {
        self.agent.handle_input(self.now, input);
        let mut replies = Vec::new();
        loop {
            match self.agent.poll_output() {
                Output::Transmit(flow, frame) => {
                    let looked_at = self.flow;
                    self.on(flow);
                    if self.open {
                        self.sent.push_back(frame);
                    }
                    self.on(looked_at);
                }
                Output::Connect(flow) => self.wanted(flow, false, true),
                Output::Disconnect(flow) => self.wanted(flow, false, false),
                Output::Media(call, request) => {
                    if let MediaRequest::Hold(on) = request {
                        self.holding.insert(call, on);
                    }
                    let holding = self.holding.get(&call).copied().unwrap_or(false);
                    replies.extend(
                        self.microphone
                            .then(|| reply(&request, holding))
                            .flatten()
                            .map(|r| (call, r)),
                    );
                    self.media.push((call, request));
                }
                Output::Event(event) => self.events.push(event),
                Output::Timeout(at) => {
                    self.deadline = at;
                    break;
                }
            }
        }
        for (call, reply) in replies {
            self.input(Input::Media(call, reply));
        }
    }

    pub fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    pub fn connected(&mut self) {
        assert!(self.connecting, "no socket was wanted");
        (self.open, self.connecting) = (true, false);
        self.sent.clear();
        self.input(Input::Connected(self.flow));
    }

    pub fn cut(&mut self) {
        self.open = false;
        self.input(Input::Disconnected(self.flow));
    }

    pub fn frame(&mut self, message: impl Into<Message>) {
        let bytes = message.into().to_bytes();
        self.input(Input::Frame(self.flow, &bytes));
    }

    /// Lets time pass, timers included.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.deadline.filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let before = self.deadline;
            self.input(Input::Timeout);
            assert!(
                self.deadline != before || self.deadline.is_none(),
                "a timer that does not move spins: {before:?}"
            );
        }
        self.now = end;
    }

    /// The next message for the edge; keepalives and 100 are left out.
    pub fn message(&mut self) -> Message {
        self.next_message().expect("the page sent nothing")
    }

    fn next_message(&mut self) -> Option<Message> {
        loop {
            let frame = self.sent.pop_front()?;
            if is_noise(&frame) {
                continue;
            }
            return Some(Message::parse(&frame, &Limits::DEFAULT).expect("the page sent nonsense"));
        }
    }

    pub fn request(&mut self, method: Method) -> Request {
        let request = self
            .message()
            .into_request()
            .expect("the page sent a response");
        assert_eq!(request.method, method);
        request
    }

    pub fn response(&mut self, status: u16) -> Response {
        let response = self
            .message()
            .into_response()
            .expect("the page sent a request");
        assert_eq!(response.status, status, "{response:?}");
        response
    }

    pub fn silent(&self) -> bool {
        self.sent.iter().all(|frame| is_noise(frame))
    }

    pub fn accept_register(&mut self, expires: u32) -> Request {
        let register = self.request(Method::Register);
        let ok = granted(&register, expires);
        self.frame(ok);
        register
    }

    pub fn call(&mut self, number: &str) -> CallId {
        let call = self.agent.next_call();
        self.command(Command::Call {
            call,
            to: Pii(number.into()),
            headers: Vec::new(),
        });
        call
    }

    /// The latest view of the calls of this page.
    pub fn view(&self) -> &CallView {
        let view = self.events.iter().rev().find_map(|e| match e {
            Event::Call(_, view) | Event::Incoming(_, view) => Some(view),
            _ => None,
        });
        view.expect("no call was told of")
    }

    /// The latest view of this call.
    pub fn view_of(&self, id: CallId) -> &CallView {
        let view = self.events.iter().rev().find_map(|e| match e {
            Event::Call(call, view) | Event::Incoming(call, view) if *call == id => Some(view),
            _ => None,
        });
        view.expect("this call was not told of")
    }

    pub fn state(&self) -> CallState {
        self.view().state
    }

    pub fn outcome(&self) -> Outcome {
        self.view()
            .end
            .as_ref()
            .expect("the call is not over")
            .outcome
    }

    pub fn registration(&self) -> Registration {
        self.agent.registration()
    }

    /// The id of the call that came in last.
    pub fn incoming(&self) -> CallId {
        let found = self.events.iter().rev().find_map(|e| match e {
            Event::Incoming(call, _) => Some(*call),
            _ => None,
        });
        found.expect("nobody called")
    }

    pub fn rings(&self) -> usize {
        self.events
            .iter()
            .filter(|e| matches!(e, Event::Incoming(..)))
            .count()
    }
}

/// Keepalives, and 100.
fn is_noise(frame: &[u8]) -> bool {
    frame.iter().all(|b| matches!(b, b'\r' | b'\n')) || frame.starts_with(b"SIP/2.0 100 ")
}

/// A description with this direction, as a browser writes it.
pub fn sdp(who: &str, direction: &str) -> Vec<u8> {
    format!("v=0\r\ns={who}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na={direction}\r\n").into_bytes()
}

/// What a browser answers, its transceiver sending only while the call is held (RFC 3264 §6.1).
fn reply(request: &MediaRequest, holding: bool) -> Option<MediaReply> {
    let local = |sdp| Some(MediaReply::Local(Pii(sdp)));
    match request {
        MediaRequest::CreateOffer => {
            local(sdp("offer", if holding { "sendonly" } else { "sendrecv" }))
        }
        MediaRequest::CreateAnswer { offer } => {
            let offered = |what: &str| String::from_utf8_lossy(offer).contains(what);
            let they_send = !offered("a=recvonly") && !offered("a=inactive");
            let they_hear = !offered("a=sendonly") && !offered("a=inactive");
            local(sdp(
                "answer",
                match (they_hear, they_send && !holding) {
                    (true, true) => "sendrecv",
                    (true, false) => "sendonly",
                    (false, true) => "recvonly",
                    (false, false) => "inactive",
                },
            ))
        }
        MediaRequest::ApplyAnswer { .. } => Some(MediaReply::Applied),
        MediaRequest::ApplyEarly { .. }
        | MediaRequest::Hold(_)
        | MediaRequest::Rollback
        | MediaRequest::Renew
        | MediaRequest::Restart
        | MediaRequest::Candidates { .. }
        | MediaRequest::Release => None,
    }
}

pub fn granted(register: &Request, expires: u32) -> Response {
    let contact: NameAddr = register
        .headers
        .get(HeaderName::Contact)
        .unwrap()
        .parse()
        .unwrap();
    let contact = contact.with_param("expires", expires.to_string());
    Response::for_request(register, 200, "")
        .with_to_tag("edge")
        .with(HeaderName::Contact, contact.to_string())
}

/// What an edge makes of an INVITE on its way to a callee: another Via on top, the wake, a Record-Route.
pub fn forwarded(invite: &Request, branch: &str) -> Request {
    let mut out = invite.clone();
    out.headers.prepend(
        HeaderName::Via,
        format!("SIP/2.0/WSS edge.invalid;branch=z9hG4bK{branch}"),
    );
    out.headers.prepend(
        HeaderName::RecordRoute,
        "<sip:edge.wakeline.test;transport=ws;lr>",
    );
    out.headers.set("Wakeline-Wake", "wake1;state=invited");
    out
}

/// What an edge makes of a response on its way back.
pub fn returned(response: &Response) -> Response {
    let mut out = response.clone();
    out.headers.remove_first_value(HeaderName::Via);
    out
}

/// An INVITE from a page that nobody sees.
pub fn stranger() -> Request {
    let mut page = Page::registered("1001", 77);
    page.call("1002");
    forwarded(&page.request(Method::Invite), "first")
}
