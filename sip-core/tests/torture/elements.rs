//! RFC 4475 §3.3 and §3.4, and what of §3.1 and §3.2 concerns an element: what the page's agent (a user agent) and the edge
//! (a registrar and proxy) answer to each message as it stands.

use wakeline_sip::agent::{Agent, Command, Config, Event, FlowId, Input, Output, Patience, Policy};
use wakeline_sip::edge::{
    BearerError, Claims, Flow, FlowInput, FlowOutput, FlowToken, Line, LineCommand, LineInput,
    LineOutput, Number, SiteConfig, SiteId, Uid, Verifier,
};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::pii::Pii;
use wakeline_sip::time::{Duration, Time};
use wakeline_sip::wire::{HeaderName, Limits, Message, Response};

use crate::message;
use crate::messages::{RFC4475, RFC5118};

const NOW: Time = Time(1_800_000_000_000);

/// The first response that is final, or the only one.
fn answer(frames: Vec<Vec<u8>>) -> Option<Response> {
    let responses = frames.iter().map(|frame| {
        let limits = Limits {
            line: usize::MAX,
            ..Limits::DEFAULT
        };
        match wakeline_sip::wire::View::parse(frame, &limits) {
            Ok(view) => match Message::try_from(&view) {
                Ok(Message::Response(response)) => response,
                other => panic!("it asked something: {other:?}"),
            },
            Err(error) => panic!("it sent nonsense: {error}"),
        }
    });
    let all: Vec<_> = responses.collect();
    all.into_iter().rfind(Response::is_final)
}

/// A page whose socket is open, with everything that it sends and tells.
struct Page {
    agent: Agent,
    sent: Vec<Vec<u8>>,
    incoming: usize,
}

impl Page {
    fn new() -> Self {
        let config = Config {
            address_of_record: Pii("sip:user@example.com".into()),
            display_name: Pii(String::new()),
            instance: "00000000-0000-4000-8000-000000000001".into(),
            secure: true,
            user_agent: "test".into(),
            token: Some(Pii("t".into())),
            login: None,
            patience: Patience::default(),
            policy: Policy::default(),
        };
        let mut page = Self {
            agent: Agent::new(&config, Entropy::for_tests(1)).unwrap(),
            sent: Vec::new(),
            incoming: 0,
        };
        page.input(Input::Command(Command::Start));
        page.input(Input::Connected(FlowId::FIRST));
        page.sent.clear();
        page
    }

    fn input(&mut self, input: Input<'_>) {
        self.agent.handle_input(NOW, input);
        loop {
            match self.agent.poll_output() {
                Output::Transmit(_, frame) => self.sent.push(frame),
                Output::Event(Event::Incoming(..)) => self.incoming += 1,
                Output::Timeout(_) => return,
                _ => {}
            }
        }
    }

    fn receive(&mut self, bytes: &[u8]) -> Option<Response> {
        self.input(Input::Frame(FlowId::FIRST, bytes));
        answer(std::mem::take(&mut self.sent))
    }
}

/// Tokens of these tests: the number.
struct Tokens;

impl Verifier for Tokens {
    fn bearer(&self, token: &str, now: Time) -> Result<Claims, BearerError> {
        Ok(Claims {
            number: Number::parse(token).map_err(|_| BearerError::Invalid)?,
            uid: Uid::parse(token).map_err(|_| BearerError::Invalid)?,
            display_name: None,
            device: None,
            expires_at: now + Duration::from_secs(3600),
            issued_at: None,
        })
    }
}

/// The edge of `example.com`: one socket, and the line that it speaks to.
struct Edge {
    flow: Flow,
    line: Line,
}

impl Edge {
    fn new(number: &str) -> Self {
        let config = SiteConfig::new(SiteId::parse("demo").unwrap(), "example.com");
        let token = FlowToken::parse("f1").unwrap();
        let entropy = || Entropy::for_tests(7);
        let flow = Flow::restore(config.clone(), token, entropy(), Box::new(Tokens), []);
        let line = Line::restore(config, Number::parse(number).unwrap(), entropy(), []);
        let mut edge = Self {
            flow: flow.unwrap(),
            line: line.unwrap(),
        };
        let command = LineCommand::Provision {
            uid: Uid::parse(number).unwrap(),
            display_name: String::new(),
            secret: None,
            replace: false,
        };
        let request = 1;
        edge.line(LineInput::Command { request, command });
        assert!(edge.flow(FlowInput::Opened { address: None }).is_empty());
        edge
    }

