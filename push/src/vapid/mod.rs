//! Who we are to a push service: VAPID, RFC 8292.

pub mod tokens;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use thiserror::Error;
use url::Url;

use crate::crypto::{Crypto, CryptoError, PublicKey};
use tokens::Tokens;

/// Life of a token. RFC 8292 §2 allows 24 hours; clocks differ.
const LIFETIME_MS: u64 = 12 * 60 * 60 * 1000;

/// Keys or a subject that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum VapidError {
    /// Not base64url of a point.
    #[error("the VAPID public key is not base64url of an uncompressed P-256 point")]
    PublicKey,
    /// Not base64url of 32 octets.
    #[error("the VAPID private key is not base64url of 32 octets")]
    PrivateKey,
    /// Neither `mailto:` nor `https:`.
    #[error("the VAPID subject must be a mailto: or https: address")]
    Subject,
    /// The keys do not belong together, or the platform failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// The key pair of a site as it stands in the configuration. Never replaced by a deploy: the
/// browsers' subscriptions are bound to it.
#[derive(Clone)]
pub struct VapidKeys {
    public: PublicKey,
    private: [u8; 32],
}

impl VapidKeys {
    /// Reads both keys from base64url.
    ///
    /// # Errors
    /// When either has the wrong form.
    pub fn parse(public: &str, private: &str) -> Result<Self, VapidError> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let public = decode(public)
            .and_then(|b| PublicKey::from_octets(&b))
            .ok_or(VapidError::PublicKey)?;
        let private = decode(private)
            .and_then(|b| b.try_into().ok())
            .ok_or(VapidError::PrivateKey)?;
        Ok(Self { public, private })
    }

    /// The key that pages subscribe with, in base64url.
    #[must_use]
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.public.as_octets())
    }
}

impl fmt::Debug for VapidKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VapidKeys")
    }
}

/// A site's identity: its imported key, and the tokens it has signed. Keep one per site for as
/// long as the process lives; it asks for a signature about twice a day per push service.
pub struct Vapid<C: Crypto> {
    key: C::SigningKey,
    public: String,
    subject: String,
    tokens: Mutex<Tokens>,
}

impl<C: Crypto> Vapid<C> {
    /// Imports the key.
    ///
    /// # Errors
    /// When the keys do not belong together, or the subject is no contact.
    pub async fn new(crypto: &C, keys: &VapidKeys, subject: &str) -> Result<Self, VapidError> {
        if !is_contact(subject) {
            return Err(VapidError::Subject);
        }
        let key = crypto.signing_key(&keys.private, &keys.public).await?;
        Ok(Self {
            key,
            public: keys.public_key(),
            subject: subject.to_owned(),
            tokens: Mutex::default(),
        })
    }

    /// The `Authorization` header for a push to this endpoint.
    ///
    /// # Errors
    /// When the platform cannot sign.
    pub async fn authorization(
        &self,
        crypto: &C,
        now: u64,
        endpoint: &Url,
    ) -> Result<String, CryptoError> {
        let audience = endpoint.origin().ascii_serialization();
        if let Some(value) = self.tokens().current(&audience, now) {
            return Ok(value.to_owned());
        }
        let expires_at = now + LIFETIME_MS;
        let token = self.sign(crypto, &audience, expires_at).await?;
        let value = format!("vapid t={token}, k={}", self.public);
        self.tokens().keep(audience, value.clone(), now, expires_at);
        Ok(value)
    }

    /// Forgets the token for this endpoint, after the service refused it.
    pub fn forget(&self, endpoint: &Url) {
        self.tokens()
            .forget(&endpoint.origin().ascii_serialization());
    }

    /// A JWT (RFC 7519) of the three claims that RFC 8292 §2 knows.
    async fn sign(
        &self,
        crypto: &C,
        audience: &str,
        expires_at: u64,
    ) -> Result<String, CryptoError> {
        /// `{"typ":"JWT","alg":"ES256"}`
        const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9";
        let claims =
            serde_json::json!({ "aud": audience, "exp": expires_at / 1000, "sub": self.subject })
                .to_string();
        let mut token = String::with_capacity(HEADER.len() + claims.len() * 4 / 3 + 92);
        token.push_str(HEADER);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = crypto.sign(&self.key, token.as_bytes()).await?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The lock is never held over an await; a poisoned cache is still a cache.
    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_contact(subject: &str) -> bool {
    match Url::parse(subject) {
        Ok(url) if subject.len() <= 256 => match url.scheme() {
            "mailto" => url.path().contains('@'),
            "https" => url.has_host(),
            _ => false,
        },
        _ => false,
    }
}
