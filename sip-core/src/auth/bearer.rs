//! [`BearerChallenge`]: asks for a token (RFC 8898 §2.1). The credentials are [`Credentials::bearer`].
//!
//! [`Credentials::bearer`]: crate::wire::Credentials::bearer

use super::AuthError;
use crate::wire::{Challenge, quote};
use alloc::string::String;

/// What was wrong with the token (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerError {
    /// Expired, revoked, malformed, or of another issuer.
    InvalidToken,
    /// It does not allow this.
    InsufficientScope,
    /// The credentials were not understood.
    InvalidRequest,
}

impl BearerError {
    const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidRequest => "invalid_request",
        }
    }
}

/// A Bearer challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerChallenge {
    /// The realm.
    pub realm: String,
    /// Where tokens are had.
    pub authz_server: Option<String>,
    /// Which scope is asked for.
    pub scope: Option<String>,
    /// Why the last token was refused.
    pub error: Option<BearerError>,
}

impl BearerChallenge {
    /// A challenge of a realm.
    pub fn new(realm: impl Into<String>, error: Option<BearerError>) -> Self {
        Self {
            realm: realm.into(),
            authz_server: None,
            scope: None,
            error,
        }
    }

    /// As a header.
    pub fn to_challenge(&self) -> Challenge {
        let mut challenge = Challenge::new("Bearer");
        challenge.params.set("realm", quote(&self.realm));
        let optional = [
            ("authz_server", self.authz_server.as_deref()),
            ("scope", self.scope.as_deref()),
            ("error", self.error.map(BearerError::as_str)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                challenge.params.set(name, quote(value));
            }
        }
        challenge
    }
}

impl TryFrom<&Challenge> for BearerChallenge {
    type Error = AuthError;
    fn try_from(challenge: &Challenge) -> Result<Self, AuthError> {
        if !challenge.is("Bearer") {
            return Err(AuthError::OtherScheme);
        }
        let text = |name: &str| challenge.text(name);
        let errors = [
            BearerError::InvalidToken,
            BearerError::InsufficientScope,
            BearerError::InvalidRequest,
        ];
        Ok(Self {
            realm: text("realm").ok_or(AuthError::Incomplete)?,
            authz_server: text("authz_server"),
            scope: text("scope"),
            error: text("error").and_then(|t| errors.into_iter().find(|e| e.as_str() == t)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_challenge_goes_there_and_back() {
        let challenge =
            BearerChallenge::new("example.com", Some(BearerError::InvalidToken)).to_challenge();
        assert_eq!(
            challenge.to_string(),
            r#"Bearer realm="example.com", error="invalid_token""#
        );
        let back = BearerChallenge::try_from(&challenge.to_string().parse::<Challenge>().unwrap())
            .unwrap();
        assert_eq!(back.error, Some(BearerError::InvalidToken));
    }
}
