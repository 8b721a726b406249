//! Whether somebody is there.

use alloc::string::String;
use serde::{Deserialize, Serialize};

/// What a caller can expect of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PresenceState {
    /// It is registered now (`User_netstate` 1).
    Online,
    /// It is not, but a call wakes a device of it.
    Asleep,
    /// Nothing of it could ring (`User_netstate` 0).
    Offline,
}

/// Who may look up a line's state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Every line of the site that is not blocked.
    #[default]
    Everyone,
    /// Only the line itself, and the site's backend.
    Nobody,
}

/// `GET /v1/presence/{number}`: a line's state before it is called. 404 for an unknown line and for one that may not be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Presence {
    /// The line.
    pub number: String,
    /// Its state.
    pub state: PresenceState,
    /// When that was so, by the edge's clock.
    pub at: u64,
}

/// `GET` and `PUT /v1/presence`: the line's own state, and who may look it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnPresence {
    /// Its state.
    pub state: PresenceState,
    /// Who may look it up.
    pub visibility: Visibility,
}

/// Body of `PUT /v1/presence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetPresence {
    /// Who may look up the line's state.
    pub visibility: Visibility,
}
