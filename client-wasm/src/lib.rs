//! The driver of `sip-core` in a web page: what JavaScript calls, what the browser gives, and no decision of its own that
//! the core could make.
//!
//! | module | what it owns |
//! |---|---|
//! | [`bindings`], [`types`] | the boundary to TypeScript, typed |
//! | [`phone`], [`leader`], [`channel`] | one tab of a browser profile leads, the others show it |
//! | [`driver`] | the agent's inputs and outputs |
//! | `beside` | messages, subscriptions, publications (feature `beside`) |
//! | [`opening`] | what the page said before this core was there |
//! | [`session`] | the line's token, the device's credential, requests under `/v1` |
//! | [`server`] | a line at a SIP server that is not our edge |
//! | [`store`], [`device`], [`rest`], [`bodies`], [`asked`] | IndexedDB, WebCrypto, `fetch`, what it carries; how a server asks for proof |
//! | [`socket`], [`listener`], [`timer`], [`clock`], [`page`] | the WebSocket; what happens to something of the browser; an alarm that a hidden page does not slow down; a clock that nobody sets; time and painting |
//! | [`table`], [`once`], [`plain`] | a map for a handful; a value that is told once; plain values of JavaScript |
//! | [`media`], [`ice`] | microphone and peer connection of one call |
//!
//! How the browser is asked for what it has stands in `js/core`.

#![cfg_attr(all(target_arch = "wasm32", not(any(test, feature = "std"))), no_std)]

#[macro_use]
extern crate alloc;

#[cfg(all(target_arch = "wasm32", not(any(test, feature = "std"))))]
mod bare;

pub mod asked;
#[cfg(feature = "beside")]
pub mod beside;
pub mod bindings;
pub mod bodies;
pub mod channel;
pub mod clock;
pub mod device;
pub mod driver;
pub mod ice;
pub mod leader;
pub mod listener;
pub mod media;
pub mod once;
pub mod opening;
pub mod page;
pub mod phone;
pub mod plain;
pub mod problem;
pub mod rest;
pub mod server;
pub mod session;
pub mod socket;
pub mod store;
pub mod table;
pub mod timer;
pub mod types;
#[cfg(feature = "beside")]
mod ways;
