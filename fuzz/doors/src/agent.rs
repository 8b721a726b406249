//! A page's agent, an edge that says anything, a user who does anything, and a clock.

use std::collections::BTreeMap;

use wakeline_sip::agent::{
    Agent, BesideCommand, BesideId, CallId, Command, Config, Event, FlowId, Input, MediaReply,
    MediaRequest, Output, Path, Patience, Policy,
};
use wakeline_sip::auth::Login;
use wakeline_sip::entropy::Entropy;
use wakeline_sip::pii::Pii;
use wakeline_sip::time::{Duration, Time};
use wakeline_sip::wire::{HeaderName, Message, Method, NameAddr, Request, Response, View};

use crate::bytes::Bytes;
use crate::wire::OURS;

/// Steps of one life; what is beyond is not looked at.
const MAX_STEPS: usize = 192;
/// What one input may bring about.
const MAX_OUTPUTS: usize = 512;
const STATUSES: [u16; 24] = [
    100, 180, 182, 183, 200, 202, 302, 400, 401, 403, 404, 407, 408, 422, 423, 480, 481, 482, 486,
    487, 491, 500, 503, 603,
];

/// A life of an agent.
pub fn agent(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut page = Page::new(bytes.u8());
    page.input(Input::Command(Command::Start));
    for _ in 0..MAX_STEPS {
        let Some(step) = bytes.next() else { break };
        page.step(step, &mut bytes);
    }
    page.rest();
}

struct Page {
    agent: Agent,
    now: Time,
    open: bool,
    connecting: bool,
    deadline: Option<Time>,
    /// Requests and responses of the page, the last ones.
    requests: Vec<Request>,
    responses: Vec<Response>,
    /// What was sent to it and may be continued: a CANCEL, an ACK, a BYE.
    invites: Vec<Request>,
    calls: Vec<CallId>,
    media: Vec<(CallId, MediaRequest)>,
    /// Calls that the page believes in.
    alive: BTreeMap<u64, bool>,
    sent: u32,
}

impl Page {
    fn new(kind: u8) -> Self {
        let config = Config {
            address_of_record: Pii("sip:1001@wakeline.test".into()),
            display_name: Pii("Ann \"A\" Other".into()),
            instance: "00000000-0000-4000-8000-000000000001".into(),
            secure: true,
            user_agent: "fuzz".into(),
            token: (kind & 1 == 0).then(|| Pii("good".into())),
            login: (kind & 2 != 0).then(|| Login::with_password("1001", "secret")),
            policy: Policy {
                calls: 1 + usize::from(kind >> 4 & 3),
                session: if kind & 4 == 0 { 1800 } else { 0 },
                auto_answer: kind & 8 != 0,
                reliable: kind & 128 != 0,
                update: kind & 64 != 0,
                gruu: kind & 32 != 0,
            },
            patience: Patience::default(),
        };
        Self {
            agent: Agent::new(&config, Entropy::for_tests(u64::from(kind))).expect("a number"),
            now: Time(1_800_000_000_000),
            open: false,
            connecting: false,
            deadline: None,
            requests: Vec::new(),
            responses: Vec::new(),
            invites: Vec::new(),
            calls: Vec::new(),
            media: Vec::new(),
            alive: BTreeMap::new(),
            sent: 0,
        }
    }

