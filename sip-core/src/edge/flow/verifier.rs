//! Tokens are verified by the driver: the machine itself holds no keys.

use crate::id::{DeviceId, Number, Uid};
use crate::time::Time;
use alloc::string::String;

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The line it speaks for.
    pub number: Number,
    /// The user.
    pub uid: Uid,
    /// The name to show.
    pub display_name: Option<String>,
    /// The device it was issued to, if any.
    pub device: Option<DeviceId>,
    /// When it ends.
    pub expires_at: Time,
    /// When it was signed.
    pub issued_at: Option<Time>,
}

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
    /// Anything else; nothing is revealed.
    #[error("the token is not valid")]
    Invalid,
}

/// Verifies tokens of the flow's site.
pub trait Verifier {
    /// Checks a Bearer token (RFC 8898).
    fn bearer(&self, token: &str, now: Time) -> Result<Claims, BearerError>;

    /// A push target for a contact's `pn-provider` and `pn-prid` (RFC 8599), opaque here; `None` for a push service that is not
    /// supported, or may not be called.
    fn push_target(&self, _provider: &str, _prid: &str) -> Option<String> {
        None
    }

    /// What a `Feature-Caps` says of our push services (RFC 8599 §4.1.1, §4.1.4); `None` when there are none.
    fn push_capabilities(&self) -> Option<String> {
        None
    }
}
