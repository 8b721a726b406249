//! Plays a sequence in the simulated world: people, pages, push services and weather, and after each stretch of time the
//! question whether anything still rings that should be quiet.
//!
//! Long because every step that a sequence may hold is carried out here, beside what it may lead to.

use std::collections::BTreeMap;

use wakeline_sip::edge::{LineCommand, LineReply, PushOutcome, WakeId};
use wakeline_sip::time::{Duration, Time};
use wakeline_sip::wake::DeviceState;
use wakeline_sip::wire::{Message, Request, Response};

use crate::page::{Temper, thaw};
use crate::sim::{Weather, World};
use crate::steps::{Case, PushSaid, Sky, Step, What};

/// The line that sleeps, and which pages are its devices.
pub const LINE: &str = "1002";
pub const FIRST_DEVICE: usize = 2;

/// How soon everything reachable is quiet once a call is over, and what the checks themselves may be late by.
const QUIET_MS: u64 = 2_000;
/// Where messages between objects get lost, they are repeated after 0.5, 1, 2, 4 … s: quiet comes when one arrives.
const QUIET_IN_STORMS_MS: u64 = 60_000;
/// Between two looks.
const LOOK_MS: u64 = 500;

/// A call as its caller knows it.
#[derive(Debug)]
pub struct Placed {
    pub caller: usize,
    pub call_id: String,
    pub invite: String,
    pub at: Time,
    /// The socket it was sent over last.
    pub flow: String,
    /// When CANCEL was said.
    pub cancelled: Option<Time>,
    /// When its socket broke; it has not come back since.
    pub lost: Option<Time>,
    /// Whether it ever came back after a break.
    pub came_back: bool,
    /// When BYE was said.
    pub hung_up: Option<Time>,
}

/// A call that a device has answered and not ended.
#[derive(Debug, Clone)]
pub struct Talk {
    pub device: usize,
    pub invite: Request,
    pub wake: WakeId,
    pub since: Time,
    cseq: u32,
}

/// What a device reported, and what came of it.
#[derive(Debug, Clone)]
pub struct Said {
    pub at: Time,
    pub device: usize,
    pub wake: WakeId,
    pub what: &'static str,
    pub taken: bool,
}

pub struct Play {
    pub case: Case,
    pub world: World,
    pub calls: Vec<Placed>,
    pub talks: Vec<Talk>,
    pub reports: Vec<Said>,
    pub revoked: BTreeMap<usize, Time>,
    /// When each wake was over, as far as anybody could see.
    pub over: BTreeMap<WakeId, Time>,
    /// Since when each page can be reached.
    reachable_since: Vec<Option<Time>>,
    /// Who has heard 200 to the REGISTER of its present socket.
    registered: Vec<bool>,
    /// When pages left their sockets.
    pub breaks: Vec<(Time, usize)>,
    /// Something was cut off at some time: messages may be late by their back-off.
    pub was_cut_off: bool,
    /// Since when nothing is.
    whole_since: Time,
    heard: Vec<usize>,
    recorded: usize,
}

pub fn of_invite(response: &Response) -> bool {
    let cseq = response.headers.cseq();
    cseq.is_ok_and(|cseq| cseq.method.as_str() == "INVITE")
}

pub fn wake_of(headers: &wakeline_sip::wire::Headers) -> Option<(WakeId, String)> {
    let (id, rest) = headers.get("Wakeline-Wake")?.split_once(';')?;
    let state = rest.strip_prefix("state=")?.to_owned();
    Some((WakeId::parse(id).ok()?, state))
}

fn wake_of_invite(invite: &Request) -> WakeId {
    wake_of(&invite.headers)
        .expect("an INVITE of the edge names its wake")
        .0
}