    fn step(&mut self, step: u8, bytes: &mut Bytes<'_>) {
        match step % 20 {
            0 => self.receive(bytes.long_slice().to_vec()),
            1 if self.connecting => {
                (self.open, self.connecting) = (true, false);
                self.input(Input::Connected(FlowId::FIRST));
            }
            1 | 2 => self.cut(),
            3 => self.grant(bytes),
            4 | 5 => self.respond(bytes),
            6 => self.invite(bytes),
            7 | 8 => self.in_dialog(bytes),
            9 | 10 => self.due(),
            11 => self.pass(Duration::from_millis(u64::from(bytes.u16()))),
            12 => self.pass(Duration::from_secs(u64::from(bytes.u16() & 0x3ff))),
            13 => {
                let online = bytes.u8() & 1 == 0;
                self.input(Input::Online(online));
            }
            14 => self.input(Input::Woken),
            15 => self.wish(bytes),
            16 => {
                let to = Pii(bytes.text());
                let call = self.agent.next_call();
                keep(&mut self.calls, call);
                let headers = vec![("X-Page".to_owned(), bytes.text())];
                self.input(Input::Command(Command::Call { call, to, headers }));
            }
            17 => self.answer_media(bytes),
            18 => {
                let frame: &[u8] = if bytes.u8() & 1 == 0 {
                    b"\r\n"
                } else {
                    b"\r\n\r\n"
                };
                self.receive(frame.to_vec());
            }
            _ => {
                if let Some(&call) = self.calls.last() {
                    self.input(Input::Command(Command::Answer(call)));
                    self.answer_media(bytes);
                }
            }
        }
    }

    fn receive(&mut self, frame: Vec<u8>) {
        if self.open {
            self.input(Input::Frame(FlowId::FIRST, &frame));
        } else if self.connecting {
            // Said to a page whose core was not there yet.
            self.agent.challenged(FlowId::FIRST, &frame);
        }
    }

    fn cut(&mut self) {
        if self.open || self.connecting {
            (self.open, self.connecting) = (false, false);
            self.input(Input::Disconnected(FlowId::FIRST));
        }
    }

    /// The edge binds what was asked for last.
    fn grant(&mut self, bytes: &mut Bytes<'_>) {
        let register = self
            .requests
            .iter()
            .rev()
            .find(|r| r.method == Method::Register);
        let Some(register) = register else { return };
        let mut ok = Response::for_request(register, 200, "").with_to_tag("edge");
        let contact = register
            .headers
            .get(HeaderName::Contact)
            .unwrap_or("<sip:a@h>");
        if let Ok(contact) = contact.parse::<NameAddr>() {
            let expires = [600, 30, 0, 4_000_000_000u32][usize::from(bytes.u8()) % 4];
            ok = ok.with(
                HeaderName::Contact,
                contact
                    .with_param("expires", expires.to_string())
                    .to_string(),
            );
        }
        let frame = bytes.bend(ok.to_bytes());
        self.receive(frame);
    }

    /// Any answer to anything that the page asked.
    fn respond(&mut self, bytes: &mut Bytes<'_>) {
        let Some(request) = nth_last(&self.requests, bytes.u8()) else {
            return;
        };
        let status = *bytes.pick(&STATUSES);
        let shape = bytes.u8();
        let mut response = Response::for_request(request, status, "");
        if status > 100 {
            response = response.with_to_tag(["a", "b", ""][usize::from(shape & 3) % 3]);
        }
        if shape & 4 == 0 {
            response = response.with(HeaderName::Contact, "<sip:b@far.invalid;transport=ws>");
        }
        if shape & 8 == 0 {
            response = response.with_record_routes(request);
            response
                .headers
                .push(HeaderName::RecordRoute, "<sip:edge.wakeline.test;lr>");
        }
        if shape & 16 == 0 {
            response = response.with_body("application/sdp", "v=0\r\n");
        }
        match status {
            401 => {
                let challenge =
                    "Digest realm=\"wakeline.test\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";
                response
                    .headers
                    .push(HeaderName::WwwAuthenticate, challenge);
            }
            423 => response.headers.push(HeaderName::MinExpires, "900"),
            182 => response.headers.push("Wakeline-Wake", "w1;state=pushed"),
            503 => response.headers.push(HeaderName::RetryAfter, "5"),
            183 if shape & 32 == 0 => {
                response.headers.push(HeaderName::Require, "100rel");
                response.headers.push(HeaderName::RSeq, "1");
            }
            422 => response.headers.push(HeaderName::MinSe, "3600"),
            _ => {}
        }
        let frame = bytes.bend(response.to_bytes());
        self.receive(frame);
    }

