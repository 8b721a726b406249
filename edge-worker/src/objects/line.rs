//! The line object: one address-of-record with its devices, bindings, wakes, calls and missed calls.
//!
//! - **Stored**: the rows of [`Line`], and nothing else.
//! - **Atomic**: one event is one turn; its rows are committed before envelopes, pushes, records and replies leave.
//! - **Commands**: [`LineRequest`].
//! - Pushes and records are sent after the turn. What became of them comes back as an event; when the object is forgotten
//!   meanwhile, the machine's deadline sends them again. A record that D1 does not take touches no call.

#![allow(
    missing_docs,
    reason = "the durable_object macro generates glue without documentation"
)]

use super::driver::{Driver, asked};
use super::meter::{is_metered, limit_of, metered};
use super::peer::{Delivery, hand_over, reply};
use super::push;
use super::turn::{Wanted, committed};
use crate::call;
use crate::callserver::callback;
use crate::error::Answer;
use crate::ledger::Ledger;
use crate::names;
use crate::token;
use futures_util::future::{AbortHandle, abortable};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wakeline_sip::edge::{
    CallbackJob, DeviceId, Envelope, FlowToLine, Line, LineCommand, LineInput, LineOutput,
    LineReply, LineToFlow, Number, PushJob, Record, Uid, WakeId,
};
use wakeline_sip::time::Time;
use worker::wasm_bindgen::prelude::*;
use worker::wasm_bindgen_futures::future_to_promise;
use worker::{Delay, DurableObject, Env, Error, Request, Response, Result, State, durable_object};

/// What is asked of a line object.
#[derive(Debug, Serialize, Deserialize)]
#[allow(
    clippy::large_enum_variant,
    reason = "one at a time, and serialised at once"
)]
pub enum LineRequest {
    /// A flow's message, as an object of before hands it over. 204 once it is stored, 200 with the [`LineToFlow`] that answers it, 503 when there is no room for it: it comes again.
    Deliver(Box<Envelope<FlowToLine>>),
    /// A REST route's command. 200 with a [`LineReply`].
    Ask {
        /// The token that speaks, if one does: the line is made when it is new, and refuses a revoked device.
        attest: Option<Attest>,
        /// What is asked.
        command: LineCommand,
    },
    /// A call server waits for its wake. 200 with a [`LineReply`] when the view is newer than `after`, or final, or the time
    /// is over; whoever drops it changes nothing.
    Watch {
        /// The call server.
        server: String,
        /// The wake.
        wake: WakeId,
        /// The version that is known; none: the present one.
        after: Option<u64>,
        /// How long, ms.
        wait_ms: u64,
    },
}

/// What a valid token says about its line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attest {
    uid: Uid,
    display_name: Option<String>,
    device: Option<DeviceId>,
    issued_at: Time,
}

impl Attest {
    /// Of verified claims.
    pub fn of(claims: &token::Claims) -> Option<Self> {
        Some(Self {
            uid: Uid::parse(&claims.sub).ok()?,
            display_name: claims.name.clone(),
            device: claims
                .dev
                .as_deref()
                .map(DeviceId::parse)
                .transpose()
                .ok()?,
            issued_at: Time(claims.iat.saturating_mul(1000)),
        })
    }
}

/// Asks the line `number`.
pub async fn ask(
    env: &Env,
    site: &str,
    number: &Number,
    attest: Option<Attest>,
    command: LineCommand,
) -> Answer<LineReply> {
    let object = names::line_object(site, number.as_str());
    Ok(asked(env, &object, &LineRequest::Ask { attest, command }).await?)
}

/// Waits for a call server's wake. An object that was forgotten meanwhile is asked again, and answers as it stands.
pub async fn watch(
    env: &Env,
    site: &str,
    number: &Number,
    (server, wake): (&str, &WakeId),
    after: Option<u64>,
    wait_ms: u64,
) -> Answer<LineReply> {
    let object = names::line_object(site, number.as_str());
    let watch = |wait_ms| LineRequest::Watch {
        server: server.to_owned(),
        wake: wake.clone(),
        after,
        wait_ms,
    };
    match asked(env, &object, &watch(wait_ms)).await {
        Ok(reply) => Ok(reply),
        Err(_) if wait_ms > 0 => Ok(asked(env, &object, &watch(0)).await?),
        Err(error) => Err(error.into()),
    }
}

/// The Durable Object.
#[durable_object]
pub struct LineObject {
    inner: Rc<Inner>,
}

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
impl LineObject {
    /// A flow's message: see [`super::peer`].
    pub fn deliver(&self, envelope: &str) -> std::result::Result<JsValue, JsValue> {
        let envelope: Envelope<FlowToLine> = serde_json::from_str(envelope).map_err(Error::from)?;
        if !is_metered(&envelope) {
            let turn = self.inner.turn(LineInput::Envelope(envelope))?;
            return reply(turn.taken, turn.answer);
        }
        let inner = self.inner.clone();
        let turn = async move {
            let turn = inner.taken(envelope).await?;
            reply(turn.taken, turn.answer)
        };
        Ok(future_to_promise(turn).into())
    }
}