    fn line(&mut self, input: LineInput) -> Vec<Vec<u8>> {
        let asked = match &input {
            LineInput::Envelope(envelope) => Some(envelope.id()),
            _ => None,
        };
        self.line.handle_input(NOW, input);
        let mut frames = Vec::new();
        while let Some(output) = self.line.poll_output() {
            match (output, &asked) {
                (LineOutput::Send(envelope), _) => {
                    frames.extend(self.flow(FlowInput::Envelope(envelope)));
                }
                (LineOutput::Answer(msg), Some(id)) => {
                    let id = id.clone();
                    frames.extend(self.flow(FlowInput::Answered { id, msg }));
                }
                _ => {}
            }
        }
        frames
    }

    fn flow(&mut self, input: FlowInput) -> Vec<Vec<u8>> {
        self.flow.handle_input(NOW, input);
        let (mut frames, mut told) = (Vec::new(), Vec::new());
        while let Some(output) = self.flow.poll_output() {
            match output {
                FlowOutput::Frame(frame) => frames.push(frame),
                FlowOutput::Send(envelope) => told.push(envelope),
                FlowOutput::Close { reason, .. } => panic!("closed: {reason}"),
                FlowOutput::Row(_) => {}
            }
        }
        for envelope in told {
            frames.extend(self.line(LineInput::Envelope(envelope)));
        }
        frames
    }

    fn receive(&mut self, bytes: &[u8]) -> Option<Response> {
        answer(self.flow(FlowInput::Frame(bytes.to_vec())))
    }
}

/// What a page and the edge answer to a message; the numbers are statuses, 0 is silence.
fn both(name: &str) -> (u16, u16) {
    let status = |response: Option<Response>| response.map_or(0, |r| r.status);
    let page = Page::new().receive(message(name));
    let edge = Edge::new("user").receive(message(name));
    (status(page), status(edge))
}

/// Without an answer here: an INVITE that rings waits for its user, and a response is never answered.
const SILENCE: u16 = 0;

#[test]
fn each_message_has_its_answer() {
    // Where the edge says 403 the message is well-formed, but its sender has not registered on this socket: that comes
    // first, and nothing is relayed for strangers.
    let expected: [(&str, u16, u16); 49] = [
        // It has a tag in To: it is meant for a dialog that nobody knows (RFC 3261 §12.2.2).
        ("wsinv", 481, 403),
        ("intmeth", 501, 403),
        ("esc01", SILENCE, 403),
        ("escnull", 405, 404),
        ("esc02", 501, 403),
        ("lwsdisp", 200, 403),
        ("longreq", SILENCE, 403),
        ("dblreq", 405, 401),
        ("semiuri", 200, 403),
        ("transports", 200, 403),
        ("mpart01", 415, 403),
        ("unreason", SILENCE, SILENCE),
        ("noreason", SILENCE, SILENCE),
        ("badinv01", 400, 400),
        ("clerr", 400, 400),
        ("ncl", 400, 400),
        ("scalar02", 400, 400),
        ("scalarlg", SILENCE, SILENCE),
        ("quotbal", 400, 400),
        ("ltgtruri", 400, 400),
        ("lwsruri", 400, 400),
        ("lwsstart", 400, 400),
        ("trws", 400, 400),
        ("escruri", 400, 400),
        ("baddate", SILENCE, 403),
        ("regbadct", 405, 401),
        ("badaspec", 200, 403),
        ("baddn", 200, 403),
        ("badvers", 505, 505),
        ("mismatch01", 400, 400),
        ("mismatch02", 400, 400),
        ("bigcode", SILENCE, SILENCE),
        ("badbranch", 200, 403),
        ("insuf", 400, 400),
        ("unkscm", 416, 416),
        ("novelsc", 416, 416),
        ("unksm2", 405, 400),
        ("bext01", 420, 420),
        ("invut", 415, 403),
        ("regaut01", 405, 401),
        ("multi01", 400, 400),
        ("mcl01", 400, 400),
        ("bcast", SILENCE, SILENCE),
        ("zeromf", 200, 483),
        ("cparam01", 405, 401),
        ("cparam02", 405, 401),
        ("regescrt", 405, 401),
        ("sdp01", 406, 403),
        ("inv2543", SILENCE, 403),
    ];
    let wrong: Vec<_> = expected
        .iter()
        .map(|(name, page, edge)| (*name, (*page, *edge), both(name)))
        .filter(|(_, expected, found)| expected != found)
        .collect();
    assert!(wrong.is_empty(), "(expected, found): {wrong:#?}");
    assert!(
        expected.iter().map(|e| e.0).eq(RFC4475.iter().map(|m| m.0)),
        "all of them"
    );
}

