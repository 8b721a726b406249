//! The words that a page says before its core is there: prepared while the line is quiet, put into the page by the service
//! worker after a tap, said by the page's first script (`js/early.ts`), and gone on from here.

use crate::{
    leader::Lead,
    plain::{FromPlain, ToPlain, plain_object},
    problem::Problem,
    session::Session,
};
use alloc::{string::String, vec::Vec};
use js_sys::{Array, ArrayBuffer, Promise, Reflect, Uint8Array};
use wakeline_sip::{
    agent::{self, Config, Patience},
    auth::Login,
    pii::Pii,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::WebSocket;

#[wasm_bindgen]
extern "C" {
    /// `Early` in `js/early.ts`.
    #[derive(Clone)]
    pub type Early;
    #[wasm_bindgen(method, getter)]
    fn socket(this: &Early) -> WebSocket;
    #[wasm_bindgen(method, getter)]
    fn lock(this: &Early) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn challenge(this: &Early) -> Option<Promise>;
    #[wasm_bindgen(method, getter)]
    fn opening(this: &Early) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn leads(this: &Early) -> Promise;
    #[wasm_bindgen(method, getter)]
    fn led(this: &Early) -> Promise;
    #[wasm_bindgen(method, getter)]
    fn release(this: &Early) -> js_sys::Function;
    #[wasm_bindgen(method)]
    fn take(this: &Early) -> Taken;
    #[wasm_bindgen(method, js_name = giveUp)]
    fn give_up(this: &Early);

    /// `Said` in `js/early.ts`.
    type Taken;
    #[wasm_bindgen(method, getter)]
    fn at(this: &Taken) -> f64;
    #[wasm_bindgen(method, getter)]
    fn heard(this: &Taken) -> Array;
    #[wasm_bindgen(method, getter)]
    fn rang(this: &Taken) -> f64;
    #[wasm_bindgen(method, getter)]
    fn ready(this: &Taken) -> Option<Promise>;
}

/// As it lies in the store, for the script (`Opening` in `js/early.ts`) and for whoever goes on.
struct Stored {
    frame: String,
    mark: String,
    tag: String,
    ringing: String,
    lock: String,
    device: String,
    token: String,
    until: f64,
    seed: Seed,
}

plain_object!(Stored {
    frame: "frame",
    mark: "mark",
    tag: "tag",
    ringing: "ringing",
    lock: "lock",
    device: "device",
    token: "token",
    until: "until",
    seed: "seed",
});

/// What the agent that goes on starts from.
#[derive(Clone, Copy)]
struct Seed([u8; 32]);

/// A list of numbers: the service worker writes it into the page as JSON.
impl ToPlain for Seed {
    fn to_plain(&self) -> JsValue {
        self.0.map(u16::from).to_vec().to_plain()
    }
}

impl FromPlain for Seed {
    fn from_plain(value: &JsValue) -> Option<Self> {
        let octets = Vec::<u16>::from_plain(value)?;
        let octets: Option<Vec<u8>> = octets.into_iter().map(|it| it.try_into().ok()).collect();
        octets?.try_into().ok().map(Self)
    }
}

/// The opening of this session, as it is stored; none if it has none to say.
pub fn stored(config: &Config, lock: String, until: f64, seed: [u8; 32]) -> Option<JsValue> {
    let opening = agent::Opening::of(config, seed)?;
    let stored = Stored {
        frame: String::from_utf8(opening.frame.into_inner()).ok()?,
        mark: opening.branch,
        tag: opening.tag,
        ringing: opening.ringing,
        lock,
        device: config.instance.clone(),
        token: config.token.clone()?.into_inner(),
        until,
        seed: Seed(seed),
    };
    Some(stored.to_plain())
}

/// Who the agent of this session is.
pub fn config(
    session: &Session,
    token: Option<String>,
    login: Option<Login>,
) -> Result<Config, Problem> {
    let account = session.account()?;
    Ok(Config {
        address_of_record: Pii(session.address()?),
        display_name: Pii(account.display_name),
        instance: session.device()?,
        user_agent: concat!("wakeline/", env!("CARGO_PKG_VERSION")).into(),
        secure: session
            .sip_urls()
            .first()
            .is_some_and(|url| url.starts_with("wss:")),
        token: token.map(Pii),
        login,
        patience: Patience::default(),
        policy: session.policy(),
    })
}

/// What the script has begun.
pub struct Begun {
    early: Early,
    /// The script holds the lock.
    leads: bool,
    stored: Option<Stored>,
}

/// What was said and heard before the core was there.
pub struct Said {
    /// When the opening was sent.
    pub at: u64,
    /// What came in, and when.
    pub heard: Vec<(u64, Vec<u8>)>,
    /// When the caller was told that it rings, if that was said.
    pub rang: Option<u64>,
    /// The edge's answer to "ready": the wake, or nothing of use.
    pub ready: Option<Promise>,
}

impl Begun {
    /// What was begun for the line of this lock; anything else is given up.
    pub async fn take(lock: &str, early: Option<Early>) -> Option<Self> {
        let early = early?;
        let opening = early.opening();
        let said = !opening.is_null();
        let stored: Option<Stored> = Stored::from_plain(&opening);
        // Another line's, or that of another version.
        let claimed = early.lock().or(stored.as_ref().map(|s| s.lock.clone()));
        if said && stored.is_none() || claimed.is_some_and(|claimed| claimed != lock) {
            early.give_up();
            // What it held may be what is claimed next.
            let _ = JsFuture::from(early.led()).await;
            return None;
        }
        let leads = JsFuture::from(early.leads()).await;
        let leads = leads.is_ok_and(|l| l.is_truthy());
        // Said beside a tab that leads: of no use, and taken back with its flow.
        let stored = stored.filter(|_| leads);
        Some(Self {
            early,
            leads,
            stored,
        })
    }

    /// The lock, if the script holds it; `stolen` is called when another tab takes it away.
    pub fn lead(&self, stolen: impl FnOnce() + 'static) -> Option<Lead> {
        if !self.leads {
            return None;
        }
        Some(Lead::held(self.early.release(), &self.early.led(), stolen))
    }

    /// The seed of an agent that goes on with what was said, if it is what this one would say, there. Otherwise nothing
    /// was said: a flow on which something else was is closed.
    pub fn seed(&mut self, config: &Config, url: &str) -> Option<[u8; 32]> {
        let same = |stored: &Stored| {
            agent::Opening::of(config, stored.seed.0)
                .is_some_and(|own| own.frame.expose() == stored.frame.as_bytes())
        };
        let usable = self.socket(url).is_some();
        self.stored = self.stored.take().filter(|s| usable && same(s));
        if self.stored.is_none() && self.early.take().at() > 0.0 {
            let _ = self.early.socket().close();
        }
        self.stored.as_ref().map(|s| s.seed.0)
    }

    /// The socket, if it leads there and may still be used.
    pub fn socket(&self, url: &str) -> Option<WebSocket> {
        let socket = self.early.socket();
        let usable = [WebSocket::CONNECTING, WebSocket::OPEN].contains(&socket.ready_state());
        if socket.url() != url {
            let _ = socket.close();
            return None;
        }
        usable.then_some(socket)
    }

    /// What is heard on that socket to what the script has asked there, if it did.
    pub fn challenge(&self) -> Option<Promise> {
        self.early.challenge()
    }

    /// The script says and hears nothing from now on; none if it has not said what fits.
    pub fn said(&self) -> Option<Said> {
        self.stored.as_ref()?;
        let taken = self.early.take();
        if taken.at() == 0.0 {
            return None;
        }
        let heard = taken.heard();
        let heard = heard.iter().filter_map(|pair| {
            let at = Reflect::get_u32(&pair, 0).ok()?.as_f64()?;
            Some((at as u64, octets(&Reflect::get_u32(&pair, 1).ok()?)?))
        });
        Some(Said {
            at: taken.at() as u64,
            heard: heard.collect(),
            rang: (taken.rang() > 0.0).then(|| taken.rang() as u64),
            ready: taken.ready(),
        })
    }
}

/// A message of a socket as octets.
pub fn octets(data: &JsValue) -> Option<Vec<u8>> {
    if let Some(text) = data.as_string() {
        return Some(text.into_bytes());
    }
    data.dyn_ref::<ArrayBuffer>()
        .map(|buffer| Uint8Array::new(buffer).to_vec())
}
