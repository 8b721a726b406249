//! The SIP core of Wakeline: pure and sans-IO.
//!
//! It knows no socket, clock or random source. Bytes, the time and a seed come in; messages, deadlines and events go out.
//! Everything in here compiles for `wasm32-unknown-unknown` and is tested in virtual time.
//!
//! | room | what it owns |
//! |---|---|
//! | [`wire`] | bytes to messages and back, typed headers, limits; imports no other room |
//! | [`transaction`] | the four machines of RFC 3261 §17 with RFC 6026 |
//! | [`dialog`] | dialog state, in-dialog requests, the ACK of a 2xx |
//! | [`agent`] | the page's user agent: one flow, its registration, its calls |
//! | [`auth`] | digest (SHA-256, MD5) on both sides, Bearer |
//! | [`wake`] | the two-level wake state machine |
//! | [`edge`] | registrar, proxy with late forking, parked calls, dialog state |

#![cfg_attr(not(any(test, feature = "rsip")), no_std)]

#[macro_use]
extern crate alloc;

pub mod agent;
pub mod auth;
pub mod dialog;
pub mod edge;
pub mod entropy;
pub mod error;
pub mod id;
pub mod pii;
pub mod time;
pub mod timers;
pub mod transaction;
pub mod wake;
pub mod wire;