#[test]
fn ipv6_messages_have_their_answers() {
    let expected = [
        ("ipv6-good", 405, 404),
        ("ipv6-bad", 400, 400),
        ("port-ambiguous", 405, 404),
        ("port-unambiguous", 405, 404),
        ("via-received-param-with-delim", 481, 403),
        ("via-received-param-no-delim", 200, 403),
        ("ipv6-in-sdp", 400, 400),
        ("mult-ip-in-header", 481, 403),
        ("mult-ip-in-sdp", SILENCE, 403),
        ("ipv4-mapped-ipv6", SILENCE, 403),
        ("ipv6-bug-abnf-3-colons", 200, 403),
        ("ipv6-correct-abnf-2-colons", 200, 403),
    ];
    for ((name, page, edge), (other, _)) in expected.iter().zip(RFC5118) {
        assert_eq!(*name, other);
        assert_eq!(both(name), (*page, *edge), "{name}");
    }
}

#[test]
fn invites_that_are_well_formed_ring() {
    for name in ["esc01", "longreq", "baddate", "inv2543"] {
        let mut page = Page::new();
        assert_eq!(page.receive(message(name)), None, "{name} waits");
        assert_eq!(page.incoming, 1, "{name} rings");
    }
}

#[test]
fn a_refusal_says_what_would_be_right() {
    let refusal = |name| Page::new().receive(message(name)).unwrap();
    let has = |response: &Response, name, value: &str| {
        assert_eq!(response.headers.get(name), Some(value));
        assert!(
            response.headers.to().unwrap().tag().is_some(),
            "with a tag of its own"
        );
    };
    let allow = "INVITE, ACK, CANCEL, BYE, OPTIONS";
    for name in ["intmeth", "esc02", "escnull"] {
        let response = refusal(name);
        let allowed = response.headers.get(HeaderName::Allow).unwrap();
        assert!(allowed.starts_with(allow), "{name}: {allowed}");
    }
    has(
        &refusal("bext01"),
        HeaderName::Unsupported,
        "nothingSupportsThis, nothingSupportsThisEither",
    );
    has(&refusal("invut"), HeaderName::Accept, "application/sdp");
    has(
        &refusal("mpart01"),
        HeaderName::Accept,
        "text/plain, application/im-iscomposing+xml",
    );
    let proxy = Edge::new("user").receive(message("bext01")).unwrap();
    has(
        &proxy,
        HeaderName::Unsupported,
        "noProxiesSupportThis, norDoAnyProxiesSupportThis",
    );
    let insuf = refusal("insuf");
    assert_eq!(insuf.reason, "Missing From");
    assert_eq!(
        insuf.headers.top_via().unwrap().branch(),
        Some("z9hG4bKkdj.insuf")
    );
    for challenged in ["regaut01", "dblreq"] {
        let number = "j.user";
        let response = Edge::new(number).receive(message(challenged)).unwrap();
        let challenges = response.headers.get_all(HeaderName::WwwAuthenticate);
        assert!(
            challenges.iter().any(|c| c.starts_with("Bearer ")) && challenges.len() == 3,
            "an unknown scheme counts as none: {challenges:?}"
        );
    }
}

/// The same message with a credential behind its first line.
fn with_token(name: &str, number: &str) -> Vec<u8> {
    let text = std::str::from_utf8(message(name)).unwrap();
    let authorized = format!("SIP/2.0\r\nAuthorization: Bearer {number}\r\n");
    text.replacen("SIP/2.0\r\n", &authorized, 1).into_bytes()
}

fn registered(name: &str, number: &str) -> Response {
    Edge::new(number)
        .receive(&with_token(name, number))
        .unwrap()
}

#[test]
fn the_registrar_tells_parameters_of_the_uri_from_those_of_the_header() {
    // cparam01: without brackets the parameter is the header's, and no part of what is bound.
    for (name, bound) in [
        ("cparam01", "sip:+19725552222@gw1.example.net"),
        ("cparam02", "sip:+19725552222@gw1.example.net;unknownparam"),
    ] {
        let response = registered(name, "watson");
        assert_eq!(response.status, 200, "{name}");
        let contact = response.headers.contact().unwrap().unwrap();
        assert_eq!(contact.uri.to_string(), bound, "{name}");
    }
    // regescrt: the headers of the URI are kept with the binding.
    let response = registered("regescrt", "user");
    let contact = response.headers.contact().unwrap().unwrap();
    assert_eq!(
        contact.uri.to_string(),
        "sip:user@example.com?Route=%3Csip:sip.example.com%3E"
    );
    // regbadct: the same without brackets could be either, so it is neither.
    let response = registered("regbadct", "user");
    assert_eq!(
        (response.status, response.reason.as_str()),
        (400, "Malformed Contact")
    );
}

#[test]
fn an_answer_of_the_proxy_names_what_it_read() {
    let zeromf = Edge::new("user").receive(message("zeromf")).unwrap();
    assert_eq!(
        zeromf.headers.call_id(),
        Ok("zeromf.jfasdlfnm2o2l43r5u0asdfas")
    );
    assert_eq!(
        zeromf.headers.top_via().unwrap().to_string(),
        "SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw2349i"
    );
}