impl Play {
    pub fn new(case: Case) -> Self {
        let mut world = World::seeded(case.seed);
        world.config.wake.ready = Duration::from_secs(20);
        world.config.wake.ring = Duration::from_secs(15);
        world.config.wake.tap_grace = Duration::from_secs(5);
        world.config.wake.decline = case.decline;
        world.config.edge.max_expires_s = 3_600;
        world.page("1001", "caller-a", false);
        world.page("1003", "caller-b", false);
        world.line(LINE);
        for (nth, name) in ["a", "b", "c"].into_iter().enumerate() {
            world.page(LINE, name, case.pushable[nth]);
        }
        world.foreign(LINE, "foreign");
        let open = case.open.iter().enumerate().filter(|(_, open)| **open);
        let mut open: Vec<usize> = open.map(|(nth, _)| FIRST_DEVICE + nth).collect();
        open.extend([0, 1]);
        if case.foreign {
            open.push(FIRST_DEVICE + 3);
        }
        for page in open {
            world.open(page);
        }
        world.run_for(200);
        world.weather = match case.sky {
            Sky::Fair => Weather::default(),
            Sky::Breezy => Weather {
                drop_percent: 0,
                repeat_percent: 20,
                max_delay_ms: 120,
            },
            Sky::Stormy => Weather {
                drop_percent: 20,
                repeat_percent: 20,
                max_delay_ms: 120,
            },
        };
        let pages = world.pages.len();
        let now = world.now;
        let reachable_since = world.pages.iter().map(|p| p.flow.as_ref().map(|_| now));
        let mut play = Self {
            reachable_since: reachable_since.collect(),
            case,
            world,
            calls: Vec::new(),
            talks: Vec::new(),
            reports: Vec::new(),
            revoked: BTreeMap::new(),
            over: BTreeMap::new(),
            breaks: Vec::new(),
            registered: vec![false; pages],
            was_cut_off: false,
            whole_since: now,
            heard: vec![0; pages],
            recorded: 0,
        };
        play.look();
        play
    }

    /// The whole sequence, and then time enough for all of it to end.
    pub fn run(&mut self) {
        for (step, then) in self.case.beats.clone() {
            self.step(step);
            self.run_for(then);
        }
        self.finish();
    }

