//! Two lines, three sockets and their pages, each saying anything. Every object is restored from its rows before each
//! input and forgotten after it; envelopes are late, lost and repeated as the bytes say.

use std::collections::{BTreeMap, VecDeque};

use wakeline_sip::edge::{
    Envelope, Flow, FlowInput, FlowOutput, FlowToLine, FlowToken, Line, LineCommand, LineInput,
    LineOutput, LineToFlow, Number, PushOutcome, RecordId, Row, RowChange, SiteConfig, SiteId, Uid,
    WakeId,
};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::time::{Duration, Time};
use wakeline_sip::wire::Message;

mod callserver;
mod messages;
mod page;

use messages::{Tokens, device, invite, keep, register, reparse, repeat};
use page::Page;

use crate::bytes::Bytes;
use crate::wire::OURS;

/// Steps of one story; what is beyond is not looked at.
const MAX_STEPS: usize = 96;
/// Inputs of objects in one story.
const MAX_TURNS: u32 = 40_000;
/// Every so many turns an object is restored once more right after it, to compare: reading rows is what takes the time.
const LOOK_TWICE: u32 = 8;
const DOMAIN: &str = "example.test";
const NUMBERS: [&str; 3] = ["1001", "1002", "1002"];
const STATUSES: [u16; 14] = [
    100, 180, 183, 200, 302, 404, 408, 480, 481, 486, 487, 488, 500, 603,
];

/// A story of the edge.
pub fn edge(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut world = World::new(bytes.u8());
    let room = ROOM + 96 * data.len();
    for _ in 0..MAX_STEPS {
        let Some(step) = bytes.next() else { break };
        world.step(step, &mut bytes);
        world.check_room(room);
    }
    world.rest();
}

/// What the rows of one object may take before anything was said, in octets.
const ROOM: usize = 256 * 1024;

type Rows = BTreeMap<(String, String), String>;

#[derive(Default)]
struct Object {
    rows: Rows,
    deadline: Option<Time>,
}

impl Object {
    fn read(&self) -> Vec<Row> {
        let row = |((table, key), value): (&(String, String), &String)| Row {
            table: table.clone(),
            key: key.clone(),
            value: value.clone(),
        };
        self.rows.iter().map(row).collect()
    }

    fn apply(&mut self, change: RowChange) {
        match change {
            RowChange::Store(row) => drop(self.rows.insert((row.table, row.key), row.value)),
            RowChange::Delete { table, key } => drop(self.rows.remove(&(table, key))),
        }
    }
}

enum Transit {
    ToLine(Envelope<FlowToLine>),
    ToFlow(Envelope<LineToFlow>),
}

struct World {
    now: Time,
    config: SiteConfig,
    entropy: Entropy,
    lines: BTreeMap<String, Object>,
    flows: BTreeMap<String, Object>,
    pages: [Page; 3],
    transit: VecDeque<Transit>,
    jobs: VecDeque<(String, String)>,
    records: VecDeque<(String, RecordId)>,
    wakes: VecDeque<(String, WakeId)>,
    opened: u32,
    turns: u32,
    /// What the line whose turn it was answers.
    answer: Option<Box<LineToFlow>>,
}

impl World {
    fn new(kind: u8) -> Self {
        let mut world = Self {
            now: Time(1_800_000_000_000),
            config: SiteConfig::new(SiteId::parse("demo").expect("a site"), DOMAIN),
            entropy: Entropy::for_tests(u64::from(kind)),
            lines: BTreeMap::new(),
            flows: BTreeMap::new(),
            pages: Default::default(),
            transit: VecDeque::new(),
            jobs: VecDeque::new(),
            records: VecDeque::new(),
            wakes: VecDeque::new(),
            opened: 0,
            turns: 0,
            answer: None,
        };
        for number in ["1001", "1002"] {
            let uid = Uid::parse(&format!("u{number}")).expect("a uid");
            world.command(
                number,
                LineCommand::Provision {
                    uid,
                    display_name: "Ann".into(),
                    secret: None,
                    replace: false,
                },
            );
        }
        if kind & 1 == 0 {
            world.bind(1, kind & 2 == 0);
        }
        if kind & 4 == 0 {
            for page in 0..2 {
                world.open(page);
                let frame = register(page, &mut world.pages[page].count, "", 600);
                world.frame(page, frame);
            }
            world.deliver_all();
        }
        world
    }

