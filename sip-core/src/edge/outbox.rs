//! Messages between objects: numbered, at least once, deduplicated, in order.
//!
//! Every object may be forgotten between any two inputs, and every delivery may fail, be repeated
//! or overtake another. So what leaves is a row of the [`Outbox`] until the receiver has answered
//! 2xx, and the [`Inbox`] of the receiver remembers per stream which number comes next.
//! A *stream* is (sender, receiver, call): one call's messages never wait for another's.

use super::rows::{Row, RowChange, RowError, Table};
use crate::time::{Duration, Time};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The stream of messages that belong to no call (registration).
pub const NO_CALL: &str = "";

/// How long an undelivered message is tried.
const GIVE_UP: Duration = Duration::from_secs(90);
/// What left longer ago than this has had its chance to be delivered.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How long the sender numbers a stream on after its last message; then it begins a new epoch.
const NUMBERED: Duration = Duration::from_secs(180);
/// How long the receiver remembers a stream; longer than the sender, so that a late duplicate never
/// looks new and a number never waits for one that was forgotten.
const REMEMBERED: Duration = Duration::from_secs(300);
/// A message that arrives for an unknown stream is refused when it is older than this.
const STALE: Duration = Duration::from_secs(120);
/// Messages of one stream kept while an earlier one is missing, and of all streams together. What does not fit is
/// not taken, so that its sender keeps it.
const MAX_HELD: usize = 32;
const MAX_HELD_IN_ALL: usize = 512;

/// A message on its way. `(from, to, call, seq)` names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope<M> {
    /// The sending object's name, e.g. `flow:demo:abc`.
    pub from: String,
    /// The receiving object's name, e.g. `line:demo:1002`.
    pub to: String,
    /// The call it belongs to, or [`NO_CALL`].
    pub call: String,
    /// When its stream was (re)started; a later epoch replaces an earlier one.
    pub epoch: Time,
    /// Position in its stream, from 0.
    pub seq: u64,
    /// Everything before this position is known to have arrived: a receiver that remembers nothing of the stream
    /// begins here.
    #[serde(default)]
    pub base: u64,
    /// When it was first sent.
    pub at: Time,
    /// Its sender waits for the answer, and takes it in the reply to this delivery: one that says nothing of it makes no
    /// promise, so that older objects are understood.
    #[serde(default, skip_serializing_if = "is_false")]
    pub asks: bool,
    /// What it says.
    pub msg: M,
}

/// Names an envelope of the outbox when the driver reports it delivered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EnvelopeId {
    /// The receiving object.
    pub to: String,
    /// The call.
    pub call: String,
    /// Epoch of its stream.
    pub epoch: Time,
    /// Position in its stream.
    pub seq: u64,
}

impl<M> Envelope<M> {
    /// Its name in the sender's outbox.
    pub fn id(&self) -> EnvelopeId {
        EnvelopeId {
            to: self.to.clone(),
            call: self.call.clone(),
            epoch: self.epoch,
            seq: self.seq,
        }
    }
}

