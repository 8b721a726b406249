//! A small world in virtual time: lines, flows, pages, a push service, and a network between objects that drops,
//! repeats, delays and reorders with a seed. Every object is restored from its rows before each input and forgotten
//! after it, so each test is also a test of eviction at every step.
//!
//! Long because each part of the world is moved by one loop, which has to know them all.

use std::collections::{BTreeMap, VecDeque};

use wakeline_sip::edge::{
    BearerError, CallRecord, CallbackJob, Claims, DeviceId, Envelope, EnvelopeId, Flow, FlowInput,
    FlowOutput, FlowToLine, FlowToken, Line, LineCommand, LineError, LineInput, LineOutput,
    LineReply, LineToFlow, MissedView, Number, PushJob, PushKind, PushOutcome, Record, RecordId,
    Row, RowChange, SiteConfig, SiteId, Uid, Verifier, WakeId, WakeView,
};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::time::{Duration, Time};

use crate::page::Page;

pub const START: Time = Time(1_800_000_000_000);

/// Tokens of the tests: `uid/number[/device[/signed at]]`, no cryptography.
struct TestTokens;

impl Verifier for TestTokens {
    fn bearer(&self, token: &str, now: Time) -> Result<Claims, BearerError> {
        if token == "expired" {
            return Err(BearerError::Expired);
        }
        let mut parts = token.split('/');
        let (Some(uid), Some(number)) = (parts.next(), parts.next()) else {
            return Err(BearerError::Invalid);
        };
        Ok(Claims {
            uid: Uid::parse(uid).map_err(|_| BearerError::Invalid)?,
            number: Number::parse(number).map_err(|_| BearerError::Invalid)?,
            display_name: Some(format!("User {uid}")),
            device: parts.next().and_then(|device| DeviceId::parse(device).ok()),
            expires_at: now + Duration::from_secs(3600),
            issued_at: Some(parts.next().map_or(now, |at| Time(at.parse().unwrap()))),
        })
    }

    fn push_target(&self, provider: &str, prid: &str) -> Option<String> {
        (provider == "webpush").then(|| format!("bare {prid}"))
    }

    fn push_capabilities(&self) -> Option<String> {
        Some("*;+sip.pns=\"webpush\"".into())
    }
}

type Rows = BTreeMap<(String, String), String>;

fn apply(rows: &mut Rows, change: RowChange) {
    match change {
        RowChange::Store(row) => {
            rows.insert((row.table, row.key), row.value);
        }
        RowChange::Delete { table, key } => {
            rows.remove(&(table, key));
        }
    }
}

fn read(rows: &Rows) -> Vec<Row> {
    let row = |((table, key), value): (&(String, String), &String)| Row {
        table: table.clone(),
        key: key.clone(),
        value: value.clone(),
    };
    rows.iter().map(row).collect()
}

#[derive(Default)]
struct Object {
    rows: Rows,
    deadline: Option<Time>,
}

/// Something on its way.
enum Transit {
    ToLine(Envelope<FlowToLine>),
    ToFlow(Envelope<LineToFlow>),
    /// A frame from a page to its flow.
    Up {
        flow: String,
        bytes: Vec<u8>,
    },
    /// A frame from a flow to its page.
    Down {
        flow: String,
        bytes: Vec<u8>,
    },
    Closed {
        flow: String,
    },
    /// The reply to a delivery that asked.
    Answered {
        flow: String,
        id: EnvelopeId,
        msg: Box<LineToFlow>,
    },
    CalledBack {
        line: String,
        wake: WakeId,
        version: u64,
        taken: bool,
    },
    Recorded {
        line: String,
        id: RecordId,
    },
    PushResult {
        line: String,
        job: String,
        outcome: PushOutcome,
    },
}

/// How the network between objects treats envelopes.
#[derive(Clone, Copy, Default)]
pub struct Weather {
    pub drop_percent: u64,
    pub repeat_percent: u64,
    pub max_delay_ms: u64,
}

