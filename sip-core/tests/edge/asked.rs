//! A REGISTER is a question: its flow takes the answer in the reply to the delivery, and asks again when that is lost.

use crate::page::Page;
use crate::sim::{START, World};
use wakeline_sip::edge::{
    Availability, DeviceId, Envelope, EnvelopeId, Flow, FlowInput, FlowOutput, FlowToLine, Line,
    LineCommand, LineInput, LineOutput, LineReply, LineToFlow, Number, SiteConfig, SiteId, Uid,
};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::time::{Duration, Time};

/// One page, its flow, and the line that it registers at; every delivery is the test's to make.
struct Pair {
    page: Page,
    flow: Flow,
    line: Line,
}

impl Pair {
    fn new() -> Self {
        let mut world = World::new();
        let config = SiteConfig::new(SiteId::parse("demo").unwrap(), "example.test");
        let number = Number::parse("1002").unwrap();
        let entropy = Entropy::for_tests(5);
        let mut pair = Self {
            page: Page::new("1002", "callee"),
            flow: world.fresh_flow(),
            line: Line::restore(config, number, entropy, Vec::new()).unwrap(),
        };
        let provision = LineCommand::Provision {
            uid: Uid::parse("u1002").unwrap(),
            display_name: "Grace".into(),
            secret: None,
            replace: false,
        };
        pair.command(provision);
        pair.bind();
        pair.flow(START, FlowInput::Opened { address: None });
        pair
    }

    fn bind(&mut self) {
        let bind = LineCommand::BindDevice {
            device: self.page.device.clone(),
            push: None,
            public_key: None,
            label: None,
            lang: None,
        };
        self.command(bind);
    }

    fn command(&mut self, command: LineCommand) -> Vec<LineOutput> {
        let request = 1;
        self.line(START, LineInput::Command { request, command })
    }

    fn line(&mut self, now: Time, input: LineInput) -> Vec<LineOutput> {
        assert!(self.line.handle_input(now, input));
        std::iter::from_fn(|| self.line.poll_output()).collect()
    }

    fn flow(&mut self, now: Time, input: FlowInput) -> Vec<FlowOutput> {
        self.flow.handle_input(now, input);
        std::iter::from_fn(|| self.flow.poll_output()).collect()
    }

    /// A REGISTER of the page, on its way.
    fn register(&mut self, now: Time, expires: Option<u32>) -> Envelope<FlowToLine> {
        let frame = self.page.register(expires);
        sent(self.flow(now, FlowInput::Frame(frame)))
    }

    /// It arrives; what the reply says.
    fn delivered(&mut self, now: Time, envelope: &Envelope<FlowToLine>) -> Vec<LineOutput> {
        self.line(now, LineInput::Envelope(envelope.clone()))
    }

    /// The reply arrives; what the page hears.
    fn answered(&mut self, now: Time, id: &EnvelopeId, msg: LineToFlow) -> Vec<String> {
        let (id, msg) = (id.clone(), Box::new(msg));
        frames(&self.flow(now, FlowInput::Answered { id, msg }))
    }

    fn online(&mut self) -> bool {
        let viewer = None;
        let said = self.command(LineCommand::Presence { viewer });
        said.iter().any(|output| {
            matches!(output, LineOutput::Reply { reply: LineReply::Presence { availability, .. }, .. }
                if *availability == Availability::Online)
        })
    }
}

fn sent(outputs: Vec<FlowOutput>) -> Envelope<FlowToLine> {
    let send = |output| match output {
        FlowOutput::Send(envelope) => Some(envelope),
        _ => None,
    };
    outputs.into_iter().find_map(send).expect("it was sent")
}

fn frames(outputs: &[FlowOutput]) -> Vec<String> {
    let frame = |output: &FlowOutput| match output {
        FlowOutput::Frame(bytes) => Some(String::from_utf8(bytes.clone()).unwrap()),
        _ => None,
    };
    outputs.iter().filter_map(frame).collect()
}

fn answer(outputs: &[LineOutput]) -> LineToFlow {
    let answer = |output: &LineOutput| match output {
        LineOutput::Answer(msg) => Some((**msg).clone()),
        _ => None,
    };
    outputs.iter().find_map(answer).expect("it was answered")
}

fn is_sent(outputs: &[LineOutput]) -> bool {
    let send = |output: &LineOutput| matches!(output, LineOutput::Send(_));
    outputs.iter().any(send)
}

fn later(ms: u64) -> Time {
    START + Duration::from_millis(ms)
}