    fn bind(&mut self, page: usize, push: bool) {
        let push = push.then(|| format!("push:{page}"));
        self.command(
            NUMBERS[page],
            LineCommand::BindDevice {
                device: device(page),
                push,
                public_key: None,
                label: None,
                lang: None,
            },
        );
    }

    fn step(&mut self, step: u8, bytes: &mut Bytes<'_>) {
        let page = usize::from(bytes.u8()) % 3;
        match step % 24 {
            0 => {
                let frame = bytes.long_slice().to_vec();
                self.frame(page, frame);
            }
            1 => self.open(page),
            2 => self.close(page),
            3 | 4 => {
                let expires = *bytes.pick(&[600, 30, 1, 0]);
                let more = bytes.text();
                let frame = register(page, &mut self.pages[page].count, &more, expires);
                let frame = bytes.bend(frame);
                self.frame(page, frame);
            }
            5 | 6 => {
                let to = *bytes.pick(&["1002", "1001", "1003", "a b"]);
                self.pages[page].count += 1;
                let text = invite(page, self.pages[page].count, to);
                let frame = bytes.bend(text);
                if let Ok(Message::Request(request)) = Message::parse(&frame, &OURS) {
                    self.pages[page].invite = Some(request);
                }
                self.frame(page, frame);
            }
            7 | 8 => self.answer(page, bytes),
            9 => self.own_dialog(page, bytes),
            10 => self.heard_dialog(page, bytes),
            11..=13 => self.report(page, bytes),
            14 => self.directory(page, bytes),
            15 => self.push_result(bytes),
            16 => {
                if let Some((line, wake)) = self.records.pop_front() {
                    self.line(&line, LineInput::Recorded(wake));
                }
            }
            17 | 18 => self.due(),
            19 => self.pass(u64::from(bytes.u16())),
            20 => self.pass(u64::from(bytes.u16()) * 64),
            21 => {
                // Late: it overtakes, comes twice, or never.
                match (bytes.u8() % 3, self.transit.pop_front()) {
                    (0, Some(transit)) => self.transit.push_back(transit),
                    (1, Some(transit)) => {
                        let again = repeat(&transit);
                        self.transit.push_back(again);
                        self.deliver(transit);
                    }
                    _ => {}
                }
                return;
            }
            _ => {}
        }
        // An odd quotient leaves what was said on its way.
        if (step / 24).is_multiple_of(2) {
            self.deliver_all();
        }
    }

    // ---- REST and push ----

    fn command(&mut self, number: &str, command: LineCommand) {
        self.line(
            &format!("line:demo:{number}"),
            LineInput::Command {
                request: 7,
                command,
            },
        );
    }

    fn directory(&mut self, page: usize, bytes: &mut Bytes<'_>) {
        let kind = bytes.u8();
        if kind & 128 != 0 {
            return self.call_server(page, kind, bytes);
        }
        let command = match kind % 8 {
            0 | 1 => return self.bind(page, kind & 64 == 0),
            2 => LineCommand::RevokeDevice {
                device: device(page),
            },
            3 => LineCommand::Waiting,
            4 => LineCommand::Missed,
            5 => LineCommand::MissedSeen {
                ids: self.wakes.iter().map(|(_, w)| w.clone()).collect(),
            },
            6 => LineCommand::BindPush {
                device: device(page),
                push: bytes.text(),
            },
            _ => LineCommand::Presence { viewer: None },
        };
        self.command(NUMBERS[page], command);
    }

    fn push_result(&mut self, bytes: &mut Bytes<'_>) {
        let outcome = match bytes.u8() % 6 {
            0 | 1 => PushOutcome::Accepted,
            2 => PushOutcome::Gone,
            3 => PushOutcome::Refused,
            n => PushOutcome::Later {
                retry_after_s: Some(u32::from(bytes.u16())).filter(|s| *s > 0),
                throttled: n == 4,
            },
        };
        if let Some((line, job)) = self.jobs.pop_front() {
            self.line(
                &line,
                LineInput::PushResult {
                    job,
                    outcome,
                    provider: None,
                },
            );
        }
    }