pub struct World {
    pub now: Time,
    pub config: SiteConfig,
    pub weather: Weather,
    pub pages: Vec<Page>,
    pub pushes: Vec<(Time, PushJob)>,
    /// What call servers were told, and what they make of the next ones: taken, not taken, or no word; empty: taken.
    pub callbacks: Vec<(Time, CallbackJob)>,
    pub callback_answers: VecDeque<Option<bool>>,
    /// How often whoever waits for a wake was roused.
    pub changes: Vec<WakeId>,
    /// What each page has said over its sockets, as it arrived at the edge.
    pub said: Vec<(Time, usize, Vec<u8>)>,
    /// What the push service made of each push, if it answers.
    pub pushed_as: Vec<Option<PushOutcome>>,
    pub records: Vec<CallRecord>,
    /// Records of every other kind.
    pub noted: Vec<Record>,
    /// No record is ever stored.
    pub directory_away: bool,
    /// What the push service says next; empty: accepted.
    pub push_answers: VecDeque<PushOutcome>,
    /// Never answered by the push service.
    pub push_silent: bool,
    /// How many of the next pushes are not.
    pub push_silences: u32,
    /// An object that nothing reaches and that reaches nobody.
    pub cut_off: Option<String>,
    entropy: Entropy,
    lines: BTreeMap<String, Object>,
    flows: BTreeMap<String, Object>,
    transit: BTreeMap<(Time, u64), Transit>,
    order: u64,
    flow_count: u32,
    replies: Vec<LineReply>,
    answer: Option<Box<LineToFlow>>,
    pub turns: u64,
}

impl World {
    pub fn new() -> Self {
        Self::seeded(1)
    }

    pub fn seeded(seed: u64) -> Self {
        Self {
            now: START,
            config: SiteConfig::new(SiteId::parse("demo").unwrap(), "example.test"),
            weather: Weather::default(),
            pages: Vec::new(),
            pushes: Vec::new(),
            callbacks: Vec::new(),
            callback_answers: VecDeque::new(),
            changes: Vec::new(),
            said: Vec::new(),
            pushed_as: Vec::new(),
            records: Vec::new(),
            noted: Vec::new(),
            directory_away: false,
            push_answers: VecDeque::new(),
            push_silent: false,
            push_silences: 0,
            cut_off: None,
            entropy: Entropy::for_tests(seed),
            lines: BTreeMap::new(),
            flows: BTreeMap::new(),
            transit: BTreeMap::new(),
            order: 0,
            flow_count: 0,
            replies: Vec::new(),
            answer: None,
            turns: 0,
        }
    }

    /// A world whose objects talk over a bad network.
    pub fn stormy(seed: u64) -> Self {
        let mut world = Self::seeded(seed);
        world.weather = Weather {
            drop_percent: 20,
            repeat_percent: 20,
            max_delay_ms: 120,
        };
        world
    }

    // ---- people and devices ----

    /// A line that exists.
    pub fn line(&mut self, number: &str) {
        let uid = Uid::parse(&format!("u{number}")).unwrap();
        let command = LineCommand::Provision {
            uid,
            display_name: format!("User u{number}"),
            secret: None,
            replace: false,
        };
        assert!(matches!(
            self.command(number, command),
            LineReply::Account { created: true, .. }
        ));
    }

    /// A page of this line, not registered yet; with a push target or without.
    pub fn page(&mut self, number: &str, name: &str, push: bool) -> usize {
        let page = Page::new(number, name);
        let command = LineCommand::BindDevice {
            device: page.device.clone(),
            push: push.then(|| format!("push:{name}")),
            public_key: None,
            label: None,
            lang: None,
        };
        if !self.lines.contains_key(&format!("line:demo:{number}")) {
            self.line(number);
        }
        assert!(matches!(
            self.command(number, command),
            LineReply::Device { .. }
        ));
        self.pages.push(page);
        self.pages.len() - 1
    }

    /// A user agent that is not ours: no device, no push.
    pub fn foreign(&mut self, number: &str, name: &str) -> usize {
        if !self.lines.contains_key(&format!("line:demo:{number}")) {
            self.line(number);
        }
        self.pages.push(Page::new(number, name));
        self.pages.len() - 1
    }

    pub fn caller_and_sleeper() -> (Self, usize, usize) {
        Self::caller_and_sleeper_in(Self::new())
    }

