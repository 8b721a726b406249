//! The INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2).

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::{ClientAction, Transport};
use crate::time::{Duration, Time};
use crate::timers::{ABSORB_RESPONSES, GIVE_UP, T1, Table, Timer};
use crate::wire::{HeaderName, Reason, Request, Response, Text};

/// Where an INVITE client transaction stands.
///
/// ```text
///            INVITE sent
///                 │
///            ┌────▼────┐ 1xx  ┌────────────┐
///   A: again │ Calling ├─────►│ Proceeding │ 1xx: to the user
///            └┬──┬───┬─┘      └─┬────────┬─┘
///        B,   │  │2xx│300-699   │300-699 │2xx
///     failure │  │   │ACK       │ACK     │
///             │  │ ┌─▼──────────▼┐     ┌─▼────────┐
///             │  │ │  Completed  │     │ Accepted │ 2xx: to the user
///             │  └─┼─────────────┼────►│          │
///             │    └──────┬──────┘     └────┬─────┘
///             │           │ D               │ M
///             │      ┌────▼─────┐           │
///             └─────►│Terminated│◄──────────┘
///                    └──────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientInviteState {
    /// Nothing was heard yet.
    Calling,
    /// A provisional response was heard.
    Proceeding,
    /// A failure was heard and acknowledged; its retransmissions are acknowledged again.
    Completed,
    /// A 2xx was heard; further ones (of other branches, or again) go to the user.
    Accepted,
    /// Over.
    Terminated,
}

/// The INVITE client transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientInvite {
    state: ClientInviteState,
    request: Request,
    transport: Transport,
    timers: Table,
    /// The present interval of timer A.
    interval: Duration,
    cancel: Cancel,
    ack: Option<Request>,
}

/// How far a CANCEL has come. It must wait for a provisional response (RFC 3261 §9.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Cancel {
    No,
    Wanted(Vec<Reason>),
    Sent,
}

impl ClientInvite {
    /// Sends the INVITE.
    pub fn start(request: Request, transport: Transport, now: Time) -> (Self, Vec<ClientAction>) {
        let mut timers = Table::default();
        timers.set(Timer::B, now + GIVE_UP);
        if transport == Transport::Unreliable {
            timers.set(Timer::A, now + T1);
        }
        let actions = vec![ClientAction::Send(request.clone())];
        let state = ClientInviteState::Calling;
        (
            Self {
                state,
                request,
                transport,
                timers,
                interval: T1,
                cancel: Cancel::No,
                ack: None,
            },
            actions,
        )
    }

    /// Where it stands.
    pub const fn state(&self) -> ClientInviteState {
        self.state
    }

    /// The INVITE.
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Whether its user has called it off.
    pub const fn is_cancelled(&self) -> bool {
        !matches!(self.cancel, Cancel::No)
    }

    /// When [`ClientInvite::timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        self.timers.deadline()
    }

    /// A response of this transaction arrived.
    pub fn receive(&mut self, response: Response, now: Time) -> Vec<ClientAction> {
        use ClientInviteState as S;
        match (self.state, response.status) {
            (S::Calling | S::Proceeding, ..200) => {
                self.state = S::Proceeding;
                if !matches!(self.cancel, Cancel::Sent) {
                    self.timers.clear();
                }
                let mut actions = vec![ClientAction::Receive(response)];
                if let Cancel::Wanted(reasons) = &mut self.cancel {
                    let reasons = core::mem::take(reasons);
                    actions.push(self.send_cancel(&reasons, now));
                }
                actions
            }
            (S::Calling | S::Proceeding, 200..300) => {
                self.state = S::Accepted;
                self.timers.clear();
                self.timers.set(Timer::M, now + GIVE_UP);
                vec![ClientAction::Receive(response)]
            }
            (S::Calling | S::Proceeding, _) => {
                let ack = self.request.ack_failure(&response);
                self.ack = Some(ack.clone());
                self.timers.clear();
                let mut actions = vec![ClientAction::Send(ack), ClientAction::Receive(response)];
                match self.transport.absorb(ABSORB_RESPONSES) {
                    Duration::ZERO => self.end(&mut actions),
                    wait => {
                        self.state = S::Completed;
                        self.timers.set(Timer::D, now + wait);
                    }
                }
                actions
            }
            (S::Completed, 300..) => self.ack.iter().cloned().map(ClientAction::Send).collect(),
            (S::Accepted, 200..300) => vec![ClientAction::Receive(response)],
            (S::Completed | S::Accepted | S::Terminated, _) => Vec::new(),
        }
    }

    /// The user wants the INVITE cancelled. The CANCEL leaves now, or with the first provisional response; if no final
    /// response follows it in 64·T1 the transaction times out. After a final response there is nothing to cancel.
    pub fn cancel(&mut self, reasons: &[Reason], now: Time) -> Vec<ClientAction> {
        match (self.state, &self.cancel) {
            (ClientInviteState::Calling, Cancel::No) => {
                self.cancel = Cancel::Wanted(reasons.to_vec());
                Vec::new()
            }
            (ClientInviteState::Proceeding, Cancel::No) => vec![self.send_cancel(reasons, now)],
            _ => Vec::new(),
        }
    }

    fn send_cancel(&mut self, reasons: &[Reason], now: Time) -> ClientAction {
        let mut cancel = self.request.cancel();
        for reason in reasons {
            cancel.headers.push(HeaderName::Reason, reason.to_text());
        }
        self.cancel = Cancel::Sent;
        self.timers.set(Timer::B, now + GIVE_UP);
        ClientAction::Cancel(cancel)
    }

    /// Time has passed; does nothing before the deadline.
    pub fn timeout(&mut self, now: Time) -> Vec<ClientAction> {
        let mut actions = Vec::new();
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::A => {
                    self.interval = self.interval * 2;
                    self.timers.set(Timer::A, now + self.interval);
                    actions.push(ClientAction::Send(self.request.clone()));
                }
                Timer::B => {
                    actions.push(ClientAction::TimedOut);
                    self.end(&mut actions);
                }
                _ => self.end(&mut actions),
            }
        }
        actions
    }

    /// This transaction as it waits on for a peer that has not answered at all and may yet: a frozen page reads the
    /// INVITE when it thaws. Nobody waits any longer, so its first provisional response is answered by CANCEL. It has
    /// no deadline; whoever keeps it ends it with its connection.
    #[must_use]
    pub fn abandoned(mut self, reasons: &[Reason]) -> Self {
        self.timers.clear();
        if matches!(self.cancel, Cancel::No) {
            self.cancel = Cancel::Wanted(reasons.to_vec());
        }
        self
    }

    /// The transport could not send, or its flow is gone.
    pub fn transport_failed(&mut self) -> Vec<ClientAction> {
        let mut actions = Vec::new();
        if matches!(
            self.state,
            ClientInviteState::Calling | ClientInviteState::Proceeding
        ) {
            actions.push(ClientAction::TimedOut);
        }
        if self.state != ClientInviteState::Terminated {
            self.end(&mut actions);
        }
        actions
    }

    fn end(&mut self, actions: &mut Vec<ClientAction>) {
        self.state = ClientInviteState::Terminated;
        self.timers.clear();
        actions.push(ClientAction::Ended);
    }
}