    /// Somebody calls, or the INVITE of a call comes by another way.
    fn invite(&mut self, bytes: &mut Bytes<'_>) {
        let shape = bytes.u8();
        self.sent += 1;
        let call = if shape & 1 == 0 {
            self.sent
        } else {
            self.sent.saturating_sub(1)
        };
        let body = if shape & 2 == 0 { "v=0\r\n" } else { "" };
        let kind = if shape & 4 == 0 {
            "application/sdp"
        } else {
            "text/plain"
        };
        let require = if shape & 24 == 24 {
            "Require: 100rel\r\n"
        } else {
            ""
        };
        let text = format!(
            "INVITE sip:1001@page.invalid SIP/2.0\r\nVia: SIP/2.0/WSS edge.invalid;branch=z9hG4bK{}\r\n\
             Record-Route: <sip:edge.wakeline.test;wake=w;line=1001;lr>\r\nMax-Forwards: 69\r\n\
             From: \"Bob\" <sip:1002@wakeline.test>;tag=f{call}\r\nTo: <sip:1001@wakeline.test>\r\n\
             Call-ID: in{call}\r\nCSeq: 1 INVITE\r\nContact: <sip:b@far.invalid;transport=ws>\r\n\
             Wakeline-Wake: w{call};state=invited\r\n{require}Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            self.sent,
            body.len()
        );
        let frame = bytes.bend(text.into_bytes());
        if let Ok(Message::Request(request)) = Message::parse(&frame, &OURS) {
            keep(&mut self.invites, request);
        }
        self.receive(frame);
    }

    /// What belongs to a call: of the caller's side and of the called one's.
    fn in_dialog(&mut self, bytes: &mut Bytes<'_>) {
        let which = bytes.u8();
        let method = bytes.pick(&[
            "ACK", "BYE", "CANCEL", "INVITE", "INFO", "UPDATE", "OPTIONS", "REFER", "PRACK",
            "NOTIFY",
        ]);
        let shape = bytes.u8();
        let ours = shape & 1 == 0;
        let base = if ours { &self.invites } else { &self.requests };
        let Some(base) = nth_last(base, which) else {
            return;
        };
        let tag = self.responses.iter().rev().find_map(|r| {
            (r.headers.call_id() == base.headers.call_id())
                .then(|| {
                    r.headers
                        .to()
                        .ok()
                        .and_then(|to| to.tag().map(str::to_owned))
                })
                .flatten()
        });
        let mut request = base.clone();
        request.method = method.parse().expect("a method");
        let number = base.headers.cseq().map_or(1, |c| c.number);
        let same = matches!(*method, "ACK" | "CANCEL");
        let cseq = if same {
            number
        } else {
            number.saturating_add(u32::from(shape >> 4) + 1)
        };
        request
            .headers
            .set(HeaderName::CSeq, format!("{cseq} {method}"));
        self.sent += 1;
        if *method != "CANCEL" {
            if shape & 2 == 0 {
                let via = format!("SIP/2.0/WSS edge.invalid;branch=z9hG4bK{}", self.sent);
                request.headers.set(HeaderName::Via, via);
            }
            if ours {
                if let (Some(tag), Ok(to)) = (tag, base.headers.to()) {
                    request
                        .headers
                        .set(HeaderName::To, to.with_tag(tag).to_string());
                }
            } else if let (Ok(from), Ok(to)) = (base.headers.from(), base.headers.to()) {
                // The called side asks: its own tag is what it answered with.
                let tag = ["a", "b"][usize::from(shape >> 2) & 1];
                request.headers.set(HeaderName::To, from.to_string());
                request
                    .headers
                    .set(HeaderName::From, to.with_tag(tag).to_string());
            }
        }
        if shape & 8 == 0 && *method != "INVITE" {
            request.body.clear();
        }
        match *method {
            "REFER" => request
                .headers
                .set(HeaderName::ReferTo, "<sip:1003@wakeline.test>"),
            "PRACK" => request
                .headers
                .set(HeaderName::RAck, format!("1 {number} INVITE")),
            "NOTIFY" => {
                request.headers.set(HeaderName::Event, "refer");
                request.headers.set(HeaderName::SubscriptionState, "active");
            }
            _ => {}
        }
        let frame = bytes.bend(request.to_bytes());
        self.receive(frame);
    }

