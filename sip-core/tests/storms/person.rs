//! Somebody with one device: a page that is open or closed, and a habit for calls and notifications.

use std::collections::BTreeMap;

use wakeline_sip::agent::{
    Agent, CallId, CallState, CallView, Command, Config, Event, Input, MediaReply, MediaRequest,
    Output, Patience,
};
use wakeline_sip::edge::DeviceId;
use wakeline_sip::entropy::Entropy;
use wakeline_sip::pii::Pii;
use wakeline_sip::time::Time;

/// What becomes of an incoming call, so many milliseconds after it rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    Answer(u64),
    Reject(u64),
    Ignore,
}

pub struct Person {
    pub number: String,
    pub device: DeviceId,
    /// Taps a notification after so many milliseconds; `None` never does.
    pub taps: Option<u64>,
    pub habit: Habit,
    pub page: Option<Page>,
}

/// An open page: its agent, its socket, and what it shows.
pub struct Page {
    pub agent: Agent,
    /// The flow object of its socket.
    pub flow: Option<String>,
    /// Counts its sockets, so that one that opens too late is noticed.
    pub attempt: u32,
    pub deadline: Option<Time>,
    pub calls: BTreeMap<CallId, CallView>,
}

/// What a page wants of the world.
pub enum Want {
    Send(Vec<u8>),
    Connect,
    Disconnect,
    Ready(String),
    Rings(CallId),
}

impl Person {
    pub fn new(number: &str, device: u32) -> Self {
        Self {
            number: number.to_owned(),
            device: DeviceId::parse(&format!("00000000-0000-4000-8000-{device:012}")).unwrap(),
            taps: None,
            habit: Habit::Ignore,
            page: None,
        }
    }

    /// Loads the page anew.
    pub fn open(&mut self, entropy: Entropy) {
        let config = Config {
            address_of_record: Pii(format!("sip:{}@wakeline.test", self.number)),
            display_name: Pii(format!("Name of {}", self.number)),
            instance: self.device.to_string(),
            secure: true,
            user_agent: "test".into(),
            token: Some(Pii(self.number.clone())),
            password: None,
            patience: Patience::default(),
        };
        let agent = Agent::new(&config, entropy).unwrap();
        self.page = Some(Page {
            agent,
            flow: None,
            attempt: 0,
            deadline: None,
            calls: BTreeMap::new(),
        });
    }

    /// Feeds the page, if it is open, and collects what it wants.
    pub fn input(&mut self, now: Time, input: Input<'_>) -> Vec<Want> {
        let mut wants = Vec::new();
        let Some(page) = &mut self.page else {
            return wants;
        };
        page.agent.handle_input(now, input);
        loop {
            match page.agent.poll_output() {
                Output::Transmit(frame) => wants.push(Want::Send(frame)),
                Output::Connect => wants.push(Want::Connect),
                Output::Disconnect => wants.push(Want::Disconnect),
                Output::Media(call, request) => {
                    if let Some(reply) = reply(&request) {
                        page.agent.handle_input(now, Input::Media(call, reply));
                    }
                }
                Output::Event(Event::Registered { waiting, .. }) => {
                    wants.extend(waiting.into_iter().map(Want::Ready))
                }
                Output::Event(Event::Incoming(call, view)) => {
                    let rings = |c: &CallView| c.wake == view.wake && c.state != CallState::Ended;
                    assert!(
                        !page.calls.values().any(rings),
                        "one call rings twice at once"
                    );
                    page.calls.insert(call, view);
                    page.agent
                        .handle_input(now, Input::Command(Command::Alert(call)));
                    wants.push(Want::Rings(call));
                }
                Output::Event(Event::Call(call, view)) => drop(page.calls.insert(call, view)),
                Output::Event(_) => {}
                Output::Timeout(at) => {
                    page.deadline = at;
                    return wants;
                }
            }
        }
    }

    /// The state of the latest call on the open page.
    pub fn state(&self) -> Option<CallState> {
        self.page
            .as_ref()?
            .calls
            .values()
            .next_back()
            .map(|view| view.state)
    }

    /// The latest call on the open page.
    pub fn view(&self) -> &CallView {
        self.page
            .as_ref()
            .unwrap()
            .calls
            .values()
            .next_back()
            .expect("there was a call")
    }
}

fn reply(request: &MediaRequest) -> Option<MediaReply> {
    match request {
        MediaRequest::CreateOffer => Some(MediaReply::Local(Pii(b"v=0 offer".to_vec()))),
        MediaRequest::CreateAnswer { .. } => Some(MediaReply::Local(Pii(b"v=0 answer".to_vec()))),
        MediaRequest::ApplyAnswer { .. } => Some(MediaReply::Applied),
        MediaRequest::Release => None,
    }
}