    /// 1001 with an open page, 1002 with a device that sleeps.
    pub fn caller_and_sleeper_in(mut world: Self) -> (Self, usize, usize) {
        let caller = world.page("1001", "caller", false);
        let callee = world.page("1002", "callee", true);
        world.open(caller);
        world.settle();
        (world, caller, callee)
    }

    // ---- sockets ----

    /// Opens a socket and registers over it.
    pub fn open(&mut self, page: usize) {
        self.connect(page);
        let register = self.pages[page].register(None);
        self.send(page, register);
    }

    pub fn connect(&mut self, page: usize) {
        self.flow_count += 1;
        let flow = format!("flow:demo:f{}", self.flow_count);
        self.pages[page].flow = Some(flow.clone());
        let address = self.pages[page].address.clone();
        self.flow_input(&flow, FlowInput::Opened { address });
    }

    /// The socket breaks; the edge notices at once.
    pub fn cut(&mut self, page: usize) {
        self.cut_noticed_after(page, 1);
    }

    /// The socket breaks; the edge notices after a while.
    pub fn cut_noticed_after(&mut self, page: usize, ms: u64) {
        if let Some(flow) = self.pages[page].flow.take() {
            self.put(ms, Transit::Closed { flow });
        }
    }

    pub fn send(&mut self, page: usize, bytes: Vec<u8>) {
        let flow = self.pages[page]
            .flow
            .clone()
            .expect("the page is connected");
        self.put(1, Transit::Up { flow, bytes });
    }

    // ---- REST ----

    pub fn command(&mut self, number: &str, command: LineCommand) -> LineReply {
        self.line_input(
            &format!("line:demo:{number}"),
            LineInput::Command {
                request: 7,
                command,
            },
        );
        self.replies.pop().expect("each command has one reply")
    }

    pub fn report(
        &mut self,
        page: usize,
        wake: &WakeId,
        what: &str,
    ) -> Result<WakeView, LineError> {
        let (device, wake) = (self.pages[page].device.clone(), wake.clone());
        let command = match what {
            "shown" => LineCommand::Shown { wake, device },
            "opened" => LineCommand::Opened { wake, device },
            "ready" => LineCommand::Ready { wake, device },
            "decline" => LineCommand::Decline { wake, device },
            other => panic!("no such report: {other}"),
        };
        let number = self.pages[page].number.clone();
        match self.command(&number, command) {
            LineReply::Wake { wake } => Ok(wake),
            LineReply::Refused { error } => Err(error),
            other => panic!("unexpected {other:?}"),
        }
    }

    pub fn wake_state(&mut self, number: &str, wake: &WakeId) -> String {
        match self.command(
            number,
            LineCommand::Wake {
                wake: wake.clone(),
                device: None,
            },
        ) {
            LineReply::Wake { wake } => wake.state.to_string(),
            other => format!("{other:?}"),
        }
    }

    pub fn missed(&mut self, number: &str) -> Vec<MissedView> {
        match self.command(number, LineCommand::Missed) {
            LineReply::Missed { missed } => missed,
            other => panic!("unexpected {other:?}"),
        }
    }

    /// The wake that the last invitation was for.
    pub fn invited_wake(&self) -> WakeId {
        let invitation = self
            .pushes
            .iter()
            .rev()
            .find(|(_, push)| push.kind == PushKind::Invitation);
        invitation.expect("an invitation was pushed").1.wake.clone()
    }

    pub fn pushed(&self, kind: PushKind) -> usize {
        self.pushes
            .iter()
            .filter(|(_, push)| push.kind == kind)
            .count()
    }

    /// Tap: the page opens, registers, and says ready.
    pub fn tap(&mut self, page: usize, wake: &WakeId) {
        self.report(page, wake, "opened").unwrap();
        self.open(page);
        self.settle();
        self.report(page, wake, "ready").unwrap();
        self.settle();
    }

    // ---- time ----

    /// Lets everything happen that is due within two hundred milliseconds.
    pub fn settle(&mut self) {
        let span = if self.weather.max_delay_ms > 0 {
            12_000
        } else {
            200
        };
        self.run_for(span);
    }

