//! The reference model of what a call may come to: from what people did and pages said, and from nothing that the edge
//! thinks, it follows which words the caller may hear, when, and which one end there is.
//!
//! It knows the table "What the caller is told" and nothing of flows, lines or wakes:
//!
//! | the caller hears | only if, before that |
//! |---|---|
//! | 182 Pushed | a push service accepted an invitation |
//! | 182 Shown, 182 Opened | a device reported so |
//! | 180 | a page alerted for this very call |
//! | 200 | a page answered it; it is that page's own 200 |
//! | 603 | somebody declined |
//! | 486 | a page said that it is busy |
//! | 487 | the caller cancelled, was lost or revoked |
//! | 480 unbound | the line had no device that could be woken |
//! | 480 expired | nobody alerted, and the time for "ready" has passed |
//! | 480 unanswered | a page alerted, and the ring limit has passed or every page was lost |
//! | 480 unreachable | nobody alerted; no device is left |
//! | any other | a page refused with it |
//! | 408 | the line could not be reached at all |
//! | 429, 503 | a limit of the line was reached |

use std::collections::{BTreeMap, BTreeSet};

use wakeline_sip::edge::{CallRecord, PushKind, PushOutcome, WakeId};
use wakeline_sip::time::{Duration, Time};
use wakeline_sip::wake::WakeState;
use wakeline_sip::wire::{Headers, Limits, Message, Response};

use crate::play::{FIRST_DEVICE, LINE, Placed, Play, Said, of_invite, wake_of};

/// What happened to one call, by whoever did it.
#[derive(Default)]
struct Facts {
    /// Pages that said 180, and when.
    alerted: Vec<(Time, usize)>,
    /// Final answers of pages.
    answered: Vec<(Time, usize, u16)>,
}

pub struct Judge<'a> {
    play: &'a Play,
    facts: BTreeMap<WakeId, Facts>,
}

pub fn judge(play: &mut Play) {
    let left = play.world.left_over(&[
        "calls", "invites", "jobs", "records", "outbox", "inbox", "server", "client",
    ]);
    let missed = play.world.missed(LINE);
    let judge = Judge::new(play);
    for call in 0..play.calls.len() {
        judge.call(call);
    }
    judge.records();
    judge.one_call_each();
    judge.pushes();
    judge.invites();
    let outcomes = judge.outcomes();
    let listed: BTreeSet<_> = missed
        .iter()
        .map(|m| (m.id.clone(), m.outcome.to_string()))
        .collect();
    let should: BTreeSet<_> = outcomes
        .iter()
        .filter(|(_, state)| state.is_missed())
        .map(|(wake, state)| (wake.clone(), state.to_string()))
        .collect();
    assert_eq!(listed, should, "missed calls are those that were missed");
    assert!(left.is_empty(), "something is never forgotten: {left:#?}");
}

impl<'a> Judge<'a> {
    fn new(play: &'a Play) -> Self {
        // A page's answers belong to the wake of the INVITE that they answer.
        let mut wakes = BTreeMap::new();
        for (page, it) in play.world.pages.iter().enumerate() {
            for invite in it.requests("INVITE") {
                if let (Some((wake, _)), Some(branch)) =
                    (wake_of(&invite.headers), branch(&invite.headers))
                {
                    wakes.insert((page, branch), wake);
                }
            }
        }
        let mut facts: BTreeMap<WakeId, Facts> = BTreeMap::new();
        for (at, page, bytes) in &play.world.said {
            let Ok(Message::Response(response)) = Message::parse(bytes, &Limits::DEFAULT) else {
                continue;
            };
            let wake = branch(&response.headers).and_then(|branch| wakes.get(&(*page, branch)));
            let Some(wake) = wake.filter(|_| of_invite(&response)) else {
                continue;
            };
            let facts = facts.entry(wake.clone()).or_default();
            match response.status {
                180 => facts.alerted.push((*at, *page)),
                200.. => facts.answered.push((*at, *page, response.status)),
                _ => {}
            }
        }
        Self { play, facts }
    }

