//! The doors through which strangers reach us, each as one function of bytes. A door panics when a promise is broken;
//! whatever else comes in must be answered or dropped.
//!
//! libFuzzer calls them (`cargo xtask fuzz`), and so does the replay of the corpora on any toolchain (`cargo test`).
//!
//! | door | what the bytes are | what is promised |
//! |---|---|---|
//! | [`wire`] | one frame | no panic; what is accepted is written so that it reads the same |
//! | [`agent`] | steps: frames, timers, wishes, media | no panic, nothing spins, what is sent can be read, it comes to rest |
//! | [`edge`] | steps: frames on three sockets, commands, pushes, lost and late envelopes | the same, every object forgotten at each step, rows bounded |
//! | [`push`] | answers of push services | no panic; a pause is at most a day; the wake ends once and in time |
//! | [`rest`] | a route and its body | no panic; what is accepted is within the contract and written as it was read |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a broken promise is to panic: that is how it is found"
)]

mod agent;
mod bytes;
mod edge;
mod push;
mod rest;
mod wire;

pub use agent::agent;
pub use edge::edge;
pub use push::push;
pub use rest::rest;
pub use wire::wire;

/// A door.
pub type Door = fn(&[u8]);

/// Every door by the name of its target and of its corpus.
pub const ALL: [(&str, Door); 5] = [
    ("wire", wire),
    ("agent", agent),
    ("edge", edge),
    ("push", push),
    ("rest", rest),
];
