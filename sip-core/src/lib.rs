//! The SIP core of Wakeline: pure and sans-IO.
//!
//! It knows no socket, clock or random source. Bytes, the time and a seed come in; messages, deadlines and events go out.
//! Everything in here compiles for `wasm32-unknown-unknown` and is tested in virtual time.

pub mod edge;
pub mod entropy;
pub mod time;
pub mod wake;
