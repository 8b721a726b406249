//! The INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1).

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::{ServerAction, Transport};
use crate::time::{Duration, Time};
use crate::timers::{GIVE_UP, T1, T2, T4, TRYING_AFTER, Table, Timer};
use crate::wire::{Method, Request, Response};

/// Where an INVITE server transaction stands.
///
/// ```text
///               INVITE received
///                      │
///               ┌──────▼─────┐ INVITE again: last 1xx
///               │ Proceeding │ 200 ms without answer: 100
///               └─┬────────┬─┘
///         300-699 │        │ 2xx
///          ┌──────▼────┐ ┌─▼────────┐ INVITE again: absorbed
/// G,       │ Completed │ │ Accepted │ 2xx again: sent
/// INVITE:  └┬────────┬─┘ └─────┬────┘ ACK: to the user
/// again     │ ACK    │ H       │
///     ┌─────▼─────┐  │         │ L
///     │ Confirmed │  │         │
///     └─────┬─────┘  │         │
///           │ I  ┌───▼──────┐  │
///           └───►│Terminated│◄─┘
///                └──────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerInviteState {
    /// No final response was sent.
    Proceeding,
    /// A failure was sent; its ACK is awaited.
    Completed,
    /// The ACK came; its retransmissions are absorbed.
    Confirmed,
    /// A 2xx was sent; its user sees to the ACK.
    Accepted,
    /// Over.
    Terminated,
}

/// The INVITE server transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerInvite {
    state: ServerInviteState,
    request: Request,
    transport: Transport,
    timers: Table,
    /// The present interval of timer G.
    interval: Duration,
    last: Option<Response>,
}

impl ServerInvite {
    /// An INVITE arrived that matches no transaction. Unless it is answered within 200 ms, 100 is.
    pub fn start(request: Request, transport: Transport, now: Time) -> Self {
        let mut timers = Table::default();
        timers.set(Timer::Trying, now + TRYING_AFTER);
        Self {
            state: ServerInviteState::Proceeding,
            request,
            transport,
            timers,
            interval: T1,
            last: None,
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> ServerInviteState {
        self.state
    }

    /// The INVITE.
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// The response that was sent last.
    pub const fn last_response(&self) -> Option<&Response> {
        self.last.as_ref()
    }

    /// When [`ServerInvite::timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        self.timers.deadline()
    }

    /// A request of this transaction arrived: the INVITE again, or an ACK.
    pub fn receive(&mut self, request: Request, now: Time) -> Vec<ServerAction> {
        use ServerInviteState as S;
        let mut actions = Vec::new();
        match (self.state, &request.method) {
            (S::Proceeding | S::Completed, Method::Invite) => {
                actions.extend(self.last.iter().cloned().map(ServerAction::Send));
            }
            (S::Completed, Method::Ack) => {
                self.timers.clear();
                match self.transport.absorb(T4) {
                    Duration::ZERO => self.end(&mut actions),
                    wait => {
                        self.state = S::Confirmed;
                        self.timers.set(Timer::I, now + wait);
                    }
                }
            }
            (S::Accepted, Method::Ack) => actions.push(ServerAction::Receive(request)),
            _ => {}
        }
        actions
    }

    /// The user answers. After a final response only further 2xx of an accepted INVITE are sent.
    pub fn respond(&mut self, response: Response, now: Time) -> Vec<ServerAction> {
        use ServerInviteState as S;
        match (self.state, response.status) {
            (S::Proceeding, ..200) => self.timers.stop(Timer::Trying),
            (S::Proceeding, 200..300) => {
                self.state = S::Accepted;
                self.timers.clear();
                self.timers.set(Timer::L, now + GIVE_UP);
            }
            (S::Proceeding, _) => {
                self.state = S::Completed;
                self.timers.clear();
                self.timers.set(Timer::H, now + GIVE_UP);
                if self.transport == Transport::Unreliable {
                    self.timers.set(Timer::G, now + T1);
                }
            }
            (S::Accepted, 200..300) => {}
            _ => return Vec::new(),
        }
        self.last = Some(response.clone());
        vec![ServerAction::Send(response)]
    }

    /// Time has passed; does nothing before the deadline.
    pub fn timeout(&mut self, now: Time) -> Vec<ServerAction> {
        let mut actions = Vec::new();
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Trying => {
                    let trying = Response::for_request(&self.request, 100, "");
                    self.last = Some(trying.clone());
                    actions.push(ServerAction::Send(trying));
                }
                Timer::G => {
                    self.interval = (self.interval * 2).min(T2);
                    self.timers.set(Timer::G, now + self.interval);
                    actions.extend(self.last.iter().cloned().map(ServerAction::Send));
                }
                Timer::H => {
                    actions.push(ServerAction::AckMissing);
                    self.end(&mut actions);
                }
                _ => self.end(&mut actions),
            }
        }
        actions
    }

    /// The flow is gone: nothing can be sent any more. An accepted INVITE keeps its dialog; that is its user's business.
    pub fn transport_failed(&mut self) -> Vec<ServerAction> {
        let mut actions = Vec::new();
        if self.state != ServerInviteState::Terminated {
            self.end(&mut actions);
        }
        actions
    }

    fn end(&mut self, actions: &mut Vec<ServerAction>) {
        self.state = ServerInviteState::Terminated;
        self.timers.clear();
        actions.push(ServerAction::Ended);
    }
}