#[test]
fn the_answer_comes_in_the_reply_and_nothing_is_left_to_be_delivered() {
    let mut pair = Pair::new();
    let ask = pair.register(START, None);
    assert!(ask.asks);
    let said = pair.delivered(later(1), &ask);
    assert!(!is_sent(&said), "{said:?}");
    let heard = pair.answered(later(2), &ask.id(), answer(&said));
    assert!(heard[0].starts_with("SIP/2.0 200"), "{heard:?}");
    assert_eq!(pair.flow.numbers().len(), 1);
    // Nothing is asked again, and a second reply of the same says nothing to the page.
    assert!(
        pair.flow(later(600), FlowInput::Timeout)
            .iter()
            .all(|output| !matches!(output, FlowOutput::Send(_)))
    );
    let again = pair.answered(later(601), &ask.id(), answer(&said));
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn a_lost_answer_is_asked_for_again_and_changes_nothing_twice() {
    let mut pair = Pair::new();
    let ask = pair.register(START, None);
    let _lost = pair.delivered(later(1), &ask);
    let again = sent(pair.flow(later(500), FlowInput::Timeout));
    assert_eq!(again.id(), ask.id());
    let said = pair.delivered(later(501), &again);
    let heard = pair.answered(later(502), &ask.id(), answer(&said));
    assert!(heard[0].starts_with("SIP/2.0 200"), "{heard:?}");
    assert!(
        heard[0].contains("expires=599"),
        "as it was bound: {heard:?}"
    );
}

#[test]
fn a_copy_of_an_old_register_binds_nothing_any_more() {
    let mut pair = Pair::new();
    let ask = pair.register(START, None);
    let said = pair.delivered(later(1), &ask);
    pair.answered(later(2), &ask.id(), answer(&said));
    assert!(pair.online());
    let gone = pair.register(later(3), Some(0));
    let said = pair.delivered(later(4), &gone);
    pair.answered(later(5), &gone.id(), answer(&said));
    assert!(!pair.online());
    let said = pair.delivered(later(6), &ask);
    assert!(!pair.online(), "{said:?}");
}

#[test]
fn a_registration_that_ended_before_its_answer_was_heard_authenticates_nobody() {
    let mut pair = Pair::new();
    let ask = pair.register(START, None);
    let said = answer(&pair.delivered(later(1), &ask));
    // The device is revoked, and that word overtakes the answer.
    let device: DeviceId = pair.page.device.clone();
    let revoke = LineCommand::RevokeDevice { device };
    let request = 1;
    let outputs = pair.line(
        later(2),
        LineInput::Command {
            request,
            command: revoke,
        },
    );
    let unbound = outputs.into_iter().find_map(|output| match output {
        LineOutput::Send(envelope) => Some(envelope),
        _ => None,
    });
    pair.flow(later(3), FlowInput::Envelope(unbound.expect("it is told")));
    pair.answered(later(4), &ask.id(), said);
    assert!(pair.flow.numbers().is_empty());
}

#[test]
fn a_registration_outlives_the_end_of_the_one_before_it() {
    let mut pair = Pair::new();
    let first = pair.register(START, None);
    let said = answer(&pair.delivered(later(1), &first));
    pair.answered(later(2), &first.id(), said);
    // Its line ends it, and the page registers anew before that word arrives.
    let gone = LineToFlow::Unbound {
        number: Number::parse("1002").unwrap(),
    };
    let second = pair.register(later(10), None);
    let said = answer(&pair.delivered(later(11), &second));
    pair.answered(later(12), &second.id(), said);
    let late = Envelope {
        from: "line:demo:1002".to_owned(),
        to: first.from.clone(),
        call: String::new(),
        epoch: later(5),
        seq: 0,
        base: 0,
        at: later(5),
        asks: false,
        msg: gone,
    };
    pair.flow(later(13), FlowInput::Envelope(late.clone()));
    assert_eq!(pair.flow.numbers().len(), 1, "older than the registration");
    let younger = Envelope {
        epoch: later(20),
        at: later(20),
        ..late
    };
    pair.flow(later(21), FlowInput::Envelope(younger));
    assert!(pair.flow.numbers().is_empty());
}

#[test]
fn an_older_flow_is_answered_in_the_numbered_stream() {
    let mut pair = Pair::new();
    let mut ask = pair.register(START, None);
    ask.asks = false;
    let said = pair.delivered(later(1), &ask);
    assert!(is_sent(&said), "{said:?}");
}

#[test]
fn an_answer_to_a_socket_that_closed_ends_the_binding() {
    let mut pair = Pair::new();
    let ask = pair.register(START, None);
    let said = answer(&pair.delivered(later(1), &ask));
    pair.flow(later(2), FlowInput::Closed);
    let (id, msg) = (ask.id(), Box::new(said));
    let outputs = pair.flow(later(3), FlowInput::Answered { id, msg });
    let gone = sent(outputs);
    assert_eq!(gone.msg, FlowToLine::Gone);
    pair.delivered(later(4), &gone);
    assert!(!pair.online());
}
