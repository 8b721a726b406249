//! Tokens of lines (JWT, HS256: RFC 7519) and capabilities of wakes. Synchronous: a REGISTER is judged in the turn it arrives in.
//!
//! A token may be signed by the edge or by the site's own backend: whoever has one of the site's keys. A capability is signed with
//! the edge's secret, speaks for one device in one wake only, and rides inside the push's encryption.

use crate::config::{SigningKey, Site};
use crate::names;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The audience of every token.
pub const AUDIENCE: &str = "wakeline";
/// Longer ones are not looked at.
const MAX_LEN: usize = 4096;
/// A backend's clock may be this far ahead, seconds.
const LEEWAY_S: u64 = 60;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The site.
    pub iss: String,
    /// The UID.
    pub sub: String,
    /// The number.
    pub num: String,
    /// The display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The device it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// Issued at, seconds.
    pub iat: u64,
    /// Ends at, seconds.
    pub exp: u64,
    /// [`AUDIENCE`].
    pub aud: String,
}

/// Why a token is refused. For the log; the caller hears one answer for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of this kind.
    #[error("token malformed")]
    Malformed,
    /// Signed by nobody we know, or changed.
    #[error("token signature wrong")]
    Signature,
    /// For another site or service.
    #[error("token for another audience")]
    Foreign,
    /// Ended, or not begun.
    #[error("token expired")]
    Expired,
}

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    alg: &'a str,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

fn text(base64: &str) -> Option<String> {
    String::from_utf8(B64.decode(base64).ok()?).ok()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|p| mac.update(p));
    mac
}

/// HMAC-SHA-256 of `message`.
pub fn mac_of(key: &[u8], message: &[u8]) -> [u8; 32] {
    mac(key, &[message]).finalize().into_bytes().into()
}

/// Whether `tag` is [`mac_of`] `message`; in constant time.
pub fn is_mac_of(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    mac(key, &[message]).verify_slice(tag).is_ok()
}

/// SHA-256 as lower-case hex.
pub fn sha256_hex(octets: &[u8]) -> String {
    use std::fmt::Write;
    let mut hex = String::with_capacity(64);
    for octet in Sha256::digest(octets) {
        let _never_fails = write!(hex, "{octet:02x}");
    }
    hex
}

/// Signs `claims` with the site's first key.
pub fn mint(site: &Site, claims: &Claims) -> String {
    sign_with(
        site.signing_keys
            .first()
            .expect("checked when the configuration was built"),
        claims,
    )
}

fn sign_with(key: &SigningKey, claims: &Claims) -> String {
    let header = Header {
        alg: "HS256",
        typ: Some("JWT"),
        kid: Some(&key.kid),
    };
    let json = |v: Result<Vec<u8>, _>| B64.encode(v.expect("strings and numbers always serialise"));
    let data = format!(
        "{}.{}",
        json(serde_json::to_vec(&header)),
        json(serde_json::to_vec(claims))
    );
    let tag = mac(key.secret.expose().as_bytes(), &[data.as_bytes()])
        .finalize()
        .into_bytes();
    format!("{data}.{}", B64.encode(tag))
}

/// The claims of a token that is in force for `site`.
pub fn verify(site: &Site, now_ms: u64, token: &str) -> Result<Claims, TokenError> {
    use TokenError::{Expired, Foreign, Malformed, Signature};
    if token.len() > MAX_LEN {
        return Err(Malformed);
    }
    let (data, tag) = token.rsplit_once('.').ok_or(Malformed)?;
    let (header, payload) = data.split_once('.').ok_or(Malformed)?;
    let header = text(header).ok_or(Malformed)?;
    let header: Header = serde_json::from_str(&header).map_err(|_| Malformed)?;
    if header.alg != "HS256" {
        return Err(Malformed);
    }
    let tag = B64.decode(tag).map_err(|_| Malformed)?;
    let signed = site
        .signing_keys
        .iter()
        .filter(|k| header.kid.is_none_or(|kid| kid == k.kid))
        .any(|k| {
            mac(k.secret.expose().as_bytes(), &[data.as_bytes()])
                .verify_slice(&tag)
                .is_ok()
        });
    if !signed {
        return Err(Signature);
    }
    let payload = text(payload).ok_or(Malformed)?;
    let claims: Claims = serde_json::from_str(&payload).map_err(|_| Malformed)?;
    if claims.iss != site.id || claims.aud != AUDIENCE {
        return Err(Foreign);
    }
    let well_formed = names::is_number(&claims.num)
        && names::is_number(&claims.sub)
        && claims.dev.as_deref().is_none_or(names::is_device)
        && claims
            .name
            .as_deref()
            .is_none_or(|n| names::is_text(n, 128));
    if !well_formed {
        return Err(Malformed);
    }
    let now = now_ms / 1000;
    if claims.exp <= now || claims.iat > now + LEEWAY_S {
        return Err(Expired);
    }
    Ok(claims)
}

/// The right to report on, and to decline, one wake on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// Of which site.
    pub site: String,
    /// The callee's number.
    pub number: String,
    /// The wake.
    pub wake: String,
    /// The device that was pushed to.
    pub device: String,
    /// Until when it answers at all, milliseconds. It is dead for changes when the wake ends.
    pub expires_at: u64,
}

const CAPABILITY_TAG: &[u8] = b"wakeline-capability-1\0";

impl Capability {
    /// `base64url(site:number:wake:device:expires_at).base64url(tag)`.
    pub fn seal(&self, edge_secret: &[u8]) -> String {
        let text = format!(
            "{}:{}:{}:{}:{}",
            self.site, self.number, self.wake, self.device, self.expires_at
        );
        let tag = mac(edge_secret, &[CAPABILITY_TAG, text.as_bytes()])
            .finalize()
            .into_bytes();
        format!("{}.{}", B64.encode(text), B64.encode(tag))
    }

    /// A capability of this site that has not run out.
    pub fn open(
        edge_secret: &[u8],
        site: &str,
        now_ms: u64,
        sealed: &str,
    ) -> Result<Self, TokenError> {
        use TokenError::{Expired, Foreign, Malformed, Signature};
        if sealed.len() > MAX_LEN {
            return Err(Malformed);
        }
        let (text, tag) = sealed.split_once('.').ok_or(Malformed)?;
        let text = B64.decode(text).map_err(|_| Malformed)?;
        let tag = B64.decode(tag).map_err(|_| Malformed)?;
        mac(edge_secret, &[CAPABILITY_TAG, &text])
            .verify_slice(&tag)
            .map_err(|_| Signature)?;
        let text = String::from_utf8(text).map_err(|_| Malformed)?;
        let mut parts = text.split(':').map(String::from);
        let mut next = || parts.next().ok_or(Malformed);
        let this = Self {
            site: next()?,
            number: next()?,
            wake: next()?,
            device: next()?,
            expires_at: next()?.parse().map_err(|_| Malformed)?,
        };
        if this.site != site {
            return Err(Foreign);
        }
        if this.expires_at <= now_ms {
            return Err(Expired);
        }
        Ok(this)
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
