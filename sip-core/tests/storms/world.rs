//! People, the edge, a push service, the networks between them, and one clock.

use std::collections::BTreeMap;

use wakeline_sip::agent::{CallId, Command, Input};
use wakeline_sip::edge::{
    Envelope, FlowInput, FlowOutput, FlowToLine, LineCommand, LineError, LineInput, LineOutput,
    LineReply, LineToFlow, PushKind, PushOutcome, Uid, WakeId,
};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::pii::Pii;
use wakeline_sip::time::{Duration, Time};

use crate::edge::Edge;
use crate::person::{Habit, Person, Want};

pub const START: Time = Time(1_800_000_000_000);

/// How bad the networks are.
#[derive(Clone, Copy, Default)]
pub struct Weather {
    /// Of envelopes between objects.
    pub drop_percent: u64,
    /// Of envelopes between objects.
    pub repeat_percent: u64,
    /// Of envelopes (out of order) and of frames (in order).
    pub max_delay_ms: u64,
}

enum Event {
    ToLine(Envelope<FlowToLine>),
    ToFlow(Envelope<LineToFlow>),
    /// A frame from the socket of this attempt.
    Up {
        flow: String,
        bytes: Vec<u8>,
    },
    Down {
        flow: String,
        bytes: Vec<u8>,
    },
    /// The socket of this attempt is open.
    Opened {
        who: usize,
        attempt: u32,
    },
    /// The edge notices that a socket is closed.
    FlowClosed {
        flow: String,
    },
    /// The page notices it.
    PageClosed {
        who: usize,
        attempt: u32,
    },
    Line {
        line: String,
        input: LineInput,
    },
    Pushed {
        who: usize,
        wake: WakeId,
    },
    Ready {
        who: usize,
        wake: String,
    },
    Act(Act),
}

/// What people do at some time.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Open(usize),
    /// Closes the tab, without a word to anybody.
    Close(usize),
    Call {
        who: usize,
        to: &'static str,
    },
    HangUp(usize),
    /// Hangs this call up.
    End {
        who: usize,
        call: CallId,
    },
    /// The machine loses its network, and gets it back.
    Offline(usize),
    Online(usize),
    /// The socket breaks; the edge notices after so many milliseconds.
    Cut {
        who: usize,
        noticed_ms: u64,
    },
    Habit {
        who: usize,
        call: CallId,
    },
}

pub struct World {
    pub now: Time,
    pub edge: Edge,
    pub weather: Weather,
    pub people: Vec<Person>,
    entropy: Entropy,
    events: BTreeMap<(Time, u64), Event>,
    order: u64,
    sockets: u32,
    /// When the last frame of a socket arrives, by direction: frames keep their order.
    busy: BTreeMap<(String, bool), Time>,
}

impl World {
    pub fn new(seed: u64, weather: Weather) -> Self {
        Self {
            now: START,
            edge: Edge::new(seed),
            weather,
            people: Vec::new(),
            entropy: Entropy::for_tests(seed ^ 0xfeed),
            events: BTreeMap::new(),
            order: 0,
            sockets: 0,
            busy: BTreeMap::new(),
        }
    }

    /// Somebody with a device that is bound to its line and can be pushed.
    pub fn person(&mut self, number: &str) -> usize {
        let who = self.people.len();
        let person = Person::new(number, u32::try_from(who).unwrap());
        let uid = Uid::parse(&format!("u{number}")).unwrap();
        let display_name = format!("Name of {number}");
        self.rest(
            number,
            LineCommand::Provision {
                uid,
                display_name,
                secret: None,
                replace: true,
            },
        );
        let bind = LineCommand::BindDevice {
            device: person.device.clone(),
            push: Some(who.to_string()),
            public_key: None,
            label: None,
            lang: None,
        };
        self.rest(number, bind);
        self.people.push(person);
        who
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.entropy.below(bound)
    }

    pub fn at(&mut self, ms: u64, act: Act) {
        self.put(ms, Event::Act(act));
    }

