//! Drives the agent of the leading tab: socket, alarm, media and the browser's own hints go in, its wishes are carried out.

use crate::{
    asked,
    clock::{drift, now},
    device,
    ice::IceServers,
    media::{Media, MediaEvent},
    opening::{self, Begun},
    page::{self, Hints},
    problem::{Problem, settled},
    session::Session,
    socket::{Socket, SocketEvent},
    table::Table,
    timer::Alarm,
    types::PhonePort,
};
use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use alloc::{
    collections::VecDeque,
    rc::{Rc, Weak},
};
use core::cell::{Cell, RefCell};
use js_sys::Promise;
use wakeline_sip::{
    agent::{
        self, Agent, CallId, Command, Event, FlowId, Input, MediaReply, MediaRequest, Output, Path,
        Registration,
    },
    entropy::Entropy,
    pii::Pii,
    time::Time,
};
use wasm_bindgen_futures::JsFuture;

/// An alarm that goes off this much too late slept with its page.
const SLEPT_MS: u64 = 5_000;

/// What the driver tells the phone.
pub enum Told {
    /// The agent's own event.
    Agent(Event),
    /// The sound of a call has changed.
    Media(CallId),
}

/// The agent of this tab with everything it needs.
#[derive(Clone)]
pub struct Driver(Rc<Inner>);

/// The socket of a flow.
#[derive(Default)]
struct Held {
    /// A late event of an earlier one is not for this one.
    serial: u32,
    socket: Option<Socket>,
}

struct Inner {
    /// Servers, in the order in which they are tried.
    urls: Vec<String>,
    agent: RefCell<Agent>,
    /// One for each flow.
    sockets: RefCell<Vec<Held>>,
    /// Counts sockets.
    serial: Cell<u32>,
    alarm: RefCell<Option<Alarm>>,
    due: Cell<Option<u64>>,
    /// How far the machine's clock was from ours when that was set.
    drift: Cell<i64>,
    media: RefCell<Table<CallId, Media>>,
    /// Why the media of a call failed last.
    failures: RefCell<Table<CallId, Problem>>,
    ice: Rc<IceServers>,
    /// Makes connections for those who want a hand in them.
    port: PhonePort,
    /// The call that is taken without a microphone.
    listens: Cell<Option<CallId>>,
    /// Waits to be carried out; whoever finds `draining` unset does it.
    outputs: RefCell<VecDeque<Output>>,
    draining: Cell<bool>,
    /// What the page has begun before this core was there, until the first socket is wanted.
    begun: RefCell<Option<Begun>>,
    /// The socket on which the opening was said: it was open before.
    spoken: Cell<Option<u32>>,
    /// What is transmitted now was sent before.
    echo: Cell<bool>,
    /// The call that came first.
    first_call: Cell<Option<CallId>>,
    tell: Box<dyn Fn(Told)>,
    hints: RefCell<Option<Hints>>,
}

impl Driver {
    /// A driver whose agent has not started yet.
    pub async fn new(
        session: &Session,
        ice: Rc<IceServers>,
        port: PhonePort,
        mut begun: Option<Begun>,
        tell: impl Fn(Told) + 'static,
    ) -> Result<Self, Problem> {
        let urls = session.sip_urls();
        let (token, login) = session.proof().await?;
        let config = opening::config(session, token, login)?;
        let said = begun.as_mut().zip(urls.first());
        let seed = said.and_then(|(begun, url)| begun.seed(&config, url));
        let agent = match seed {
            Some(seed) => agent::Opening::agent(&config, seed),
            None => Agent::new(&config, Entropy::from_seed(device::random()?)),
        };
        let agent = agent
            .map_err(|_| Problem::Garbled)?
            .with_servers(urls.len());
        let asked = config
            .login
            .as_ref()
            .and_then(|_| asked::recall(&session.lock_name().ok()?));
        let agent = match asked {
            Some(asked) => agent.expecting(asked),
            None => agent,
        };
        #[cfg(feature = "beside")]
        let agent = agent.with_flows(&config, session.flows());
        let inner = Rc::new(Inner {
            urls,
            agent: RefCell::new(agent),
            sockets: RefCell::default(),
            serial: Cell::new(0),
            alarm: RefCell::new(None),
            due: Cell::new(None),
            drift: Cell::new(0),
            media: RefCell::default(),
            failures: RefCell::default(),
            ice,
            port,
            listens: Cell::new(None),
            outputs: RefCell::default(),
            draining: Cell::new(false),
            begun: RefCell::new(begun),
            spoken: Cell::new(None),
            echo: Cell::new(false),
            first_call: Cell::new(None),
            tell: Box::new(tell),
            hints: RefCell::default(),
        });
        let weak = Rc::downgrade(&inner);
        *inner.alarm.borrow_mut() = Some(Alarm::new(move || {
            if let Some(driver) = of(&weak) {
                driver.rang();
            }
        }));
        let weak = Rc::downgrade(&inner);
        *inner.hints.borrow_mut() = Some(Hints::hear(move |online| {
            if let Some(driver) = of(&weak) {
                driver.feed(online.map_or(Input::Woken, Input::Online));
            }
        }));
        Ok(Self(inner))
    }

