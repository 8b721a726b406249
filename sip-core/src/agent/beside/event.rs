//! What the page can want beside calls, and what it is told.

use super::super::event::Party;
use super::MessageSummary;
use crate::pii::Pii;
use crate::time::Time;
use alloc::{boxed::Box, string::String, vec::Vec};

/// A message, a subscription or a publication of this agent; one of [`Agent::next_beside`](super::super::Agent::next_beside).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BesideId(pub u64);

/// What a page can want beside calls.
#[derive(Clone, Debug)]
pub enum BesideCommand {
    /// Take messages of these types too, not only plain text.
    Accept(Vec<String>),
    /// Send a message. Ends in [`BesideEvent::Sent`].
    Message {
        /// Its id.
        id: BesideId,
        /// A number, or a whole SIP URI.
        to: Pii<String>,
        /// `text/plain` or another type.
        content_type: String,
        /// The message itself.
        body: Pii<Vec<u8>>,
    },
    /// The user types to this number: a key was pressed. The other side is told when it begins and when it stops.
    Typing(Pii<String>),
    /// Be told of a state, until [`BesideCommand::Unsubscribe`].
    Subscribe {
        /// Its id.
        id: BesideId,
        /// Whose state: a number, or a whole SIP URI.
        to: Pii<String>,
        /// The event package: `dialog`, `presence`, `message-summary`, `conference` …
        package: String,
        /// The types of its bodies that are wanted; empty for the package's own.
        accept: Vec<String>,
        /// For how many seconds at a time; renewed by itself.
        expires: u32,
    },
    /// Be told no more.
    Unsubscribe(BesideId),
    /// Publish a state of ours, or change it when this id has published before.
    Publish {
        /// Its id.
        id: BesideId,
        /// The event package.
        package: String,
        /// What the body is.
        content_type: String,
        /// The state.
        body: Pii<Vec<u8>>,
        /// For how many seconds at a time; renewed by itself.
        expires: u32,
    },
    /// Take it back.
    Unpublish(BesideId),
}

/// What the page is told beside calls.
#[derive(Clone, Debug, PartialEq)]
pub enum BesideEvent {
    /// Someone wrote.
    Message {
        /// Who.
        from: Party,
        /// `text/plain` or one of those that the page takes.
        content_type: String,
        /// The message. Data, never markup.
        body: Pii<Vec<u8>>,
    },
    /// Someone types, or stopped typing.
    Composing {
        /// Who.
        from: Party,
        /// Types now.
        active: bool,
    },
    /// What became of a message: its final status. 2xx: it has arrived, or, 202, it will. 0: it could not be sent.
    Sent(BesideId, u16),
    /// Where a subscription stands.
    Subscription(BesideId, SubscriptionState),
    /// The state that was subscribed to.
    Notified {
        /// Of which subscription.
        id: BesideId,
        /// Who of several that answered one subscription, counted from 0.
        branch: u32,
        /// The type of the body.
        content_type: String,
        /// The body; empty where there is no state.
        body: Pii<Vec<u8>>,
        /// For `message-summary`, what it says.
        summary: Option<Box<MessageSummary>>,
    },
    /// Where a publication stands.
    Publication(BesideId, PublicationState),
}

/// Where a subscription stands.
///
/// ```text
/// Asking → Pending → Active → Ended
///    ↑        ↓         ↓
///    └──── Waiting ─────┘
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionState {
    /// It has been asked for.
    Asking,
    /// Someone there has yet to allow it.
    Pending,
    /// It stands.
    Active,
    /// It was ended or failed, and is asked for again at this time.
    Waiting {
        /// When.
        retry_at: Time,
    },
    /// It is over, by our wish (status 200) or for good.
    Ended {
        /// With this status.
        status: u16,
        /// The notifier's word: `rejected`, `noresource`, `invariant`; may be empty.
        reason: String,
    },
}

/// Where a publication stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicationState {
    /// The server has it, as it was given last.
    Published,
    /// It failed, and is tried again at this time.
    Waiting {
        /// When.
        retry_at: Time,
    },
    /// It is over, by our wish (status 200) or for good.
    Ended {
        /// With this status.
        status: u16,
    },
}
