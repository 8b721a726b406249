//! What the objects have in common: rows in SQLite, the one alarm, the timer in memory, envelopes on their way.

use super::rows::Rows;
use crate::call;
use crate::config::{Config, Site};
use crate::{names, webcrypto};
use futures_util::future::{AbortHandle, abortable};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;
use wakeline_sip::edge::{Row, RowChange};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::time::Time;
use worker::wasm_bindgen::JsValue;
use worker::{Delay, Env, Error, Method, Request, RequestInit, Result, State, Stub};

/// Deadlines nearer than this also run on a timer in memory; the alarm is their fallback.
const TIMER_BELOW_MS: u64 = 5000;
/// A timer that is no longer wanted is left to go off when that is nearer than this.
const TIMER_MAY_IDLE_MS: u64 = 1000;
/// After a failed turn the object tries again this much later.
const RECOVER_MS: u64 = 1000;

/// An object's surroundings.
pub struct Driver {
    /// Storage, sockets, alarms.
    pub state: State,
    /// Bindings.
    pub env: Env,
    /// When the alarm is set to go off; `None` when unknown or not set.
    alarm: Cell<Option<u64>>,
    /// The timer in memory: when it goes off, and how it is stopped.
    timer: RefCell<Option<(u64, AbortHandle)>>,
    /// What is remembered.
    rows: Rows,
}

/// Whose object this is.
pub struct Identity {
    /// The deployment.
    pub config: Rc<Config>,
    /// The site in its name.
    pub site: Rc<Site>,
    /// What follows the site: flow token or number.
    pub key: String,
}

impl Driver {
    /// Around what the platform gives.
    pub fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            alarm: Cell::new(None),
            timer: RefCell::new(None),
            rows: Rows::default(),
        }
    }

    /// Reads the object's name.
    pub fn identity(&self) -> Result<Identity> {
        let (config, site, key) = of_name(&self.state, &self.env)?;
        Ok(Identity { config, site, key })
    }

    /// Fresh randomness for a machine.
    pub fn entropy(&self) -> Result<Entropy> {
        Ok(Entropy::from_seed(webcrypto::random()?))
    }

    /// All rows, as they were committed.
    pub fn rows(&self) -> Result<Vec<Row>> {
        self.rows.load(&self.state.storage())
    }

    /// Writes the changes of a turn: all of them, or none and an error.
    pub fn commit(&self, changes: Vec<RowChange>) -> Result<()> {
        self.rows.commit(&self.state.storage(), changes)
    }

    /// A turn failed: its machine is forgotten, and the alarm brings the object back to what its rows say.
    pub fn recover(&self) {
        self.alarm.set(None);
        let soon = Time(call::now() + RECOVER_MS);
        if let Err(error) = self.schedule(Some(soon), || || {}) {
            worker::console_error!("event=failure of=alarm error={error}");
        }
    }

    /// Sets the one alarm to the machine's deadline, and a timer in memory when it is near. `fire` feeds the machine.
    pub fn schedule<F: FnOnce() + 'static>(
        &self,
        deadline: Option<Time>,
        fire: impl FnOnce() -> F,
    ) -> Result<()> {
        let at = deadline.map(Time::as_millis);
        if at.is_none() || self.alarm.get() != at {
            let storage = self.state.storage();
            // Not awaited: the write is in this turn's batch, and nothing leaves before it.
            match at {
                Some(at) => {
                    let date = js_sys::Date::new(&JsValue::from_f64(at as f64));
                    let _set = storage.as_raw().set_alarm(date, JsValue::NULL.into())?;
                }
                // Nothing to remember, nothing to wait for: a stranger's object leaves nothing behind.
                None if self.rows.give_back(&storage)? || self.alarm.get().is_some() => {
                    let _deleted = storage.as_raw().delete_alarm(JsValue::NULL.into())?;
                }
                None => {}
            }
            self.alarm.set(at);
        }
        let now = call::now();
        let near = |at: &u64| at.saturating_sub(now) < TIMER_BELOW_MS;
        // One that goes off a little early finds nothing due and is set anew: cheaper than to stop it in each turn.
        let early =
            |running: u64| at.is_some_and(|at| running <= at) && running < now + TIMER_MAY_IDLE_MS;
        self.stop_timer(|running| at != Some(running) && !early(running));
        if let Some(at) = at.filter(near)
            && self.timer.borrow().is_none()
        {
            let fire = fire();
            let (timer, handle) = abortable(async move {
                Delay::from(Duration::from_millis(at.saturating_sub(now))).await;
                fire();
            });
            self.timer.replace(Some((at, handle)));
            self.spawn(async move {
                let _stopped_or_done = timer.await;
            });
        }
        Ok(())
    }

    /// Stops the timer if it runs for a time that `unwanted` says: a timer left running keeps the object in memory.
    fn stop_timer(&self, unwanted: impl FnOnce(u64) -> bool) {
        let mut timer = self.timer.borrow_mut();
        if let Some((_, handle)) = timer.take_if(|(at, _)| unwanted(*at)) {
            handle.abort();
        }
    }

    /// The alarm went off, or a timer did: neither is set any more.
    pub fn fired(&self, alarm: bool) {
        if alarm {
            self.alarm.set(None);
            self.stop_timer(|_| true);
        } else {
            // It is running this very code: forgotten, not stopped.
            self.timer.replace(None);
        }
    }

    /// Runs after the turn.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.state.wait_until(future);
    }
}

/// The deployment, the site and what follows it in an object's name.
fn of_name(state: &State, env: &Env) -> Result<(Rc<Config>, Rc<Site>, String)> {
    let config = call::config(env).map_err(|e| Error::RustError(e.into_problem().title))?;
    let name = state
        .id()
        .name()
        .ok_or_else(|| Error::RustError("the object has no name".into()))?;
    let (_, site, key) = names::split_object(&name)
        .ok_or_else(|| Error::RustError("the object's name has no site".into()))?;
    let site = config
        .site(site)
        .ok_or_else(|| Error::RustError("the object's site is not configured".into()))?
        .clone();
    Ok((config, site, key.to_owned()))
}

/// Whose object this is: the site, and what follows it in the name.
pub fn named(state: &State, env: &Env) -> Result<(Rc<Site>, String)> {
    of_name(state, env).map(|(_, site, key)| (site, key))
}

/// Asks another object; what it answers.
pub async fn asked<T: Serialize, A: DeserializeOwned>(
    env: &Env,
    object: &str,
    request: &T,
) -> Result<A> {
    let text = try_post(env, object, request).await?.text().await?;
    Ok(serde_json::from_str(&text)?)
}

/// Posts a request to another object and hands back its answer.
async fn try_post<T: Serialize>(env: &Env, object: &str, request: &T) -> Result<worker::Response> {
    post(env, object, &serde_json::to_string(request)?).await
}

/// Another object.
pub fn stub(env: &Env, object: &str) -> Result<Stub> {
    let binding = match names::split_object(object) {
        Some(("flow", ..)) => "FLOW",
        Some(("line", ..)) => "LINE",
        Some(("meter", ..)) => "METER",
        Some(("vendor", ..)) => "VENDOR",
        _ => return Err(Error::RustError("no object has such a name".into())),
    };
    env.durable_object(binding)?.get_by_name(object)
}

/// Posts a request, JSON already, to another object.
pub async fn post(env: &Env, object: &str, request: &str) -> Result<worker::Response> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(JsValue::from_str(request)));
    stub(env, object)?
        .fetch_with_request(Request::new_with_init("https://object/", &init)?)
        .await
}
