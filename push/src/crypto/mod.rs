//! Curve P-256, by whichever implementation the platform has.

use std::fmt;
use std::future::Future;

use thiserror::Error;

#[cfg(feature = "rustcrypto")]
mod rust;
#[cfg(all(feature = "webcrypto", target_arch = "wasm32"))]
mod web;

#[cfg(feature = "rustcrypto")]
pub use rust::{PrivateKey, RustCrypto};
#[cfg(all(feature = "webcrypto", target_arch = "wasm32"))]
pub use web::WebCrypto;

/// What Web Push needs of P-256.
pub trait Crypto {
    /// A private key made ready for signing, imported once.
    type SigningKey;

    /// Sixteen fresh random octets.
    ///
    /// # Errors
    /// When the platform has none.
    fn salt(&self) -> Result<[u8; 16], CryptoError>;

    /// ECDH of a key pair made for this one message (RFC 8291 §3.1) with the peer's key.
    fn agree(&self, peer: &PublicKey) -> impl Future<Output = Result<Agreement, CryptoError>>;

    /// Makes a private key, which must belong to the public one, ready for signing.
    fn signing_key(
        &self,
        private: &[u8; 32],
        public: &PublicKey,
    ) -> impl Future<Output = Result<Self::SigningKey, CryptoError>>;

    /// ES256 (RFC 7518 §3.4): ECDSA with SHA-256, `r ‖ s`.
    fn sign(
        &self,
        key: &Self::SigningKey,
        data: &[u8],
    ) -> impl Future<Output = Result<[u8; 64], CryptoError>>;
}

/// What came of a key agreement. The private half is gone.
pub struct Agreement {
    /// Our key of this one message.
    pub public: PublicKey,
    /// The x coordinate that both sides know.
    pub shared: [u8; 32],
}

/// What can go wrong.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CryptoError {
    /// The subscription's key is no point of the curve: nobody can ever push to it.
    #[error("the peer's key is not a point of P-256")]
    PeerKey,
    /// The private VAPID key is no key, or not that of the public one.
    #[error("the signing key does not belong to its public key")]
    SigningKey,
    /// More than one record can hold.
    #[error("the message is too long to encrypt")]
    TooLong,
    /// The platform's cryptography failed.
    #[error("the platform's cryptography failed to {0}")]
    Platform(&'static str),
}

/// An uncompressed P-256 point: 65 octets, the first of them 4. Whether it lies on the curve is
/// found out when it is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; Self::LEN]);

impl PublicKey {
    /// Octets of a key.
    pub const LEN: usize = 65;

    /// A key of the right form.
    #[must_use]
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let octets: [u8; Self::LEN] = octets.try_into().ok()?;
        (octets[0] == 4).then_some(Self(octets))
    }

    /// The octets.
    #[must_use]
    pub fn as_octets(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey")
    }
}
