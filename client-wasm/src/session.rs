//! Who this page is on its edge: the line's token and the device's credential that renews it.

use crate::{
    asked,
    clock::now,
    device::{self, Claims},
    once, opening, page,
    plain::ToPlain,
    problem::Problem,
    rest::{Call, NO_BODY, parse},
    server::Server,
    store::{self, Record},
};
use alloc::rc::Rc;
use alloc::{string::String, vec::Vec};
use core::cell::{Cell, RefCell};
use js_sys::Promise;
use wakeline_edge_api::{self as api, Account, SIP_PATH};
use wakeline_sip::{agent::Policy, auth::Login};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::CryptoKeyPair;

/// A token that ends sooner than this is renewed before it is used.
const RENEW_BEFORE_MS: i64 = 60_000;

type Waits = once::Teller<Result<(), Problem>>;

/// A signed-in line. Clones share it.
#[derive(Clone)]
pub struct Session(Rc<Inner>);

struct Inner {
    edge: String,
    /// A SIP server in place of an edge.
    server: Option<Server>,
    record: RefCell<Option<Record>>,
    /// The edge's clock minus ours, as far as it has told.
    skew: Cell<i64>,
    /// Who waits for the renewal under way.
    renewing: RefCell<Option<Vec<Waits>>>,
}

impl Session {
    /// Signs in by password, as a new device: one that was signed out or revoked here is dead for ever.
    pub async fn sign_in(edge: &str, number: &str, password: &str) -> Result<Self, Problem> {
        let edge = origin(edge)?;
        let device = device::new_id()?;
        let body = api::SignIn {
            number: number.into(),
            password: password.into(),
            device: Some(device.clone()),
        };
        let answer = post(&edge, "/v1/sessions").send(&body.to_plain()).await?;
        let session: api::Session = parse(&answer)?;
        let this = Self::start(edge, session, device, device::new_key().await?).await?;
        this.learn_clock();
        Ok(this)
    }

    /// The session stored for this edge, renewed when its token has ended; `None` when nobody is signed in. A refused
    /// renewal (the device was revoked) forgets it; an edge that cannot be reached does not. `early` is the record as the
    /// page's first script has read it.
    pub async fn restore(edge: &str, early: Option<Promise>) -> Result<Option<Self>, Problem> {
        let edge = origin(edge)?;
        let read = match early {
            Some(reading) => JsFuture::from(reading).await.ok().and_then(store::parse),
            None => None,
        };
        let record = match read {
            Some(record) => Some(record),
            None => store::load(&edge).await?,
        };
        let Some(record) = record else {
            return Ok(None);
        };
        let session = Self::of(edge, record);
        session.token().await?;
        Ok(Some(session))
    }

    /// A session by a token that the site's backend signed.
    pub async fn with_token(edge: &str, token: &str) -> Result<Self, Problem> {
        let edge = origin(edge)?;
        let claims = Claims::of(token)?;
        // A device that this line already has here stays the same device.
        let stored = store::load(&edge)
            .await?
            .filter(|r| r.account.number == claims.num);
        let (account, device, key) = match stored {
            Some(record) => (record.account, record.device, record.key),
            None => {
                let call = Call {
                    method: "GET",
                    edge: &edge,
                    path: "/v1/account",
                    token: Some(token),
                };
                let account = parse(&call.send(NO_BODY).await?)?;
                (account, device::new_id()?, device::new_key().await?)
            }
        };
        let session = api::Session {
            token: token.into(),
            expires_at: claims.exp * 1000,
            account,
        };
        match Self::start(edge.clone(), session.clone(), device, key).await {
            // The device that was here is revoked; the token is not: a new device then.
            Err(problem) if problem.requires_sign_in() => {
                let (device, key) = (device::new_id()?, device::new_key().await?);
                Self::start(edge, session, device, key).await
            }
            started => started,
        }
    }

    /// Binds the device's key before anything else: from its first second on the session can renew its token, however
    /// short that lives.
    async fn start(
        edge: String,
        session: api::Session,
        device: String,
        key: CryptoKeyPair,
    ) -> Result<Self, Problem> {
        let record = Record {
            account: session.account,
            device,
            token: session.token,
            expires_at: session.expires_at,
            key,
        };
        let binding = api::BindDevice {
            public_key: Some(device::public_key(&record.key).await?),
            ..api::BindDevice::default()
        };
        let call = Call {
            method: "PUT",
            edge: &edge,
            path: &device_path(&record.device),
            token: Some(&record.token),
        };
        call.send(&binding.to_plain()).await?;
        store::save(&edge, &record).await?;
        Ok(Self::of(edge, record))
    }

