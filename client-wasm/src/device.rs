//! This device's credential: an ECDSA P-256 key pair whose private half cannot be exported.

use crate::{plain::member, problem::Problem, rest::parse};
use alloc::string::String;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use js_sys::{Array, Uint8Array};
use wakeline_edge_api::DevicePublicKey;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Crypto, CryptoKey, CryptoKeyPair, EcKeyGenParams, EcdsaParams};

fn crypto() -> Result<Crypto, Problem> {
    let crypto: Crypto = member(&js_sys::global(), "crypto").unchecked_into();
    // `subtle` is only there in secure contexts: https, localhost, 127.0.0.1.
    if member(&crypto, "subtle").is_undefined() {
        return Err(Problem::Browser {
            name: "SecurityError".into(),
            message: "the page must come over https or from this machine".into(),
        });
    }
    Ok(crypto)
}

/// A new device id, a lower-case UUID.
pub fn new_id() -> Result<String, Problem> {
    let mut id = random::<16>()?;
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (i, byte) in id.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(nibble.into(), 16).expect("a nibble is a hex digit"));
        }
    }
    Ok(text)
}

/// Octets from the browser's generator.
pub fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    crypto()?
        .get_random_values_with_u8_array(&mut bytes)
        .map_err(|e| Problem::from_js(&e))?;
    Ok(bytes)
}

/// A new key pair that only signs and only here.
pub async fn new_key() -> Result<CryptoKeyPair, Problem> {
    let usages = Array::of2(&"sign".into(), &"verify".into());
    let promise = crypto()?
        .subtle()
        .generate_key_with_object(&EcKeyGenParams::new("ECDSA", "P-256"), false, &usages)
        .map_err(|e| Problem::from_js(&e))?;
    let key = JsFuture::from(promise)
        .await
        .map_err(|e| Problem::from_js(&e))?;
    Ok(key.unchecked_into())
}

/// The public half, for the edge.
pub async fn public_key(key: &CryptoKeyPair) -> Result<DevicePublicKey, Problem> {
    let public: CryptoKey = half(key, "publicKey");
    let promise = crypto()?
        .subtle()
        .export_key("jwk", &public)
        .map_err(|e| Problem::from_js(&e))?;
    let jwk = JsFuture::from(promise)
        .await
        .map_err(|e| Problem::from_js(&e))?;
    parse(&jwk)
}

/// base64url of the raw `r‖s` signature over the message.
pub async fn sign(key: &CryptoKeyPair, message: &str) -> Result<String, Problem> {
    let private: CryptoKey = half(key, "privateKey");
    let algorithm = EcdsaParams::new("ECDSA", &"SHA-256".into());
    let promise = crypto()?
        .subtle()
        .sign_with_object_and_u8_array(&algorithm, &private, message.as_bytes())
        .map_err(|e| Problem::from_js(&e))?;
    let signature = JsFuture::from(promise)
        .await
        .map_err(|e| Problem::from_js(&e))?;
    Ok(URL_SAFE_NO_PAD.encode(Uint8Array::new(&signature).to_vec()))
}

fn half(key: &CryptoKeyPair, name: &str) -> CryptoKey {
    member(key, name).unchecked_into()
}