    /// A REST command; its answer comes in the same turn.
    pub fn rest(&mut self, number: &str, command: LineCommand) -> LineReply {
        let line = format!("line:demo:{number}");
        let outputs = self.edge.line(
            self.now,
            &line,
            LineInput::Command {
                request: 1,
                command,
            },
        );
        let mut answer = None;
        for output in outputs {
            match output {
                LineOutput::Reply { reply, .. } => answer = Some(reply),
                other => self.from_line(&line, other),
            }
        }
        answer.expect("a command is answered in its turn")
    }

    pub fn run_for(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        for _turn in 0..1_000_000 {
            let event = self.events.keys().next().map(|(at, _)| *at);
            let object = self.edge.next_deadline();
            let page = (self.people.iter().enumerate())
                .filter_map(|(who, p)| {
                    p.page
                        .as_ref()
                        .and_then(|page| page.deadline)
                        .map(|at| (at, who))
                })
                .min();
            let next = [event, object.as_ref().map(|o| o.0), page.map(|p| p.0)]
                .into_iter()
                .flatten()
                .min();
            let Some(next) = next.filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            if event == Some(next) {
                let (_, event) = self.events.pop_first().unwrap();
                self.happen(event);
            } else if let Some((_, name)) = object.filter(|o| o.0 == next) {
                if name.starts_with("line:") {
                    self.line(&name, LineInput::Timeout);
                } else {
                    self.flow(&name, FlowInput::Timeout);
                }
            } else if let Some((_, who)) = page {
                self.page(who, Input::Timeout);
            }
        }
        panic!("the world does not come to rest");
    }

    fn put(&mut self, ms: u64, event: Event) {
        self.order += 1;
        self.events
            .insert((self.now + Duration::from_millis(ms), self.order), event);
    }

    /// A frame arrives behind those before it.
    fn put_frame(&mut self, flow: &str, up: bool, event: Event) {
        let earliest = self.now
            + Duration::from_millis(1 + self.entropy.below(self.weather.max_delay_ms / 4 + 1));
        let at = self.busy.entry((flow.to_owned(), up)).or_default();
        *at = earliest.max(*at);
        self.order += 1;
        self.events.insert((*at, self.order), event);
    }