    fn of(edge: String, record: Record) -> Self {
        Self::with(edge, None, Some(record))
    }

    /// A line at a SIP server that is not our edge.
    pub fn at_server(server: Server) -> Self {
        Self::with(server.urls.join(" "), Some(server), None)
    }

    fn with(edge: String, server: Option<Server>, record: Option<Record>) -> Self {
        Self(Rc::new(Inner {
            edge,
            server,
            record: RefCell::new(record),
            skew: Cell::new(0),
            renewing: RefCell::new(None),
        }))
    }

    /// Where SIP is spoken: the addresses of WebSockets, in the order in which they are tried.
    pub fn sip_urls(&self) -> Vec<String> {
        match &self.0.server {
            Some(server) => server.urls.clone(),
            None => match self.sip() {
                Some(sip) => sip.servers,
                None => vec![edge_sip_url(&self.0.edge)],
            },
        }
    }

    /// How calls are treated there.
    pub fn policy(&self) -> Policy {
        let server = self.0.server.as_ref();
        server.map(|server| server.policy).unwrap_or_default()
    }

    /// How many flows are held there at the same time.
    #[cfg(feature = "beside")]
    pub fn flows(&self) -> u8 {
        self.0.server.as_ref().map_or(1, |server| server.flows)
    }

    /// What proves our line to whoever takes the registration.
    pub async fn proof(&self) -> Result<(Option<String>, Option<Login>), Problem> {
        match &self.0.server {
            Some(server) => Ok((server.token.clone(), server.login.clone())),
            None if self.sip().is_some() => {
                // What has ended would only be refused. An edge that does not answer is asked again beside the registration.
                if self.sip_left() == Some(0) {
                    let _ = self.renew_sip().await;
                }
                Ok((None, self.sip_login()))
            }
            None => Ok((Some(self.token().await?), None)),
        }
    }

    /// The call server that our pages register at, with what it takes from us for a while.
    pub fn sip(&self) -> Option<api::SipAccount> {
        self.0.record.borrow().as_ref()?.account.sip.clone()
    }

    /// How long that is still good, ms; `None` when it does not end.
    pub fn sip_left(&self) -> Option<u64> {
        let edge_now = now().saturating_add_signed(self.0.skew.get());
        Some(self.sip()?.expires_at?.saturating_sub(edge_now))
    }

    /// It as a login.
    pub fn sip_login(&self) -> Option<Login> {
        let sip = self.sip()?;
        Some(Login::with_password(sip.username, sip.password))
    }

    /// The account anew from the edge.
    pub async fn renew_sip(&self) -> Result<(), Problem> {
        let account: Account = parse(&self.ask("GET", "/v1/account", NO_BODY).await?)?;
        let record = Record {
            account,
            ..self.record()?
        };
        *self.0.record.borrow_mut() = Some(record.clone());
        store::save(&self.0.edge, &record).await
    }

    /// The line's address where it registers.
    pub fn address(&self) -> Result<String, Problem> {
        let account = self.account()?;
        Ok(match account.sip {
            Some(sip) => ["sip:", account.number.as_str(), "@", &sip.domain].concat(),
            None => account.address_of_record,
        })
    }

    /// The edge's origin; the servers' addresses where there is none.
    pub fn edge(&self) -> &str {
        &self.0.edge
    }

    fn record(&self) -> Result<Record, Problem> {
        self.of_record(Record::clone)
    }

    /// What is wanted of the record: a copy of all of it is long.
    fn of_record<T>(&self, wanted: fn(&Record) -> T) -> Result<T, Problem> {
        let record = self.0.record.borrow();
        record.as_ref().map(wanted).ok_or(Problem::SignedOut)
    }

    /// Whose line it is.
    pub fn account(&self) -> Result<Account, Problem> {
        if let Some(server) = &self.0.server {
            return Ok(server.account.clone());
        }
        self.of_record(|record| record.account.clone())
    }

    /// This device's id.
    pub fn device(&self) -> Result<String, Problem> {
        if let Some(server) = &self.0.server {
            return Ok(server.instance.clone());
        }
        self.of_record(|record| record.device.clone())
    }

