//! Records, for the site's backend; and the end of a user.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// `user_property`: a user's state and address. The names are the product owner's.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(non_snake_case, reason = "the product owner's names")]
pub struct UserProperty {
    /// The user.
    pub User_id: String,
    /// The line.
    pub number: String,
    /// Where the newest connection comes from; left out while offline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub User_ip: Option<String>,
    /// 1 online, 0 offline.
    pub User_netstate: f64,
    /// Since when.
    pub at: f64,
}

/// `user_call`: a call request, as it was asked. The names are the product owner's.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(non_snake_case, reason = "the product owner's names")]
pub struct UserCall {
    /// The call.
    pub id: String,
    /// Who called.
    pub User_id: String,
    /// Who was called; empty once that user was deleted.
    pub Callee_id: String,
    /// When it was asked.
    pub Call_date: f64,
    /// How it ended; left out while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub Outcome: Option<String>,
}

/// `GET /v1/users/{uid}`, by the site's key.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserAnswer {
    /// One a line.
    pub user_property: Vec<UserProperty>,
}

/// `GET /v1/users/{uid}/calls`, by the site's key.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserCalls {
    /// Newest first.
    pub user_call: Vec<UserCall>,
}

/// Body of `DELETE /v1/account`: nobody deletes themselves by a slip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeleteAccount {
    /// The number of the account, once more.
    pub confirm: String,
}

/// What a device of a call reached. Devices are numbered in the order in which they were asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoryStep {
    /// When.
    pub at: u64,
    /// The device's place, from 1.
    pub device: u16,
    /// One of the device states of a wake.
    pub state: String,
}

/// What a push service said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoryPush {
    /// When.
    pub at: u64,
    /// The device's place, from 1; 0 for one that is no longer part of the call.
    pub device: u16,
    /// `google`, `mozilla`, `microsoft`, `apple` or `other`.
    pub provider: String,
    /// `accepted`, `gone`, `throttled`, `later` or `refused`.
    pub answer: String,
}

/// `GET /v1/calls/{id}/story`, by the site's key: how a call went, without anybody's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Story {
    /// The call.
    pub id: String,
    /// When it was asked for.
    pub asked_at: u64,
    /// How it ended, or where it stands.
    pub state: String,
    /// When it was over; left out while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
    /// `caller`, `callee` or `edge`, when it had been answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// Why it expired, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// In order.
    pub steps: Vec<StoryStep>,
    /// In order.
    pub pushes: Vec<StoryPush>,
}

/// `GET /healthz`: what was checked, and how it stands. 503 when calls cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// `ok`, `degraded` (calls go on, records and sign-in wait) or `failing`.
    pub status: String,
    /// An object could be asked, and its storage answered.
    pub storage: String,
    /// D1 answers, and its tables are there.
    pub database: String,
    /// The site's signing and VAPID keys can be read.
    pub keys: String,
}
