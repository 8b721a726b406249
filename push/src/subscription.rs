//! A browser's push subscription, as `PushSubscription.toJSON()` gives it.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::allow::{AllowList, EndpointError};
use crate::crypto::PublicKey;

/// A subscription whose keys have the right form. That its endpoint may be called is asked of an
/// [`AllowList`] when it is bound and again before each push, because the list may change.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Subscription {
    endpoint: String,
    p256dh: PublicKey,
    auth: [u8; 16],
}

/// Why a subscription was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SubscriptionError {
    /// The endpoint may not be called.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Not an uncompressed P-256 point.
    #[error("the subscription's p256dh is not an uncompressed P-256 point of 65 octets")]
    P256dh,
    /// Not 16 octets.
    #[error("the subscription's auth secret is not 16 octets")]
    Auth,
}

#[derive(Serialize, Deserialize)]
struct Raw {
    endpoint: String,
    p256dh: String,
    auth: String,
}

impl Subscription {
    /// Parses what a page sent, and refuses an endpoint that is not on the list.
    ///
    /// # Errors
    /// When a key has the wrong form, or the endpoint may not be called.
    pub fn parse(
        endpoint: &str,
        p256dh: &str,
        auth: &str,
        allow: &AllowList,
    ) -> Result<Self, SubscriptionError> {
        allow.check(endpoint)?;
        Self::from_keys(endpoint.to_owned(), p256dh, auth)
    }

    fn from_keys(endpoint: String, p256dh: &str, auth: &str) -> Result<Self, SubscriptionError> {
        let p256dh = decode(p256dh)
            .and_then(|b| PublicKey::from_octets(&b))
            .ok_or(SubscriptionError::P256dh)?;
        let auth = decode(auth)
            .and_then(|b| b.try_into().ok())
            .ok_or(SubscriptionError::Auth)?;
        Ok(Self {
            endpoint,
            p256dh,
            auth,
        })
    }

    /// The URL of the push resource. A secret: whoever knows it can try to push.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The browser's public key.
    #[must_use]
    pub fn p256dh(&self) -> &PublicKey {
        &self.p256dh
    }

    /// The browser's authentication secret.
    #[must_use]
    pub fn auth(&self) -> &[u8; 16] {
        &self.auth
    }
}

/// Both alphabets of base64, with or without padding: old pages send either.
fn decode(text: &str) -> Option<Vec<u8>> {
    // 65 octets are 88 characters with padding.
    if text.len() > 88 {
        return None;
    }
    let text: String = text
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_");
    URL_SAFE_NO_PAD.decode(text).ok()
}

impl TryFrom<Raw> for Subscription {
    type Error = SubscriptionError;
    fn try_from(raw: Raw) -> Result<Self, SubscriptionError> {
        Self::from_keys(raw.endpoint, &raw.p256dh, &raw.auth)
    }
}

impl From<Subscription> for Raw {
    fn from(s: Subscription) -> Self {
        Self {
            endpoint: s.endpoint,
            p256dh: URL_SAFE_NO_PAD.encode(s.p256dh.as_octets()),
            auth: URL_SAFE_NO_PAD.encode(s.auth),
        }
    }
}

impl fmt::Debug for Subscription {
    /// The endpoint and the secret stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
