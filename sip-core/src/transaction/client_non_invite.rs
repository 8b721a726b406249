//! The non-INVITE client transaction (RFC 3261 §17.1.2).

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::{ClientAction, Transport};
use crate::time::{Duration, Time};
use crate::timers::{GIVE_UP, T1, T2, T4, Table, Timer};
use crate::wire::{Request, Response};

/// Where a non-INVITE client transaction stands.
///
/// ```text
///             request sent
///                  │
///             ┌────▼───┐ 1xx  ┌────────────┐
///   E: again  │ Trying ├─────►│ Proceeding │ E: again
///             └─┬────┬─┘      └─┬────────┬─┘
///          F,   │    │200-699   │200-699 │ F, failure
///       failure │  ┌─▼──────────▼┐       │
///               │  │  Completed  │       │
///               │  └──────┬──────┘       │
///               │         │ K            │
///               │    ┌────▼─────┐        │
///               └───►│Terminated│◄───────┘
///                    └──────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientNonInviteState {
    /// Nothing was heard yet.
    Trying,
    /// A provisional response was heard.
    Proceeding,
    /// A final response was heard; its retransmissions are absorbed.
    Completed,
    /// Over.
    Terminated,
}

/// The non-INVITE client transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientNonInvite {
    state: ClientNonInviteState,
    request: Request,
    transport: Transport,
    timers: Table,
    /// The present interval of timer E.
    interval: Duration,
}

impl ClientNonInvite {
    /// Sends the request.
    pub fn start(request: Request, transport: Transport, now: Time) -> (Self, Vec<ClientAction>) {
        let mut timers = Table::default();
        timers.set(Timer::F, now + GIVE_UP);
        if transport == Transport::Unreliable {
            timers.set(Timer::E, now + T1);
        }
        let actions = vec![ClientAction::Send(request.clone())];
        (
            Self {
                state: ClientNonInviteState::Trying,
                request,
                transport,
                timers,
                interval: T1,
            },
            actions,
        )
    }

    /// Where it stands.
    pub const fn state(&self) -> ClientNonInviteState {
        self.state
    }

    /// The request.
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// When [`ClientNonInvite::timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        self.timers.deadline()
    }

    /// A response of this transaction arrived.
    pub fn receive(&mut self, response: Response, now: Time) -> Vec<ClientAction> {
        use ClientNonInviteState as S;
        match (self.state, response.status) {
            (S::Trying | S::Proceeding, ..200) => {
                self.state = S::Proceeding;
                vec![ClientAction::Receive(response)]
            }
            (S::Trying | S::Proceeding, _) => {
                self.timers.clear();
                let mut actions = vec![ClientAction::Receive(response)];
                match self.transport.absorb(T4) {
                    Duration::ZERO => self.end(&mut actions),
                    wait => {
                        self.state = S::Completed;
                        self.timers.set(Timer::K, now + wait);
                    }
                }
                actions
            }
            (S::Completed | S::Terminated, _) => Vec::new(),
        }
    }

    /// Time has passed; does nothing before the deadline.
    pub fn timeout(&mut self, now: Time) -> Vec<ClientAction> {
        let mut actions = Vec::new();
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::E => {
                    self.interval = match self.state {
                        ClientNonInviteState::Proceeding => T2,
                        _ => (self.interval * 2).min(T2),
                    };
                    self.timers.set(Timer::E, now + self.interval);
                    actions.push(ClientAction::Send(self.request.clone()));
                }
                Timer::F => {
                    actions.push(ClientAction::TimedOut);
                    self.end(&mut actions);
                }
                _ => self.end(&mut actions),
            }
        }
        actions
    }

    /// The transport could not send, or its flow is gone.
    pub fn transport_failed(&mut self) -> Vec<ClientAction> {
        let mut actions = Vec::new();
        if matches!(
            self.state,
            ClientNonInviteState::Trying | ClientNonInviteState::Proceeding
        ) {
            actions.push(ClientAction::TimedOut);
        }
        if self.state != ClientNonInviteState::Terminated {
            self.end(&mut actions);
        }
        actions
    }

    fn end(&mut self, actions: &mut Vec<ClientAction>) {
        self.state = ClientNonInviteState::Terminated;
        self.timers.clear();
        actions.push(ClientAction::Ended);
    }
}
