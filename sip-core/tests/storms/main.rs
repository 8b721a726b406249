//! Stories drawn from a seed: people with one to three devices who call, answer, decline, hang up, open and close pages,
//! on networks that drop, delay, repeat and reorder. Real agents, real flows and lines, virtual time; objects of the edge
//! are restored from their rows before each input and forgotten after it. What a single call does is told in
//! `tests/agents` and `tests/edge`; here only what must hold whatever happens.
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod edge;
mod person;
mod stories;
mod world;
