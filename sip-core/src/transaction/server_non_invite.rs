//! The non-INVITE server transaction (RFC 3261 §17.2.2).

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::{ServerAction, Transport};
use crate::time::{Duration, Time};
use crate::timers::{GIVE_UP, Table, Timer};
use crate::wire::{Request, Response};

/// Where a non-INVITE server transaction stands.
///
/// ```text
///        request received
///               │
///          ┌────▼───┐ 1xx  ┌────────────┐
///          │ Trying ├─────►│ Proceeding │ request again: last 1xx
///          └────┬───┘      └─────┬──────┘
///               │ 200-699        │ 200-699
///             ┌─▼────────────────▼─┐
///             │     Completed      │ request again: the final response
///             └─────────┬──────────┘
///                       │ J
///                 ┌─────▼────┐
///                 │Terminated│
///                 └──────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerNonInviteState {
    /// Nothing was answered yet.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// A final response was sent.
    Completed,
    /// Over.
    Terminated,
}

/// The non-INVITE server transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerNonInvite {
    state: ServerNonInviteState,
    request: Request,
    transport: Transport,
    timers: Table,
    last: Option<Response>,
}

impl ServerNonInvite {
    /// A request arrived that matches no transaction.
    pub fn start(request: Request, transport: Transport) -> Self {
        Self {
            state: ServerNonInviteState::Trying,
            request,
            transport,
            timers: Table::default(),
            last: None,
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> ServerNonInviteState {
        self.state
    }

    /// The request.
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// When [`ServerNonInvite::timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        self.timers.deadline()
    }

    /// The request arrived again.
    pub fn receive(&mut self, _request: &Request) -> Vec<ServerAction> {
        match self.state {
            ServerNonInviteState::Proceeding | ServerNonInviteState::Completed => {
                self.last.iter().cloned().map(ServerAction::Send).collect()
            }
            ServerNonInviteState::Trying | ServerNonInviteState::Terminated => Vec::new(),
        }
    }

    /// The user answers; after a final response nothing is sent any more.
    pub fn respond(&mut self, response: Response, now: Time) -> Vec<ServerAction> {
        use ServerNonInviteState as S;
        if matches!(self.state, S::Completed | S::Terminated) {
            return Vec::new();
        }
        let mut actions = vec![ServerAction::Send(response.clone())];
        if response.is_provisional() {
            self.state = S::Proceeding;
        } else {
            match self.transport.absorb(GIVE_UP) {
                Duration::ZERO => self.end(&mut actions),
                wait => {
                    self.state = S::Completed;
                    self.timers.set(Timer::J, now + wait);
                }
            }
        }
        self.last = Some(response);
        actions
    }

    /// Time has passed; does nothing before the deadline.
    pub fn timeout(&mut self, now: Time) -> Vec<ServerAction> {
        let mut actions = Vec::new();
        while self.timers.take_due(now).is_some() {
            self.end(&mut actions);
        }
        actions
    }

    /// The flow is gone.
    pub fn transport_failed(&mut self) -> Vec<ServerAction> {
        let mut actions = Vec::new();
        if self.state != ServerNonInviteState::Terminated {
            self.end(&mut actions);
        }
        actions
    }

    fn end(&mut self, actions: &mut Vec<ServerAction>) {
        self.state = ServerNonInviteState::Terminated;
        self.timers.clear();
        actions.push(ServerAction::Ended);
    }
}
