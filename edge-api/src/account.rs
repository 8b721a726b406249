//! Accounts, sign-in and the line's tokens.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// `POST /v1/accounts`, by the site's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateAccount {
    /// The number that is dialled, 1–64 of `[0-9A-Za-z+*#._-]`.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Za-z+*#._-]{1,64}$"))]
    pub number: String,
    /// The password for sign-in and for SIP digest.
    #[cfg_attr(feature = "openapi", schema(min_length = 8, max_length = 256))]
    pub password: String,
    /// The name that others see when this line calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    pub display_name: Option<String>,
    /// The site's own id of the user; the number when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Za-z+*#._-]{1,64}$"))]
    pub uid: Option<String>,
}

/// A user's line as the edge knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// The site's own id of the user.
    pub uid: String,
    /// The number that is dialled.
    pub number: String,
    /// The name that others see; empty when none was given.
    pub display_name: String,
    /// `sip:number@domain`.
    pub address_of_record: String,
    /// Where the page registers, when that is not this edge: the site's call server, and what it takes for a while.
    /// For the line itself only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip: Option<SipAccount>,
}

/// A line's account at the site's call server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SipAccount {
    /// Its WebSockets, the first that answers.
    pub servers: Vec<String>,
    /// The SIP domain, and the realm of the credentials.
    pub domain: String,
    /// The user of digest.
    pub username: String,
    /// Its password.
    pub password: String,
    /// When they end; `null`: they do not.
    pub expires_at: Option<u64>,
}

impl core::fmt::Debug for SipAccount {
    /// Without the password.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SipAccount")
            .field("servers", &self.servers)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

/// `POST /v1/sessions`: sign in by password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignIn {
    /// The number of the account.
    pub number: String,
    /// Its password.
    pub password: String,
    /// The device that signs in: the token is then bound to it and dies with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    )]
    pub device: Option<String>,
}

/// `POST /v1/tokens`, by the site's key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MintToken {
    /// The line that the token speaks for.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Za-z+*#._-]{1,64}$"))]
    pub number: String,
    /// The site's own id of the user; the number when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Za-z+*#._-]{1,64}$"))]
    pub uid: Option<String>,
    /// The name that others see when this line calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    pub display_name: Option<String>,
    /// Life in seconds; the site's `token_ttl_s` when left out, and never more than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u32>,
}

/// A token without an account around it: the answer to [`MintToken`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    /// JWT, HS256, for REST and for SIP (RFC 8898).
    pub token: String,
    /// When it ends.
    pub expires_at: u64,
}

/// A token and whom it speaks for: the answer to [`SignIn`] and [`RenewToken`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// JWT, HS256, for REST and for SIP (RFC 8898).
    pub token: String,
    /// When it ends.
    pub expires_at: u64,
    /// Whom it speaks for.
    pub account: Account,
}

/// `POST /v1/tokens/renew`, by the device credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewToken {
    /// The device's id, a lower-case UUID.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    )]
    pub device: String,
    /// The line it is bound to.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Za-z+*#._-]{1,64}$"))]
    pub number: String,
    /// The device's clock; see [`crate::CLOCK_SKEW_MS`].
    pub nonce_at: u64,
    /// base64url of the raw `r‖s` ECDSA P-256 SHA-256 signature over [`crate::renew_message`].
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9_-]*=*$"))]
    pub signature: String,
}