    /// Has STUN and TURN servers at hand before a call wants them.
    pub fn warm(&self) {
        self.0.ice.refresh();
    }

    /// Starts the agent. What was said and heard before this core was there happens to it now, each thing at its own time.
    /// Answers what became of "ready", if that was said.
    pub fn start(&self) -> Option<Promise> {
        let said = self.0.begun.borrow().as_ref().and_then(Begun::said);
        let Some(said) = said else {
            self.command(Command::Start);
            return None;
        };
        let at = Time(said.at);
        self.0.spoken.set(Some(self.0.serial.get() + 1));
        self.feed_at(at, Input::Command(Command::Start));
        self.again(at, Input::Connected(FlowId::FIRST));
        let mut rang = said.rang;
        for (at, frame) in said.heard {
            if rang.is_some_and(|rang| rang < at) {
                self.rang_before(rang.take());
            }
            // It was told more than "100 Trying" already.
            let invited = rang.is_some() && self.0.first_call.get().is_none();
            match Input::Frame(FlowId::FIRST, &frame) {
                input if invited && frame.starts_with(b"INVITE ") => self.again(Time(at), input),
                input => self.feed_at(Time(at), input),
            }
        }
        self.rang_before(rang);
        said.ready
    }

    /// The script has told the caller of the first call that it rings.
    fn rang_before(&self, at: Option<u64>) {
        if let (Some(at), Some(call)) = (at, self.0.first_call.get()) {
            self.again(Time(at), Input::Command(Command::Alert(call)));
        }
    }

    /// Feeds what happened before this core was there: what follows from it was sent then.
    fn again(&self, at: Time, input: Input<'_>) {
        self.0.echo.set(true);
        self.feed_at(at, input);
        self.0.echo.set(false);
    }

    /// Tells the agent what the page wants.
    pub fn command(&self, command: Command) {
        self.feed(Input::Command(command));
    }

    /// An id for a call to come.
    pub fn next_call(&self) -> CallId {
        self.0.agent.borrow_mut().next_call()
    }

    /// An id for something beside calls.
    #[cfg(feature = "beside")]
    pub fn next_beside(&self) -> wakeline_sip::agent::BesideId {
        self.0.agent.borrow_mut().next_beside()
    }

    /// Where the registration stands.
    pub fn registration(&self) -> Registration {
        self.0.agent.borrow().registration()
    }

    /// The line is stopped, and the last word about it said and answered.
    pub fn has_left(&self) -> bool {
        self.0.agent.borrow().has_left()
    }

    /// The media of a call, as long as it has any.
    pub fn media(&self, call: CallId) -> Option<Media> {
        self.0.media.borrow().get(&call).cloned()
    }

    /// Why the media of a call failed; told once.
    pub fn media_failure(&self, call: CallId) -> Option<Problem> {
        self.0.failures.borrow_mut().remove(&call)
    }

    /// The call that is taken without a microphone, if one is.
    pub fn listen(&self, call: Option<CallId>) {
        self.0.listens.set(call);
    }

    fn rang(&self) {
        let late = self.0.due.get().map_or(0, |due| now().saturating_sub(due));
        // A sleep that stopped our clock is seen by the machine's; that it was set instead does no harm here.
        let leapt = drift().saturating_sub(self.0.drift.get());
        if late > SLEPT_MS || leapt > SLEPT_MS as i64 {
            self.feed(Input::Woken);
        }
        self.feed(Input::Timeout);
    }

    fn feed(&self, input: Input<'_>) {
        self.feed_at(Time(now()), input);
    }

