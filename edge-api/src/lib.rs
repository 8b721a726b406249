//! The REST types under `/v1`, written once: the worker serves them, the page calls with them.
//!
//! Conventions: JSON; times are milliseconds since the Unix epoch in fields named `*_at` (or `at`); members that are not
//! known are left out, not `null`; errors are [`Problem`] documents (RFC 9457) whose `type` is one of [`problem`].
//!
//! With the feature `tsify` each type is also a TypeScript declaration; values cross the wasm boundary by hand.

#![cfg_attr(not(any(test, feature = "openapi")), no_std)]

#[macro_use]
extern crate alloc;

mod account;
mod callserver;
mod device;
mod gateway;
mod ice;
mod presence;
pub mod problem;
mod reach;
mod records;
mod wake;

pub use account::{
    Account, CreateAccount, MintToken, RenewToken, Session, SignIn, SipAccount, Token,
};
pub use callserver::{
    AskLimits, AskWake, CallServer, ServerCaller, ServerEvent, ServerEventKind, ServerSip,
    ServerWake, callback_message, server_message,
};
pub use device::{
    AppProvider, AppTarget, BindDevice, Device, DeviceList, DevicePublicKey, PushTarget, VapidKey,
    WebPushKind, WebPushTarget, push_message, renew_message,
};
pub use gateway::{
    DirectFailure, GatewayCall, GatewayRoute, GatewayThreshold, Silence, Way, WayWhy,
};
pub use ice::{IceAnswer, IceServer};
pub use presence::{OwnPresence, Presence, PresenceState, SetPresence, Visibility};
pub use problem::Problem;
pub use reach::{BlockCaller, Blocked, BlockedList, DoNotDisturb, SetDoNotDisturb};
pub use records::{
    DeleteAccount, Health, Story, StoryPush, StoryStep, UserAnswer, UserCall, UserCalls,
    UserProperty,
};
pub use wake::{
    DeviceState, DeviceWake, Missed, MissedList, MissedSeen, Party, Waiting, Wake, WakeReport,
    WakeState, Why,
};

/// The subprotocol asked for, and echoed, on the WebSocket upgrade of [`SIP_PATH`] (RFC 7118 §4).
pub const SIP_SUBPROTOCOL: &str = "sip";
/// Where pages open their SIP WebSocket.
pub const SIP_PATH: &str = "/sip";
/// Bodies longer than this many octets are refused with 413.
pub const BODY_LIMIT: usize = 16 * 1024;
/// A signature by a device credential may be this many milliseconds off the edge's clock.
pub const CLOCK_SKEW_MS: u64 = 5 * 60 * 1000;
