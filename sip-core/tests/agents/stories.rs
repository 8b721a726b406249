//! Stories drawn from a seed: people with one to three devices who call, answer, decline, hang up, open and close pages.
//! What must hold whatever happens: it ends, both sides agree on how, nothing rings for ever, and nothing is left behind.

use std::collections::BTreeMap;

use wakeline_sip::agent::{CallId, CallState, CallView, Command, Event, FlowId, Input, Outcome};
use wakeline_sip::edge::{PushKind, WakeId};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::time::{Duration, Time};

use crate::page::Stage;
use crate::sim::{Weather, World};

/// Two dozen stories; as many as `WAKELINE_STORMS` says in a long run. The story that fails names its seed.
fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("WAKELINE_STORMS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(24)
}

/// What becomes of an incoming call, so many milliseconds after it rings.
#[derive(Clone, Copy, Debug)]
enum Habit {
    Answer(u64),
    Reject(u64),
    Ignore,
}

/// What people do at some time.
#[derive(Clone, Debug)]
enum Act {
    Open(usize),
    /// Closes the tab, without a word to anybody.
    Close(usize),
    Call {
        who: usize,
        to: &'static str,
    },
    HangUp(usize),
    End {
        who: usize,
        call: CallId,
    },
    Offline(usize),
    Online(usize),
    /// The socket breaks; the edge notices after so many milliseconds.
    Cut {
        who: usize,
        noticed_ms: u64,
    },
    /// An incoming call has rung for long enough.
    Habit {
        who: usize,
        call: CallId,
    },
    /// A notification is tapped.
    Tap {
        who: usize,
        wake: WakeId,
    },
}

struct Person {
    open: bool,
    taps: Option<u64>,
    habit: Habit,
    calls: BTreeMap<CallId, CallView>,
    seen: usize,
}

/// People on a stage, with a script.
struct Story {
    stage: Stage,
    people: Vec<Person>,
    script: BTreeMap<(Time, u64), Act>,
    order: u64,
    pushes: usize,
    entropy: Entropy,
    text: String,
}

impl Story {
    fn new(seed: u64, drop_percent: u64, max_delay_ms: u64) -> Self {
        let mut world = World::seeded(seed);
        world.weather = Weather {
            drop_percent,
            repeat_percent: drop_percent,
            max_delay_ms,
        };
        Self {
            stage: Stage::new(world),
            people: Vec::new(),
            script: BTreeMap::new(),
            order: 0,
            pushes: 0,
            entropy: Entropy::for_tests(seed ^ 0xfeed),
            text: format!("seed {seed}:"),
        }
    }

    /// A caller, and a line with one to three devices; then the call.
    fn draw(seed: u64, drop_percent: u64, max_delay_ms: u64) -> Self {
        let mut story = Self::new(seed, drop_percent, max_delay_ms);
        let caller = story.person("1001");
        story.at(0, Act::Open(caller));
        for _ in 0..=story.below(3) {
            let who = story.person("1002");
            if story.below(2) == 0 {
                story.at(0, Act::Open(who));
            }
            let taps = story.below(40_000);
            story.people[who].taps = (story.below(4) > 0).then_some(taps);
            let ms = story.below(20_000);
            story.people[who].habit = match story.below(4) {
                0 => Habit::Ignore,
                1 => Habit::Reject(ms),
                _ => Habit::Answer(ms),
            };
            let Person { taps, habit, .. } = &story.people[who];
            story.text += &format!(" [{who} taps {taps:?} {habit:?}]");
        }
        story.run(5_000);
        story.at(
            0,
            Act::Call {
                who: caller,
                to: "1002",
            },
        );
        story
    }

    fn below(&mut self, bound: usize) -> u64 {
        self.entropy.below(bound as u64)
    }

    fn anybody(&mut self) -> usize {
        usize::try_from(self.below(self.people.len())).unwrap()
    }

    fn person(&mut self, number: &str) -> usize {
        let who = self.stage.page(number, &format!("d{}", self.people.len()));
        self.people.push(Person {
            open: false,
            taps: None,
            habit: Habit::Ignore,
            calls: BTreeMap::new(),
            seen: 0,
        });
        who
    }

    fn at(&mut self, ms: u64, act: Act) {
        self.text += &format!(" {ms}: {act:?}");
        self.later(ms, act);
    }

    fn later(&mut self, ms: u64, act: Act) {
        self.order += 1;
        self.script.insert(
            (self.stage.world.now + Duration::from_millis(ms), self.order),
            act,
        );
    }

