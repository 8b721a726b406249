//! The phone of one tab: it leads (holds the line's flow) or follows (shows what the leading tab does).

use crate::{
    channel::{Action, Channel, News},
    driver::{Driver, Told},
    ice::IceServers,
    leader::{Claim, Lead, Waiting, claim},
    page,
    problem::Problem,
    session::Session,
    table::Table,
    types::{
        CallChange, CallState, CallView, PhonePort, Registration, RegistrationState, Role,
        WakeProgress, WakingState, js,
    },
};
use futures_channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};
use wakeline_edge_api::problem::{NOT_REGISTERED, WAKE_OVER};
use wakeline_sip::{
    agent::{self, CallId, Command, Event},
    pii::Pii,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::MediaStream;

/// A leading tab that is silent for so long is frozen.
const LEADER_ANSWERS_MS: u32 = 300;
/// How long a closing phone waits for its farewell.
const FAREWELL_MS: u32 = 1_500;
/// The pause before a token is asked for again when the edge did not answer.
const TOKEN_AGAIN_MS: u32 = 5_000;

type Reply<T> = oneshot::Sender<Result<T, Problem>>;

/// The phone of one tab. Clones share it.
#[derive(Clone)]
pub struct Phone(Rc<Inner>);

struct Inner {
    session: Session,
    name: String,
    audio: JsValue,
    ice_servers: JsValue,
    port: PhonePort,
    role: Cell<Role>,
    leading: RefCell<Option<Leading>>,
    /// The claim of a follower to lead one day.
    waiting: RefCell<Option<Waiting>>,
    channel: RefCell<Option<Channel>>,
    registration: RefCell<Registration>,
    /// The calls that are not over, by the page's id.
    calls: RefCell<Table<String, CallView>>,
    /// Wakes to say ready for at the next registration, with those who want to know.
    wanted: RefCell<Table<String, Vec<Reply<JsValue>>>>,
    /// Wakes that need nothing more on this flow.
    said: RefCell<Table<String, ()>>,
    /// Wakes for which the edge was told twice.
    repeated: RefCell<Table<String, ()>>,
    answering: RefCell<Table<String, Reply<()>>>,
    leader_state: RefCell<Option<oneshot::Sender<()>>>,
    /// The device fetches a new token.
    renewing: Cell<bool>,
    closed: Cell<bool>,
}

struct Leading {
    driver: Driver,
    _lock: Lead,
}

/// How a phone is opened.
pub struct Options {
    /// `RTCIceServer[]`, or undefined: those of the edge.
    pub ice_servers: JsValue,
    /// `MediaTrackConstraints`, or true.
    pub audio: JsValue,
    /// The wake that the page was opened for.
    pub wake: Option<String>,
}

impl Phone {
    /// Opens the phone; when it leads, its socket is under way.
    pub async fn open(
        session: Session,
        options: Options,
        port: PhonePort,
    ) -> Result<Self, Problem> {
        let name = format!("wakeline:{}:{}", session.edge(), session.account()?.number);
        let phone = Self(Rc::new(Inner {
            session,
            name: name.clone(),
            audio: options.audio,
            ice_servers: options.ice_servers,
            port,
            role: Cell::new(Role::Following),
            leading: RefCell::new(None),
            waiting: RefCell::new(None),
            channel: RefCell::new(None),
            registration: RefCell::new(Registration {
                state: RegistrationState::Connecting,
                reason: None,
                retry_at: None,
            }),
            calls: RefCell::default(),
            wanted: RefCell::default(),
            said: RefCell::default(),
            repeated: RefCell::default(),
            answering: RefCell::default(),
            leader_state: RefCell::new(None),
            renewing: Cell::new(false),
            closed: Cell::new(false),
        }));
        if let Some(wake) = &options.wake {
            phone.want(wake.clone(), None);
        }
        match claim(&name, Claim::IfFree, None, phone.stolen()).await? {
            Some(lock) => {
                phone.lead(lock).await?;
                phone.join();
            }
            None => {
                phone.join();
                phone.follow();
                if options.wake.is_some() {
                    phone.tapped_beside_a_leader().await?;
                }
            }
        }
        Ok(phone)
    }

    /// Which part this tab plays.
    pub fn role(&self) -> Role {
        self.0.role.get()
    }

    /// The true registration, the leader's when this tab follows.
    pub fn registration(&self) -> Registration {
        self.0.registration.borrow().clone()
    }

    /// Makes this tab lead. A call in progress in the tab that led is ended there.
    pub async fn take_over(&self) -> Result<(), Problem> {
        if self.0.closed.get() {
            return Err(Problem::Gone);
        }
        if self.role() == Role::Leading {
            return Ok(());
        }
        if let Some(waiting) = self.0.waiting.take() {
            waiting.give_up();
        }
        match claim(&self.0.name, Claim::Steal, None, self.stolen()).await? {
            Some(lock) => self.lead(lock).await,
            None => Err(Problem::NotLeading),
        }
    }

    /// Calls a number; a following tab takes over first. The call is told to the port before this resolves.
    pub async fn call(&self, number: String) -> Result<String, Problem> {
        self.take_over().await?;
        let driver = self.driver()?;
        let call = driver.next_call();
        driver.command(Command::Call {
            call,
            to: Pii(number),
        });
        Ok(call.0.to_string())
    }

    /// Takes an incoming call; resolves when both sides have agreed.
    pub async fn answer(&self, call: String) -> Result<(), Problem> {
        let Ok(driver) = self.driver() else {
            return self.tell_leader(call, Action::Answer);
        };
        let waits = |view: &CallView| view.state == CallState::Incoming;
        if !self.0.calls.borrow().get(&call).is_some_and(waits) {
            return Err(Problem::Gone);
        }
        let (reply, answered) = oneshot::channel();
        self.0.answering.borrow_mut().insert(call.clone(), reply);
        driver.command(Command::Answer(id(&call)?));
        answered.await.unwrap_or(Err(Problem::Gone))
    }

    /// Declines an incoming call.
    pub fn reject(&self, call: String) -> Result<(), Problem> {
        let Ok(driver) = self.driver() else {
            return self.tell_leader(call, Action::Reject);
        };
        driver.command(Command::Reject(id(&call)?));
        Ok(())
    }

    /// Ends a call.
    pub fn hang_up(&self, call: String) -> Result<(), Problem> {
        let Ok(driver) = self.driver() else {
            return self.tell_leader(call, Action::HangUp);
        };
        driver.command(Command::HangUp(id(&call)?));
        Ok(())
    }

    /// Sends silence, or the microphone again.
    pub fn mute(&self, call: String, on: bool) -> Result<(), Problem> {
        let Ok(driver) = self.driver() else {
            return self.tell_leader(call, if on { Action::Mute } else { Action::Unmute });
        };
        driver.media(id(&call)?).ok_or(Problem::Gone)?.mute(on);
        self.media_changed(&call);
        Ok(())
    }

    /// The other side's stream; only in the leading tab.
    pub fn remote_stream(&self, call: &str) -> Option<MediaStream> {
        self.driver().ok()?.media(id(call).ok()?)?.remote()
    }

    /// The statistics of a call's connection; only in the leading tab.
    pub async fn stats(&self, call: &str) -> Result<JsValue, Problem> {
        let media = self.driver()?.media(id(call)?).ok_or(Problem::Gone)?;
        media.stats().await
    }

    /// Registers anew once, then says ready for this wake.
    pub async fn ready(&self, wake: String) -> Result<JsValue, Problem> {
        if self.role() == Role::Following {
            self.take_over().await?;
        }
        let (reply, said) = oneshot::channel();
        self.want(wake, Some(reply));
        self.driver()?.command(Command::Register);
        said.await.unwrap_or(Err(Problem::Gone))
    }

    /// Hangs up, unregisters, and lets another tab lead.
    pub async fn close(&self) {
        if self.0.closed.replace(true) {
            return;
        }
        if let Some(waiting) = self.0.waiting.take() {
            waiting.give_up();
        }
        if let Ok(driver) = self.driver() {
            driver.command(Command::Stop);
            for _ in 0..FAREWELL_MS / 50 {
                if driver.registration() == agent::Registration::Closed {
                    break;
                }
                TimeoutFuture::new(50).await;
            }
        }
        self.0.leading.take();
        self.0.channel.take();
        self.registration_is(Registration {
            state: RegistrationState::Closed,
            reason: None,
            retry_at: None,
        });
    }

    /// The user signed out in this tab: the others are told.
    pub async fn signed_out(&self) {
        self.tell(&News::SignedOut);
        self.close().await;
    }

    fn driver(&self) -> Result<Driver, Problem> {
        let leading = self.0.leading.borrow();
        leading
            .as_ref()
            .map(|l| l.driver.clone())
            .ok_or(Problem::NotLeading)
    }

    fn weak(&self) -> Weak<Inner> {
        Rc::downgrade(&self.0)
    }

    // Leading and following.

    async fn lead(&self, lock: Lead) -> Result<(), Problem> {
        self.forget_mirror();
        let ice = IceServers::new(self.0.session.clone(), self.0.ice_servers.clone());
        let weak = self.weak();
        let driver = Driver::new(&self.0.session, ice, self.0.audio.clone(), move |told| {
            if let Some(phone) = weak.upgrade().map(Phone) {
                phone.told(told);
            }
        })
        .await?;
        *self.0.leading.borrow_mut() = Some(Leading {
            driver: driver.clone(),
            _lock: lock,
        });
        self.role_is(Role::Leading);
        driver.command(Command::Start);
        Ok(())
    }

    fn follow(&self) {
        self.role_is(Role::Following);
        self.tell(&News::Hello);
        let Ok(waiting) = Waiting::new() else { return };
        *self.0.waiting.borrow_mut() = Some(waiting.clone());
        let (weak, name, stolen) = (self.weak(), self.0.name.clone(), self.stolen());
        spawn_local(async move {
            // An error is the claim given up.
            let Ok(Some(lock)) = claim(&name, Claim::Wait, Some(&waiting), stolen).await else {
                return;
            };
            if let Some(phone) = weak.upgrade().map(Phone).filter(|p| !p.0.closed.get()) {
                phone.0.waiting.take();
                // Without a token this tab cannot lead; its session tells why.
                let _ = phone.lead(lock).await;
            }
        });
    }

    /// The user tapped, and this is the page that opened, but another tab leads. If that one is frozen or idle, this one
    /// takes over; in a call it is left alone, and only learns of the wake.
    async fn tapped_beside_a_leader(&self) -> Result<(), Problem> {
        let (heard, state) = oneshot::channel();
        *self.0.leader_state.borrow_mut() = Some(heard);
        self.tell(&News::Hello);
        let weak = self.weak();
        spawn_local(async move {
            TimeoutFuture::new(LEADER_ANSWERS_MS).await;
            if let Some(phone) = weak.upgrade() {
                phone.leader_state.take();
            }
        });
        let alive = state.await.is_ok();
        if alive && !self.0.calls.borrow().is_empty() {
            for (wake, _) in self.0.wanted.take() {
                self.tell(&News::Ready { wake });
            }
            return Ok(());
        }
        self.take_over().await
    }

    /// What happens when another tab takes the lock away.
    fn stolen(&self) -> impl FnOnce() + 'static {
        let weak = self.weak();
        move || {
            let Some(phone) = weak.upgrade().map(Phone) else {
                return;
            };
            if let Some(leading) = phone.0.leading.take() {
                // Not unregistered: the other tab's registration is for the same device.
                leading.driver.command(Command::Abandon);
            }
            phone.forget_mirror();
            if !phone.0.closed.get() {
                phone.follow();
            }
        }
    }

    fn role_is(&self, role: Role) {
        if self.0.role.replace(role) != role {
            self.0.port.role(js(&role));
        }
    }

    fn join(&self) {
        let weak = self.weak();
        let channel = Channel::join(&self.0.name, move |news| {
            if let Some(phone) = weak.upgrade().map(Phone) {
                phone.heard(news);
            }
        });
        // A browser without channels has tabs that know nothing of each other.
        *self.0.channel.borrow_mut() = channel.ok();
    }

    fn tell(&self, news: &News) {
        if let Some(channel) = &*self.0.channel.borrow() {
            channel.tell(news);
        }
    }

    fn tell_leader(&self, call: String, what: Action) -> Result<(), Problem> {
        self.tell(&News::Do { call, what });
        Ok(())
    }

    fn tell_state(&self) {
        if self.role() == Role::Leading {
            let calls = self.0.calls.borrow().values().cloned().collect();
            self.tell(&News::State {
                registration: self.registration(),
                calls,
            });
        }
    }

    fn heard(&self, news: News) {
        let leads = self.role() == Role::Leading;
        match news {
            News::Hello => self.tell_state(),
            News::State {
                registration,
                calls,
            } if !leads => {
                self.registration_is(registration);
                self.mirror(calls);
                if let Some(heard) = self.0.leader_state.take() {
                    let _ = heard.send(());
                }
            }
            News::Do { call, what } if leads => {
                let phone = self.clone();
                spawn_local(async move {
                    // The follower sees in the call's state what became of it.
                    let _ = match what {
                        Action::Answer => phone.answer(call).await,
                        Action::Reject => phone.reject(call),
                        Action::HangUp => phone.hang_up(call),
                        Action::Mute => phone.mute(call, true),
                        Action::Unmute => phone.mute(call, false),
                    };
                });
            }
            News::Ready { wake } if leads => {
                self.want(wake, None);
                if let Ok(driver) = self.driver() {
                    driver.command(Command::Register);
                }
            }
            News::SignedOut => {
                let phone = self.clone();
                spawn_local(async move { phone.close().await });
            }
            News::State { .. } | News::Do { .. } | News::Ready { .. } => {}
        }
    }

    // What the pages are shown.

    fn registration_is(&self, registration: Registration) {
        if *self.0.registration.borrow() != registration {
            *self.0.registration.borrow_mut() = registration.clone();
            self.0.port.registration(js(&registration));
            self.tell_state();
        }
    }

    fn call_is(&self, view: CallView) {
        let change = match (view.state, self.0.calls.borrow().get(&view.id)) {
            (CallState::Ended, _) => CallChange::Ended,
            (_, None) => CallChange::Added,
            (_, Some(known)) if *known == view => return,
            (_, Some(_)) => CallChange::State,
        };
        let known = self.0.calls.borrow_mut().remove(&view.id).is_some();
        if view.state != CallState::Ended {
            self.0
                .calls
                .borrow_mut()
                .insert(view.id.clone(), view.clone());
        } else if !known {
            self.0.port.call(js(&view), js(&CallChange::Added));
        }
        self.0.port.call(js(&view), js(&change));
        self.tell_state();
    }

    fn media_changed(&self, call: &str) {
        let muted = id(call)
            .ok()
            .and_then(|id| self.driver().ok()?.media(id))
            .is_some_and(|m| m.muted());
        let Some(mut view) = self.0.calls.borrow().get(call).cloned() else {
            return;
        };
        view.muted = muted;
        self.0.calls.borrow_mut().insert(call.into(), view.clone());
        self.0.port.call(js(&view), js(&CallChange::Media));
        self.tell_state();
    }

    fn mirror(&self, calls: Vec<CallView>) {
        let gone: Vec<_> = {
            let known = self.0.calls.borrow();
            known
                .values()
                .filter(|k| calls.iter().all(|c| c.id != k.id))
                .cloned()
                .collect()
        };
        for view in gone
            .into_iter()
            .map(|view| CallView {
                state: CallState::Ended,
                ..view
            })
            .chain(calls)
        {
            self.call_is(view);
        }
    }

    fn forget_mirror(&self) {
        self.mirror(Vec::new());
    }

    // What the agent tells.

    fn told(&self, told: Told) {
        match told {
            Told::Media(call) => self.media_changed(&call.0.to_string()),
            // While the device fetches a new token nothing is refused yet.
            Told::Agent(Event::Registration(agent::Registration::Refused {
                status: 401 | 407,
                ..
            })) if self.0.renewing.get() => {}
            Told::Agent(Event::Registration(registration)) => {
                self.registration_is(registration.into());
            }
            Told::Agent(Event::Registered { waiting, new_flow }) => {
                self.registered(waiting, new_flow)
            }
            Told::Agent(Event::TokenRefused) => self.renew_token(),
            Told::Agent(Event::Incoming(call, view)) => {
                if let Some(wake) = &view.wake {
                    self.0.said.borrow_mut().insert(wake.clone(), ());
                }
                self.call_is(CallView::of(call, view, false));
                let Ok(driver) = self.driver() else { return };
                spawn_local(async move {
                    page::painted().await;
                    driver.command(Command::Alert(call));
                });
            }
            Told::Agent(Event::Call(call, view)) => self.call_came_further(call, view),
            Told::Agent(Event::AnswerFailed(call)) => {
                let problem = self
                    .driver()
                    .ok()
                    .and_then(|d| d.media_failure(call))
                    .unwrap_or(Problem::Gone);
                self.answered(&call.0.to_string(), Err(problem));
            }
        }
    }

    fn call_came_further(&self, call: CallId, view: agent::CallView) {
        let driver = self.driver().ok();
        let muted = driver
            .as_ref()
            .and_then(|d| d.media(call))
            .is_some_and(|m| m.muted());
        let mut view = CallView::of(call, view, muted);
        match (view.state, &mut view.end) {
            (CallState::Active, _) => self.answered(&view.id, Ok(())),
            (CallState::Ended, end) => {
                self.answered(&view.id, Err(Problem::Gone));
                // The browser's own word for a microphone that was refused.
                if let (Some(end), Some(Problem::Browser { name, .. })) =
                    (end, driver.and_then(|d| d.media_failure(call)))
                {
                    end.reason = name;
                }
            }
            _ => {}
        }
        self.call_is(view);
    }

    fn answered(&self, call: &str, result: Result<(), Problem>) {
        if let Some(reply) = self.0.answering.borrow_mut().remove(call) {
            let _ = reply.send(result);
        }
    }

    fn renew_token(&self) {
        if self.0.renewing.replace(true) {
            return;
        }
        let phone = self.clone();
        spawn_local(async move {
            let renewed = phone.token_renewed().await;
            phone.0.renewing.set(false);
            match (renewed, phone.driver()) {
                (Ok(token), Ok(driver)) => driver.command(Command::Token(Pii(token))),
                _ => phone.registration_is(Registration {
                    state: RegistrationState::Refused,
                    reason: Some("signed-out".into()),
                    retry_at: None,
                }),
            }
        });
    }

    /// A new token, however long the edge cannot be reached; or the device's credential is dead.
    async fn token_renewed(&self) -> Result<String, Problem> {
        loop {
            match self.0.session.renew().await {
                Ok(()) => return self.0.session.token().await,
                Err(problem) if problem.requires_sign_in() || self.0.closed.get() => {
                    return Err(problem);
                }
                Err(_) => TimeoutFuture::new(TOKEN_AGAIN_MS).await,
            }
        }
    }

    // Wakes.

    fn want(&self, wake: String, reply: Option<Reply<JsValue>>) {
        self.progress(&wake, WakingState::Registering, None);
        self.0.wanted.borrow_mut().or_default(wake).extend(reply);
    }

    fn registered(&self, waiting: Vec<String>, new_flow: bool) {
        if new_flow {
            self.0.said.borrow_mut().clear();
        }
        if let Ok(driver) = self.driver() {
            driver.warm();
        }
        let mut wanted = self.0.wanted.take();
        for wake in waiting {
            if self.0.said.borrow().get(&wake).is_none() {
                wanted.or_default(wake);
            }
        }
        for (wake, replies) in wanted {
            self.0.said.borrow_mut().insert(wake.clone(), ());
            let phone = self.clone();
            spawn_local(async move { phone.say_ready(wake, replies).await });
        }
    }

    async fn say_ready(&self, wake: String, replies: Vec<Reply<JsValue>>) {
        let answer = self.0.session.report(&wake, "ready").await;
        let unseen = answer
            .as_ref()
            .is_err_and(|p| p.status() == NOT_REGISTERED.status);
        if unseen
            && self
                .0
                .repeated
                .borrow_mut()
                .insert(wake.clone(), ())
                .is_none()
        {
            // The edge lost sight of this flow: once more, from a registration that it has seen.
            if let Ok(driver) = self.driver() {
                self.0.wanted.borrow_mut().or_default(wake).extend(replies);
                driver.command(Command::Register);
                return;
            }
        }
        match &answer {
            Ok(_) => self.progress(&wake, WakingState::Ready, None),
            Err(Problem::Edge(problem)) => {
                let outcome = problem
                    .wake
                    .as_ref()
                    .filter(|_| problem.status == WAKE_OVER.status);
                self.progress(
                    &wake,
                    WakingState::Over,
                    outcome.map(|w| js(&w.state)).and_then(|s| s.as_string()),
                );
            }
            Err(_) => self.progress(&wake, WakingState::Over, None),
        }
        for reply in replies {
            let _ = reply.send(answer.clone());
        }
    }

    fn progress(&self, wake: &str, state: WakingState, outcome: Option<String>) {
        let progress = WakeProgress {
            wake: wake.into(),
            state,
            outcome,
        };
        self.0.port.waking(js(&progress));
    }
}

fn id(call: &str) -> Result<CallId, Problem> {
    call.parse().map(CallId).map_err(|_| Problem::Gone)
}
