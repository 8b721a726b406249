//! [`Line`]: an address-of-record. Registrar, devices, wakes, and every call to it.
//!
//! | table | key | what |
//! |---|---|---|
//! | `account` | `account` | who the line is, and its digest secret |
//! | `devices` | device | where it can be woken |
//! | `bindings` | instance and reg-id, or contact | where it is registered |
//! | `calls` | wake | calls to this line: parked, ringing, talking, and for a while ended |
//! | `invites` | wake | the INVITE of a call that is not answered yet |
//! | `missed` | time and wake | missed calls |
//! | `ended` | wake | how other calls ended, for late questions |
//! | `jobs` | job | pushes whose outcome is not known yet |
//! | `tries` | `digest` | wrong digests of late |
//! | `records` | kind and wake | records that are not stored yet |
//! | `noted` | `state` | the state as it was last recorded |
//! | `visibility` | `state` | who may look that up, unless everyone |
//! | `deleted` | hash of a user | users of this number whose tokens are dead |
//! | `blocked` | number | callers who reach nobody |
//! | `quiet` | `since` | do-not-disturb, while it is on |
//! | `gateway` | `threshold` | below which signal its mobile is not tried, unless the site's |
//! | `out_streams`, `outbox`, `in_streams`, `inbox` | | messages to and from flows |

mod account;
mod blocked;
mod branch;
mod call;
mod callserver;
mod commands;
mod deleted;
mod dialog;
mod gateway;
mod lost;
mod missed;
mod park;
mod presence;
mod pretence;
mod pushes;
mod quiet;
mod records;
mod registrar;
mod strangers;
mod wakes;

use alloc::{boxed::Box, string::String, vec::Vec};
pub use callserver::REMEMBERED as SERVER_CALL_REMEMBERED;

use super::callserver::CallbackJob;
use super::command::{LineCommand, LineReply, PushJob, PushOutcome, Visibility};
use super::config::SiteConfig;
use super::messages::{FlowToLine, LineToFlow, RegisterOutcome, line_object};
use super::outbox::{Envelope, EnvelopeId, Inbox, NO_CALL, NotTaken, Outbox};
use super::record::{Record, RecordId};
use super::rows::{Row, RowChange, RowError, Table};
use crate::entropy::Entropy;
use crate::id::{Number, WakeId};
use crate::time::Time;
use crate::wire::Request;
use alloc::collections::VecDeque;

use account::{Account, Device};
use blocked::Blocked;
use call::Call;
use deleted::Tombstone;
use missed::{Ended, Missed};
use presence::Noted;
use pushes::Job;
use records::Unrecorded;
use registrar::Binding;
use strangers::Tries;

/// What happens to a line.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is moved once"
)]
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
        /// Whose push service it is, if the driver knows.
        provider: Option<String>,
    },
    /// What became of a [`LineOutput::Callback`].
    CallbackResult {
        /// The wake it was about.
        wake: WakeId,
        /// The version that it told.
        version: u64,
        /// Whether the call server has taken it.
        taken: bool,
    },
    /// This record is stored.
    Recorded(RecordId),
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
    /// The answer to the question that this turn was fed: goes into the reply that says it is taken. When that is lost the
    /// question comes again.
    Answer(Box<LineToFlow>),
    /// Send a push; may be repeated until [`LineInput::PushResult`].
    Push(Box<PushJob>),
    /// Tell a call server; may be repeated until [`LineInput::CallbackResult`].
    Callback(Box<CallbackJob>),
    /// The view of a call server's wake has changed: whoever waits for it may look.
    Changed(WakeId),
    /// Store a record; may be repeated until [`LineInput::Recorded`].
    Record(Box<Record>),
    /// Answer a command.
    Reply {
        /// The driver's number.
        request: u64,
        /// The answer.
        reply: LineReply,
    },
}

/// An address-of-record.
pub struct Line {
    config: SiteConfig,
    number: Number,
    entropy: Entropy,
    account: Table<Account>,
    devices: Table<Device>,
    bindings: Table<Binding>,
    calls: Table<Call>,
    invites: Table<Request>,
    missed: Table<Missed>,
    ended: Table<Ended>,
    jobs: Table<Job>,
    records: Table<Unrecorded>,
    noted: Table<Noted>,
    visibility: Table<Visibility>,
    deleted: Table<Tombstone>,
    blocked: Table<Blocked>,
    quiet: Table<Time>,
    gateway: Table<i16>,
    tries: Table<Tries>,
    outbox: Outbox<LineToFlow>,
    inbox: Inbox<FlowToLine>,
    effects: Vec<LineOutput>,
    output: VecDeque<LineOutput>,
}