    /// Everything the caller of one call heard, word by word.
    fn call(&self, index: usize) {
        let placed = &self.play.calls[index];
        let page = &self.play.world.pages[placed.caller];
        let mut finals: Vec<(Time, &Response)> = Vec::new();
        for (at, message) in &page.heard {
            let Message::Response(response) = message else {
                continue;
            };
            let mine = response.headers.call_id().ok() == Some(placed.call_id.as_str());
            if !mine || !of_invite(response) || response.status == 100 {
                continue;
            }
            if response.status < 200 {
                assert!(
                    finals.is_empty(),
                    "{}: {} {} after the end",
                    placed.call_id,
                    response.status,
                    response.reason
                );
                self.progress(index, *at, response);
            } else {
                finals.push((*at, response));
            }
        }
        let mut different: Vec<(u16, Option<String>)> = Vec::new();
        for (_, response) in &finals {
            let tag = response
                .headers
                .to()
                .ok()
                .and_then(|to| to.tag().map(str::to_owned));
            if !different.contains(&(response.status, tag.clone())) {
                different.push((response.status, tag));
            }
        }
        assert!(
            different.len() <= 1,
            "{}: two ends {different:?}",
            placed.call_id
        );
        if placed.lost.is_none() {
            // The same 200 may be repeated until its ACK has passed (RFC 3261 §13.3.1.4).
            assert_eq!(
                different.len(),
                1,
                "{}: one end for its caller",
                placed.call_id
            );
        }
        if let Some((at, response)) = finals.first() {
            self.last_word(index, *at, response);
        }
    }

    fn facts(&self, wake: &WakeId) -> &Facts {
        static NONE: Facts = Facts {
            alerted: Vec::new(),
            answered: Vec::new(),
        };
        self.facts.get(wake).unwrap_or(&NONE)
    }

    fn reported(&self, wake: &WakeId, what: &str, until: Time) -> bool {
        let mut reports = self.play.reports.iter();
        reports.any(|r| r.wake == *wake && r.what == what && r.taken && r.at <= until)
    }

    /// Reported by a device whose user had not declined before.
    fn did_and_stayed(&self, wake: &WakeId, what: &str, until: Time) -> bool {
        let mine = self
            .play
            .reports
            .iter()
            .filter(|r| r.wake == *wake && r.taken);
        let mine: Vec<_> = mine.collect();
        mine.iter().any(|r| {
            let declined = |other: &&&Said| other.what == "decline" && other.device == r.device;
            r.what == what
                && r.at <= until
                && !mine
                    .iter()
                    .any(|other| declined(&other) && other.at <= r.at)
        })
    }

    fn pushed(&self, wake: &WakeId, until: Time) -> bool {
        let world = &self.play.world;
        let mut pushes = world.pushes.iter().zip(&world.pushed_as);
        pushes.any(|((at, push), outcome)| {
            push.wake == *wake
                && push.kind == PushKind::Invitation
                && *outcome == Some(PushOutcome::Accepted)
                && *at <= until
        })
    }

    /// Words before the end.
    fn progress(&self, index: usize, at: Time, response: &Response) {
        let said = format!("{} {}", response.status, response.reason);
        let (wake, state) = wake_of(&response.headers).expect("progress names its wake");
        let is_true = match said.as_str() {
            "182 Pushed" => state == "pushed" && self.pushed(&wake, at),
            "182 Shown" => state == "shown" && self.reported(&wake, "shown", at),
            "182 Opened" => state == "opened" && self.reported(&wake, "opened", at),
            "180 Ringing" => {
                state == "ringing"
                    && self
                        .facts(&wake)
                        .alerted
                        .iter()
                        .any(|(said, _)| *said <= at)
            }
            _ => false,
        };
        assert!(
            is_true,
            "{}: a false word: {said} ({state})",
            self.play.calls[index].call_id
        );
    }