    // ---- time ----

    fn next_due(&self) -> Option<(Time, bool, String)> {
        let of = |objects: &BTreeMap<String, Object>, line: bool| {
            let due = objects
                .iter()
                .filter_map(|(name, o)| o.deadline.map(|at| (at, line, name.clone())));
            due.min()
        };
        of(&self.lines, true)
            .into_iter()
            .chain(of(&self.flows, false))
            .min()
    }

    fn due(&mut self) {
        if let Some((at, is_line, name)) = self.next_due() {
            let same = self.now == self.now.max(at);
            self.now = self.now.max(at);
            let before = self.turns;
            if is_line {
                self.line(&name, LineInput::Timeout);
            } else {
                self.flow(&name, FlowInput::Timeout);
            }
            let object = if is_line {
                &self.lines[&name]
            } else {
                &self.flows[&name]
            };
            let still = object.deadline.is_some_and(|at| at <= self.now);
            assert!(
                !(still && same && before > MAX_TURNS / 2),
                "a timer of {name} spins"
            );
        }
    }

    fn pass(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while self.next_due().is_some_and(|(at, ..)| at <= end) {
            self.due();
            self.deliver_all();
        }
        self.now = self.now.max(end);
    }

    /// Everybody leaves: what is left is memory of streams, devices and missed calls, and it does not grow.
    fn rest(&mut self) {
        self.deliver_all();
        for page in 0..3 {
            self.close(page);
        }
        self.deliver_all();
        // Minutes for the calls; then a day, which a push service may ask for before it takes the last replacement.
        for ms in [60_000; 30].into_iter().chain([3_600_000; 26]) {
            self.pass(ms);
            while let Some((line, job)) = self.jobs.pop_front() {
                self.line(
                    &line,
                    LineInput::PushResult {
                        job,
                        outcome: PushOutcome::Accepted,
                        provider: None,
                    },
                );
            }
            while let Some((line, wake)) = self.records.pop_front() {
                self.line(&line, LineInput::Recorded(wake));
            }
            self.deliver_all();
        }
        const GONE: [&str; 12] = [
            "flow",
            "life",
            "identities",
            "server",
            "client",
            "calls",
            "nonces",
            "invites",
            "jobs",
            "bindings",
            "records",
            "outbox",
        ];
        for (name, object) in self.lines.iter().chain(&self.flows) {
            for (table, key) in object.rows.keys() {
                assert!(
                    !GONE.contains(&table.as_str()),
                    "{name} keeps {table}/{key}"
                );
            }
        }
    }

    fn check_room(&self, room: usize) {
        for (name, object) in self.lines.iter().chain(&self.flows) {
            let size: usize = object.rows.values().map(String::len).sum();
            assert!(
                size <= room,
                "{name} holds {size} octets in {} rows",
                object.rows.len()
            );
        }
    }

    // ---- objects ----

    fn deliver_all(&mut self) {
        while let Some(transit) = self.transit.pop_front() {
            self.deliver(transit);
        }
    }

    fn deliver(&mut self, transit: Transit) {
        match transit {
            Transit::ToLine(envelope) => {
                let (id, from, to) = (envelope.id(), envelope.from.clone(), envelope.to.clone());
                if self.line(&to, LineInput::Envelope(envelope)) {
                    let said = match self.answer.take() {
                        Some(msg) => FlowInput::Answered { id, msg },
                        None => FlowInput::Delivered(id),
                    };
                    self.flow(&from, said);
                }
            }
            Transit::ToFlow(envelope) => {
                let (id, from, to) = (envelope.id(), envelope.from.clone(), envelope.to.clone());
                if self.flow(&to, FlowInput::Envelope(envelope)) {
                    self.line(&from, LineInput::Delivered(id));
                }
            }
        }
    }

    fn turn(&mut self) {
        self.turns += 1;
        assert!(self.turns < MAX_TURNS, "the world does not come to rest");
    }

