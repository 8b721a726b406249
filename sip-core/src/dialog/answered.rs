//! [`AnsweredInvite`]: a callee's 2xx until its ACK (RFC 3261 §13.3.1.4).

use serde::{Deserialize, Serialize};

use crate::time::{Duration, Time};
use crate::timers::{GIVE_UP, T1, T2};
use crate::wire::Response;

/// What an answered INVITE asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnsweredAction {
    /// Send the 2xx again, through its server transaction.
    Send(Response),
    /// No ACK came in 64·T1: the dialog stands, and is to be ended with a BYE.
    AckMissing,
}

/// A 2xx that is sent again until its ACK comes, whatever the transport: a hop behind the first may lose it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnsweredInvite {
    response: Response,
    cseq: u32,
    interval: Duration,
    again_at: Time,
    give_up_at: Time,
    acknowledged: bool,
    given_up: bool,
}

impl AnsweredInvite {
    /// The 2xx was just sent for the first time.
    pub fn start(response: Response, invite_cseq: u32, now: Time) -> Self {
        Self {
            response,
            cseq: invite_cseq,
            interval: T1,
            again_at: now + T1,
            give_up_at: now + GIVE_UP,
            acknowledged: false,
            given_up: false,
        }
    }

    /// The 2xx.
    pub const fn response(&self) -> &Response {
        &self.response
    }

    /// An ACK of this dialog arrived. Is it the first one of this INVITE?
    pub fn acknowledge(&mut self, ack_cseq: u32) -> bool {
        let first = !self.is_over() && ack_cseq == self.cseq;
        self.acknowledged |= first;
        first
    }

    /// Has the ACK come?
    pub const fn is_acknowledged(&self) -> bool {
        self.acknowledged
    }

    /// When [`AnsweredInvite::timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        (!self.is_over()).then(|| self.again_at.min(self.give_up_at))
    }

    /// Time has passed; does nothing before the deadline, and nothing after the ACK or after it gave up.
    pub fn timeout(&mut self, now: Time) -> Option<AnsweredAction> {
        if self.is_over() || now < self.again_at.min(self.give_up_at) {
            return None;
        }
        if now >= self.give_up_at {
            self.given_up = true;
            return Some(AnsweredAction::AckMissing);
        }
        self.interval = (self.interval * 2).min(T2);
        self.again_at = now + self.interval;
        Some(AnsweredAction::Send(self.response.clone()))
    }

    const fn is_over(&self) -> bool {
        self.acknowledged || self.given_up
    }
}
