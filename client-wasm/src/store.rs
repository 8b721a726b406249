//! What this device remembers of its edges: IndexedDB `wakeline`, store `session`, one record per edge origin, and beside
//! it the opening that was prepared for it (`opening.rs`).
//!
//! The service worker reads the same records to sign with the device's key, and takes the opening (`js/storage.ts`): their
//! shape is an interface.

use crate::{
    plain::{FromPlain, ToPlain, member, plain_object},
    problem::Problem,
};
use alloc::string::String;
use js_sys::Promise;
use wakeline_edge_api::Account;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    CryptoKeyPair, IdbDatabase, IdbFactory, IdbObjectStore, IdbRequest, IdbTransactionMode,
};

const DATABASE: &str = "wakeline";
const VERSION: u32 = 1;
const SESSIONS: &str = "session";

/// One signed-in line of this device.
#[derive(Clone)]
pub struct Record {
    /// Whose line it is.
    pub account: Account,
    /// This device's id there, a lower-case UUID.
    pub device: String,
    /// The line's token.
    pub token: String,
    /// When it ends, by the edge's clock.
    pub expires_at: u64,
    /// The device's key pair; its private half never leaves the browser.
    pub key: CryptoKeyPair,
}

plain_object!(Record {
    account: "account",
    device: "device",
    token: "token",
    expires_at: "expires_at",
    key: "key",
});

/// A key pair is a plain object with two keys: no class says so, hence the cast without a question.
impl ToPlain for CryptoKeyPair {
    fn to_plain(&self) -> JsValue {
        self.into()
    }
}

impl FromPlain for CryptoKeyPair {
    fn from_plain(value: &JsValue) -> Option<Self> {
        value.is_object().then(|| value.clone().unchecked_into())
    }
}

/// The session stored for this edge, if it can be read.
pub async fn load(edge: &str) -> Result<Option<Record>, Problem> {
    let value = done(
        &sessions(IdbTransactionMode::Readonly)
            .await?
            .get(&edge.into()),
    )
    .await?;
    Ok(parse(value))
}

/// Stores the session of this edge in place of the one before; an opening of that one is of no use any more.
pub async fn save(edge: &str, record: &Record) -> Result<(), Problem> {
    let value = record.to_plain();
    let store = sessions(IdbTransactionMode::Readwrite).await?;
    let _ = store.delete(&opening_of(edge));
    done(&store.put_with_key(&value, &edge.into()))
        .await
        .map(drop)
}

/// Keeps the opening that was made from this record, unless the session is another one by now.
pub async fn keep_opening(edge: &str, record: &Record, opening: &JsValue) -> Result<(), Problem> {
    let store = sessions(IdbTransactionMode::Readwrite).await?;
    let present = done(&store.get(&edge.into())).await?;
    if parse(present).is_some_and(|r| r.token == record.token && r.device == record.device) {
        done(&store.put_with_key(opening, &opening_of(edge))).await?;
    }
    Ok(())
}

/// Forgets the session of this edge.
pub async fn forget(edge: &str) -> Result<(), Problem> {
    let store = sessions(IdbTransactionMode::Readwrite).await?;
    let _ = store.delete(&opening_of(edge));
    done(&store.delete(&edge.into())).await.map(drop)
}

fn opening_of(edge: &str) -> JsValue {
    [edge, " opening"].concat().into()
}

/// A record as it lies in the store; `None` if there is none, or it is not ours.
pub fn parse(value: JsValue) -> Option<Record> {
    Record::from_plain(&value)
}

async fn sessions(mode: IdbTransactionMode) -> Result<IdbObjectStore, Problem> {
    open()
        .await?
        .transaction_with_str_and_mode(SESSIONS, mode)
        .and_then(|transaction| transaction.object_store(SESSIONS))
        .map_err(|e| Problem::from_js(&e))
}

async fn open() -> Result<IdbDatabase, Problem> {
    let factory = member(&js_sys::global(), "indexedDB")
        .dyn_into::<IdbFactory>()
        .ok()
        .ok_or(Problem::Browser {
            name: "NotSupportedError".into(),
            message: "this browser keeps no IndexedDB here".into(),
        })?;
    let request = factory
        .open_with_u32(DATABASE, VERSION)
        .map_err(|e| Problem::from_js(&e))?;
    let upgrading = request.clone();
    let upgrade = Closure::once(move || {
        if let Ok(database) = upgrading.result() {
            // The only upgrade there is: from nothing to version 1.
            let _ = database
                .unchecked_into::<IdbDatabase>()
                .create_object_store(SESSIONS);
        }
    });
    request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
    let database = wait(&request).await?;
    request.set_onupgradeneeded(None);
    Ok(database.unchecked_into())
}

async fn done(request: &Result<IdbRequest, JsValue>) -> Result<JsValue, Problem> {
    match request {
        Ok(request) => wait(request).await,
        Err(e) => Err(Problem::from_js(e)),
    }
}

/// An `IDBRequest` as a future.
async fn wait(request: &IdbRequest) -> Result<JsValue, Problem> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    let ended = JsFuture::from(promise).await;
    request.set_onsuccess(None);
    request.set_onerror(None);
    match ended {
        Ok(_) => request.result().map_err(|e| Problem::from_js(&e)),
        Err(_) => Err(match request.error() {
            Ok(Some(error)) => Problem::from_js(&error),
            _ => Problem::Garbled,
        }),
    }
}