    fn run(&mut self, ms: u64) {
        let end = self.stage.world.now + Duration::from_millis(ms);
        while self.stage.world.now < end {
            let next = self.script.keys().next().map_or(end, |(at, _)| *at);
            // Nobody is quicker than this: a habit or a tap that is due before it was noticed comes a little later.
            let soon = self.stage.world.now + Duration::from_millis(50);
            self.stage.run_to(next.min(soon).min(end));
            while let Some(entry) = self
                .script
                .first_entry()
                .filter(|e| e.key().0 <= self.stage.world.now)
            {
                let act = entry.remove();
                self.act(act);
            }
            self.notice();
        }
    }

    /// Notifications and ringing pages wake habits.
    fn notice(&mut self) {
        let pushes = self.stage.world.pushes[self.pushes..].to_vec();
        self.pushes += pushes.len();
        for (_, push) in pushes
            .into_iter()
            .filter(|(_, push)| push.kind == PushKind::Invitation)
        {
            let pages = &self.stage.world.pages;
            let who = pages
                .iter()
                .position(|page| page.device == push.device)
                .expect("somebody's device");
            let _ = self.stage.world.report(who, &push.wake, "shown");
            if let Some(ms) = self.people[who].taps {
                self.later(
                    ms,
                    Act::Tap {
                        who,
                        wake: push.wake,
                    },
                );
            }
        }
        for who in 0..self.people.len() {
            let seen = std::mem::replace(
                &mut self.people[who].seen,
                self.stage.world.pages[who].events.len(),
            );
            let events = self.stage.world.pages[who].events[seen..].to_vec();
            for event in events {
                match event {
                    Event::Incoming(call, view) => {
                        let alive =
                            |c: &CallView| c.wake == view.wake && c.state != CallState::Ended;
                        assert!(
                            !self.people[who].calls.values().any(alive),
                            "{}: rings twice at once",
                            self.text
                        );
                        self.people[who].calls.insert(call, view);
                        match self.people[who].habit {
                            Habit::Answer(ms) | Habit::Reject(ms) => {
                                self.later(ms, Act::Habit { who, call })
                            }
                            Habit::Ignore => {}
                        }
                    }
                    Event::Call(call, view) => drop(self.people[who].calls.insert(call, view)),
                    _ => {}
                }
            }
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Open(who) if !self.people[who].open => {
                let seed = self.entropy.below(u64::MAX);
                self.stage.reload(who, seed);
                self.people[who].open = true;
                self.stage.open(who);
            }
            Act::Close(who) => {
                self.stage.reload(who, 0);
                self.people[who].open = false;
                (self.people[who].calls, self.people[who].seen) = (BTreeMap::new(), 0);
            }
            Act::Call { who, to } if self.people[who].open => drop(self.stage.dial(who, to)),
            Act::HangUp(who) => {
                if let Some(call) = self.people[who].calls.keys().next_back() {
                    self.stage.command(who, Command::HangUp(*call));
                }
            }
            Act::End { who, call } => self.stage.command(who, Command::HangUp(call)),
            Act::Offline(who) => {
                self.cut(who, 1);
                self.stage.input(who, Input::Online(false));
            }
            Act::Online(who) => self.stage.input(who, Input::Online(true)),
            Act::Cut { who, noticed_ms } => self.cut(who, noticed_ms),
            Act::Habit { who, call } => match self.people[who].habit {
                Habit::Answer(_) => self.stage.command(who, Command::Answer(call)),
                Habit::Reject(_) => self.stage.command(who, Command::Reject(call)),
                Habit::Ignore => {}
            },
            Act::Tap { who, wake } => {
                let _ = self.stage.world.report(who, &wake, "opened");
                self.act(Act::Open(who));
            }
            Act::Open(_) | Act::Call { .. } => {}
        }
    }

    fn cut(&mut self, who: usize, noticed_ms: u64) {
        if self.stage.world.pages[who].flow.is_some() {
            self.stage.world.cut_noticed_after(who, noticed_ms);
            self.stage.input(who, Input::Disconnected(FlowId::FIRST));
        }
    }

    /// Calls that are not over on any open page.
    fn alive(&self) -> Vec<(usize, Option<String>, CallState)> {
        let mut alive = Vec::new();
        for (who, person) in self.people.iter().enumerate() {
            let calls = person
                .calls
                .values()
                .filter(|c| c.state != CallState::Ended);
            alive.extend(calls.map(|c| (who, c.wake.clone(), c.state)));
        }
        alive
    }

