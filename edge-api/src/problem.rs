//! Errors as RFC 9457 problem documents. The table of all of them: `type` path, title, status.

use crate::Wake;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A stable path, one of the constants here.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same words for the same `type`.
    pub title: String,
    /// The HTTP status again.
    pub status: u16,
    /// A sentence about this occurrence that says what to do.
    pub detail: String,
    /// The edge's clock, in problems about the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<u64>,
    /// Seconds to wait, in 429 and 503 (the `Retry-After` header again).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// The wake as it ended, in [`WAKE_OVER`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<Wake>,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The stable `type` path.
    pub path: &'static str,
    /// The title.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
}

impl Kind {
    /// A problem document of this kind.
    pub fn problem(self, detail: impl Into<String>) -> Problem {
        Problem {
            kind: self.path.into(),
            title: self.title.into(),
            status: self.status,
            detail: detail.into(),
            now: None,
            retry_after_s: None,
            wake: None,
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal $path:literal $title:literal;)*) => {
        $($(#[$doc])* pub const $name: Kind = Kind { path: $path, title: $title, status: $status };)*
        /// All of them.
        pub const ALL: &[Kind] = &[$($name),*];
    };
}

kinds! {
    /// The body or a parameter cannot be understood.
    BAD_REQUEST = 400 "/problems/bad-request" "Bad request";
    /// A WebSocket upgrade without the subprotocol `sip`.
    SUBPROTOCOL = 400 "/problems/subprotocol" "Subprotocol sip expected";
    /// No credential, or one that is wrong, foreign, expired or revoked: they look the same.
    UNAUTHORIZED = 401 "/problems/unauthorized" "Not signed in";
    /// A device credential's signature whose clock is too far off; carries `now`.
    CLOCK = 401 "/problems/clock" "Clock too far off";
    /// Unknown number or wrong password: they look the same.
    SIGN_IN = 401 "/problems/sign-in" "Sign-in refused";
    /// A known caller who may not do this, or a page from an origin that is not the site's.
    FORBIDDEN = 403 "/problems/forbidden" "Not allowed";
    /// No such thing, or not this caller's to know of.
    NOT_FOUND = 404 "/problems/not-found" "Not found";
    /// The path exists, the method does not.
    METHOD = 405 "/problems/method" "Method not allowed";
    /// It exists already.
    CONFLICT = 409 "/problems/conflict" "Exists already";
    /// "ready" from a device that has no registration.
    NOT_REGISTERED = 409 "/problems/not-registered" "Device not registered";
    /// The wake has ended; carries `wake`.
    WAKE_OVER = 410 "/problems/wake-over" "Wake is over";
    /// The body is longer than [`crate::BODY_LIMIT`].
    TOO_LARGE = 413 "/problems/too-large" "Body too large";
    /// A push endpoint that is not on the site's allow list.
    ENDPOINT = 422 "/problems/push-endpoint" "Push endpoint not allowed";
    /// A callback's address that is not `https` on a host that the site names in `callbacks` of the call server.
    CALLBACK = 422 "/problems/callback" "Callback not allowed";
    /// `/sip` without a WebSocket upgrade.
    UPGRADE = 426 "/problems/upgrade" "WebSocket expected";
    /// Too many tries; carries `retry_after_s`.
    TOO_MANY = 429 "/problems/too-many" "Too many tries";
    /// The edge failed; the log has the rest.
    INTERNAL = 500 "/problems/internal" "The edge failed";
    /// The deployment's configuration is wrong; the log says where.
    MISCONFIGURED = 500 "/problems/misconfigured" "The edge is not configured";
    /// The directory cannot be reached now; calls are not touched by it.
    UNAVAILABLE = 503 "/problems/unavailable" "Not available now";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_path_is_there_once() {
        let mut paths: Vec<_> = ALL.iter().map(|k| k.path).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), ALL.len());
    }

    #[test]
    fn a_problem_leaves_out_what_it_does_not_know() {
        let json = serde_json::to_string(&NOT_FOUND.problem("look again")).unwrap();
        assert_eq!(
            json,
            r#"{"type":"/problems/not-found","title":"Not found","status":404,"detail":"look again"}"#
        );
    }
}
