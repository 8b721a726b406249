//! Authentication: digest (RFC 7616, RFC 8760) on both sides, and Bearer (RFC 8898).
//!
//! The syntax of the headers belongs to [`wire`](crate::wire::Challenge); here is what they mean. Nonces are minted and
//! judged by who holds the secret for them (an edge signs them), so they are only text here.

mod algorithm;
mod bearer;
mod client;
mod digest;
mod error;
mod server;

pub use algorithm::Algorithm;
pub use bearer::{BearerChallenge, BearerError};
pub use client::{DigestClient, Login};
pub use digest::DigestChallenge;
pub use error::AuthError;
pub use server::DigestResponse;