    pub fn run_for(&mut self, ms: u64) {
        self.run_until(self.now + Duration::from_millis(ms));
    }

    pub fn run_until(&mut self, end: Time) {
        loop {
            let transit = self.transit.keys().next().map(|(at, _)| *at);
            let line = self
                .lines
                .iter()
                .filter_map(|(k, o)| o.deadline.map(|at| (at, k.clone())))
                .min();
            let flow = self
                .flows
                .iter()
                .filter_map(|(k, o)| o.deadline.map(|at| (at, k.clone())))
                .min();
            let next = [
                transit,
                line.as_ref().map(|l| l.0),
                flow.as_ref().map(|f| f.0),
            ]
            .into_iter()
            .flatten()
            .min();
            let Some(next) = next.filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if transit == Some(next) {
                let ((_, _), transit) = self.transit.pop_first().unwrap();
                self.arrive(transit);
            } else if line.as_ref().is_some_and(|l| l.0 == next) {
                self.line_input(&line.unwrap().1, LineInput::Timeout);
            } else {
                self.flow_input(&flow.unwrap().1, FlowInput::Timeout);
            }
            self.turns += 1;
            assert!(self.turns < 60_000, "the world does not come to rest");
        }
        self.now = self.now.max(end);
    }

    /// When something happens next by itself.
    pub fn next_due(&self) -> Option<Time> {
        let transit = self.transit.keys().next().map(|(at, _)| *at);
        let objects = self.lines.values().chain(self.flows.values());
        objects.filter_map(|o| o.deadline).chain(transit).min()
    }

    fn put(&mut self, delay_ms: u64, transit: Transit) {
        self.order += 1;
        self.transit.insert(
            (self.now + Duration::from_millis(delay_ms), self.order),
            transit,
        );
    }

    fn arrive(&mut self, transit: Transit) {
        match transit {
            Transit::ToLine(envelope) => {
                let (id, from, to) = (envelope.id(), envelope.from.clone(), envelope.to.clone());
                if self.is_cut_off(&from) || self.is_cut_off(&to) {
                    return;
                }
                let taken = self.line_input(&to, LineInput::Envelope(envelope));
                let answer = self.answer.take();
                if !taken || self.lost() {
                    return;
                }
                match answer {
                    // On its way it may overtake what the line said before, and be overtaken.
                    Some(msg) => {
                        let delay = self.entropy.below(self.weather.max_delay_ms + 1);
                        let flow = from;
                        self.put(delay, Transit::Answered { flow, id, msg });
                    }
                    None => {
                        self.flow_input(&from, FlowInput::Delivered(id));
                    }
                }
            }
            Transit::ToFlow(envelope) => {
                let (id, from, to) = (envelope.id(), envelope.from.clone(), envelope.to.clone());
                if self.is_cut_off(&from) || self.is_cut_off(&to) {
                    return;
                }
                let taken = self.flow_input(&to, FlowInput::Envelope(envelope));
                if taken && !self.lost() {
                    self.line_input(&from, LineInput::Delivered(id));
                }
            }
            Transit::Up { flow, bytes } => {
                if let Some(page) = self
                    .pages
                    .iter()
                    .position(|page| page.flow.as_deref() == Some(&flow))
                {
                    self.said.push((self.now, page, bytes.clone()));
                    self.flow_input(&flow, FlowInput::Frame(bytes));
                }
            }
            Transit::Down { flow, bytes } => {
                if let Some(index) = self
                    .pages
                    .iter()
                    .position(|page| page.flow.as_deref() == Some(&flow))
                {
                    let now = self.now;
                    for answer in self.pages[index].receive(now, &bytes) {
                        self.send(index, answer);
                    }
                }
            }
            Transit::CalledBack {
                line,
                wake,
                version,
                taken,
            } => {
                let input = LineInput::CallbackResult {
                    wake,
                    version,
                    taken,
                };
                self.line_input(&line, input);
            }
            Transit::Answered { flow, id, msg } => {
                self.flow_input(&flow, FlowInput::Answered { id, msg });
            }
            Transit::Recorded { line, id } => {
                self.line_input(&line, LineInput::Recorded(id));
            }
            Transit::Closed { flow } => {
                self.flow_input(&flow, FlowInput::Closed);
            }
            Transit::PushResult { line, job, outcome } => {
                let provider = None;
                self.line_input(
                    &line,
                    LineInput::PushResult {
                        job,
                        outcome,
                        provider,
                    },
                );
            }
        }
    }

