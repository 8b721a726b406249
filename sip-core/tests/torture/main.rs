//! The torture tests of RFC 4475 and RFC 5118, each message exact to the octet: what the parser makes of it, and what the
//! page's agent and the edge answer.
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod elements;
mod invalid;
mod ipv6;
mod messages;
mod sums;
mod valid;

/// A message by its name.
fn message(name: &str) -> &'static [u8] {
    let mut all = messages::RFC4475.iter().chain(&messages::RFC5118);
    let found = all.find(|(n, _)| *n == name);
    found.unwrap_or_else(|| panic!("no message {name}")).1
}
