//! The `Topic` header, RFC 8030 §5.4: a newer message takes the place of an older one with the
//! same topic, in the push service's store and, as the notification's tag, on the screen.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The topic of a wake: 32 base64url characters of the SHA-256 of its id. A hash, because the
/// push service reads it and has no need to know the id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic(String);

impl Topic {
    /// The topic of this wake.
    #[must_use]
    pub fn of(wake: &str) -> Self {
        // 24 octets are exactly 32 characters.
        Self(URL_SAFE_NO_PAD.encode(&Sha256::digest(wake.as_bytes())[..24]))
    }

    /// As it stands in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