    fn is_cut_off(&self, object: &str) -> bool {
        self.cut_off.as_deref() == Some(object)
    }

    fn lost(&mut self) -> bool {
        self.weather.drop_percent > 0 && self.entropy.below(100) < self.weather.drop_percent
    }

    /// Zero, one or two deliveries, each after its own delay.
    fn deliveries(&mut self) -> Vec<u64> {
        let mut delays = Vec::new();
        if !self.lost() {
            delays.push(1 + self.entropy.below(self.weather.max_delay_ms + 1));
        }
        if self.weather.repeat_percent > 0 && self.entropy.below(100) < self.weather.repeat_percent
        {
            delays.push(1 + self.entropy.below(self.weather.max_delay_ms * 4 + 1));
        }
        delays
    }

    // ---- objects: restored, used, forgotten ----

    fn line_input(&mut self, name: &str, input: LineInput) -> bool {
        // That a record is stored draws nothing: how many there are changes no story.
        let seed = match input {
            LineInput::Recorded(_) => [0; 32],
            _ => self.entropy.bytes(),
        };
        let number = Number::parse(name.rsplit(':').next().unwrap()).unwrap();
        let object = self.lines.entry(name.to_owned()).or_default();
        let mut line = Line::restore(
            self.config.clone(),
            number,
            Entropy::from_seed(seed),
            read(&object.rows),
        )
        .unwrap();
        let taken = line.handle_input(self.now, input);
        let mut outputs = Vec::new();
        while let Some(output) = line.poll_output() {
            match output {
                LineOutput::Row(change) => {
                    assert!(outputs.is_empty(), "rows come first");
                    apply(&mut object.rows, change);
                }
                other => outputs.push(other),
            }
        }
        let again = Line::restore(
            self.config.clone(),
            Number::parse(name.rsplit(':').next().unwrap()).unwrap(),
            Entropy::from_seed(seed),
            read(&object.rows),
        );
        object.deadline = again.unwrap().deadline();
        assert_eq!(
            object.deadline,
            line.deadline(),
            "what is stored is what was known"
        );
        for output in outputs {
            match output {
                LineOutput::Send(envelope) => {
                    for delay in self.deliveries() {
                        self.put(delay, Transit::ToFlow(reparse(&envelope)));
                    }
                }
                LineOutput::Push(job) => {
                    self.pushes.push((self.now, (*job).clone()));
                    let hangs = self.push_silent || self.push_silences > 0;
                    self.push_silences = self.push_silences.saturating_sub(1);
                    let outcome = self
                        .push_answers
                        .pop_front()
                        .unwrap_or(PushOutcome::Accepted);
                    self.pushed_as.push((!hangs).then_some(outcome));
                    if !hangs {
                        self.put(
                            20,
                            Transit::PushResult {
                                line: name.to_owned(),
                                job: job.job.clone(),
                                outcome,
                            },
                        );
                    }
                }
                LineOutput::Record(record) => {
                    if !self.directory_away {
                        self.put(
                            5,
                            Transit::Recorded {
                                line: name.to_owned(),
                                id: record.id(),
                            },
                        );
                    }
                    match *record {
                        Record::Call(call) => self.records.push(*call),
                        other => self.noted.push(other),
                    }
                }
                LineOutput::Answer(msg) => self.answer = Some(msg),
                LineOutput::Changed(wake) => self.changes.push(wake),
                LineOutput::Callback(job) => {
                    let answer = self.callback_answers.pop_front().unwrap_or(Some(true));
                    if let Some(taken) = answer {
                        let (wake, version) = (job.wake.id.clone(), job.wake.version);
                        let line = name.to_owned();
                        let result = Transit::CalledBack {
                            line,
                            wake,
                            version,
                            taken,
                        };
                        self.put(30, result);
                    }
                    self.callbacks.push((self.now, *job));
                }
                LineOutput::Reply { request, reply } => {
                    assert_eq!(request, 7);
                    self.replies.push(reply);
                }
                LineOutput::Row(_) => unreachable!(),
            }
        }
        taken
    }

