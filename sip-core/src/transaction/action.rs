//! What the machines ask for.

use crate::wire::{Request, Response};

/// What a client transaction asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAction {
    /// Put this on the wire.
    Send(Request),
    /// Start a client transaction of its own for this CANCEL, on the same flow.
    Cancel(Request),
    /// The user of the transaction is to see this response.
    Receive(Response),
    /// No final response came in time: treat it as 408 (RFC 3261 §8.1.3.1).
    TimedOut,
    /// The transaction is over and can be dropped. Always the last action.
    Ended,
}

/// What a server transaction asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAction {
    /// Put this on the wire.
    Send(Response),
    /// The user of the transaction is to see this ACK of its 2xx.
    Receive(Request),
    /// A final failure was never acknowledged.
    AckMissing,
    /// The transaction is over and can be dropped. Always the last action.
    Ended,
}
