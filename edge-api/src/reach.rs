//! Who may reach a user: blocked callers, do-not-disturb.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A caller who is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Blocked {
    /// The caller's number.
    pub number: String,
    /// The name it went by when it was blocked; may be empty.
    pub display_name: String,
    /// Since when.
    pub at: u64,
}

/// `GET /v1/blocked`, and the answer to every change of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockedList {
    /// Newest first.
    pub blocked: Vec<Blocked>,
}

/// Body of `PUT /v1/blocked/{number}`; may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockCaller {
    /// The name it goes by, to recognise it in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    pub display_name: Option<String>,
}

/// `GET /v1/do-not-disturb`, and the answer to its `PUT`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DoNotDisturb {
    /// Nothing rings, and callers are told.
    pub on: bool,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

/// Body of `PUT /v1/do-not-disturb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetDoNotDisturb {
    /// On or off.
    pub on: bool,
}