    fn wish(&mut self, bytes: &mut Bytes<'_>) {
        let kind = bytes.u8();
        let call = nth_last(&self.calls, bytes.u8())
            .copied()
            .unwrap_or(CallId(9999));
        let command = match kind % 18 {
            0 | 1 => Command::Alert(call),
            2 | 3 => Command::Answer(call),
            4 => Command::Reject(call),
            5 | 6 => Command::HangUp(call),
            7 => {
                let states = [Path::Lost, Path::Faltering, Path::Open];
                Command::Path(call, states[usize::from(kind / 18) % 3])
            }
            8 => Command::Register,
            9 => Command::Token(Pii(bytes.text())),
            10 if kind < 80 => Command::Stop,
            10 if kind < 160 => Command::Abandon,
            11 | 12 => Command::Hold(call, kind & 1 == 0),
            13 => Command::Dtmf(call, bytes.text()),
            14 => Command::Transfer(call, Pii(bytes.text())),
            15 => Command::TransferTo(call, nth_last(&self.calls, kind).copied().unwrap_or(call)),
            16 => self.rarer(kind / 18, call, bytes),
            _ => Command::Start,
        };
        self.input(Input::Command(command));
    }

    /// What a page wants less often.
    fn rarer(&mut self, kind: u8, call: CallId, bytes: &mut Bytes<'_>) -> Command {
        match kind {
            0 | 1 => Command::Record(call, kind == 0),
            2 => Command::Candidates(call, Pii(bytes.text().into_bytes())),
            3 => {
                let more = b"a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
                Command::Candidates(call, Pii(more.to_vec()))
            }
            4 => Command::Offer(call),
            5 => {
                let (to, call) = (Pii(bytes.text()), self.agent.next_call());
                keep(&mut self.calls, call);
                let headers = Vec::new();
                Command::CallWithoutOffer { call, to, headers }
            }
            6 => Command::Login(Login::with_password("1001", bytes.text())),
            _ => Command::Beside(self.beside(kind, bytes)),
        }
    }

    fn beside(&mut self, kind: u8, bytes: &mut Bytes<'_>) -> BesideCommand {
        let earlier = BesideId(u64::from(bytes.u8()));
        let to = Pii("1002".to_owned());
        let (content_type, package) = ("text/plain".to_owned(), "dialog".to_owned());
        let expires = u32::from(bytes.u16());
        let text = |bytes: &mut Bytes<'_>| Pii(bytes.text().into_bytes());
        match kind {
            7 => BesideCommand::Typing(to),
            8 => BesideCommand::Accept(vec![bytes.text()]),
            9 => BesideCommand::Message {
                id: self.agent.next_beside(),
                to,
                content_type,
                body: text(bytes),
            },
            10 => BesideCommand::Subscribe {
                id: self.agent.next_beside(),
                to,
                package,
                accept: vec![bytes.text()],
                expires,
            },
            11 => BesideCommand::Unsubscribe(earlier),
            12 => BesideCommand::Publish {
                id: self.agent.next_beside(),
                package,
                content_type,
                body: text(bytes),
                expires,
            },
            _ => BesideCommand::Unpublish(earlier),
        }
    }