    /// Everybody thaws, the network is whole, whoever talks hangs up; every deadline passes.
    fn finish(&mut self) {
        self.make_whole();
        for page in 0..self.world.pages.len() {
            self.thaw(page);
        }
        self.run_for(60_000);
        for call in 0..self.calls.len() {
            if self.final_of(call).is_some_and(|r| r.status == 200) {
                self.caller_hangs_up(call);
            }
        }
        self.run_for(60_000);
        // What is remembered for late questions is forgotten.
        self.world.run_for(800_000);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Call { caller } => self.call(caller),
            Step::Cancel { nth } => self.cancel(nth),
            Step::CallerCut { caller, noticed_ms } => {
                self.cut(caller, noticed_ms);
            }
            Step::CallerBack { caller } => self.caller_back(caller),
            Step::CallerHangsUp { nth } => {
                let answered = |call: &usize| {
                    self.calls[*call].hung_up.is_none()
                        && self.final_of(*call).is_some_and(|r| r.status == 200)
                };
                if let Some(call) = (0..self.calls.len()).filter(answered).nth(nth) {
                    self.caller_hangs_up(call);
                }
            }
            Step::DeviceHangsUp { device } => self.device_hangs_up(FIRST_DEVICE + device),
            Step::PushSays(said) => {
                let outcome = match said {
                    PushSaid::Gone => PushOutcome::Gone,
                    PushSaid::Refused => PushOutcome::Refused,
                    PushSaid::Throttled(after) => PushOutcome::Later {
                        retry_after_s: Some(after),
                        throttled: true,
                    },
                    PushSaid::Busy => PushOutcome::Later {
                        retry_after_s: None,
                        throttled: false,
                    },
                    PushSaid::Nothing => {
                        self.world.push_silences += 1;
                        return;
                    }
                };
                self.world.push_answers.push_back(outcome);
            }
            Step::Report { device, wake, what } => {
                let device = FIRST_DEVICE + device;
                if let Some(wake) = self.known_wake(device, wake) {
                    let what = match what {
                        What::Shown => "shown",
                        What::Opened => "opened",
                        What::Ready => "ready",
                        What::Decline => "decline",
                    };
                    self.report(device, &wake, what);
                }
            }
            Step::Tap { device, wake, anew } => self.tap(FIRST_DEVICE + device, wake, anew),
            Step::Open { device } => self.open(FIRST_DEVICE + device),
            Step::Return { device } => self.come_back(FIRST_DEVICE + device),
            Step::Refresh { device } => {
                let page = FIRST_DEVICE + device;
                if self.world.pages[page].flow.is_some() && !self.world.pages[page].frozen {
                    let register = self.world.pages[page].register(None);
                    self.world.send(page, register);
                }
            }
            Step::Cut { device, noticed_ms } => self.cut(FIRST_DEVICE + device, noticed_ms),
            Step::Freeze { device } => {
                let page = FIRST_DEVICE + device;
                let connected = self.world.pages[page].flow.is_some();
                self.world.pages[page].frozen = connected;
            }
            Step::Thaw { device } => self.thaw(FIRST_DEVICE + device),
            Step::Answer {
                device,
                nth,
                status,
            } => self.answer(FIRST_DEVICE + device, nth, status),
            Step::Temper { device, temper } => {
                self.world.pages[FIRST_DEVICE + device].temper = temper;
            }
            Step::Revoke { device } => {
                let device = FIRST_DEVICE + device;
                let id = self.world.pages[device].device.clone();
                let _ = self
                    .world
                    .command(LINE, LineCommand::RevokeDevice { device: id });
                let now = self.world.now;
                self.revoked.entry(device).or_insert(now);
                self.breaks.push((now, device));
            }
            Step::CutOff { whose } => {
                let object = match whose {
                    0 => Some(format!("line:demo:{LINE}")),
                    page => self.world.pages[page - 1].flow.clone(),
                };
                self.was_cut_off |= object.is_some();
                self.world.cut_off = object;
            }
            Step::Whole => self.make_whole(),
        }
        self.look();
    }

    fn make_whole(&mut self) {
        self.world.cut_off = None;
        self.whole_since = self.world.now;
    }

    // ---- callers ----

    fn call(&mut self, caller: usize) {
        // Caller 2 is the line's own third device.
        let page = if caller == 2 {
            FIRST_DEVICE + 2
        } else {
            caller
        };
        let Some(flow) = self.world.pages[page].flow.clone() else {
            return;
        };
        if self.world.pages[page].frozen || !self.registered[page] {
            return;
        }
        let invite = self.world.pages[page].invite(LINE);
        let call_id = invite
            .lines()
            .find_map(|line| line.strip_prefix("Call-ID: "))
            .expect("an INVITE has a Call-ID")
            .to_owned();
        self.world.send(page, invite.clone().into_bytes());
        self.calls.push(Placed {
            caller: page,
            call_id,
            invite,
            at: self.world.now,
            flow,
            cancelled: None,
            lost: None,
            came_back: false,
            hung_up: None,
        });
    }

    /// Whether this caller can still say something in this call.
    fn is_connected(&self, call: usize) -> bool {
        let placed = &self.calls[call];
        let page = &self.world.pages[placed.caller];
        placed.lost.is_none() && page.flow.as_ref() == Some(&placed.flow) && !page.frozen
    }

    fn cancel(&mut self, nth: usize) {
        let open = |call: &usize| {
            self.is_connected(*call)
                && self.calls[*call].cancelled.is_none()
                && self.final_of(*call).is_none()
        };
        let Some(call) = (0..self.calls.len()).filter(open).nth(nth) else {
            return;
        };
        let placed = &mut self.calls[call];
        placed.cancelled = Some(self.world.now);
        let head = placed.invite.split("Contact:").next().expect("a part");
        let cancel = head.replace("INVITE", "CANCEL") + "Content-Length: 0\r\n\r\n";
        let caller = placed.caller;
        self.world.send(caller, cancel.into_bytes());
    }

    fn caller_back(&mut self, caller: usize) {
        if self.world.pages[caller].flow.is_none() {
            self.open(caller);
        }
        self.await_registration(caller);
        let Some(flow) = self.world.pages[caller].flow.clone() else {
            return;
        };
        if !self.registered[caller] {
            return;
        }
        for call in 0..self.calls.len() {
            let placed = &self.calls[call];
            let waits = placed.caller == caller && placed.lost.is_some();
            // Whoever gave up, or has heard the end, has nothing to repeat.
            if !waits || placed.cancelled.is_some() || self.final_of(call).is_some() {
                continue;
            }
            let placed = &mut self.calls[call];
            placed.lost = None;
            placed.came_back = true;
            placed.flow = flow.clone();
            placed.invite = placed
                .invite
                .replace("branch=z9hG4bK", "branch=z9hG4bKagain");
            let invite = placed.invite.clone();
            self.world.send(caller, invite.into_bytes());
        }
    }

    fn caller_hangs_up(&mut self, call: usize) {
        if !self.is_connected(call) || self.calls[call].hung_up.is_some() {
            return;
        }
        let caller = self.calls[call].caller;
        let answer = self.final_of(call).cloned().expect("it was answered");
        let bye = self.world.pages[caller].in_dialog_of(&answer, "BYE", 2, None);
        self.calls[call].hung_up = Some(self.world.now);
        self.world.send(caller, bye);
    }

    /// The final response that the caller has heard to its INVITE.
    pub fn final_of(&self, call: usize) -> Option<&Response> {
        let placed = &self.calls[call];
        let page = &self.world.pages[placed.caller];
        page.heard
            .iter()
            .rev()
            .find_map(|(_, message)| match message {
                Message::Response(response)
                    if response.status >= 200
                        && of_invite(response)
                        && response.headers.call_id().ok() == Some(placed.call_id.as_str()) =>
                {
                    Some(response)
                }
                _ => None,
            })
    }

    // ---- devices ----

    /// A wake that this device was invited to, or that waits for the line; newest first.
    fn known_wake(&mut self, device: usize, nth: usize) -> Option<WakeId> {
        let id = self.world.pages[device].device.clone();
        let mut wakes: Vec<WakeId> = Vec::new();
        let pushed = self.world.pushes.iter().rev();
        let pushed = pushed.filter(|(_, push)| push.device == id);
        for wake in pushed.map(|(_, push)| push.wake.clone()) {
            if !wakes.contains(&wake) {
                wakes.push(wake);
            }
        }
        if let LineReply::Waiting { wakes: waiting, .. } =
            self.world.command(LINE, LineCommand::Waiting)
        {
            for wake in waiting {
                if !wakes.contains(&wake.id) {
                    wakes.push(wake.id);
                }
            }
        }
        wakes.get(nth).or(wakes.first()).cloned()
    }

    fn report(&mut self, device: usize, wake: &WakeId, what: &'static str) {
        // A report that comes too late is no error, and changes nothing. A decline may itself be the end, and its word need
        // not be "declined": where it silences its device alone, the other one may have been busy. It was taken all the
        // same, and nothing is left on the screen where somebody has just declined.
        let id = self.world.pages[device].device.clone();
        let taken = self.world.report(device, wake, what).is_ok_and(|view| {
            let declined = (id, DeviceState::Declined);
            !view.state.is_final() || what == "decline" && view.devices.contains(&declined)
        });
        self.reports.push(Said {
            at: self.world.now,
            device,
            wake: wake.clone(),
            what,
            taken,
        });
    }

    fn tap(&mut self, device: usize, nth: usize, anew: bool) {
        let Some(wake) = self.known_wake(device, nth) else {
            return;
        };
        self.thaw(device);
        self.report(device, &wake, "opened");
        if anew || self.world.pages[device].flow.is_none() {
            self.open(device);
        } else {
            self.registered[device] = false;
            let register = self.world.pages[device].register(None);
            self.world.send(device, register);
        }
        self.await_registration(device);
        if self.registered[device] {
            self.report(device, &wake, "ready");
        }
    }

    fn await_registration(&mut self, page: usize) {
        for _ in 0..40 {
            if self.registered[page] || self.world.pages[page].flow.is_none() {
                break;
            }
            self.run_for(100);
        }
    }

    /// The same page over another socket: it registers, and says in each of its calls where it is now.
    fn come_back(&mut self, page: usize) {
        let (mine, others) = std::mem::take(&mut self.talks)
            .into_iter()
            .partition(|talk| talk.device == page);
        self.talks = others;
        let mut mine: Vec<Talk> = mine;
        mine.retain(|talk| self.has_ack(talk));
        // The network that it has left does not say goodbye.
        self.cut(page, 30_000);
        self.open(page);
        self.talks.extend(mine);
        self.await_registration(page);
        if !self.registered[page] {
            return;
        }
        for talk in self.talks.iter_mut().filter(|talk| talk.device == page) {
            talk.cseq += 1;
            let update =
                self.world.pages[page].in_dialog_of_invite(&talk.invite, "UPDATE", talk.cseq);
            self.world.send(page, update);
        }
    }

    fn has_ack(&self, talk: &Talk) -> bool {
        let mut heard = self.world.pages[talk.device].heard.iter();
        heard.any(|(_, message)| matches!(message, Message::Request(request)
            if request.method.as_str() == "ACK" && request.headers.call_id() == talk.invite.headers.call_id()))
    }

    /// The page is loaded: nothing of what it was before is left in it.
    fn open(&mut self, page: usize) {
        self.talks.retain(|talk| talk.device != page);
        self.world.cut(page);
        let it = &mut self.world.pages[page];
        it.frozen = false;
        it.waiting_frames.clear();
        // A page that registers anew drops what its old socket has left.
        it.ringing.clear();
        self.left(page);
        self.world.open(page);
        self.reachable_since[page] = Some(self.world.now);
    }

    fn cut(&mut self, page: usize, noticed_ms: u64) {
        self.world.pages[page].ringing.clear();
        self.world.pages[page].frozen = false;
        self.world.pages[page].waiting_frames.clear();
        self.world.cut_noticed_after(page, noticed_ms);
        self.left(page);
    }

    /// The page has left its socket, whoever closed it: its calls go on without a caller.
    fn left(&mut self, page: usize) {
        let now = self.world.now;
        for placed in self.calls.iter_mut().filter(|c| c.caller == page) {
            placed.lost.get_or_insert(now);
        }
        self.reachable_since[page] = None;
        self.registered[page] = false;
        self.breaks.push((now, page));
        // Who answered and has not seen the ACK when its socket breaks cannot know whether its answer went out.
        let talks = std::mem::take(&mut self.talks);
        let stays = talks
            .into_iter()
            .filter(|talk| talk.device != page || self.has_ack(talk));
        self.talks = stays.collect();
    }

    fn thaw(&mut self, page: usize) {
        if self.world.pages[page].frozen {
            thaw(&mut self.world, page);
            self.reachable_since[page] = Some(self.world.now);
        }
    }

    fn answer(&mut self, device: usize, nth: usize, status: u16) {
        let page = &mut self.world.pages[device];
        if page.ringing.is_empty() || page.frozen || page.flow.is_none() {
            return;
        }
        let nth = nth % page.ringing.len();
        let (invite, answer) = page.answer_nth(nth, status);
        self.world.send(device, answer);
        if status == 200 {
            self.answered(device, invite);
        }
    }

    fn answered(&mut self, device: usize, invite: Request) {
        self.talks.push(Talk {
            device,
            wake: wake_of_invite(&invite),
            invite,
            since: self.world.now,
            cseq: 0,
        });
    }

    fn device_hangs_up(&mut self, device: usize) {
        let page = &self.world.pages[device];
        let Some(at) = self.talks.iter().position(|talk| talk.device == device) else {
            return;
        };
        if page.flow.is_none() || page.frozen {
            return;
        }
        let talk = self.talks.remove(at);
        let bye = page.in_dialog_of_invite(&talk.invite, "BYE", talk.cseq + 1);
        self.world.send(device, bye);
    }

    // ---- time ----

    pub fn run_for(&mut self, ms: u64) {
        let end = self.world.now + Duration::from_millis(ms);
        while self.world.now < end {
            let left = end.since(self.world.now).as_millis();
            self.world.run_for(left.min(LOOK_MS));
            self.look();
        }
    }

    /// Reads what was heard since the last look, and judges whether all is quiet that has to be.
    fn look(&mut self) {
        for page in 0..self.world.pages.len() {
            if self.world.pages[page].flow.is_none() && self.reachable_since[page].is_some() {
                // The edge closed the socket.
                self.world.pages[page].ringing.clear();
                self.world.pages[page].frozen = false;
                self.left(page);
            }
            let heard = self.world.pages[page].heard[self.heard[page]..].to_vec();
            self.heard[page] += heard.len();
            for (at, message) in heard {
                self.hear(page, at, message);
            }
        }
        for record in &self.world.records[self.recorded..] {
            self.over
                .entry(record.wake.clone())
                .or_insert(record.ended_at);
        }
        self.recorded = self.world.records.len();
        self.is_quiet();
    }

    fn hear(&mut self, page: usize, at: Time, message: Message) {
        match message {
            Message::Response(response) if of_invite(&response) && response.status >= 200 => {
                if let Some((wake, _)) = wake_of(&response.headers) {
                    self.over.entry(wake).or_insert(at);
                }
                // A caller whose CANCEL crossed the 200 hangs up (RFC 3261 §9.1).
                let same = |c: &Placed| {
                    c.caller == page && response.headers.call_id().ok() == Some(c.call_id.as_str())
                };
                if let Some(call) = self.calls.iter().position(same)
                    && response.status == 200
                    && self.calls[call].cancelled.is_some()
                {
                    self.caller_hangs_up(call);
                }
            }
            Message::Request(request) => match request.method.as_str() {
                "INVITE" if self.world.pages[page].temper == Temper::Answer => {
                    // It has answered by itself; the world has sent its 200.
                    let here = |ringing: &Request| same_branch(ringing, &request);
                    if let Some(nth) = self.world.pages[page].ringing.iter().position(here) {
                        self.world.pages[page].ringing.remove(nth);
                        self.answered(page, request);
                    }
                }
                "BYE" => {
                    let call_id = request.headers.call_id().ok().map(str::to_owned);
                    self.talks.retain(|talk| {
                        talk.device != page
                            || talk.invite.headers.call_id().ok() != call_id.as_deref()
                    });
                }
                _ => {}
            },
            Message::Response(response) => {
                let cseq = response.headers.cseq();
                if response.status == 200 && cseq.is_ok_and(|c| c.method.as_str() == "REGISTER") {
                    self.registered[page] = true;
                }
                // A dialog that the other side does not know is over (RFC 3261 §12.2.1.2).
                if matches!(response.status, 408 | 481) {
                    let over = response.headers.call_id().ok().map(str::to_owned);
                    self.talks.retain(|talk| {
                        talk.device != page || talk.invite.headers.call_id().ok() != over.as_deref()
                    });
                }
            }
        }
    }

    /// Messages between objects get lost, and come only when they are repeated.
    pub fn is_lossy(&self) -> bool {
        self.case.sky == Sky::Stormy || self.was_cut_off
    }

    fn is_quiet(&self) {
        let allowed = if self.is_lossy() {
            QUIET_IN_STORMS_MS
        } else {
            QUIET_MS + LOOK_MS
        };
        if self.world.cut_off.is_some() {
            return;
        }
        let now = self.world.now;
        for (index, page) in self.world.pages.iter().enumerate() {
            let Some(reachable) = self.reachable_since[index].filter(|_| !page.frozen) else {
                continue;
            };
            let reachable = reachable.max(self.whole_since);
            for invite in &page.ringing {
                let wake = wake_of_invite(invite);
                if let Some(over) = self.over.get(&wake) {
                    let silent_for = now.since((*over).max(reachable)).as_millis();
                    assert!(
                        silent_for <= allowed,
                        "device {} still rings {silent_for} ms after the end of {wake}",
                        page.name
                    );
                }
            }
        }
        for talk in &self.talks {
            let page = &self.world.pages[talk.device];
            let Some(reachable) = self.reachable_since[talk.device].filter(|_| !page.frozen) else {
                continue;
            };
            let reachable = reachable.max(self.whole_since);
            if let Some(over) = self.ended_talk(talk) {
                let silent_for = now.since(over.max(reachable).max(talk.since)).as_millis();
                assert!(
                    silent_for <= allowed,
                    "device {} believes in a call that was over {silent_for} ms ago: {}",
                    page.name,
                    talk.wake
                );
            }
        }
    }

    /// Since when a device that answered has nobody to talk to, if the caller never heard its answer or has hung up.
    fn ended_talk(&self, talk: &Talk) -> Option<Time> {
        let call_id = talk.invite.headers.call_id().ok()?;
        let call = self.calls.iter().position(|c| c.call_id == call_id)?;
        let tag = format!("t{}", self.world.pages[talk.device].name);
        let heard = self.final_of(call)?;
        let mine = heard.status == 200 && heard.headers.to().ok()?.tag() == Some(tag.as_str());
        if mine {
            // A BYE that its caller said in the moment it left its socket may be lost with that: the edge ends the call
            // as one whose party is lost.
            let caller = self.calls[call].caller;
            let mut breaks = self.breaks.iter();
            return self.calls[call].hung_up.filter(|said| {
                let until = *said + Duration::from_secs(1);
                !breaks.any(|(when, who)| *who == caller && (*said..=until).contains(when))
            });
        }
        let over = self.over.get(&talk.wake)?;
        Some(*over)
    }
}

fn same_branch(a: &Request, b: &Request) -> bool {
    let branch = |r: &Request| r.headers.top_via().ok()?.branch().map(str::to_owned);
    branch(a).is_some() && branch(a) == branch(b)
}
