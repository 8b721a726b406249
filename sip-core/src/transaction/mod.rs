//! The four transaction machines of RFC 3261 §17, with the corrections of RFC 6026.
//!
//! Each machine is a value: it is told what arrived and what time it is, and answers with what is to be done. Between
//! any two inputs it can be serialised, forgotten, and restored. Who holds it asks [`deadline`](ClientInvite::deadline)
//! and calls `timeout` then; both are safe to call at any time.
//!
//! | machine | who holds it | timers |
//! |---|---|---|
//! | [`ClientInvite`] | who sends an INVITE | A B D M |
//! | [`ClientNonInvite`] | who sends anything else (but ACK) | E F K |
//! | [`ServerInvite`] | who received an INVITE | G H I L |
//! | [`ServerNonInvite`] | who received anything else (but ACK) | J |
//!
//! Over a [`Transport::Reliable`] one (WebSocket, TCP) nothing is retransmitted and nothing is waited for at the end.

mod action;
mod client_invite;
mod client_non_invite;
mod key;
mod server_invite;
mod server_non_invite;

use serde::{Deserialize, Serialize};

pub use action::{ClientAction, ServerAction};
pub use client_invite::{ClientInvite, ClientInviteState};
pub use client_non_invite::{ClientNonInvite, ClientNonInviteState};
pub use key::{ClientKey, ServerKey};
pub use server_invite::{ServerInvite, ServerInviteState};
pub use server_non_invite::{ServerNonInvite, ServerNonInviteState};

use crate::time::Duration;

/// Does the transport below deliver by itself?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// WebSocket, TCP, TLS.
    Reliable,
    /// UDP.
    Unreliable,
}

impl Transport {
    /// The time to absorb what is retransmitted: none where nothing is.
    fn absorb(self, unreliable: Duration) -> Duration {
        match self {
            Self::Reliable => Duration::ZERO,
            Self::Unreliable => unreliable,
        }
    }
}
