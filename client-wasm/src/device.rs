//! This device's credential: an ECDSA P-256 key pair whose private half cannot be exported. How the browser is asked is a script's
//! matter (`js/core/key.js`).

use crate::{
    plain::{FromPlain, plain_object},
    problem::{Problem, settled},
    rest::parse,
};
use alloc::string::String;
use js_sys::Promise;
use wakeline_edge_api::DevicePublicKey;
use wasm_bindgen::prelude::*;
use web_sys::CryptoKeyPair;

#[wasm_bindgen(module = "/js/core/key.js")]
extern "C" {
    #[wasm_bindgen(js_name = newId, catch)]
    fn new_uuid() -> Result<String, JsValue>;
    #[wasm_bindgen(js_name = random, catch)]
    fn fill(octets: &mut [u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(js_name = newKey, catch)]
    fn new_pair() -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_name = publicKey, catch)]
    fn public_half(key: &CryptoKeyPair) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_name = sign)]
    fn signed(key: &CryptoKeyPair, message: &str) -> Promise;
    #[wasm_bindgen(js_name = claims, catch)]
    fn token_claims(token: &str) -> Result<JsValue, JsValue>;
}

/// A new device id, a lower-case UUID.
pub fn new_id() -> Result<String, Problem> {
    new_uuid().map_err(|e| Problem::from_js(&e))
}

/// Octets from the browser's generator.
pub fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    fill(&mut bytes).map_err(|e| Problem::from_js(&e))?;
    Ok(bytes)
}

/// A new key pair that only signs and only here.
pub async fn new_key() -> Result<CryptoKeyPair, Problem> {
    Ok(settled(new_pair().map_err(|e| Problem::from_js(&e))?)
        .await?
        .unchecked_into())
}

/// The public half, for the edge.
pub async fn public_key(key: &CryptoKeyPair) -> Result<DevicePublicKey, Problem> {
    let half = public_half(key).map_err(|e| Problem::from_js(&e))?;
    parse(&settled(half).await?)
}

/// base64url of the raw `r‖s` signature over the message.
pub async fn sign(key: &CryptoKeyPair, message: &str) -> Result<String, Problem> {
    parse(&settled(signed(key, message)).await?)
}

/// What a token says about itself; the edge alone judges it.
pub struct Claims {
    /// Whose line it is for.
    pub num: String,
    /// When it ends, s.
    pub exp: u64,
    /// When it was made, s.
    pub iat: Option<u64>,
}

plain_object!(Claims {
    num: "num",
    exp: "exp",
    iat: "iat",
});

impl Claims {
    /// Those of this token.
    pub fn of(token: &str) -> Result<Self, Problem> {
        let said = token_claims(token).map_err(|_| Problem::BadToken)?;
        Self::from_plain(&said).ok_or(Problem::BadToken)
    }
}