    /// The line's token; one that is known to have ended is renewed first.
    pub async fn token(&self) -> Result<String, Problem> {
        let (expires_at, early) =
            self.of_record(|record| (record.expires_at, renew_before(record)))?;
        let left = expires_at as i64 - (now() as i64 + self.0.skew.get());
        if left < early {
            match self.renew().await {
                Ok(()) => {}
                // The edge did not answer, and the token may live a while longer.
                Err(problem) if !problem.requires_sign_in() && left > 0 => {}
                Err(problem) => return Err(problem),
            }
        }
        self.of_record(|record| record.token.clone())
    }

    /// A new token by the device credential. Callers while one is under way share it.
    pub async fn renew(&self) -> Result<(), Problem> {
        let (tell, told) = once::channel();
        if let Some(waiting) = &mut *self.0.renewing.borrow_mut() {
            waiting.push(tell);
        } else {
            drop(tell);
        }
        if let Some(result) = told.await {
            return result;
        }
        *self.0.renewing.borrow_mut() = Some(Vec::new());
        let result = self.renew_alone().await;
        for waiting in self.0.renewing.take().unwrap_or_default() {
            waiting.tell(result.clone());
        }
        result
    }

    async fn renew_alone(&self) -> Result<(), Problem> {
        let record = self.record()?;
        let answer = match self.ask_renewal(&record).await {
            // Our clock is wrong; the edge says what time it is.
            Err(problem) if problem.edge_clock().is_some() => {
                let edge_now = problem.edge_clock().unwrap_or_default();
                self.0.skew.set(edge_now as i64 - now() as i64);
                self.ask_renewal(&record).await
            }
            answer => answer,
        };
        let renewed: api::Session = match answer {
            Ok(value) => parse(&value)?,
            Err(problem) => {
                if problem.requires_sign_in() {
                    // The device was revoked: nothing here is of use any more.
                    self.forget().await?;
                }
                return Err(problem);
            }
        };
        let record = Record {
            account: renewed.account,
            token: renewed.token,
            expires_at: renewed.expires_at,
            ..record
        };
        *self.0.record.borrow_mut() = Some(record.clone());
        self.learn_clock();
        store::save(&self.0.edge, &record).await?;
        self.prepare();
        Ok(())
    }

    async fn ask_renewal(&self, record: &Record) -> Result<JsValue, Problem> {
        let at = now().saturating_add_signed(self.0.skew.get());
        let number = &record.account.number;
        let message = api::renew_message(&self.0.edge, number, &record.device, at);
        let body = api::RenewToken {
            device: record.device.clone(),
            number: number.clone(),
            nonce_at: at,
            signature: device::sign(&record.key, &message).await?,
        };
        post(&self.0.edge, "/v1/tokens/renew")
            .send(&body.to_plain())
            .await
    }

    /// A token just received says what time it is at the edge.
    fn learn_clock(&self) {
        if let Some(record) = &*self.0.record.borrow()
            && let Ok(Claims { iat: Some(iat), .. }) = Claims::of(&record.token)
        {
            let skew = (iat * 1000) as i64 - now() as i64;
            // Within the token's own whole seconds and its way here there is nothing to correct.
            self.0.skew.set(if skew.abs() > 30_000 { skew } else { 0 });
        }
    }

    /// A request with the line's token, which is renewed once when the edge holds it for dead.
    pub async fn ask(&self, method: &str, path: &str, body: &JsValue) -> Result<JsValue, Problem> {
        let answer = self.ask_once(method, path, body).await;
        match answer {
            Err(problem) if problem.status() == 401 => {
                self.renew().await?;
                self.ask_once(method, path, body).await
            }
            answer => answer,
        }
    }

    async fn ask_once(&self, method: &str, path: &str, body: &JsValue) -> Result<JsValue, Problem> {
        let token = self.token().await?;
        let call = Call {
            method,
            edge: &self.0.edge,
            path,
            token: Some(&token),
        };
        call.send(body).await
    }

    /// A report of this device about a wake: `opened`, `ready`, `decline`.
    pub async fn report(&self, wake: &str, what: &str) -> Result<JsValue, Problem> {
        self.tell(wake, what, None).await
    }

    /// Says what keeps this page from going on with a wake that was opened.
    pub async fn hindered(&self, wake: &str, why: api::Why) -> Result<JsValue, Problem> {
        self.tell(wake, "opened", Some(why)).await
    }