    /// The one call of the story is over everywhere, or two talk.
    fn in_a_pair_or_over(&self) -> Vec<usize> {
        match self.alive().as_slice() {
            [] => Vec::new(),
            [
                (0, wake, CallState::Active),
                (who, other, CallState::Active),
            ] if wake == other => vec![0, *who],
            other => panic!("{}: {other:?}", self.text),
        }
    }

    fn nothing_is_left(&mut self) {
        assert_eq!(self.alive(), [], "{}", self.text);
        self.stage.world.weather = Weather::default();
        self.run(400_000);
        let tables = [
            "server", "client", "calls", "invites", "jobs", "records", "outbox", "inbox",
        ];
        assert_eq!(
            self.stage.world.left_over(&tables),
            [""; 0],
            "{}",
            self.text
        );
    }
}

#[test]
fn whatever_the_objects_lose_a_call_ends_alike_on_both_sides() {
    for seed in seeds() {
        let mut story = Story::draw(seed, 20, 120);
        if story.below(3) == 0 {
            let ms = story.below(60_000);
            story.at(ms, Act::HangUp(0));
        }
        story.run(150_000);
        if let [caller, callee] = story.in_a_pair_or_over()[..] {
            let who = if seed % 2 == 0 { caller } else { callee };
            story.at(0, Act::HangUp(who));
            story.run(40_000);
            let view = story.people[0].calls.values().next_back().unwrap();
            assert_eq!(
                view.end.as_ref().map(|e| e.outcome),
                Some(Outcome::HungUp),
                "{}",
                story.text
            );
        }
        story.nothing_is_left();
    }
}

#[test]
fn whatever_breaks_nothing_rings_or_talks_for_ever() {
    for seed in seeds() {
        let mut story = Story::draw(seed + 1_000, 10, 80);
        for _ in 0..=story.below(4) {
            let (ms, who) = (story.below(50_000), story.anybody());
            let noticed_ms = if story.below(2) == 0 {
                1
            } else {
                story.below(30_000)
            };
            let act = match story.below(6) {
                0 => Act::Close(who),
                1 => Act::Open(who),
                2 => Act::HangUp(who),
                3 => {
                    let back = ms + story.below(60_000);
                    story.at(back, Act::Online(who));
                    Act::Offline(who)
                }
                _ => Act::Cut { who, noticed_ms },
            };
            story.at(ms, act);
        }
        story.run(260_000);
        story.in_a_pair_or_over();
        // The caller goes: whoever is left is told.
        story.at(0, Act::Close(0));
        story.run(60_000);
        story.nothing_is_left();
    }
}

#[test]
fn people_who_call_each_other_at_once_end_up_in_pairs() {
    const NUMBERS: [&str; 3] = ["1001", "1002", "1003"];
    for seed in seeds() {
        let mut story = Story::new(seed + 2_000, 10, 60);
        for number in NUMBERS {
            for _ in 0..=story.below(2) {
                let who = story.person(number);
                story.people[who].taps = Some(story.below(10_000));
                let ms = story.below(5_000);
                story.people[who].habit = if story.below(4) == 0 {
                    Habit::Reject(ms)
                } else {
                    Habit::Answer(ms)
                };
            }
        }
        for _ in 0..6 {
            let (who, ms) = (story.anybody(), story.below(20_000));
            let to = NUMBERS[usize::try_from(story.below(3)).unwrap()];
            story.at(ms, Act::Open(who));
            story.at(ms + 2_000, Act::Call { who, to });
            if story.below(3) == 0 {
                let later = ms + story.below(30_000);
                story.at(later, Act::HangUp(who));
            }
        }
        story.run(200_000);
        let mut pairs = story.alive();
        pairs.sort_by(|a, b| a.1.cmp(&b.1));
        for pair in pairs.chunks(2) {
            let matches = pair.len() == 2 && pair[0].1 == pair[1].1;
            assert!(
                matches && pair.iter().all(|c| c.2 == CallState::Active),
                "{}: {pairs:?}",
                story.text
            );
        }
        for who in 0..story.people.len() {
            for call in story.people[who].calls.keys().copied().collect::<Vec<_>>() {
                story.at(0, Act::End { who, call });
            }
        }
        story.run(60_000);
        story.nothing_is_left();
    }
}
