//! [`Flow`]: one connection, RFC 5626. Caps and authenticates what arrives, owns the transactions of its socket.
//!
//! | table | key | what |
//! |---|---|---|
//! | `flow` | `state` | since when the socket is open, and since when nobody is registered on it |
//! | `identities` | number | who registered on this socket, until when |
//! | `server` | server transaction key | requests of the page that wait for their answer |
//! | `client` | branch and method | requests to the page that wait for its answer |
//! | `calls` | wake | the line that owns a call which uses this flow |
//! | `nonces` | nonce | digest challenges given out on this socket |
//! | `life` | `page` | whether the page of a waiting call has been asked for a sign of life |
//! | `out_streams`, `outbox`, `in_streams`, `inbox` | | messages from and to lines |

mod client;
mod ingress;
mod life;
mod register;
mod server;
mod verifier;

use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
pub(in crate::edge) use ingress::edge_host;
pub use verifier::{BearerError, Claims, Verifier};

use super::config::SiteConfig;
use super::messages::{FlowToLine, LineToFlow, Party, flow_object, line_object};
use super::outbox::{Envelope, EnvelopeId, Inbox, NO_CALL, NotTaken, Outbox};
use super::rows::{Row, RowChange, RowError, Table};
use crate::entropy::Entropy;
use crate::id::{DeviceId, FlowToken, Number, WakeId};
use crate::time::Time;
use crate::wire::Request;
use alloc::collections::VecDeque;
use serde::{Deserialize, Serialize};

/// Calls that one socket takes part in.
const MAX_CALLS: usize = 64;

/// What happens to a flow.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is moved once"
)]
pub enum FlowInput {
    /// The socket was accepted.
    Opened {
        /// Where it comes from, if the driver knows.
        address: Option<String>,
    },
    /// A text or binary frame arrived.
    Frame(Vec<u8>),
    /// The socket is closed, by whomever.
    Closed,
    /// A line sent something. Also fed to a flow whose socket is long gone (restored from no rows):
    /// it answers the line with [`FlowToLine::Gone`].
    Envelope(Envelope<LineToFlow>),
    /// The receiver of this envelope has stored it.
    Delivered(EnvelopeId),
    /// The receiver of this envelope, which asks, has stored it and answers.
    Answered {
        /// The question.
        id: EnvelopeId,
        /// The line's [`LineOutput::Answer`](super::line::LineOutput::Answer).
        msg: Box<LineToFlow>,
    },
    /// [`Flow::deadline`] has come.
    Timeout,
}

/// What a flow wants done.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is moved once"
)]
pub enum FlowOutput {
    /// Store or delete a row, before anything after it leaves.
    Row(RowChange),
    /// Deliver to the line object named in `to`; may be repeated until `Delivered`.
    Send(Envelope<FlowToLine>),
    /// Send on the socket as one frame (text when it is UTF-8, else binary).
    Frame(Vec<u8>),
    /// Close the socket. Feed [`FlowInput::Closed`] after it.
    Close {
        /// RFC 6455 close code.
        code: u16,
        /// Why.
        reason: &'static str,
    },
}

/// The socket itself. No row: it is closed, or never was.
#[derive(Debug, Serialize, Deserialize)]
struct Socket {
    opened_at: Time,
    /// Since when nobody is registered on it.
    idle_since: Option<Time>,
    /// A close was asked for.
    closing: bool,
    /// How often somebody gave wrong credentials.
    #[serde(default)]
    wrong: u32,
    /// Where it comes from.
    #[serde(default)]
    address: Option<String>,
    /// Its page has answered a question for a sign of life.
    #[serde(default)]
    answers: bool,
}

/// Somebody who registered on this socket.
#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    party: Party,
    device: Option<DeviceId>,
    until: Time,
    /// When its line said so, by that line's clock: an end of before does not concern it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Time>,
}

/// A call that uses this flow.
#[derive(Debug, Serialize, Deserialize)]
struct CallRef {
    line: Number,
    /// The dialog it is, once both ends know it by that. A caller that came back has two names for one call here: that
    /// of the INVITE it repeated, and the call's own, by which later requests come.
    #[serde(default)]
    dialog: Option<String>,
}

/// One connection.
pub struct Flow {
    config: SiteConfig,
    entropy: Entropy,
    verifier: Box<dyn Verifier>,
    socket: Table<Socket>,
    identities: Table<Identity>,
    server: Table<server::ServerRow>,
    client: Table<client::ClientRow>,
    calls: Table<CallRef>,
    nonces: Table<register::Nonce>,
    life: Table<life::Life>,
    outbox: Outbox<FlowToLine>,
    inbox: Inbox<LineToFlow>,
    /// Frames that may still be sent at once: a rate limit in memory only, an idle socket has all of it.
    tokens: u32,
    tokens_at: Time,
    /// When the last frame came: in memory only, a page is asked once more when it is forgotten.
    heard_at: Time,
    effects: Vec<FlowOutput>,
    output: VecDeque<FlowOutput>,
}

