//! The Durable Objects. Each is a driver without logic around a pure machine of `wakeline_sip::edge`: it restores the machine
//! from its rows, feeds it what happens, stores the rows that change, and does what the machine says.
//!
//! - [`flow`]: one WebSocket, named `flow:{site}:{token}`
//! - [`line`]: one address-of-record, named `line:{site}:{number}`
//! - [`vendor`]: the token of a site's account at a push vendor, named `vendor:{site}:{vendor}`
//! - [`meter`]: the calls of one caller or of a site in the last minute, in memory only
//!
//! What both share is in [`driver`], [`rows`] and [`peer`] (how they hand each other envelopes); a [`push`] is sent by the line, to an app by [`app_push`]. An object may be forgotten between any two events: nothing
//! lives in memory that is not in its rows, except what may be lost (a timer whose alarm follows, a request under way whose
//! outbox row sends it again).

pub mod app_push;
#[cfg(test)]
mod classes_tests;
pub mod driver;
pub mod flow;
pub mod line;
pub mod meter;
pub mod peer;
pub mod push;
pub mod rows;
pub mod turn;
pub mod vendor;