    async fn tell(
        &self,
        wake: &str,
        what: &str,
        hindered: Option<api::Why>,
    ) -> Result<JsValue, Problem> {
        let body = api::WakeReport {
            device: Some(self.device()?),
            hindered,
        };
        self.ask(
            "POST",
            &[&wake_path(wake), "/", what].concat(),
            &body.to_plain(),
        )
        .await
    }

    /// A wake as it stands.
    pub async fn wake(&self, wake: &str) -> Result<JsValue, Problem> {
        self.ask("GET", &wake_path(wake), NO_BODY).await
    }

    /// Binds this device: its credential, its push target, its name and language.
    pub async fn bind(
        &self,
        push: Option<api::PushTarget>,
        label: Option<String>,
        lang: Option<String>,
    ) -> Result<JsValue, Problem> {
        let record = self.record()?;
        let body = api::BindDevice {
            push,
            public_key: Some(device::public_key(&record.key).await?),
            label,
            lang,
        };
        let path = device_path(&record.device);
        self.ask("PUT", &path, &body.to_plain()).await
    }

    /// Has the next page that is opened by a tap say its first words before its core is there. Nobody waits for it, and
    /// without it a page is only slower.
    pub fn prepare(&self) {
        let this = self.clone();
        page::beside(async move { drop(this.store_opening().await) });
    }

    async fn store_opening(&self) -> Result<(), Problem> {
        let record = self.record()?;
        // The script knows its own origin's edge only.
        if self.sip_urls() != [edge_sip_url(&self.0.edge)] {
            return Ok(());
        }
        let config = opening::config(self, Some(record.token.clone()), None)?;
        let until = record.expires_at as i64 - self.0.skew.get() - renew_before(&record);
        let lock = self.lock_name()?;
        let seed = device::random()?;
        match opening::stored(&config, lock, until as f64, seed) {
            Some(opening) => store::keep_opening(&self.0.edge, &record, &opening).await,
            None => Ok(()),
        }
    }

    /// The lock that the tab which leads this line holds.
    pub fn lock_name(&self) -> Result<String, Problem> {
        let number = self.account()?.number;
        Ok(["wakeline", &self.0.edge, number.as_str()].join(":"))
    }

    async fn forget(&self) -> Result<(), Problem> {
        if let Ok(line) = self.lock_name() {
            asked::forget(&line);
        }
        store::forget(&self.0.edge).await?;
        *self.0.record.borrow_mut() = None;
        Ok(())
    }

    /// Unbinds the device at the edge and forgets everything here, also when the edge cannot be reached.
    pub async fn sign_out(&self) -> Result<(), Problem> {
        let path = device_path(&self.device()?);
        let unbound = self.ask("DELETE", &path, NO_BODY).await;
        self.forget().await?;
        match unbound {
            // Gone already is what was wanted.
            Err(problem) if problem.status() == 0 => Err(problem),
            _ => Ok(()),
        }
    }
}

/// How long a token lives in all; a day if it does not say.
fn life_ms(record: &Record) -> i64 {
    let issued = Claims::of(&record.token).ok().and_then(|claims| claims.iat);
    issued.map_or(86_400_000, |iat| {
        record.expires_at as i64 - (iat * 1000) as i64
    })
}

/// How long before its end a token is renewed.
fn renew_before(record: &Record) -> i64 {
    RENEW_BEFORE_MS.min(life_ms(record) / 4)
}

/// Where an edge speaks SIP: http → ws, https → wss.
fn edge_sip_url(edge: &str) -> String {
    ["ws", edge.strip_prefix("http").unwrap_or(edge), SIP_PATH].concat()
}

fn device_path(device: &str) -> String {
    ["/v1/devices/", device].concat()
}

fn wake_path(wake: &str) -> String {
    ["/v1/wakes/", &segment(wake)].concat()
}

/// One segment of a path, whatever it holds.
pub fn segment(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

fn post<'a>(edge: &'a str, path: &'a str) -> Call<'a> {
    Call {
        method: "POST",
        edge,
        path,
        token: None,
    }
}

/// The origin of an edge's address.
fn origin(edge: &str) -> Result<String, Problem> {
    let url = web_sys::Url::new(edge).map_err(|e| Problem::from_js(&e))?;
    Ok(url.origin())
}