    /// The end, as the caller heard it.
    fn last_word(&self, index: usize, at: Time, response: &Response) {
        let placed = &self.play.calls[index];
        let (limits, edge) = (&self.play.world.config.wake, &self.play.world.config.edge);
        let state = wake_of(&response.headers);
        let none = Facts::default();
        let facts = state.as_ref().map_or(&none, |(wake, _)| self.facts(wake));
        let words = response
            .headers
            .reason()
            .ok()
            .flatten()
            .and_then(|reason| reason.text())
            .unwrap_or_default();
        let alerted = facts.alerted.iter().any(|(said, _)| *said <= at);
        // What a page said a moment ago may still be on its way; where messages get lost, for long.
        // And what it said before its socket broke may be overtaken by the news of that.
        let known = |(said, page): &(Time, usize)| {
            let (until, crossing) = (*said + Duration::from_secs(2), Duration::from_secs(2));
            let broke = |(when, who): &(Time, usize)| {
                who == page && *said <= *when + crossing && *when <= until
            };
            // Or it crosses its user's decline by another way: the page was called off, and what it says no longer counts.
            let declined = |r: &Said| {
                r.what == "decline" && r.taken && r.device == *page && r.at <= *said + crossing
            };
            until <= at
                && !self.play.breaks.iter().any(broke)
                && !self.play.reports.iter().any(declined)
        };
        let silent = self.play.is_lossy() || !facts.alerted.iter().any(known);
        let answered = |status: &[u16]| {
            let mut answers = facts.answered.iter();
            answers.any(|(said, _, with)| *said <= at && status.contains(with))
        };
        let wake = state.as_ref().map(|(wake, _)| wake.clone());
        let reported = |what| wake.as_ref().is_some_and(|w| self.reported(w, what, at));
        let lasted = at.since(placed.at);
        let state = state.map_or(String::new(), |(_, state)| state);
        let is_true = match (response.status, state.as_str()) {
            (200, "answered") => {
                let tag = response
                    .headers
                    .to()
                    .ok()
                    .and_then(|to| to.tag().map(str::to_owned));
                let mut answers = facts.answered.iter();
                answers.any(|(said, page, status)| {
                    let name = &self.play.world.pages[*page].name;
                    *said <= at && *status == 200 && tag.as_deref() == Some(&format!("t{name}"))
                })
            }
            (603, "declined") => answered(&[603]) || reported("decline"),
            (486, "busy") => answered(&[486]),
            (487, "cancelled" | "answered") => {
                placed.cancelled.is_some()
                    || placed.came_back
                    || self.play.revoked.contains_key(&placed.caller)
            }
            (480, "unbound") => self.unbound(),
            (480, "expired") => {
                silent
                    && lasted >= limits.ready.min(limits.ring)
                    && match words.as_str() {
                        "expired: opened but did not register in time" => reported("opened"),
                        "expired: not opened in time" => wake
                            .as_ref()
                            .is_none_or(|w| !self.did_and_stayed(w, "opened", at)),
                        "expired: registered but never ready" => wake
                            .as_ref()
                            .is_none_or(|w| !self.did_and_stayed(w, "ready", at)),
                        _ => words == "expired: reached but never rang",
                    }
            }
            (480, "unanswered") => alerted,
            (480, "unreachable") => silent,
            (403, "") => self.play.revoked.contains_key(&placed.caller),
            (408, "") => self.play.was_cut_off,
            (503, "") => self.play.was_cut_off || self.others(index, at, true) >= edge.max_parked,
            (429, "") => self.others(index, at, false) >= edge.max_parked_per_caller,
            (status, "failed") => {
                // A redirection is not followed, and 487 to an INVITE that nobody cancelled is the page's own affair.
                let said = if status == 480 {
                    &[480, 302, 487][..]
                } else {
                    &[status][..]
                };
                answered(said)
            }
            _ => false,
        };
        assert!(
            is_true,
            "{}: a false end: {} {} ({state}; {words}) after {lasted}",
            placed.call_id, response.status, response.reason
        );
    }

    /// Whether the line may have had no device at some time.
    fn unbound(&self) -> bool {
        let case = &self.play.case;
        case.pushable != [true; 3]
            || !self.play.revoked.is_empty()
            || self.play.world.pushed_as.contains(&Some(PushOutcome::Gone))
            || self.play.calls.iter().any(|c| c.caller >= FIRST_DEVICE)
    }

    /// How many other calls this caller had placed by then; with `all`, how many anybody had.
    fn others(&self, index: usize, at: Time, all: bool) -> usize {
        let mine = &self.play.calls[index];
        let mut others = self.play.calls.iter().enumerate();
        let counts = |(other, c): &(usize, &Placed)| {
            *other != index && c.at <= at && (all || c.caller == mine.caller)
        };
        others.by_ref().filter(counts).count()
    }

    /// The one outcome of each wake.
    fn outcomes(&self) -> BTreeMap<WakeId, WakeState> {
        let mut outcomes: BTreeMap<WakeId, WakeState> = BTreeMap::new();
        for CallRecord { wake, outcome, .. } in &self.play.world.records {
            let known = outcomes
                .entry(wake.clone())
                .or_insert_with(|| outcome.clone());
            assert_eq!(known, outcome, "{wake} has two outcomes");
        }
        outcomes
    }

    /// What is recorded is what the caller heard.
    fn records(&self) {
        let outcomes = self.outcomes();
        for (index, placed) in self.play.calls.iter().enumerate() {
            let Some(heard) = self.play.final_of(index) else {
                continue;
            };
            let Some((wake, state)) = wake_of(&heard.headers) else {
                continue;
            };
            let recorded = outcomes.get(&wake);
            // A call that nobody can end any longer, because its caller is away, is ended by the edge in the end.
            assert_eq!(
                recorded.map(ToString::to_string),
                Some(state),
                "{}: the record of {wake} says what its caller heard",
                placed.call_id
            );
        }
    }

