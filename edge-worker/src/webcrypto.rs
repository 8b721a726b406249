//! The platform's cryptography, where it is faster than ours or ours would be too large: PBKDF2, ECDSA, random octets.

use crate::secret::Secret;
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};
use worker::Result;

fn crypto() -> Result<web_sys::Crypto> {
    let global: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
    Ok(global.crypto()?)
}

fn subtle() -> Result<SubtleCrypto> {
    Ok(crypto()?.subtle())
}

fn object(members: &[(&str, JsValue)]) -> Result<Object> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &JsValue::from_str(name), value)?;
    }
    Ok(object)
}

fn usages(of: &[&str]) -> JsValue {
    of.iter()
        .map(|u| JsValue::from_str(u))
        .collect::<Array>()
        .into()
}

/// `N` fresh random octets.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut octets = [0u8; N];
    crypto()?.get_random_values_with_u8_array(&mut octets)?;
    Ok(octets)
}

/// PBKDF2-HMAC-SHA-256 (RFC 8018), 32 octets.
pub async fn pbkdf2(password: &Secret<String>, salt: &[u8], iterations: u32) -> Result<[u8; 32]> {
    let subtle = subtle()?;
    let raw = Uint8Array::from(password.expose().as_bytes());
    let key = subtle.import_key_with_str("raw", &raw, "PBKDF2", false, &usages(&["deriveBits"]))?;
    let key: CryptoKey = JsFuture::from(key).await?.unchecked_into();
    let algorithm = object(&[
        ("name", "PBKDF2".into()),
        ("hash", "SHA-256".into()),
        ("salt", Uint8Array::from(salt).into()),
        ("iterations", iterations.into()),
    ])?;
    let bits = JsFuture::from(subtle.derive_bits_with_object(&algorithm, &key, 256)?).await?;
    let mut out = [0u8; 32];
    Uint8Array::new(&bits).copy_to(&mut out);
    Ok(out)
}

/// Whether `signature` (raw `r‖s`) over `message` was made by the owner of the P-256 point (`x`, `y`, base64url).
/// A key that is none verifies nothing.
pub async fn ecdsa_p256_verify(x: &str, y: &str, signature: &[u8], message: &[u8]) -> Result<bool> {
    let subtle = subtle()?;
    let jwk = object(&[
        ("kty", "EC".into()),
        ("crv", "P-256".into()),
        ("x", x.into()),
        ("y", y.into()),
    ])?;
    let curve = object(&[("name", "ECDSA".into()), ("namedCurve", "P-256".into())])?;
    let Ok(key) = subtle.import_key_with_object("jwk", &jwk, &curve, false, &usages(&["verify"]))
    else {
        return Ok(false);
    };
    let Ok(key) = JsFuture::from(key).await else {
        return Ok(false);
    };
    let algorithm = object(&[("name", "ECDSA".into()), ("hash", "SHA-256".into())])?;
    let verdict = subtle.verify_with_object_and_js_u8_array_and_js_u8_array(
        &algorithm,
        key.unchecked_ref(),
        &Uint8Array::from(signature),
        &Uint8Array::from(message),
    )?;
    Ok(JsFuture::from(verdict).await?.as_bool().unwrap_or(false))
}