    fn line(&mut self, name: &str, input: LineInput) -> bool {
        self.turn();
        let number =
            Number::parse(name.rsplit(':').next().unwrap_or_default()).expect("a line's name");
        let mut object = self.lines.remove(name).unwrap_or_default();
        let mut restore = |object: &Object| {
            let entropy = Entropy::from_seed(self.entropy.bytes());
            Line::restore(self.config.clone(), number.clone(), entropy, object.read())
                .expect("our own rows")
        };
        let mut line = restore(&object);
        let taken = line.handle_input(self.now, input);
        let mut out = Vec::new();
        while let Some(output) = line.poll_output() {
            match output {
                LineOutput::Row(change) => {
                    assert!(out.is_empty(), "rows come first");
                    object.apply(change);
                }
                other => out.push(other),
            }
        }
        object.deadline = line.deadline();
        if self.turns.is_multiple_of(LOOK_TWICE) {
            assert_eq!(
                object.deadline,
                restore(&object).deadline(),
                "what is stored is what was known"
            );
        }
        self.lines.insert(name.to_owned(), object);
        for output in out {
            match output {
                LineOutput::Send(envelope) => {
                    self.transit.push_back(Transit::ToFlow(reparse(&envelope)))
                }
                LineOutput::Push(job) => {
                    if !self.wakes.iter().any(|(_, w)| *w == job.wake) {
                        keep(&mut self.wakes, (name.to_owned(), job.wake.clone()));
                    }
                    keep(&mut self.jobs, (name.to_owned(), job.job.clone()));
                }
                LineOutput::Record(record) => {
                    keep(&mut self.records, (name.to_owned(), record.id()))
                }
                LineOutput::Answer(msg) => self.answer = Some(msg),
                LineOutput::Callback(_)
                | LineOutput::Changed(_)
                | LineOutput::Reply { .. }
                | LineOutput::Row(_) => {}
            }
        }
        taken
    }

    fn flow(&mut self, name: &str, input: FlowInput) -> bool {
        self.turn();
        let token =
            FlowToken::parse(name.rsplit(':').next().unwrap_or_default()).expect("a flow's name");
        let mut object = self.flows.remove(name).unwrap_or_default();
        let mut restore = |object: &Object| {
            let entropy = Entropy::from_seed(self.entropy.bytes());
            Flow::restore(
                self.config.clone(),
                token.clone(),
                entropy,
                Box::new(Tokens),
                object.read(),
            )
            .expect("our own rows")
        };
        let mut flow = restore(&object);
        let taken = flow.handle_input(self.now, input);
        let mut out = Vec::new();
        while let Some(output) = flow.poll_output() {
            match output {
                FlowOutput::Row(change) => {
                    assert!(out.is_empty(), "rows come first");
                    object.apply(change);
                }
                other => out.push(other),
            }
        }
        object.deadline = flow.deadline();
        if self.turns.is_multiple_of(LOOK_TWICE) {
            assert_eq!(
                object.deadline,
                restore(&object).deadline(),
                "what is stored is what was known"
            );
        }
        self.flows.insert(name.to_owned(), object);
        for output in out {
            match output {
                FlowOutput::Send(envelope) => {
                    if let FlowToLine::Invite { .. } = envelope.msg
                        && let Ok(wake) = WakeId::parse(&envelope.call)
                    {
                        keep(&mut self.wakes, (envelope.to.clone(), wake));
                    }
                    self.transit.push_back(Transit::ToLine(reparse(&envelope)));
                }
                FlowOutput::Frame(bytes) => self.heard(name, &bytes),
                FlowOutput::Close { .. } => {
                    for page in 0..3 {
                        if self.pages[page].flow.as_deref() == Some(name) {
                            self.close(page);
                        }
                    }
                }
                FlowOutput::Row(_) => {}
            }
        }
        taken
    }

    /// What the edge sends can be read.
    fn heard(&mut self, flow: &str, bytes: &[u8]) {
        let Some(page) = self
            .pages
            .iter_mut()
            .find(|p| p.flow.as_deref() == Some(flow))
        else {
            return;
        };
        if bytes == b"\r\n" {
            return;
        }
        let view = wakeline_sip::wire::View::parse(bytes, &OURS)
            .expect("what the edge sends is a message");
        match Message::try_from(&view).expect("and can be read") {
            Message::Request(request) => {
                view.check(&OURS)
                    .expect("what the edge asks is well-formed");
                keep(&mut page.requests, request);
            }
            Message::Response(response) => keep(&mut page.responses, response),
        }
    }
}
