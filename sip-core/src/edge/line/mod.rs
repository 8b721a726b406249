//! [`Line`]: an address-of-record.

use super::command::{CallRecord, LineCommand, LineReply, PushJob, PushOutcome};
use super::config::SiteConfig;
use crate::id::Number;
use super::messages::{FlowToLine, LineToFlow, line_object};
use super::outbox::{Envelope, EnvelopeId, Inbox, Outbox};
use super::rows::{Row, RowChange, RowError};
use crate::entropy::Entropy;
use crate::time::Time;
use std::collections::VecDeque;

/// What happens to a line.
#[derive(Debug)]
pub enum LineInput {
    /// A flow sent something.
    Envelope(Envelope<FlowToLine>),
    /// The receiver of this envelope has stored it.
    Delivered(EnvelopeId),
    /// A REST route asks; exactly one [`LineOutput::Reply`] follows in the same turn.
    Command {
        /// Chosen by the driver.
        request: u64,
        /// What is asked.
        command: LineCommand,
    },
    /// What became of a [`LineOutput::Push`].
    PushResult {
        /// The job's name.
        job: String,
        /// What the push service said.
        outcome: PushOutcome,
    },
    /// [`Line::deadline`] has come.
    Timeout,
}

/// What a line wants done.
#[derive(Debug)]
pub enum LineOutput {
    /// Store or delete a row, before anything after it leaves.
    Row(RowChange),
    /// Deliver to the flow object named in `to`; may be repeated until `Delivered`.
    Send(Envelope<LineToFlow>),
    /// Send a push; may be repeated until [`LineInput::PushResult`].
    Push(Box<PushJob>),
    /// The record of a call, once: the driver keeps it in a row of its own, written in this turn,
    /// until D1 has it.
    Record(Box<CallRecord>),
    /// Answer a command.
    Reply {
        /// The driver's number.
        request: u64,
        /// The answer.
        reply: LineReply,
    },
}

/// An address-of-record: devices, bindings, wakes, calls, missed calls.
pub struct Line {
    config: SiteConfig,
    number: Number,
    entropy: Entropy,
    outbox: Outbox<LineToFlow>,
    inbox: Inbox<FlowToLine>,
    output: VecDeque<LineOutput>,
}

impl Line {
    /// Builds a line from its rows: none for a line that was never provisioned.
    pub fn restore(
        config: SiteConfig,
        number: Number,
        entropy: Entropy,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<Self, RowError> {
        let mut line = Self {
            outbox: Outbox::new(line_object(&config.id, &number)),
            inbox: Inbox::default(),
            config,
            number,
            entropy,
            output: VecDeque::new(),
        };
        for row in rows {
            let _known = line.outbox.restore(&row)? || line.inbox.restore(&row)?;
        }
        Ok(line)
    }

    /// Takes one input. Drain [`Line::poll_output`] after it.
    pub fn handle_input(&mut self, now: Time, input: LineInput) {
        let _ = (now, input, &self.config, &self.number, &mut self.entropy);
    }

    /// The next thing to do; row changes come before everything else of the same turn.
    pub fn poll_output(&mut self) -> Option<LineOutput> {
        self.output.pop_front()
    }

    /// When [`LineInput::Timeout`] is wanted; the driver keeps it as its one alarm.
    pub fn deadline(&self) -> Option<Time> {
        [self.outbox.deadline(), self.inbox.deadline()]
            .into_iter()
            .flatten()
            .min()
    }
}
