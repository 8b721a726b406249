//! Everything at random: people who call, cancel, tap, decline, answer and hang up; tabs that freeze, thaw, close and
//! come back; push services that fail; a network between objects in any weather. Whatever happened: one end for each
//! call, nothing left ringing, one record, at most one replacement on a device.

use std::collections::{BTreeMap, BTreeSet};

use crate::page::{Temper, thaw};
use crate::sim::World;
use wakeline_sip::edge::{PushKind, PushOutcome, WakeId};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::time::Duration;

const CALLERS: [usize; 2] = [0, 1];
const DEVICES: [usize; 3] = [2, 3, 4];

struct Chaos {
    world: World,
    dice: Entropy,
    /// INVITEs sent by each caller, and whether the last one is still open.
    calls: [u32; 2],
}

impl Chaos {
    fn new(seed: u64, stormy: bool) -> Self {
        let mut world = if stormy {
            World::stormy(seed)
        } else {
            World::seeded(seed)
        };
        world.config.wake.ready = Duration::from_secs(20);
        world.config.wake.ring = Duration::from_secs(15);
        world.page("1001", "caller-a", false);
        world.page("1003", "caller-b", false);
        for name in ["a", "b", "c"] {
            world.page("1002", name, true);
        }
        for page in [0, 1, 4] {
            world.open(page);
        }
        world.settle();
        Self {
            world,
            dice: Entropy::for_tests(seed ^ 0xC0FFEE),
            calls: [0, 0],
        }
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice.below(sides)
    }

    fn open_call(&self, caller: usize) -> bool {
        let finals = self.world.pages[caller].responses();
        let finals = finals.iter().filter(|r| {
            r.status >= 200
                && r.headers
                    .cseq()
                    .is_ok_and(|cseq| cseq.method.as_str() == "INVITE")
        });
        finals.count() < self.calls[caller] as usize
    }

    fn some_wake(&mut self) -> Option<WakeId> {
        let wakes: BTreeSet<WakeId> = self
            .world
            .pushes
            .iter()
            .rev()
            .take(8)
            .map(|(_, push)| push.wake.clone())
            .collect();
        let nth = self.roll(wakes.len() as u64);
        wakes.into_iter().nth(nth as usize)
    }

    fn step(&mut self) {
        let caller = CALLERS[self.roll(2) as usize];
        let device = DEVICES[self.roll(3) as usize];
        let answered = self.world.pages[caller]
            .last_final()
            .is_some_and(|r| r.status == 200);
        match self.roll(16) {
            0..=3 if !self.open_call(caller) && !answered => {
                let invite = self.world.pages[caller].invite("1002");
                self.world.send(caller, invite.into_bytes());
                self.calls[caller] += 1;
            }
            4 if self.open_call(caller) => {
                let cancel = self.world.pages[caller].cancel("1002");
                self.world.send(caller, cancel);
            }
            5 if answered => {
                let bye = self.world.pages[caller].as_caller("BYE", 2);
                self.world.send(caller, bye);
            }
            6 => {
                if let Some(wake) = self.some_wake() {
                    let what = ["shown", "opened", "ready", "ready"][self.roll(4) as usize];
                    let _ = self.world.report(device, &wake, what);
                }
            }
            7 if self.roll(4) == 0 => {
                if let Some(wake) = self.some_wake() {
                    let _ = self.world.report(device, &wake, "decline");
                }
            }
            8 | 9 => {
                self.world.pages[device].ringing.clear();
                self.world.pages[device].frozen = false;
                self.world.pages[device].waiting_frames.clear();
                self.world.open(device);
            }
            10 => {
                self.world.pages[device].ringing.clear();
                self.world.cut(device);
            }
            11 => self.world.pages[device].frozen = self.world.pages[device].flow.is_some(),
            12 => thaw(&mut self.world, device),
            13 | 14
                if !self.world.pages[device].ringing.is_empty()
                    && !self.world.pages[device].frozen =>
            {
                let status = [200, 200, 486, 603, 480][self.roll(5) as usize];
                let answer = self.world.pages[device].answer_with(status);
                if self.world.pages[device].flow.is_some() {
                    self.world.send(device, answer);
                }
            }
            15 => {
                let later = PushOutcome::Later {
                    retry_after_s: Some(2),
                    throttled: self.dice.below(2) == 0,
                };
                self.world.push_answers.push_back(later);
            }
            _ => {}
        }
        let wait = self.roll(1_500);
        self.world.run_for(wait);
    }

    fn check(&mut self, seed: u64) {
        for device in DEVICES {
            thaw(&mut self.world, device);
        }
        self.world.run_for(120_000);
        for caller in CALLERS {
            let finals = self.world.pages[caller].responses();
            let of_invite = |r: &&&wakeline_sip::wire::Response| {
                r.status >= 200
                    && r.headers
                        .cseq()
                        .is_ok_and(|cseq| cseq.method.as_str() == "INVITE")
            };
            let mut per_call = BTreeMap::new();
            for response in finals.iter().filter(of_invite) {
                *per_call
                    .entry(response.headers.get("Call-ID").unwrap())
                    .or_insert(0) += 1;
            }
            assert_eq!(
                per_call.len(),
                self.calls[caller] as usize,
                "seed {seed}: every call of {caller} has its end"
            );
            assert!(
                per_call.values().all(|n| *n == 1),
                "seed {seed}: and only one: {per_call:?}"
            );
        }
        for device in DEVICES {
            let page = &self.world.pages[device];
            assert!(
                page.ringing.is_empty(),
                "seed {seed}: device {} is left ringing",
                page.name
            );
        }
        let mut ends = BTreeMap::new();
        for record in &self.world.records {
            *ends.entry(record.wake.clone()).or_insert(BTreeSet::new()) =
                BTreeSet::from([record.outcome.to_string()]);
        }
        assert!(
            ends.values().all(|outcomes| outcomes.len() == 1),
            "seed {seed}: one outcome a call"
        );
        let mut replacements: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
        for (_, push) in self
            .world
            .pushes
            .iter()
            .filter(|(_, push)| push.kind != PushKind::Invitation)
        {
            replacements
                .entry((push.wake.clone(), push.device.clone()))
                .or_default()
                .insert(&push.job);
        }
        assert!(
            replacements.values().all(|jobs| jobs.len() == 1),
            "seed {seed}: one replacement a device"
        );
        let talking = CALLERS.iter().filter(|c| {
            self.world.pages[**c]
                .last_final()
                .is_some_and(|r| r.status == 200)
        });
        let calls: usize = self.calls.iter().map(|n| *n as usize).sum();
        let talking = talking.count();
        assert!(
            ends.len() + talking >= calls && ends.len() <= calls,
            "seed {seed}: {} records of {calls} calls",
            ends.len()
        );
    }
}

/// `WAKELINE_STORMS` asks for more.
fn seeds(usual: u64) -> u64 {
    std::env::var("WAKELINE_STORMS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(usual)
}

fn run(seed: u64, stormy: bool) {
    eprintln!("seed {seed}");
    let mut chaos = Chaos::new(seed, stormy);
    for page in DEVICES {
        chaos.world.pages[page].temper = Temper::Ring;
    }
    for _ in 0..60 {
        chaos.step();
    }
    chaos.check(seed);
}

#[test]
fn every_call_has_one_end_and_nothing_is_left_ringing_on_a_good_network() {
    for seed in 0..seeds(8) {
        run(seed, false);
    }
}

#[test]
fn every_call_has_one_end_and_nothing_is_left_ringing_in_a_storm() {
    for seed in 1000..1000 + seeds(4) {
        run(seed, true);
    }
}