    fn answer_media(&mut self, bytes: &mut Bytes<'_>) {
        let kind = bytes.u8();
        let asked = (!self.media.is_empty()).then(|| self.media.remove(0));
        let call = match asked {
            Some((call, _)) if kind < 240 => call,
            _ => nth_last(&self.calls, kind).copied().unwrap_or(CallId(7)),
        };
        let reply = match (kind % 8, asked.map(|(_, request)| request)) {
            (0, _) => MediaReply::Failed,
            (1, _) => MediaReply::Applied,
            (2..=5, Some(MediaRequest::ApplyAnswer { .. })) => MediaReply::Applied,
            _ => MediaReply::Local(Pii(b"v=0\r\n".to_vec())),
        };
        self.input(Input::Media(call, reply));
    }

    /// The next timer goes off.
    fn due(&mut self) {
        if let Some(at) = self.deadline {
            self.now = self.now.max(at);
            self.timeout();
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        for _ in 0..4096 {
            match self.deadline.filter(|at| *at <= end) {
                Some(at) => self.now = self.now.max(at),
                None => {
                    self.now = end;
                    return;
                }
            }
            self.timeout();
        }
        panic!("the agent never rests: {:?} until {end:?}", self.deadline);
    }

    /// A timer that has gone off does not stand at the same time for ever.
    fn timeout(&mut self) {
        for _ in 0..16 {
            self.input(Input::Timeout);
            if self.deadline.is_none_or(|at| at > self.now) {
                return;
            }
        }
        panic!("a timer spins at {:?}", self.now);
    }

    /// Stopped, and without a network: nothing is left to wait for.
    fn rest(&mut self) {
        self.input(Input::Command(Command::Stop));
        self.cut();
        self.pass(Duration::from_secs(600));
        assert_eq!(self.deadline, None, "a stopped agent waits for nothing");
        for (call, alive) in &self.alive {
            assert!(!alive, "call {call} never ended");
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.agent.handle_input(self.now, input);
        for _ in 0..MAX_OUTPUTS {
            match self.agent.poll_output() {
                Output::Transmit(_, frame) => self.transmitted(&frame),
                Output::Connect(_) => (self.open, self.connecting) = (false, true),
                Output::Disconnect(_) => (self.open, self.connecting) = (false, false),
                Output::Media(call, request) => {
                    let wants_reply = matches!(
                        request,
                        MediaRequest::CreateOffer
                            | MediaRequest::CreateAnswer { .. }
                            | MediaRequest::ApplyAnswer { .. }
                    );
                    if wants_reply && self.media.len() < 64 {
                        self.media.push((call, request));
                    }
                }
                Output::Event(event) => self.event(event),
                Output::Timeout(at) => {
                    self.deadline = at;
                    return;
                }
            }
        }
        panic!("one input brings about more than {MAX_OUTPUTS} outputs");
    }

    fn transmitted(&mut self, frame: &[u8]) {
        if frame.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            return;
        }
        let view = View::parse(frame, &OURS).expect("what the page sends is a message");
        match Message::try_from(&view).expect("and can be read") {
            Message::Request(request) => {
                view.check(&OURS)
                    .expect("what the page asks is well-formed");
                keep(&mut self.requests, request);
            }
            Message::Response(response) => keep(&mut self.responses, response),
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Incoming(call, _) => {
                keep(&mut self.calls, call);
                assert!(self.alive.insert(call.0, true).is_none(), "announced twice");
            }
            Event::Call(call, view) => {
                let over = view.end.is_some();
                let before = self.alive.insert(call.0, !over);
                assert!(before != Some(false), "a call that was over goes on");
            }
            _ => {}
        }
    }
}

fn nth_last<T>(of: &[T], n: u8) -> Option<&T> {
    let len = of.len();
    (len > 0).then(|| &of[len - 1 - usize::from(n) % len])
}

/// Only the last ones are kept.
fn keep<T>(into: &mut Vec<T>, one: T) {
    if into.len() == 12 {
        into.remove(0);
    }
    into.push(one);
}
