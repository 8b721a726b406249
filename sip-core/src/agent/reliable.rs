//! Saying reliably that it rings (RFC 3262 §3): again and again until the PRACK.

use crate::time::{Duration, Time};
use crate::timers::{GIVE_UP, T1};
use crate::wire::{HeaderName, Request, Response};
use alloc::string::ToString;

/// A provisional response that waits for its PRACK.
#[derive(Debug)]
pub struct Reliable {
    rseq: u32,
    response: Response,
    interval: Duration,
    again_at: Time,
    give_up_at: Time,
    taken: bool,
}

impl Reliable {
    /// The response with what makes it reliable. `rseq` is drawn below 2³¹.
    pub fn start(response: Response, rseq: u32, now: Time) -> Self {
        let rseq = (rseq >> 1).max(1);
        let response = response
            .with(HeaderName::Require, "100rel")
            .with(HeaderName::RSeq, rseq.to_string());
        Self {
            rseq,
            response,
            interval: T1,
            again_at: now + T1,
            give_up_at: now + GIVE_UP,
            taken: false,
        }
    }

    /// What is sent.
    pub const fn response(&self) -> &Response {
        &self.response
    }

    /// The PRACK of this response, the first one?
    pub fn acknowledge(&mut self, prack: &Request) -> bool {
        let rack = prack.headers.get(HeaderName::RAck).unwrap_or_default();
        let mut words = rack.split_ascii_whitespace();
        let ours = words.next().and_then(|w| w.parse().ok()) == Some(self.rseq)
            && words.eq(self
                .response
                .headers
                .get(HeaderName::CSeq)
                .unwrap_or_default()
                .split_ascii_whitespace());
        let first = ours && !self.taken;
        self.taken |= ours;
        first
    }

    /// It needs no repeating any more: the PRACK came, or a final response follows.
    pub fn stop(&mut self) {
        self.taken = true;
    }

    /// When [`Reliable::timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        (!self.taken).then(|| self.again_at.min(self.give_up_at))
    }

    /// Time has passed: to be sent again, or given up (`Err`).
    pub fn timeout(&mut self, now: Time) -> Result<Option<Response>, ()> {
        if self.deadline().is_none_or(|at| now < at) {
            return Ok(None);
        }
        if now >= self.give_up_at {
            self.taken = true;
            return Err(());
        }
        self.interval = self.interval * 2;
        self.again_at = now + self.interval;
        Ok(Some(self.response.clone()))
    }
}
