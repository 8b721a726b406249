//! [`Flow`]: one connection, RFC 5626.

use super::config::SiteConfig;
use super::id::{DeviceId, FlowToken, Number, Uid};
use super::messages::{FlowToLine, LineToFlow, flow_object};
use super::outbox::{Envelope, EnvelopeId, Inbox, Outbox};
use super::rows::{Row, RowChange, RowError};
use crate::entropy::Entropy;
use crate::time::Time;
use std::collections::VecDeque;

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The line it speaks for.
    pub number: Number,
    /// The user.
    pub uid: Uid,
    /// The name to show.
    pub display_name: Option<String>,
    /// The device it was issued to, if any.
    pub device: Option<DeviceId>,
    /// When it ends.
    pub expires_at: Time,
}

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
    /// Anything else; nothing is revealed.
    #[error("the token is not valid")]
    Invalid,
}

/// Verifies tokens: the machine itself holds no keys.
pub trait Verifier {
    /// Checks a Bearer token of this site.
    fn bearer(&self, token: &str, now: Time) -> Result<Claims, BearerError>;
}

/// What happens to a flow.
#[derive(Debug)]
pub enum FlowInput {
    /// The socket was accepted.
    Opened,
    /// A text or binary frame arrived.
    Frame(Vec<u8>),
    /// The socket is closed, by whomever.
    Closed,
    /// A line sent something. Also fed to a flow whose socket is long gone (restored from no rows):
    /// it answers the line with [`FlowToLine::Gone`].
    Envelope(Envelope<LineToFlow>),
    /// The receiver of this envelope has stored it.
    Delivered(EnvelopeId),
    /// [`Flow::deadline`] has come.
    Timeout,
}

/// What a flow wants done.
#[derive(Debug)]
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

/// One connection: authenticates and caps what arrives, owns the transactions of its socket.
pub struct Flow {
    config: SiteConfig,
    token: FlowToken,
    entropy: Entropy,
    verifier: Box<dyn Verifier>,
    outbox: Outbox<FlowToLine>,
    inbox: Inbox<LineToFlow>,
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
            config,
            token,
            entropy,
            verifier,
            output: VecDeque::new(),
        };
        for row in rows {
            let _known = flow.outbox.restore(&row)? || flow.inbox.restore(&row)?;
        }
        Ok(flow)
    }

    /// Takes one input. Drain [`Flow::poll_output`] after it.
    pub fn handle_input(&mut self, now: Time, input: FlowInput) {
        let _ = (
            now,
            input,
            &self.config,
            &self.token,
            &mut self.entropy,
            &self.verifier,
        );
    }

    /// The next thing to do; row changes come before everything else of the same turn.
    pub fn poll_output(&mut self) -> Option<FlowOutput> {
        self.output.pop_front()
    }

    /// When [`FlowInput::Timeout`] is wanted; the driver keeps it as its one alarm.
    pub fn deadline(&self) -> Option<Time> {
        [self.outbox.deadline(), self.inbox.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The numbers that this flow is registered for (for logs and limits of the driver).
    pub fn numbers(&self) -> Vec<Number> {
        Vec::new()
    }
}