impl Flow {
    /// Builds a flow from its rows: none for a new socket. `entropy` is seeded afresh each time.
    pub fn restore(
        config: SiteConfig,
        token: FlowToken,
        entropy: Entropy,
        verifier: Box<dyn Verifier>,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<Self, RowError> {
        let mut flow = Self {
            outbox: Outbox::new(flow_object(&config.id, &token)),
            inbox: Inbox::default(),
            tokens: config.edge.frames_burst,
            tokens_at: Time::ZERO,
            heard_at: Time::ZERO,
            config,
            entropy,
            verifier,
            socket: Table::new("flow"),
            identities: Table::new("identities"),
            server: Table::new("server"),
            client: Table::new("client"),
            calls: Table::new("calls"),
            nonces: Table::new("nonces"),
            life: Table::new("life"),
            effects: Vec::new(),
            output: VecDeque::new(),
        };
        for row in rows {
            let _known = flow.socket.restore(&row)?
                || flow.identities.restore(&row)?
                || flow.server.restore(&row)?
                || flow.client.restore(&row)?
                || flow.calls.restore(&row)?
                || flow.nonces.restore(&row)?
                || flow.life.restore(&row)?
                || flow.outbox.restore(&row)?
                || flow.inbox.restore(&row)?;
        }
        Ok(flow)
    }

    /// Takes one input. Drain [`Flow::poll_output`] after it. `false` for an envelope that was not taken: its sender
    /// must not hear that it has arrived, so that it comes again (the driver answers 503).
    pub fn handle_input(&mut self, now: Time, input: FlowInput) -> bool {
        let mut taken = true;
        match input {
            FlowInput::Opened { address } => {
                self.socket.insert(
                    "state",
                    Socket {
                        opened_at: now,
                        idle_since: Some(now),
                        closing: false,
                        wrong: 0,
                        address,
                        answers: false,
                    },
                );
            }
            FlowInput::Frame(bytes) => self.frame(now, &bytes),
            FlowInput::Closed => self.closed(now),
            FlowInput::Envelope(envelope) => match self.inbox.receive(now, envelope) {
                Ok(ready) => {
                    for envelope in ready {
                        self.message(now, envelope);
                    }
                }
                Err(NotTaken) => taken = false,
            },
            FlowInput::Delivered(id) => self.outbox.delivered(now, &id),
            FlowInput::Answered { id, msg } => {
                if self.outbox.answered(now, &id).is_some() {
                    self.said(now, now, &id.to, &id.call, *msg);
                }
            }
            FlowInput::Timeout => self.timeout(now),
        }
        self.finish_turn();
        taken
    }

    /// The next thing to do; row changes come before everything else of the same turn.
    pub fn poll_output(&mut self) -> Option<FlowOutput> {
        self.output.pop_front()
    }

    /// When [`FlowInput::Timeout`] is wanted; the driver keeps it as its one alarm.
    pub fn deadline(&self) -> Option<Time> {
        let idle = self
            .socket
            .get("state")
            .filter(|s| !s.closing)
            .and_then(|s| s.idle_since);
        [
            self.outbox.deadline(),
            self.inbox.deadline(),
            self.life_deadline(),
            idle.map(|since| since + self.config.edge.unregistered),
        ]
        .into_iter()
        .flatten()
        .chain(self.identities.values().map(|identity| identity.until))
        .chain(self.server.values().filter_map(server::ServerRow::deadline))
        .chain(self.client.values().filter_map(client::ClientRow::deadline))
        .chain(self.nonces.values().map(|nonce| nonce.until))
        .min()
    }

    /// The numbers that are registered on this flow.
    pub fn numbers(&self) -> Vec<Number> {
        self.identities
            .values()
            .map(|identity| identity.party.number.clone())
            .collect()
    }

    fn message(&mut self, now: Time, envelope: Envelope<LineToFlow>) {
        let Envelope {
            from,
            call,
            at,
            msg,
            ..
        } = envelope;
        self.said(now, at, &from, &call, msg);
    }

    /// What a line said, and when by its clock.
    fn said(&mut self, now: Time, at: Time, from: &str, call: &str, msg: LineToFlow) {
        if !self.is_open() {
            // The line believes in a socket that is gone: tell it, whatever it wanted.
            if !matches!(msg, LineToFlow::Unbound { .. }) {
                self.outbox.send(now, from, call, FlowToLine::Gone);
            }
            return;
        }
        match msg {
            LineToFlow::Registered { tx, outcome, at } => self.registered(now, &tx, outcome, at),
            LineToFlow::Unbound { number } => self.unbound(now, at, &number),
            LineToFlow::Answer { tx, answer } => self.answer(now, call, tx, &answer),
            LineToFlow::Response { tx, response } => self.relay_response(now, call, tx, response),
            LineToFlow::Probe {
                device,
                contact,
                number,
            } => {
                self.probe(now, from, call, device, &contact, &number);
            }
            LineToFlow::Request { tx, request } => {
                self.send_request(now, from, call, tx, request);
            }
            LineToFlow::Cancel { tx, reason } => self.send_cancel(now, from, &tx, &reason),
        }
    }

    fn timeout(&mut self, now: Time) {
        for envelope in self.outbox.timeout(now) {
            self.undeliverable(now, envelope);
        }
        self.inbox.timeout(now);
        for key in self.identities.keys_where(|identity| identity.until <= now) {
            self.identities.remove(&key);
        }
        for key in self.nonces.keys_where(|nonce| nonce.until <= now) {
            self.nonces.remove(&key);
        }
        self.server_timeout(now);
        self.client_timeout(now);
        self.life_timeout(now);
        self.note_idle(now);
        let limit = self.config.edge.unregistered;
        let idle =
            |s: &Socket| !s.closing && s.idle_since.is_some_and(|since| now >= since + limit);
        if self.socket.get("state").is_some_and(idle) {
            self.close(1008, "nothing registered");
        }
    }

    /// The socket is gone: its transactions end, and every line that counted on it is told.
    fn closed(&mut self, now: Time) {
        if self.socket.remove("state").is_none() {
            return;
        }
        for key in self.identities.keys_where(|_| true) {
            if let Some(identity) = self.identities.remove(&key) {
                let line = line_object(&self.config.id, &identity.party.number);
                self.outbox.send(now, &line, NO_CALL, FlowToLine::Gone);
            }
        }
        for wake in self.calls.keys_where(|_| true) {
            if let Some(call) = self.calls.remove(&wake) {
                let line = line_object(&self.config.id, &call.line);
                self.outbox.send(now, &line, &wake, FlowToLine::Gone);
            }
        }
        self.server_closed();
        self.client_closed(now);
        for key in self.nonces.keys_where(|_| true) {
            self.nonces.remove(&key);
        }
    }

    fn is_open(&self) -> bool {
        self.socket.contains("state")
    }

    fn close(&mut self, code: u16, reason: &'static str) {
        if let Some(socket) = self.socket.get_mut("state") {
            socket.closing = true;
            self.effects.push(FlowOutput::Close { code, reason });
        }
    }

    /// Keeps the time since which nobody is registered here.
    fn note_idle(&mut self, now: Time) {
        let idle = self.identities.is_empty();
        let noted = self
            .socket
            .get("state")
            .is_some_and(|s| s.idle_since.is_some());
        if idle != noted
            && let Some(socket) = self.socket.get_mut("state")
        {
            socket.idle_since = idle.then_some(now);
        }
    }

    /// Remembers that a call uses this flow; `false` when it may not have one more.
    fn join_call(&mut self, wake: &str, line: &Number) -> bool {
        if !self.calls.contains(wake) {
            if self.calls.len() >= MAX_CALLS {
                return false;
            }
            let call = CallRef {
                line: line.clone(),
                dialog: None,
            };
            self.calls.insert(wake, call);
        }
        true
    }

    /// Notes which dialog of this socket a call is.
    fn name_dialog(&mut self, wake: &str, request: &Request) {
        if let Some(call) = self.calls.get_mut(wake) {
            call.dialog = request.headers.call_id().ok().map(str::to_owned);
        }
    }

    /// A caller that came back confirms the answer by the call's own name. That the socket is gone must follow by this name
    /// as well: by the other it may arrive before the ACK, which would then be taken for the sign of a caller who is there.
    fn also_named(&mut self, wake: &str, line: &Number, ack: &Request) {
        if self.calls.contains(wake) {
            return;
        }
        let dialog = ack.headers.call_id().ok();
        let same = |call: &CallRef| {
            call.line == *line && call.dialog.is_some() && call.dialog.as_deref() == dialog
        };
        // A call that is over here already stays over.
        if self.calls.values().any(same) && self.join_call(wake, line) {
            self.name_dialog(wake, ack);
        }
    }

    fn leave_call(&mut self, wake: &str) {
        self.calls.remove(wake);
    }

    /// A dialog of this socket is over, by whatever names it went.
    fn leave_dialog(&mut self, wake: &str, line: &Number, bye: &Request) {
        let dialog = bye.headers.call_id().ok();
        let same = |call: &CallRef| {
            call.line == *line && call.dialog.is_some() && call.dialog.as_deref() == dialog
        };
        for key in self.calls.keys_where(same) {
            self.calls.remove(&key);
        }
        self.leave_call(wake);
    }

    fn tell_line(&mut self, now: Time, line: &Number, call: Option<&WakeId>, msg: FlowToLine) {
        let to = line_object(&self.config.id, line);
        self.outbox
            .send(now, &to, call.map_or(NO_CALL, WakeId::as_str), msg);
    }

    fn finish_turn(&mut self) {
        self.life_settle();
        let output = &mut self.output;
        let mut write = |change| output.push_back(FlowOutput::Row(change));
        self.socket.flush(&mut write);
        self.identities.flush(&mut write);
        self.server.flush(&mut write);
        self.client.flush(&mut write);
        self.calls.flush(&mut write);
        self.nonces.flush(&mut write);
        self.life.flush(&mut write);
        self.outbox.flush(&mut write);
        self.inbox.flush(&mut write);
        self.output.extend(self.effects.drain(..));
        while let Some(envelope) = self.outbox.poll() {
            self.output.push_back(FlowOutput::Send(envelope));
        }
    }
}