    fn flow_input(&mut self, name: &str, input: FlowInput) -> bool {
        let seed = self.entropy.bytes();
        let token = FlowToken::parse(name.rsplit(':').next().unwrap()).unwrap();
        let object = self.flows.entry(name.to_owned()).or_default();
        let restore = |rows: &Rows| {
            let entropy = Entropy::from_seed(seed);
            Flow::restore(
                self.config.clone(),
                token.clone(),
                entropy,
                Box::new(TestTokens),
                read(rows),
            )
            .unwrap()
        };
        let mut flow = restore(&object.rows);
        let taken = flow.handle_input(self.now, input);
        let mut outputs = Vec::new();
        while let Some(output) = flow.poll_output() {
            match output {
                FlowOutput::Row(change) => {
                    assert!(outputs.is_empty(), "rows come first");
                    apply(&mut object.rows, change);
                }
                other => outputs.push(other),
            }
        }
        object.deadline = restore(&object.rows).deadline();
        assert_eq!(
            object.deadline,
            flow.deadline(),
            "what is stored is what was known"
        );
        for output in outputs {
            match output {
                FlowOutput::Send(envelope) => {
                    for delay in self.deliveries() {
                        self.put(delay, Transit::ToLine(reparse(&envelope)));
                    }
                }
                FlowOutput::Frame(bytes) => self.put(
                    1,
                    Transit::Down {
                        flow: name.to_owned(),
                        bytes,
                    },
                ),
                FlowOutput::Close { reason, .. } => {
                    for page in self
                        .pages
                        .iter_mut()
                        .filter(|page| page.flow.as_deref() == Some(name))
                    {
                        page.flow = None;
                        page.closed_because = Some(reason);
                    }
                    self.put(
                        1,
                        Transit::Closed {
                            flow: name.to_owned(),
                        },
                    );
                }
                FlowOutput::Row(_) => unreachable!(),
            }
        }
        taken
    }

    /// A flow that stays in memory.
    pub fn fresh_flow(&mut self) -> Flow {
        let token = FlowToken::parse("memory").unwrap();
        let entropy = Entropy::from_seed(self.entropy.bytes());
        Flow::restore(
            self.config.clone(),
            token,
            entropy,
            Box::new(TestTokens),
            Vec::new(),
        )
        .unwrap()
    }

    /// The table of each row an object has.
    pub fn all_rows(&self, name: &str) -> Vec<String> {
        let object = self.lines.get(name).or_else(|| self.flows.get(name));
        object.map_or_else(Vec::new, |object| {
            object.rows.keys().map(|(table, _)| table.clone()).collect()
        })
    }

    /// What all objects together still hold in these tables: a leak, once everything is over.
    pub fn left_over(&self, tables: &[&str]) -> Vec<String> {
        let mut left = Vec::new();
        for (name, object) in self.lines.iter().chain(&self.flows) {
            for ((table, key), value) in &object.rows {
                if tables.contains(&table.as_str()) {
                    left.push(format!("{name} {table} {key} {value}"));
                }
            }
        }
        left
    }

    /// How many rows an object has left, besides its memory of streams.
    pub fn rows_of(&self, name: &str, tables: &[&str]) -> usize {
        let rows = self
            .lines
            .get(name)
            .or_else(|| self.flows.get(name))
            .map(|object| &object.rows);
        rows.map_or(0, |rows| {
            rows.keys()
                .filter(|(table, _)| tables.contains(&table.as_str()))
                .count()
        })
    }
}

/// Envelopes cross as JSON, as they do between real objects.
fn reparse<M: serde::Serialize + serde::de::DeserializeOwned>(
    envelope: &Envelope<M>,
) -> Envelope<M> {
    serde_json::from_str(&serde_json::to_string(envelope).unwrap()).unwrap()
}