impl Line {
    /// Builds a line from its rows: none for a line that was never provisioned. `entropy` is seeded afresh each time.
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
            account: Table::new("account"),
            devices: Table::new("devices"),
            bindings: Table::new("bindings"),
            calls: Table::new("calls"),
            invites: Table::new("invites"),
            missed: Table::new("missed"),
            ended: Table::new("ended"),
            jobs: Table::new("jobs"),
            records: Table::new("records"),
            noted: Table::new("noted"),
            visibility: Table::new("visibility"),
            deleted: Table::new("deleted"),
            blocked: Table::new("blocked"),
            quiet: Table::new("quiet"),
            gateway: Table::new("gateway"),
            tries: Table::new("tries"),
            effects: Vec::new(),
            output: VecDeque::new(),
        };
        for row in rows {
            let _known = line.account.restore(&row)?
                || line.devices.restore(&row)?
                || line.bindings.restore(&row)?
                || line.calls.restore(&row)?
                || line.invites.restore(&row)?
                || line.missed.restore(&row)?
                || line.ended.restore(&row)?
                || line.jobs.restore(&row)?
                || line.records.restore(&row)?
                || line.noted.restore(&row)?
                || line.visibility.restore(&row)?
                || line.deleted.restore(&row)?
                || line.blocked.restore(&row)?
                || line.quiet.restore(&row)?
                || line.gateway.restore(&row)?
                || line.tries.restore(&row)?
                || line.outbox.restore(&row)?
                || line.inbox.restore(&row)?;
        }
        Ok(line)
    }

    /// Takes one input. Drain [`Line::poll_output`] after it. `false` for an envelope that was not taken: its sender
    /// must not hear that it has arrived, so that it comes again (the driver answers 503).
    pub fn handle_input(&mut self, now: Time, input: LineInput) -> bool {
        let mut taken = true;
        match input {
            LineInput::Envelope(envelope) => taken = self.envelope(now, envelope).is_ok(),
            LineInput::Delivered(id) => self.outbox.delivered(now, &id),
            LineInput::Command { request, command } => {
                let reply = self
                    .command(now, command)
                    .unwrap_or_else(|error| LineReply::Refused { error });
                self.effects.push(LineOutput::Reply { request, reply });
            }
            LineInput::PushResult {
                job,
                outcome,
                provider,
            } => self.push_result(now, &job, outcome, provider),
            LineInput::CallbackResult {
                wake,
                version,
                taken,
            } => self.callback_result(now, &wake, version, taken),
            LineInput::Recorded(id) => self.recorded(&id),
            LineInput::Timeout => self.timeout(now),
        }
        self.note_presence(now);
        self.finish_turn();
        taken
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
            .chain(self.bindings.values().map(|binding| binding.expires_at))
            .chain(
                self.calls
                    .values()
                    .filter_map(|call| call.deadline(self.lost_limits())),
            )
            .chain(self.jobs.values().filter_map(|job| job.next_try))
            .chain(self.records.values().map(|record| record.next_try))
            .chain(self.deleted.values().map(|deleted| deleted.until))
            .chain(self.missed_end())
            .min()
    }

    fn envelope(&mut self, now: Time, envelope: Envelope<FlowToLine>) -> Result<(), NotTaken> {
        if let Some(answered) = self.stranger(now, &envelope) {
            return answered;
        }
        if envelope.asks && self.inbox.is_repeat(&envelope) {
            self.answer_again(now, envelope);
            return Ok(());
        }
        let asked = envelope.asks.then_some(envelope.seq);
        for envelope in self.inbox.receive(now, envelope)? {
            let waited_for = asked == Some(envelope.seq);
            self.message(now, envelope, waited_for);
        }
        Ok(())
    }

    /// `waited_for`: its sender takes the answer in the reply to this very delivery.
    fn message(&mut self, now: Time, envelope: Envelope<FlowToLine>, waited_for: bool) {
        let Envelope {
            from,
            call,
            at,
            msg,
            ..
        } = envelope;
        match msg {
            FlowToLine::Register {
                tx,
                proof,
                call_id,
                cseq,
                bind,
                address,
            } => {
                let outcome = self.register(now, &from, at, proof, &call_id, cseq, bind, address);
                if waited_for {
                    self.answer(now, tx, outcome);
                } else {
                    let at = None;
                    let msg = LineToFlow::Registered { tx, outcome, at };
                    self.outbox.send(now, &from, NO_CALL, msg);
                }
            }
            // Only a flow whose socket is closed says this, in whatever stream it was asked.
            FlowToLine::Gone => self.flow_gone(now, &from),
            FlowToLine::Invite {
                caller,
                device,
                request,
            } => {
                if !self.is_outrun(&from, at, &caller, &request) {
                    self.invite(now, &from, &call, caller, device, request);
                    self.note_sent(&call, at);
                }
            }
            FlowToLine::Limited(limited) => self.limited(now, &from, &call, limited),
            FlowToLine::Cancel { .. } => self.caller_cancelled(now, &from, &call),
            FlowToLine::Alive { device } => self.alive(now, &from, &call, device),
            FlowToLine::Response { tx, response } => {
                self.response(now, &from, &call, &tx, response)
            }
            FlowToLine::InDialog {
                tx,
                from: number,
                request,
            } => {
                self.in_dialog(now, (&from, at), &call, tx, number, request);
            }
            FlowToLine::CancelInDialog { tx } => self.cancel_in_dialog(now, &from, &call, &tx),
        }
    }

    fn answer(&mut self, now: Time, tx: String, outcome: RegisterOutcome) {
        let at = Some(now);
        let msg = LineToFlow::Registered { tx, outcome, at };
        self.effects.push(LineOutput::Answer(Box::new(msg)));
    }

    /// A question that was answered already: what it changed is changed, and stays as later ones have left it.
    fn answer_again(&mut self, now: Time, envelope: Envelope<FlowToLine>) {
        if let FlowToLine::Register {
            tx,
            proof,
            call_id,
            cseq,
            bind,
            ..
        } = envelope.msg
        {
            let outcome = self.registered_already(now, &envelope.from, proof, &call_id, cseq, bind);
            self.answer(now, tx, outcome);
        }
    }

    /// A flow could not be reached: a request that never left is one without an answer.
    fn undeliverable(&mut self, now: Time, envelope: Envelope<LineToFlow>) {
        if let LineToFlow::Request { tx: Some(tx), .. } = envelope.msg {
            self.response(now, &envelope.to, &envelope.call, &tx, None);
        }
    }

    fn timeout(&mut self, now: Time) {
        for envelope in self.outbox.timeout(now) {
            self.undeliverable(now, envelope);
        }
        self.inbox.timeout(now);
        for key in self
            .bindings
            .keys_where(|binding| binding.expires_at <= now)
        {
            self.bindings.remove(&key);
        }
        let limits = self.lost_limits();
        for key in self
            .calls
            .keys_where(|call| call.deadline(limits).is_some_and(|at| at <= now))
        {
            self.call_timeout(now, &key);
        }
        self.jobs_timeout(now);
        self.records_timeout(now);
        self.deleted_timeout(now);
        self.missed_timeout(now);
    }

    fn finish_turn(&mut self) {
        let output = &mut self.output;
        let mut write = |change| output.push_back(LineOutput::Row(change));
        self.account.flush(&mut write);
        self.devices.flush(&mut write);
        self.bindings.flush(&mut write);
        self.calls.flush(&mut write);
        self.invites.flush(&mut write);
        self.missed.flush(&mut write);
        self.ended.flush(&mut write);
        self.jobs.flush(&mut write);
        self.records.flush(&mut write);
        self.noted.flush(&mut write);
        self.visibility.flush(&mut write);
        self.deleted.flush(&mut write);
        self.blocked.flush(&mut write);
        self.quiet.flush(&mut write);
        self.gateway.flush(&mut write);
        self.tries.flush(&mut write);
        self.outbox.flush(&mut write);
        self.inbox.flush(&mut write);
        self.output.extend(self.effects.drain(..));
        while let Some(envelope) = self.outbox.poll() {
            self.output.push_back(LineOutput::Send(envelope));
        }
    }
}