    fn feed_at(&self, at: Time, input: Input<'_>) {
        {
            let mut agent = self.0.agent.borrow_mut();
            agent.handle_input(at, input);
            let mut outputs = self.0.outputs.borrow_mut();
            loop {
                let output = agent.poll_output();
                let last = matches!(output, Output::Timeout(_));
                outputs.push_back(output);
                if last {
                    break;
                }
            }
        }
        // The page may answer an event with a command at once: what follows from it queues behind.
        if self.0.draining.replace(true) {
            return;
        }
        loop {
            let Some(output) = self.0.outputs.borrow_mut().pop_front() else {
                break;
            };
            self.carry_out(output);
        }
        self.0.draining.set(false);
    }

    fn carry_out(&self, output: Output) {
        match output {
            Output::Transmit(_, frame) if self.0.echo.get() && !refuses(&frame) => {}
            Output::Transmit(flow, frame) => {
                let sockets = self.0.sockets.borrow();
                if let Some(socket) = sockets.get(flow.place()).and_then(|h| h.socket.as_ref()) {
                    socket.send(&frame);
                }
            }
            Output::Connect(flow) => self.connect(flow),
            Output::Disconnect(flow) => self.hold(flow, Held::default()),
            Output::Media(call, request) => self.negotiate(call, request),
            Output::Event(event) => {
                if let Event::Incoming(call, _) = &event
                    && self.0.first_call.get().is_none()
                {
                    self.0.first_call.set(Some(*call));
                }
                (self.0.tell)(Told::Agent(event));
            }
            Output::Timeout(at) => {
                let at = at.map(|t| t.as_millis());
                self.0.due.set(at);
                self.0.drift.set(drift());
                let after = at.map(|at| {
                    u32::try_from(at.saturating_sub(now()))
                        .unwrap_or(u32::MAX)
                        .min(i32::MAX as u32)
                });
                if let Some(alarm) = &*self.0.alarm.borrow() {
                    alarm.set(after);
                }
            }
        }
    }

    /// The socket of a flow from now on; the one before is closed.
    fn hold(&self, flow: FlowId, held: Held) {
        let mut sockets = self.0.sockets.borrow_mut();
        while sockets.len() <= flow.place() {
            sockets.push(Held::default());
        }
        if let Some(place) = sockets.get_mut(flow.place()) {
            *place = held;
        }
    }

    /// Is this the socket of the flow?
    fn holds(&self, flow: FlowId, serial: u32) -> bool {
        let sockets = self.0.sockets.borrow();
        sockets
            .get(flow.place())
            .is_some_and(|h| h.serial == serial)
    }

    fn connect(&self, flow: FlowId) {
        let serial = self.0.serial.get() + 1;
        self.0.serial.set(serial);
        let weak = Rc::downgrade(&self.0);
        let server = self.0.agent.borrow().server(flow);
        let Some(url) = self.0.urls.get(server) else {
            return;
        };
        // What was begun is the first flow's, which is the first to be wanted.
        let begun = self.0.begun.take();
        let offered = begun.as_ref().and_then(|begun| begun.socket(url));
        let asked = begun.filter(|_| offered.is_some());
        let asked = asked.and_then(|begun| begun.challenge());
        let opened = Socket::open(url, offered, move |event| {
            let Some(driver) = of(&weak).filter(|d| d.holds(flow, serial)) else {
                return;
            };
            match event {
                SocketEvent::Open if driver.0.spoken.get() == Some(serial) => {}
                SocketEvent::Open => match asked.clone() {
                    Some(answer) => driver.connected(flow, serial, answer),
                    None => driver.feed(Input::Connected(flow)),
                },
                SocketEvent::Frame(frame) => driver.feed(Input::Frame(flow, &frame)),
                SocketEvent::Closed => {
                    let socket = None;
                    driver.hold(flow, Held { serial, socket });
                    driver.feed(Input::Disconnected(flow));
                }
            }
        });
        match opened {
            Ok(socket) => {
                let socket = Some(socket);
                self.hold(flow, Held { serial, socket });
            }
            // The browser forbids it (mixed content, policy): the same as an edge that is not there.
            Err(_) => self.feed(Input::Disconnected(flow)),
        }
    }

