//! The lower rooms seen from outside, by their public API alone: wire, transaction, dialog.
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod dialogs;
mod fixtures;
#[path = "../torture/messages.rs"]
mod torture;
mod transactions_client;
mod transactions_server;
mod wire_limits;
mod wire_refused;
mod wire_rsip;
mod wire_valid;