impl EnvelopeId {
    fn key(&self) -> String {
        format!(
            "{}|{}|{:015}|{:010}",
            self.to,
            self.call,
            self.epoch.as_millis(),
            self.seq
        )
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

fn stream_key(peer: &str, call: &str) -> String {
    format!("{peer}|{call}")
}

#[derive(Debug, Serialize, Deserialize)]
struct Pending<M> {
    envelope: Envelope<M>,
    tries: u32,
    next_try: Time,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stream {
    epoch: Time,
    next: u64,
    used_at: Time,
}

/// What has left this object and is not yet known to have arrived.
#[derive(Debug)]
pub struct Outbox<M> {
    own: String,
    streams: Table<Stream>,
    pending: Table<Pending<M>>,
    fresh: Vec<EnvelopeId>,
}

impl<M: Clone + Serialize + DeserializeOwned> Outbox<M> {
    /// The outbox of the object named `own`.
    pub fn new(own: String) -> Self {
        Self {
            own,
            streams: Table::new("out_streams"),
            pending: Table::new("outbox"),
            fresh: Vec::new(),
        }
    }

    /// Takes back a stored row; `false` if it is not of this room.
    pub fn restore(&mut self, row: &Row) -> Result<bool, RowError> {
        Ok(self.streams.restore(row)? || self.pending.restore(row)?)
    }

    /// Puts a message into its stream.
    pub fn send(&mut self, now: Time, to: &str, call: &str, msg: M) {
        self.number(now, to, call, msg, false);
    }

    /// Puts a question into its stream: it waits here until it is answered, or until its receiver has kept it for later.
    pub fn ask(&mut self, now: Time, to: &str, call: &str, msg: M) {
        self.number(now, to, call, msg, true);
    }

    fn number(&mut self, now: Time, to: &str, call: &str, msg: M, asks: bool) {
        let key = stream_key(to, call);
        let mut stream = match self.streams.remove(&key) {
            Some(stream) if now < stream.used_at + NUMBERED => stream,
            Some(old) => Stream {
                epoch: now.max(old.epoch + Duration::from_millis(1)),
                next: 0,
                used_at: now,
            },
            None => Stream {
                epoch: now,
                next: 0,
                used_at: now,
            },
        };
        let envelope = Envelope {
            from: self.own.clone(),
            to: to.to_owned(),
            call: call.to_owned(),
            epoch: stream.epoch,
            seq: stream.next,
            base: stream.next,
            at: now,
            asks,
            msg,
        };
        stream.next += 1;
        stream.used_at = now;
        self.streams.insert(&key, stream);
        self.put(now, envelope);
    }

    /// Answers a message without numbering a stream: the answer stands alone, at the place of what it answers.
    pub fn answer_once<A>(&mut self, now: Time, asked: &Envelope<A>, msg: M) {
        if self.streams.contains(&stream_key(&asked.from, &asked.call)) {
            return self.send(now, &asked.from, &asked.call, msg);
        }
        let envelope = Envelope {
            from: self.own.clone(),
            to: asked.from.clone(),
            call: asked.call.clone(),
            // A stream that begins now is younger.
            epoch: Time(now.as_millis().saturating_sub(1)),
            seq: asked.seq,
            base: asked.seq,
            at: now,
            asks: false,
            msg,
        };
        self.put(now, envelope);
    }

    fn put(&mut self, now: Time, envelope: Envelope<M>) {
        let (id, asks) = (envelope.id(), envelope.asks);
        self.pending.insert(
            &id.key(),
            Pending {
                envelope,
                tries: 1,
                next_try: now + retry_after(1, asks),
            },
        );
        self.fresh.push(id);
    }

    /// The receiver has it.
    pub fn delivered(&mut self, now: Time, id: &EnvelopeId) {
        self.pending.remove(&id.key());
        self.reachable(now, &id.to);
    }

    /// The receiver has answered it: whose question it was and of which call, unless that is known already.
    pub fn answered(&mut self, now: Time, id: &EnvelopeId) -> Option<M> {
        let question = self.pending.remove(&id.key());
        self.reachable(now, &id.to);
        Some(question?.envelope.msg)
    }

    /// The receiver can be reached: what waits for it goes on its way, however far its next try was. What came after it
    /// waits there for its turn, and would be lost with it when it is given up.
    fn reachable(&mut self, now: Time, to: &str) {
        let left_long_ago = |pending: &Pending<M>| {
            let waits = retry_after(pending.tries, pending.envelope.asks);
            pending.envelope.to == to && pending.next_try + AGAIN_AFTER <= now + waits
        };
        for key in self.pending.keys_where(left_long_ago) {
            if let Some(pending) = self.pending.get_mut(&key) {
                pending.next_try = now + retry_after(pending.tries, pending.envelope.asks);
                self.fresh.push(pending.envelope.id());
            }
        }
    }

    /// Puts what is due on its way again and forgets what is too old. Yields what was given up because its receiver
    /// could not be reached, in order.
    #[must_use]
    pub fn timeout(&mut self, now: Time) -> Vec<Envelope<M>> {
        let mut given_up = Vec::new();
        for key in self.pending.keys_where(|pending| pending.next_try <= now) {
            let Some(pending) = self.pending.get_mut(&key) else {
                continue;
            };
            if now >= pending.envelope.at + GIVE_UP {
                let (to, call) = (pending.envelope.to.clone(), pending.envelope.call.clone());
                given_up.extend(self.give_up(&to, &call));
                continue;
            }
            pending.tries += 1;
            pending.next_try = now + retry_after(pending.tries, pending.envelope.asks);
            self.fresh.push(pending.envelope.id());
        }
        for key in self
            .streams
            .keys_where(|stream| now >= stream.used_at + NUMBERED)
        {
            self.streams.remove(&key);
        }
        given_up
    }

    /// The receiver cannot be reached: what waits in this stream is dropped and the next message
    /// begins a new epoch, or the receiver would wait for the missing number for ever.
    fn give_up(&mut self, to: &str, call: &str) -> Vec<Envelope<M>> {
        self.streams.remove(&stream_key(to, call));
        let keys = self
            .pending
            .keys_where(|p| p.envelope.to == to && p.envelope.call == call);
        let dropped = keys.iter().filter_map(|key| self.pending.remove(key));
        dropped.map(|pending| pending.envelope).collect()
    }

    /// How many streams are numbered.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// How many messages wait to be delivered.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// The next envelope to deliver.
    pub fn poll(&mut self) -> Option<Envelope<M>> {
        while !self.fresh.is_empty() {
            let id = self.fresh.remove(0);
            if let Some(pending) = self.pending.get(&id.key()) {
                let mut envelope = pending.envelope.clone();
                envelope.base = self.first_waiting(&envelope);
                return Some(envelope);
            }
        }
        None
    }

    /// The first message of its stream that is not known to have arrived.
    fn first_waiting(&self, envelope: &Envelope<M>) -> u64 {
        let same = |other: &&Envelope<M>| {
            other.to == envelope.to && other.call == envelope.call && other.epoch == envelope.epoch
        };
        let all = self.pending.values().map(|pending| &pending.envelope);
        all.filter(same)
            .map(|other| other.seq)
            .min()
            .unwrap_or(envelope.seq)
    }

    /// When [`Outbox::timeout`] has something to do.
    pub fn deadline(&self) -> Option<Time> {
        let retries = self.pending.values().map(|pending| pending.next_try);
        let forgets = self
            .streams
            .values()
            .map(|stream| stream.used_at + NUMBERED);
        retries.chain(forgets).min()
    }

    /// Yields the changed rows.
    pub fn flush(&mut self, mut write: impl FnMut(RowChange)) {
        self.streams.flush(&mut write);
        self.pending.flush(&mut write);
    }
}

fn held_key(stream: &str, epoch: Time, seq: u64) -> String {
    format!("{stream}|{:015}|{seq:010}", epoch.as_millis())
}

/// A question is asked again at the same pace at first: both ways have to succeed at once, and somebody waits.
fn retry_after(tries: u32, asks: bool) -> Duration {
    let patient = if asks { 8 } else { 1 };
    Duration::from_millis(500 << tries.saturating_sub(patient).min(5))
}

/// An envelope came too early and there is no room to keep it until its turn: its sender sends it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no room to keep a message that came too early")]
pub struct NotTaken;

/// What has arrived at this object: drops repeats, holds back what came too early.
#[derive(Debug)]
pub struct Inbox<M> {
    streams: Table<Stream>,
    held: Table<Envelope<M>>,
}

impl<M: Clone + Serialize + DeserializeOwned> Default for Inbox<M> {
    fn default() -> Self {
        Self {
            streams: Table::new("in_streams"),
            held: Table::new("inbox"),
        }
    }
}

impl<M: Clone + Serialize + DeserializeOwned> Inbox<M> {
    /// Takes back a stored row; `false` if it is not of this room.
    pub fn restore(&mut self, row: &Row) -> Result<bool, RowError> {
        Ok(self.streams.restore(row)? || self.held.restore(row)?)
    }

    /// Whether the stream of this envelope is known.
    pub fn remembers(&self, envelope: &Envelope<M>) -> bool {
        self.streams
            .contains(&stream_key(&envelope.from, &envelope.call))
    }

    /// Whether this envelope was taken before: a question of which the answer may have been lost.
    pub fn is_repeat(&self, envelope: &Envelope<M>) -> bool {
        self.streams
            .get(&stream_key(&envelope.from, &envelope.call))
            .is_some_and(|s| s.epoch == envelope.epoch && envelope.seq < s.next)
    }

    /// Accepts an envelope and yields what may now be applied, in order: nothing for a repeat or
    /// for one that overtook another, several when it filled a gap. An error when it is not taken: the sender must
    /// not be told that it has arrived.
    pub fn receive(
        &mut self,
        now: Time,
        envelope: Envelope<M>,
    ) -> Result<Vec<Envelope<M>>, NotTaken> {
        let key = stream_key(&envelope.from, &envelope.call);
        let mut next = match self.streams.get(&key) {
            Some(stream) if envelope.epoch == stream.epoch => stream.next.max(envelope.base),
            Some(stream) if envelope.epoch < stream.epoch => return Ok(Vec::new()),
            None if now >= envelope.at + STALE => return Ok(Vec::new()),
            _ => envelope.base,
        };
        if envelope.seq < next {
            return Ok(Vec::new());
        }
        let epoch = envelope.epoch;
        if self.streams.get(&key).is_some_and(|s| s.epoch != epoch) {
            self.forget_held(&key);
        }
        let mut ready = Vec::new();
        if envelope.seq > next {
            let place = held_key(&key, epoch, envelope.seq);
            if !self.held.contains(&place) {
                let same = |e: &&Envelope<M>| e.from == envelope.from && e.call == envelope.call;
                if self.held.len() >= MAX_HELD_IN_ALL
                    || self.held.values().filter(same).count() >= MAX_HELD
                {
                    return Err(NotTaken);
                }
                self.held.insert(&place, envelope);
            }
        } else {
            ready.push(envelope);
            next += 1;
            while let Some(held) = self.held.remove(&held_key(&key, epoch, next)) {
                ready.push(held);
                next += 1;
            }
        }
        self.streams.insert(
            &key,
            Stream {
                epoch,
                next,
                used_at: now,
            },
        );
        Ok(ready)
    }

    /// Forgets streams that have long been quiet.
    pub fn timeout(&mut self, now: Time) {
        for key in self
            .streams
            .keys_where(|stream| now >= stream.used_at + REMEMBERED)
        {
            self.streams.remove(&key);
            self.forget_held(&key);
        }
    }

    fn forget_held(&mut self, stream: &str) {
        for held in self
            .held
            .keys_where(|envelope| stream_key(&envelope.from, &envelope.call) == stream)
        {
            self.held.remove(&held);
        }
    }

    /// When [`Inbox::timeout`] has something to do.
    pub fn deadline(&self) -> Option<Time> {
        self.streams
            .values()
            .map(|stream| stream.used_at + REMEMBERED)
            .min()
    }

    /// Yields the changed rows.
    pub fn flush(&mut self, mut write: impl FnMut(RowChange)) {
        self.streams.flush(&mut write);
        self.held.flush(&mut write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time(1_000_000 + ms)
    }

    fn sent(outbox: &mut Outbox<u32>, now: Time, numbers: &[u32]) -> Vec<Envelope<u32>> {
        for n in numbers {
            outbox.send(now, "line:s:2", "c", *n);
        }
        std::iter::from_fn(|| outbox.poll()).collect()
    }

    fn said(received: Result<Vec<Envelope<u32>>, NotTaken>) -> Vec<u32> {
        let envelopes = received.expect("taken");
        envelopes.into_iter().map(|envelope| envelope.msg).collect()
    }

    #[test]
    fn repeats_are_dropped_and_overtakers_wait() {
        let mut outbox = Outbox::new("flow:s:a".into());
        let mut inbox = Inbox::default();
        let envelopes = sent(&mut outbox, at(0), &[10, 11, 12]);
        assert_eq!(
            said(inbox.receive(at(1), envelopes[2].clone())),
            Vec::<u32>::new()
        );
        assert_eq!(said(inbox.receive(at(1), envelopes[0].clone())), [10]);
        assert_eq!(
            said(inbox.receive(at(1), envelopes[0].clone())),
            Vec::<u32>::new()
        );
        assert_eq!(said(inbox.receive(at(1), envelopes[1].clone())), [11, 12]);
        assert_eq!(
            said(inbox.receive(at(2), envelopes[2].clone())),
            Vec::<u32>::new()
        );
    }

    #[test]
    fn what_was_not_delivered_is_sent_again_until_it_was() {
        let mut outbox = Outbox::new("flow:s:a".into());
        let envelopes = sent(&mut outbox, at(0), &[10]);
        let _given_up = outbox.timeout(at(600));
        assert_eq!(outbox.poll(), Some(envelopes[0].clone()));
        outbox.delivered(at(1), &envelopes[0].id());
        let _given_up = outbox.timeout(at(60_000));
        assert_eq!(outbox.poll(), None);
    }

    #[test]
    fn a_stream_given_up_or_forgotten_begins_anew_and_is_heard() {
        let mut outbox = Outbox::new("flow:s:a".into());
        let mut inbox = Inbox::default();
        let first = sent(&mut outbox, at(0), &[1]);
        let _first = inbox.receive(at(0), first[0].clone());
        outbox.delivered(at(1), &first[0].id());
        sent(&mut outbox, at(10), &[2]);
        let _given_up = outbox.timeout(at(95_000));
        assert_eq!(outbox.poll(), None, "given up");
        let third = sent(&mut outbox, at(96_000), &[3]);
        assert_eq!(said(inbox.receive(at(96_000), third[0].clone())), [3]);
        assert_eq!(
            said(inbox.receive(at(96_000), first[0].clone())),
            Vec::<u32>::new(),
            "an older epoch stays silent"
        );
        outbox.delivered(at(1), &third[0].id());
        let later = sent(&mut outbox, at(300_000), &[4]);
        assert_eq!(later[0].seq, 0);
        assert_eq!(said(inbox.receive(at(300_000), later[0].clone())), [4]);
    }

    #[test]
    fn a_duplicate_from_long_ago_is_not_taken_for_new() {
        let mut outbox = Outbox::new("flow:s:a".into());
        let mut inbox: Inbox<u32> = Inbox::default();
        let envelopes = sent(&mut outbox, at(0), &[1]);
        assert_eq!(
            said(inbox.receive(at(130_000), envelopes[0].clone())),
            Vec::<u32>::new()
        );
    }

    #[test]
    fn what_finds_no_room_is_not_taken_and_comes_again() {
        let mut outbox = Outbox::new("flow:s:a".into());
        let mut inbox = Inbox::default();
        let numbers: Vec<u32> = (0..100).collect();
        let envelopes = sent(&mut outbox, at(0), &numbers);
        let mut heard = Vec::new();
        // The first delivery is lost; whatever is taken is acknowledged and never comes again.
        for envelope in &envelopes[1..] {
            if let Ok(ready) = inbox.receive(at(1), envelope.clone()) {
                heard.extend(said(Ok(ready)));
                outbox.delivered(at(1), &envelope.id());
            }
        }
        assert_eq!(heard, Vec::<u32>::new());
        let mut now = at(1);
        while let Some(next) = outbox
            .deadline()
            .filter(|at| *at < now + Duration::from_secs(60))
        {
            now = next;
            let given_up = outbox.timeout(now);
            assert!(given_up.is_empty());
            while let Some(envelope) = outbox.poll() {
                if let Ok(ready) = inbox.receive(now, envelope.clone()) {
                    heard.extend(said(Ok(ready)));
                    outbox.delivered(now, &envelope.id());
                }
            }
        }
        assert_eq!(heard, numbers);
    }

    #[test]
    fn a_stream_with_a_gap_takes_no_room_from_another() {
        let mut busy = Outbox::new("flow:s:a".into());
        let mut calm = Outbox::new("flow:s:b".into());
        let mut inbox = Inbox::default();
        let envelopes = sent(&mut busy, at(0), &(0..200).collect::<Vec<u32>>());
        let taken = envelopes[1..]
            .iter()
            .map(|e| inbox.receive(at(1), e.clone()));
        assert!(taken.filter(Result::is_err).count() > 100);
        let pair = sent(&mut calm, at(0), &[1, 2]);
        assert_eq!(
            said(inbox.receive(at(1), pair[1].clone())),
            Vec::<u32>::new()
        );
        assert_eq!(said(inbox.receive(at(1), pair[0].clone())), [1, 2]);
    }

    #[test]
    fn a_receiver_that_remembers_nothing_begins_where_the_sender_stands() {
        let mut outbox = Outbox::new("flow:s:a".into());
        let first = sent(&mut outbox, at(0), &[10, 11]);
        for envelope in &first {
            outbox.delivered(at(1), &envelope.id());
        }
        let later = sent(&mut outbox, at(500), &[12, 13]);
        let mut inbox = Inbox::default();
        assert_eq!(
            said(inbox.receive(at(501), later[1].clone())),
            Vec::<u32>::new()
        );
        assert_eq!(said(inbox.receive(at(501), later[0].clone())), [12, 13]);
    }

    #[test]
    fn what_waits_for_a_receiver_follows_as_soon_as_it_is_reached() {
        let mut outbox = Outbox::new("flow:s:a".into());
        let mut inbox = Inbox::default();
        sent(&mut outbox, at(0), &[1]);
        while let Some(next) = outbox.deadline().filter(|next| *next < at(60_000)) {
            let _given_up = outbox.timeout(next);
            while outbox.poll().is_some() {}
        }
        let later = sent(&mut outbox, at(60_000), &[2]).remove(0);
        assert_eq!(
            said(inbox.receive(at(60_001), later.clone())),
            Vec::<u32>::new()
        );
        outbox.delivered(at(60_002), &later.id());
        let again = outbox.poll().expect("the first follows at once");
        assert_eq!(said(inbox.receive(at(60_003), again)), [1, 2]);
        assert_eq!(outbox.poll(), None);
    }

    #[test]
    fn what_is_given_up_is_reported_in_order() {
        let mut outbox = Outbox::new("flow:s:a".into());
        sent(&mut outbox, at(0), &[1, 2]);
        let mut given_up = Vec::new();
        while let Some(next) = outbox.deadline().filter(|_| given_up.is_empty()) {
            given_up = outbox.timeout(next);
            while outbox.poll().is_some() {}
        }
        assert_eq!(said(Ok(given_up)), [1, 2]);
        assert_eq!(outbox.waiting(), 0);
    }
}