    /// The socket is open, and the script has asked there to be challenged: a REGISTER that went out before the answer would only
    /// be challenged behind it.
    fn connected(&self, flow: FlowId, serial: u32, answer: Promise) {
        let driver = self.clone();
        page::beside(async move {
            let heard = JsFuture::from(answer).await.ok();
            if !driver.holds(flow, serial) {
                return;
            }
            if let Some(frame) = heard.and_then(|it| it.as_string()) {
                let mut agent = driver.0.agent.borrow_mut();
                agent.challenged(flow, frame.as_bytes());
            }
            driver.feed(Input::Connected(flow));
        });
    }

    fn negotiate(&self, call: CallId, request: MediaRequest) {
        if request == MediaRequest::Release {
            if let Some(media) = self.0.media.borrow_mut().remove(&call) {
                media.close();
            }
            return;
        }
        if let MediaRequest::Hold(_)
        | MediaRequest::Renew
        | MediaRequest::Restart
        | MediaRequest::Rollback
        | MediaRequest::Candidates { .. }
        | MediaRequest::ApplyEarly { .. } = request
        {
            self.adjust(call, request);
            return;
        }
        let driver = self.clone();
        page::beside(async move {
            let done = driver.described(call, request).await;
            let reply = done.unwrap_or_else(|problem| {
                driver.0.failures.borrow_mut().insert(call, problem);
                MediaReply::Failed
            });
            driver.feed(Input::Media(call, reply));
        });
    }

    /// Makes or takes a description. Before one is made, perhaps as the answer to an offer, another path has the servers of now.
    async fn described(&self, call: CallId, request: MediaRequest) -> Result<MediaReply, Problem> {
        let media = self.media_of(call).await;
        let (said, answers) = match request {
            MediaRequest::CreateAnswer { offer } => (Some(offer), true),
            MediaRequest::ApplyAnswer { answer } => (Some(answer), false),
            _ => (None, false),
        };
        let said = match said {
            Some(said) => Some(text(said).ok_or(Problem::Garbled)?),
            None => None,
        };
        let said = said.as_deref();
        let makes = answers || said.is_none();
        if makes && media.wants_servers(said) {
            media.reconfigure(&self.0.ice.renewed().await);
        }
        let trickles = self.0.agent.borrow().trickles(call);
        let done = settled(match said {
            None => media.offer(trickles),
            Some(offer) if answers => media.answer(offer, trickles),
            Some(answer) => media.accept(answer),
        });
        let made = done.await?.as_string();
        Ok(made.map_or(MediaReply::Applied, |sdp| {
            MediaReply::Local(Pii(sdp.into_bytes()))
        }))
    }

    /// What needs no reply.
    fn adjust(&self, call: CallId, request: MediaRequest) {
        let Some(media) = self.media(call) else {
            return;
        };
        match request {
            MediaRequest::Hold(on) => media.hold(on),
            MediaRequest::Renew => media.renew(),
            MediaRequest::Restart => media.restart(),
            MediaRequest::Candidates { fragment } => {
                if let Some(fragment) = text(fragment) {
                    media.take_candidates(&fragment);
                }
            }
            MediaRequest::ApplyEarly { answer } => {
                if let Some(answer) = text(answer) {
                    media.hear_early(&answer);
                }
            }
            _ => media.roll_back(),
        }
    }

    async fn media_of(&self, call: CallId) -> Media {
        if let Some(media) = self.media(call) {
            return media;
        }
        let servers = self.0.ice.get().await;
        let weak = Rc::downgrade(&self.0);
        let listens = self.0.listens.get() == Some(call);
        let maker = (self.0.port.clone(), call.0.to_string());
        let media = Media::new(&servers, listens, maker, move |event| {
            let Some(driver) = of(&weak) else { return };
            (driver.0.tell)(Told::Media(call));
            let path = match event {
                MediaEvent::Stream | MediaEvent::Silent => return,
                MediaEvent::Connected => Path::Open,
                MediaEvent::Faltering => Path::Faltering,
                MediaEvent::Failed => Path::Lost,
            };
            driver.command(Command::Path(call, path));
        });
        self.0.media.borrow_mut().insert(call, media.clone());
        media
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for media in self.media.borrow().values() {
            media.close();
        }
    }
}

fn of(weak: &Weak<Inner>) -> Option<Driver> {
    weak.upgrade().map(Driver)
}

/// A response that the script never gives.
fn refuses(frame: &[u8]) -> bool {
    frame.starts_with(b"SIP/2.0 ") && !frame.starts_with(b"SIP/2.0 1")
}

fn text(sdp: Pii<Vec<u8>>) -> Option<String> {
    String::from_utf8(sdp.into_inner()).ok()
}
