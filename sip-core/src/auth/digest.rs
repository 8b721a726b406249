//! [`DigestChallenge`]: what a server asks with (RFC 7616 §3.3).

use alloc::string::String;
use serde::{Deserialize, Serialize};

use super::{Algorithm, AuthError};
use crate::wire::{Challenge, quote};

/// A digest challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestChallenge {
    /// The realm: which password.
    pub realm: String,
    /// The nonce, opaque to the client.
    pub nonce: String,
    /// To be sent back unchanged.
    pub opaque: Option<String>,
    /// The hash.
    pub algorithm: Algorithm,
    /// Is `auth` offered? Without it the form of RFC 2069 is used, as some old servers want.
    pub qop_auth: bool,
    /// Is only `auth-int` offered, so that the body has to be covered?
    #[serde(default)]
    pub covers_body: bool,
    /// Is H(A1) to be bound to the first nonce (`-sess`)?
    #[serde(default)]
    pub session: bool,
    /// Was only the nonce too old, the password being right?
    pub stale: bool,
}

impl DigestChallenge {
    /// A challenge of ours: `auth`, no opaque.
    pub fn new(
        realm: impl Into<String>,
        nonce: impl Into<String>,
        algorithm: Algorithm,
        stale: bool,
    ) -> Self {
        Self {
            realm: realm.into(),
            nonce: nonce.into(),
            opaque: None,
            algorithm,
            qop_auth: true,
            covers_body: false,
            session: false,
            stale,
        }
    }

    /// As a header.
    pub fn to_challenge(&self) -> Challenge {
        let mut challenge = Challenge::new("Digest");
        let params = &mut challenge.params;
        params.set("realm", quote(&self.realm));
        params.set("nonce", quote(&self.nonce));
        if let Some(opaque) = &self.opaque {
            params.set("opaque", quote(opaque));
        }
        params.set("algorithm", self.algorithm.as_str());
        if self.qop_auth {
            params.set("qop", quote("auth"));
        }
        if self.stale {
            params.set("stale", "true");
        }
        challenge
    }

    /// The topmost challenge that is spoken here: servers list them by preference (RFC 8760 §2.4).
    pub fn choose(challenges: &[Challenge]) -> Option<Self> {
        challenges.iter().find_map(|c| Self::try_from(c).ok())
    }
}

impl TryFrom<&Challenge> for DigestChallenge {
    type Error = AuthError;
    fn try_from(challenge: &Challenge) -> Result<Self, AuthError> {
        if !challenge.is("Digest") {
            return Err(AuthError::OtherScheme);
        }
        let text = |name: &str| challenge.text(name);
        let offered = text("qop");
        let offers = |what: &str| {
            let list = offered.as_deref().unwrap_or_default();
            list.split(',').any(|q| q.trim().eq_ignore_ascii_case(what))
        };
        let covers_body = !offers("auth") && offers("auth-int");
        let qop_auth = offers("auth") || covers_body;
        if offered.is_some() && !qop_auth {
            return Err(AuthError::UnknownProtection);
        }
        let algorithm = text("algorithm");
        let plain = algorithm.as_deref().and_then(|name| {
            let at = name.len().checked_sub("-sess".len())?;
            let (plain, end) = name.split_at_checked(at)?;
            end.eq_ignore_ascii_case("-sess").then_some(plain)
        });
        Ok(Self {
            realm: text("realm").ok_or(AuthError::Incomplete)?,
            nonce: text("nonce").ok_or(AuthError::Incomplete)?,
            opaque: text("opaque"),
            algorithm: Algorithm::parse(plain.or(algorithm.as_deref()))?,
            session: plain.is_some(),
            qop_auth,
            covers_body,
            stale: text("stale").is_some_and(|s| s.eq_ignore_ascii_case("true")),
        })
    }
}
