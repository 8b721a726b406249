//! The voice gateway: may the mobile be dialled, or is its user reached better by a page?

use crate::ServerCaller;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// What became of dialling the mobile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum DirectFailure {
    /// The SIP status: 480, 408 or 503.
    Status(u16),
    /// Nothing came back.
    Word(Silence),
}

/// Nothing came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Silence {
    /// No answer at all.
    Silence,
}

/// `POST /v1/gateway/calls`: a call to a mobile whose signal the gateway knows; asked again when dialling it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GatewayCall {
    /// The gateway's own id of the call.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub call: String,
    /// The number that is called.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9A-Za-z+*#._-]{1,64}$"))]
    pub number: String,
    /// Who calls.
    pub caller: ServerCaller,
    /// The callee's signal, dBm; `null` or left out: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = -150, maximum = 0))]
    pub signal_dbm: Option<i16>,
    /// The mobile was dialled, and this came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<DirectFailure>,
}

/// Which way a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Dial the mobile.
    Direct,
    /// Hand it to the call server, with the user.
    Divert,
}

/// Why it goes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum WayWhy {
    /// The signal is good.
    Strong,
    /// It is not.
    Weak,
    /// There is none.
    None,
    /// The mobile was dialled in vain.
    Failed,
    /// No device could be woken: diverted, the call ends at once with a cause.
    Unbound,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GatewayRoute {
    /// Where to.
    pub route: Way,
    /// The user; `null` when there is none.
    pub uid: Option<String>,
    /// Why.
    pub why: WayWhy,
}

/// `PUT /v1/gateway/thresholds/{number}`, and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GatewayThreshold {
    /// From this signal on the mobile is dialled, dBm; `null`: as the site says.
    #[cfg_attr(feature = "openapi", schema(minimum = -150, maximum = 0))]
    pub threshold_dbm: Option<i16>,
}
