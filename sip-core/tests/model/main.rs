//! The edge against a model: random sequences of everything that people, pages, push services and networks do, every
//! object forgotten between any two inputs, judged by what a person outside may rely on.
//!
//! `WAKELINE_SEQUENCES` says how many (`cargo xtask test` plays 3,000, with `--full` 100,000, both optimised, these by
//! the profile `model`), `WAKELINE_SEED` which; a failure is shrunk and printed, and its seed kept in `regressions.txt`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "the edge's own tests use the rest of it")]
#[path = "../edge/page.rs"]
mod page;
#[allow(dead_code, reason = "the edge's own tests use the rest of it")]
#[path = "../edge/sim.rs"]
mod sim;

mod judge;
mod play;
mod sequences;
mod steps;