    /// Zero, one or two deliveries, each after its own delay.
    fn deliveries(&mut self) -> Vec<u64> {
        let mut delays = Vec::new();
        if self.entropy.below(100) >= self.weather.drop_percent {
            delays.push(1 + self.entropy.below(self.weather.max_delay_ms + 1));
        }
        if self.entropy.below(100) < self.weather.repeat_percent {
            delays.push(1 + self.entropy.below(self.weather.max_delay_ms * 4 + 1));
        }
        delays
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::ToLine(envelope) => {
                let (id, from, to) = (envelope.id(), envelope.from.clone(), envelope.to.clone());
                self.line(&to, LineInput::Envelope(envelope));
                if self.entropy.below(100) >= self.weather.drop_percent {
                    self.flow(&from, FlowInput::Delivered(id));
                }
            }
            Event::ToFlow(envelope) => {
                let (id, from, to) = (envelope.id(), envelope.from.clone(), envelope.to.clone());
                self.flow(&to, FlowInput::Envelope(envelope));
                if self.entropy.below(100) >= self.weather.drop_percent {
                    self.line(&from, LineInput::Delivered(id));
                }
            }
            // What was sent before a socket closed still arrives; what was sent after it does not exist.
            Event::Up { flow, bytes } => self.flow(&flow, FlowInput::Frame(bytes)),
            Event::Down { flow, bytes } => {
                if let Some(who) = self.owner(&flow) {
                    self.page(who, Input::Frame(&bytes));
                }
            }
            Event::Opened { who, attempt } => self.opened(who, attempt),
            Event::FlowClosed { flow } => self.flow(&flow, FlowInput::Closed),
            Event::PageClosed { who, attempt } => {
                if self.people[who]
                    .page
                    .as_ref()
                    .is_some_and(|page| page.attempt == attempt)
                {
                    self.page(who, Input::Disconnected);
                }
            }
            Event::Line { line, input } => self.line(&line, input),
            Event::Pushed { who, wake } => self.pushed(who, wake),
            Event::Ready { who, wake } => self.ready(who, wake),
            Event::Act(act) => self.act(act),
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Open(who) => {
                if self.people[who].page.is_none() {
                    let entropy = Entropy::from_seed(self.entropy.bytes());
                    self.people[who].open(entropy);
                    self.page(who, Input::Command(Command::Start));
                }
            }
            Act::Close(who) => {
                let flow = self.people[who].page.take().and_then(|page| page.flow);
                if let Some(flow) = flow {
                    self.put_frame(&flow.clone(), true, Event::FlowClosed { flow });
                }
            }
            Act::Call { who, to } => {
                if let Some(page) = &mut self.people[who].page {
                    let call = page.agent.next_call();
                    self.page(
                        who,
                        Input::Command(Command::Call {
                            call,
                            to: Pii(to.to_owned()),
                        }),
                    );
                }
            }
            Act::HangUp(who) => {
                let call = self.people[who]
                    .page
                    .as_ref()
                    .and_then(|page| page.calls.keys().next_back().copied());
                if let Some(call) = call {
                    self.page(who, Input::Command(Command::HangUp(call)));
                }
            }
            Act::End { who, call } => self.page(who, Input::Command(Command::HangUp(call))),
            Act::Cut { who, noticed_ms } => {
                let Some(page) = &mut self.people[who].page else {
                    return;
                };
                let (flow, attempt) = (page.flow.take(), page.attempt);
                if let Some(flow) = flow {
                    self.put(noticed_ms, Event::FlowClosed { flow });
                    self.put(1, Event::PageClosed { who, attempt });
                }
            }
            Act::Offline(who) => {
                self.act(Act::Cut { who, noticed_ms: 1 });
                self.page(who, Input::Online(false));
            }
            Act::Online(who) => self.page(who, Input::Online(true)),
            Act::Habit { who, call } => match self.people[who].habit {
                Habit::Answer(_) => self.page(who, Input::Command(Command::Answer(call))),
                Habit::Reject(_) => self.page(who, Input::Command(Command::Reject(call))),
                Habit::Ignore => {}
            },
        }
    }

    fn opened(&mut self, who: usize, attempt: u32) {
        let Some(page) = &mut self.people[who].page else {
            return;
        };
        if page.attempt != attempt {
            return;
        }
        self.sockets += 1;
        let flow = format!("flow:demo:f{}", self.sockets);
        page.flow = Some(flow.clone());
        self.flow(&flow, FlowInput::Opened);
        self.page(who, Input::Connected);
    }

    fn owner(&self, flow: &str) -> Option<usize> {
        self.people.iter().position(|p| {
            p.page
                .as_ref()
                .is_some_and(|page| page.flow.as_deref() == Some(flow))
        })
    }

    /// The service worker shows the notification; its person may tap it.
    fn pushed(&mut self, who: usize, wake: WakeId) {
        let (number, device) = (
            self.people[who].number.clone(),
            self.people[who].device.clone(),
        );
        self.rest(
            &number,
            LineCommand::Shown {
                wake: wake.clone(),
                device: device.clone(),
            },
        );
        if let Some(ms) = self.people[who].taps {
            self.put(ms, Event::Act(Act::Open(who)));
            let input = LineInput::Command {
                request: 2,
                command: LineCommand::Opened { wake, device },
            };
            self.put(
                ms,
                Event::Line {
                    line: format!("line:demo:{number}"),
                    input,
                },
            );
        }
    }

    fn ready(&mut self, who: usize, wake: String) {
        let (number, device) = (
            self.people[who].number.clone(),
            self.people[who].device.clone(),
        );
        let Ok(id) = WakeId::parse(&wake) else {
            panic!("no wake id: {wake}")
        };
        if let LineReply::Refused { error } =
            self.rest(&number, LineCommand::Ready { wake: id, device })
        {
            assert!(
                matches!(error, LineError::Over(_) | LineError::NotRegistered),
                "{error}"
            );
        }
    }

    fn page(&mut self, who: usize, input: Input<'_>) {
        for want in self.people[who].input(self.now, input) {
            let Some(page) = &mut self.people[who].page else {
                return;
            };
            match want {
                Want::Send(bytes) => {
                    if let Some(flow) = page.flow.clone() {
                        self.put_frame(&flow.clone(), true, Event::Up { flow, bytes });
                    }
                }
                Want::Connect | Want::Disconnect => {
                    page.attempt += 1;
                    let (attempt, old) = (page.attempt, page.flow.take());
                    if let Some(flow) = old {
                        self.put_frame(&flow.clone(), true, Event::FlowClosed { flow });
                    }
                    if matches!(want, Want::Connect) {
                        self.put(3, Event::Opened { who, attempt });
                    }
                }
                Want::Ready(wake) => self.put(2, Event::Ready { who, wake }),
                Want::Rings(call) => match self.people[who].habit {
                    Habit::Answer(ms) | Habit::Reject(ms) => {
                        self.put(ms, Event::Act(Act::Habit { who, call }))
                    }
                    Habit::Ignore => {}
                },
            }
        }
    }

    fn line(&mut self, name: &str, input: LineInput) {
        for output in self.edge.line(self.now, name, input) {
            self.from_line(name, output);
        }
    }

    fn from_line(&mut self, name: &str, output: LineOutput) {
        match output {
            LineOutput::Send(envelope) => {
                for delay in self.deliveries() {
                    self.put(delay, Event::ToFlow(crossed(&envelope)));
                }
            }
            LineOutput::Push(job) => {
                let input = LineInput::PushResult {
                    job: job.job.clone(),
                    outcome: PushOutcome::Accepted,
                };
                self.put(
                    20,
                    Event::Line {
                        line: name.to_owned(),
                        input,
                    },
                );
                if job.kind == PushKind::Invitation {
                    self.put(
                        40,
                        Event::Pushed {
                            who: job.target.parse().unwrap(),
                            wake: job.wake,
                        },
                    );
                }
            }
            LineOutput::Record(record) => {
                self.put(
                    5,
                    Event::Line {
                        line: name.to_owned(),
                        input: LineInput::Recorded(record.wake.clone()),
                    },
                );
                self.edge.records.push(*record);
            }
            LineOutput::Reply { .. } | LineOutput::Row(_) => {}
        }
    }

    fn flow(&mut self, name: &str, input: FlowInput) {
        for output in self.edge.flow(self.now, name, input) {
            match output {
                FlowOutput::Send(envelope) => {
                    for delay in self.deliveries() {
                        self.put(delay, Event::ToLine(crossed(&envelope)));
                    }
                }
                FlowOutput::Frame(bytes) => {
                    let flow = name.to_owned();
                    self.put_frame(name, false, Event::Down { flow, bytes });
                }
                FlowOutput::Close { .. } => {
                    if let Some(who) = self.owner(name) {
                        let page = self.people[who].page.as_mut().expect("it owns a flow");
                        page.flow = None;
                        let attempt = page.attempt;
                        self.put(2, Event::PageClosed { who, attempt });
                    }
                    self.put(
                        2,
                        Event::FlowClosed {
                            flow: name.to_owned(),
                        },
                    );
                }
                FlowOutput::Row(_) => {}
            }
        }
    }
}

/// Envelopes cross as JSON, as they do between real objects.
fn crossed<M: serde::Serialize + serde::de::DeserializeOwned>(
    envelope: &Envelope<M>,
) -> Envelope<M> {
    serde_json::from_str(&serde_json::to_string(envelope).unwrap()).unwrap()
}
