//! What the objects have in common: rows in SQLite, the one alarm, the timer in memory, envelopes on their way.

use crate::call;
use crate::config::{Config, Site};
use crate::{names, webcrypto};
use futures_util::future::{AbortHandle, abortable};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;
use wakeline_sip::edge::{Row, RowChange};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::time::Time;
use worker::wasm_bindgen::JsValue;
use worker::{Delay, Env, Error, Method, Request, RequestInit, Result, State};

/// Deadlines nearer than this also run on a timer in memory; the alarm is their fallback.
const TIMER_BELOW_MS: u64 = 5000;
/// The version of the rows. A later worker that changes their meaning migrates from here.
const SCHEMA: &str = "1";

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
    /// The table is there.
    table: Cell<bool>,
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
            table: Cell::new(false),
        }
    }

    /// Reads the object's name.
    pub fn identity(&self) -> Result<Identity> {
        let config =
            call::config(&self.env).map_err(|e| Error::RustError(e.into_problem().title))?;
        let name = self
            .state
            .id()
            .name()
            .ok_or_else(|| Error::RustError("the object has no name".into()))?;
        let (_, site, key) = names::split_object(&name)
            .ok_or_else(|| Error::RustError("the object's name has no site".into()))?;
        let site = config
            .site(site)
            .ok_or_else(|| Error::RustError("the object's site is not configured".into()))?
            .clone();
        Ok(Identity {
            config,
            site,
            key: key.to_owned(),
        })
    }

    /// Fresh randomness for a machine.
    pub fn entropy(&self) -> Result<Entropy> {
        Ok(Entropy::from_seed(webcrypto::random()?))
    }

    /// All rows. An object that never stored anything has no table, and asking does not make one.
    pub fn rows(&self) -> Result<Vec<Row>> {
        #[derive(Deserialize)]
        struct Stored {
            tbl: String,
            key: String,
            value: String,
        }
        let sql = self.state.storage().sql();
        let tables = sql.exec(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'rows'",
            None,
        )?;
        if tables.to_array::<serde_json::Value>()?.is_empty() {
            return Ok(Vec::new());
        }
        self.table.set(true);
        let stored: Vec<Stored> = sql
            .exec("SELECT tbl, key, value FROM rows", None)?
            .to_array()?;
        let (schema, rows): (Vec<_>, Vec<_>) = stored.into_iter().partition(|r| r.tbl == "schema");
        match schema.first() {
            Some(row) if row.value != SCHEMA => Err(Error::RustError(
                "the object's rows are of another version".into(),
            )),
            _ => Ok(rows
                .into_iter()
                .map(|r| Row {
                    table: r.tbl,
                    key: r.key,
                    value: r.value,
                })
                .collect()),
        }
    }

    /// Writes one change. The platform commits it together with the others of this turn, and before anything leaves.
    pub fn store(&self, change: RowChange) -> Result<()> {
        let sql = self.state.storage().sql();
        if !self.table.replace(true) {
            sql.exec(
                "CREATE TABLE IF NOT EXISTS rows (tbl TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, \
                 PRIMARY KEY (tbl, key)) WITHOUT ROWID",
                None,
            )?;
            sql.exec(
                "INSERT OR IGNORE INTO rows (tbl, key, value) VALUES ('schema', '', ?1)",
                vec![SCHEMA.into()],
            )?;
        }
        match change {
            RowChange::Store(row) => sql.exec(
                "INSERT OR REPLACE INTO rows (tbl, key, value) VALUES (?1, ?2, ?3)",
                vec![row.table.into(), row.key.into(), row.value.into()],
            )?,
            RowChange::Delete { table, key } => sql.exec(
                "DELETE FROM rows WHERE tbl = ?1 AND key = ?2",
                vec![table.into(), key.into()],
            )?,
        };
        Ok(())
    }

    /// Sets the one alarm to the machine's deadline, and a timer in memory when it is near. `fire` feeds the machine.
    pub fn schedule<F: FnOnce() + 'static>(
        &self,
        deadline: Option<Time>,
        fire: impl FnOnce() -> F,
    ) -> Result<()> {
        let at = deadline.map(Time::as_millis);
        if self.alarm.get() != at {
            let storage = self.state.storage();
            // Not awaited: the write is in this turn's batch, and nothing leaves before it.
            match at {
                Some(at) => {
                    let date = js_sys::Date::new(&JsValue::from_f64(at as f64));
                    let _set = storage.as_raw().set_alarm(date, JsValue::NULL.into())?;
                }
                None if self.alarm.get().is_some() => {
                    let _deleted = storage.as_raw().delete_alarm(JsValue::NULL.into())?;
                }
                None => {}
            }
            self.alarm.set(at);
        }
        self.stop_timer(|running| at != Some(running));
        let now = call::now();
        let near = |at: &u64| at.saturating_sub(now) < TIMER_BELOW_MS;
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

/// Posts a request to another object; true when it has stored it.
pub async fn post<T: Serialize>(env: &Env, object: &str, request: &T) -> bool {
    match try_post(env, object, request).await {
        Ok(response) => (200..300).contains(&response.status_code()),
        Err(error) => {
            worker::console_warn!("event=undelivered error={error}");
            false
        }
    }
}

/// Posts a request to another object and hands back its answer.
pub async fn try_post<T: Serialize>(
    env: &Env,
    object: &str,
    request: &T,
) -> Result<worker::Response> {
    let binding = match names::split_object(object) {
        Some(("flow", ..)) => "FLOW",
        Some(("line", ..)) => "LINE",
        _ => return Err(Error::RustError("no object has such a name".into())),
    };
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(JsValue::from_str(&serde_json::to_string(request)?)));
    let stub = env.durable_object(binding)?.get_by_name(object)?;
    stub.fetch_with_request(Request::new_with_init("https://object/", &init)?)
        .await
}