/// What came of a turn.
struct Turn {
    /// False for an envelope that found no room.
    taken: bool,
    /// The reply to a command.
    reply: Option<LineReply>,
    /// The answer to an envelope that asked.
    answer: Option<Box<LineToFlow>>,
}

struct Inner {
    driver: Driver,
    machine: RefCell<Option<Line>>,
    requests: Cell<u64>,
    /// Who waits for a call server's wake, oldest first.
    waiters: RefCell<Vec<Waiter>>,
}

/// A long poll.
struct Waiter {
    server: String,
    wake: WakeId,
    alarm: AbortHandle,
    /// Roused for want of room: to be answered whatever the state.
    early: Rc<Cell<bool>>,
}

/// Long polls of one call server at one line; beyond that the oldest is answered early, for its asker is likeliest gone.
const MAX_WAITERS: usize = 32;

impl DurableObject for LineObject {
    fn new(state: State, env: Env) -> Self {
        let driver = Driver::new(state, env);
        Self {
            inner: Rc::new(Inner {
                driver,
                machine: RefCell::new(None),
                requests: Cell::new(0),
                waiters: RefCell::default(),
            }),
        }
    }

    async fn fetch(&self, mut req: Request) -> Result<Response> {
        match serde_json::from_str(&req.text().await?)? {
            LineRequest::Deliver(envelope) => {
                let turn = self.inner.taken(*envelope).await?;
                match turn.answer {
                    Some(answer) => Response::from_json(&answer),
                    None if turn.taken => Ok(Response::empty()?.with_status(204)),
                    None => Ok(Response::empty()?.with_status(503)),
                }
            }
            LineRequest::Ask {
                attest: None,
                command: LineCommand::AskWake(mut ask),
            } => {
                let site = self.inner.driver.identity()?.site;
                ask.limited = limit_of(&self.inner.driver.env, &site, &ask.caller.number).await;
                Response::from_json(&self.inner.command(LineCommand::AskWake(ask))?)
            }
            LineRequest::Watch {
                server,
                wake,
                after,
                wait_ms,
            } => {
                let reply = self.inner.watch(server, wake, after, wait_ms).await?;
                Response::from_json(&reply)
            }
            LineRequest::Ask { attest, command } => {
                Response::from_json(&self.inner.answer(attest, command)?)
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.inner.driver.fired(true);
        self.inner.turn(LineInput::Timeout)?;
        Response::empty()
    }
}

impl Inner {
    /// A flow's message: a new call is counted first.
    async fn taken(self: &Rc<Self>, envelope: Envelope<FlowToLine>) -> Result<Turn> {
        let site = self.driver.identity()?.site;
        let envelope = metered(&self.driver.env, &site, envelope).await;
        self.turn(LineInput::Envelope(envelope))
    }

    fn answer(self: &Rc<Self>, attest: Option<Attest>, command: LineCommand) -> Result<LineReply> {
        if let Some(Attest {
            uid,
            display_name,
            device,
            issued_at,
        }) = attest
        {
            let reply = self.command(LineCommand::Attest {
                uid,
                display_name,
                device,
                issued_at: Some(issued_at),
            })?;
            if matches!(reply, LineReply::Refused { .. }) {
                return Ok(reply);
            }
        }
        self.command(command)
    }

    fn command(self: &Rc<Self>, command: LineCommand) -> Result<LineReply> {
        let request = self.requests.get();
        self.requests.set(request + 1);
        self.turn(LineInput::Command { request, command })?
            .reply
            .ok_or_else(|| Error::RustError("the line did not reply in its turn".into()))
    }

    async fn watch(
        self: &Rc<Self>,
        server: String,
        wake: WakeId,
        after: Option<u64>,
        wait_ms: u64,
    ) -> Result<LineReply> {
        let until = call::now() + wait_ms;
        let early = Rc::new(Cell::new(false));
        let mut after = after;
        loop {
            let reply = self.command(LineCommand::ServerWake {
                wake: wake.clone(),
                server: server.clone(),
            })?;
            let LineReply::ServerWake { wake: view, .. } = &reply else {
                return Ok(reply);
            };
            let known = *after.get_or_insert(view.version);
            let left = until.saturating_sub(call::now());
            if view.version > known || view.state.is_final() || left == 0 || early.get() {
                return Ok(reply);
            }
            let (sleep, alarm) = abortable(Delay::from(Duration::from_millis(left)));
            self.wait(Waiter {
                server: server.clone(),
                wake: wake.clone(),
                alarm: alarm.clone(),
                early: early.clone(),
            });
            let _roused_or_over = sleep.await;
            // Dropped ones of before go as well.
            let mut waiters = self.waiters.borrow_mut();
            alarm.abort();
            waiters.retain(|w| !w.alarm.is_aborted());
        }
    }

    /// Remembers a long poll, within bounds.
    fn wait(&self, waiter: Waiter) {
        let mut waiters = self.waiters.borrow_mut();
        let same = |w: &&Waiter| w.server == waiter.server;
        if waiters.iter().filter(same).count() >= MAX_WAITERS
            && let Some(oldest) = waiters.iter().position(|w| w.server == waiter.server)
        {
            let oldest = waiters.remove(oldest);
            oldest.early.set(true);
            oldest.alarm.abort();
        }
        waiters.push(waiter);
    }

    /// A call server's wake is not what it was.
    fn rouse(&self, wake: &WakeId) {
        let waiters = self.waiters.borrow();
        for waiter in waiters.iter().filter(|w| w.wake == *wake) {
            waiter.alarm.abort();
        }
    }

    fn restore(&self) -> Result<Line> {
        let identity = self.driver.identity()?;
        let config = identity
            .site
            .machine_config()
            .map_err(|e| Error::RustError(e.to_string()))?;
        let number = Number::parse(&identity.key).map_err(|e| Error::RustError(e.to_string()))?;
        Line::restore(config, number, self.driver.entropy()?, self.driver.rows()?)
            .map_err(|e| Error::RustError(e.to_string()))
    }

    /// One event: feed, store, send, set the alarm.
    fn turn(self: &Rc<Self>, input: LineInput) -> Result<Turn> {
        let mut machine = self.machine.borrow_mut();
        let turn = self.run(&mut machine, input);
        if turn.is_err() {
            // What it had in mind was not stored: it starts again from its rows.
            *machine = None;
            self.driver.recover();
        }
        turn
    }

    fn run(self: &Rc<Self>, machine: &mut Option<Line>, input: LineInput) -> Result<Turn> {
        let line = match machine {
            Some(line) => line,
            none => none.insert(self.restore()?),
        };
        let taken = line.handle_input(Time(call::now()), input);
        let effects = committed(
            std::iter::from_fn(|| line.poll_output()).map(|output| match output {
                LineOutput::Row(change) => Wanted::Row(change),
                effect => Wanted::Effect(effect),
            }),
            |changes| self.driver.commit(changes),
        )?;
        let (mut reply, mut answer) = (None, None);
        for effect in effects {
            match effect {
                LineOutput::Send(envelope) => self.deliver(envelope),
                LineOutput::Answer(said) => answer = Some(said),
                LineOutput::Push(job) => self.push(*job),
                LineOutput::Record(record) => self.record(*record),
                LineOutput::Callback(job) => self.call_back(*job),
                LineOutput::Changed(wake) => self.rouse(&wake),
                LineOutput::Reply { reply: said, .. } => reply = Some(said),
                LineOutput::Row(_) => {}
            }
        }
        self.driver.schedule(line.deadline(), || {
            let this = self.clone();
            move || {
                this.driver.fired(false);
                this.background(LineInput::Timeout);
            }
        })?;
        Ok(Turn {
            taken,
            reply,
            answer,
        })
    }

    /// An event that nobody waits for.
    fn background(self: &Rc<Self>, input: LineInput) {
        if let Err(error) = self.turn(input) {
            worker::console_error!("event=failure of=line error={error}");
        }
    }

    fn deliver(self: &Rc<Self>, envelope: Envelope<wakeline_sip::edge::LineToFlow>) {
        let this = self.clone();
        self.driver.spawn(async move {
            let delivery = hand_over::<_, ()>(&this.driver.env, &envelope).await;
            if !matches!(delivery, Delivery::Lost) {
                this.background(LineInput::Delivered(envelope.id()));
            }
        });
    }

    fn push(self: &Rc<Self>, job: PushJob) {
        let this = self.clone();
        self.driver.spawn(async move {
            match this.driver.identity() {
                Ok(identity) => {
                    let (outcome, provider) = push::send(&this.driver.env, &identity, &job).await;
                    this.background(LineInput::PushResult {
                        job: job.job,
                        outcome,
                        provider: Some(provider.to_owned()),
                    });
                }
                Err(error) => worker::console_error!("event=failure of=push error={error}"),
            }
        });
    }

    fn call_back(self: &Rc<Self>, job: CallbackJob) {
        let this = self.clone();
        self.driver.spawn(async move {
            match this.driver.identity() {
                Ok(identity) => {
                    let taken = callback::send(&identity, &job).await;
                    this.background(LineInput::CallbackResult {
                        wake: job.wake.id,
                        version: job.wake.version,
                        taken,
                    });
                }
                Err(error) => worker::console_error!("event=failure of=callback error={error}"),
            }
        });
    }

    fn record(self: &Rc<Self>, record: Record) {
        let this = self.clone();
        self.driver.spawn(async move {
            let written = async {
                let identity = this.driver.identity()?;
                Ledger::open(&this.driver.env)?
                    .store(&this.driver.env, &identity.site.id, &record)
                    .await
            };
            match written.await {
                Ok(()) => this.background(LineInput::Recorded(record.id())),
                // Logged there; the machine sends it again.
                Err(failure) => drop(failure.into_problem()),
            }
        });
    }
}