    /// However often a caller came back, one INVITE was one call.
    fn one_call_each(&self) {
        let world = &self.play.world;
        for (index, page) in world.pages.iter().enumerate().take(FIRST_DEVICE) {
            let mine = world
                .records
                .iter()
                .filter(|r| r.caller.number.as_str() == page.number);
            let wakes: BTreeSet<&WakeId> = mine.map(|r| &r.wake).collect();
            let placed = self.play.calls.iter().filter(|c| c.caller == index).count();
            assert!(
                wakes.len() <= placed,
                "{placed} calls of {} became {}",
                page.name,
                wakes.len()
            );
        }
    }

    /// Notifications: no invitation after the end, and each that was accepted is replaced, once.
    fn pushes(&self) {
        let world = &self.play.world;
        let outcomes = self.outcomes();
        let mut per_device: BTreeMap<
            _,
            Vec<(Time, &wakeline_sip::edge::PushJob, Option<PushOutcome>)>,
        > = BTreeMap::new();
        for ((at, push), outcome) in world.pushes.iter().zip(&world.pushed_as) {
            let key = (push.wake.clone(), push.device.clone());
            per_device
                .entry(key)
                .or_default()
                .push((*at, push, *outcome));
        }
        for ((wake, device), pushes) in per_device {
            let replacements: BTreeSet<&str> = pushes
                .iter()
                .filter(|(_, push, _)| push.kind != PushKind::Invitation)
                .map(|(_, push, _)| push.job.as_str())
                .collect();
            assert!(replacements.len() <= 1, "{wake} {device}: replaced twice");
            let first = pushes
                .iter()
                .position(|(_, push, _)| push.kind != PushKind::Invitation);
            if let Some(first) = first {
                let later = &pushes[first..];
                assert!(
                    later
                        .iter()
                        .all(|(_, push, _)| push.kind != PushKind::Invitation),
                    "{wake} {device}: invited after it was replaced"
                );
            }
            let page = world
                .pages
                .iter()
                .position(|p| p.device == device)
                .expect("a known device");
            let invited = pushes.iter().any(|(_, push, outcome)| {
                push.kind == PushKind::Invitation
                    && matches!(outcome, Some(PushOutcome::Accepted) | None)
            });
            let gone = self.play.revoked.contains_key(&page)
                || world
                    .pushes
                    .iter()
                    .zip(&world.pushed_as)
                    .any(|((_, push), outcome)| {
                        push.device == device && matches!(outcome, Some(PushOutcome::Gone))
                    });
            // Its own user has ended it: the page knows.
            let by = self
                .play
                .reports
                .iter()
                .any(|r| r.wake == wake && r.device == page && r.what == "decline" && r.taken);
            let answers = &self.facts(&wake).answered;
            let by = by
                || answers
                    .iter()
                    .any(|(_, by, status)| *by == page && matches!(status, 200 | 603));
            let refused = pushes
                .iter()
                .any(|(_, _, outcome)| *outcome == Some(PushOutcome::Refused));
            if invited && !gone && !by && !refused {
                assert_eq!(
                    replacements.len(),
                    1,
                    "{wake} {device}: its notification is left ({:?})",
                    outcomes.get(&wake)
                );
            }
        }
    }

    /// A page is not rung, silenced and rung again: another INVITE for the same call comes only to a page that has
    /// registered anew or said "ready" meanwhile, whatever the network between the objects does.
    fn invites(&self) {
        for (index, page) in self.play.world.pages.iter().enumerate().skip(FIRST_DEVICE) {
            let mut rung: BTreeMap<WakeId, usize> = BTreeMap::new();
            for invite in page.requests("INVITE") {
                if let Some((wake, _)) = wake_of(&invite.headers) {
                    *rung.entry(wake).or_default() += 1;
                }
            }
            let registers = self
                .play
                .world
                .said
                .iter()
                .filter(|(_, who, bytes)| *who == index && bytes.starts_with(b"REGISTER"));
            let registers = registers.count();
            for (wake, times) in rung {
                let ready = self.play.reports.iter().filter(|r| {
                    r.wake == wake && r.device == index && r.what == "ready" && r.taken
                });
                let ready = ready.count();
                // The first REGISTER may have come before the call.
                assert!(
                    times <= ready + registers.max(1),
                    "{wake}: device {} was invited {times} times, ready {ready}, registered {registers}",
                    page.name
                );
            }
        }
    }
}

fn branch(headers: &Headers) -> Option<String> {
    headers.top_via().ok()?.branch().map(str::to_owned)
}
