//! What this device remembers of its edges: one record per edge origin, and beside it the opening that was prepared for it
//! (`opening.rs`).
//!
//! How it lies in IndexedDB is a script's matter (`js/core/storage.js`): the service worker, which has no core, reads the same records to
//! sign with the device's key, and takes the opening. Their shape is an interface.

use crate::{
    plain::{FromPlain, ToPlain, plain_object},
    problem::{Problem, settled},
};
use alloc::string::String;
use js_sys::Promise;
use wakeline_edge_api::Account;
use wasm_bindgen::prelude::*;
use web_sys::CryptoKeyPair;

#[wasm_bindgen(module = "/js/core/storage.js")]
extern "C" {
    #[wasm_bindgen(js_name = readSession)]
    fn read_session(edge: &str) -> Promise;
    #[wasm_bindgen(js_name = saveSession)]
    fn save_session(edge: &str, record: &JsValue) -> Promise;
    #[wasm_bindgen(js_name = forgetSession)]
    fn forget_session(edge: &str) -> Promise;
    #[wasm_bindgen(js_name = keepOpening)]
    fn keep_opening_of(edge: &str, token: &str, device: &str, opening: &JsValue) -> Promise;
}

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
    Ok(parse(settled(read_session(edge)).await?))
}

/// Stores the session of this edge in place of the one before; an opening of that one is of no use any more.
pub async fn save(edge: &str, record: &Record) -> Result<(), Problem> {
    settled(save_session(edge, &record.to_plain()))
        .await
        .map(drop)
}

/// Keeps the opening that was made from this record, unless the session is another one by now.
pub async fn keep_opening(edge: &str, record: &Record, opening: &JsValue) -> Result<(), Problem> {
    let kept = keep_opening_of(edge, &record.token, &record.device, opening);
    settled(kept).await.map(drop)
}

/// Forgets the session of this edge.
pub async fn forget(edge: &str) -> Result<(), Problem> {
    settled(forget_session(edge)).await.map(drop)
}

/// A record as it lies in the store; `None` if there is none, or it is not ours.
pub fn parse(value: JsValue) -> Option<Record> {
    Record::from_plain(&value)
}
