//! What must hold whatever happens: it ends, both sides agree on how, nothing rings for ever, and nothing is left behind.

use wakeline_sip::agent::{CallState, Outcome};

use crate::person::Habit;
use crate::world::{Act, Weather, World};

/// Two dozen stories; as many as `WAKELINE_STORMS` says in a long run. The story that fails names its seed.
fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("WAKELINE_STORMS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(24)
}

/// Calls that are not over on any open page.
fn alive(world: &World) -> Vec<(usize, Option<String>, CallState)> {
    let mut alive = Vec::new();
    for (who, person) in world.people.iter().enumerate() {
        let calls = person.page.iter().flat_map(|page| page.calls.values());
        alive.extend(
            calls
                .filter(|c| c.state != CallState::Ended)
                .map(|c| (who, c.wake.clone(), c.state)),
        );
    }
    alive
}

/// Once all calls are over the edge holds neither calls nor transactions.
fn nothing_is_left(world: &mut World, story: &str) {
    world.weather = Weather::default();
    world.run_for(400_000);
    let tables = [
        "server", "client", "calls", "invites", "jobs", "records", "outbox", "inbox",
    ];
    assert_eq!(world.edge.left_over(&tables), [""; 0], "{story}");
}

/// A storm: one caller, a line with one to three devices, and a story drawn from the seed.
struct Story {
    world: World,
    text: String,
}

impl Story {
    fn draw(seed: u64, weather: Weather) -> Self {
        let mut world = World::new(seed, weather);
        let mut text = format!("seed {seed}:");
        world.person("1001");
        world.at(0, Act::Open(0));
        for _ in 0..=world.below(3) {
            let who = world.person("1002");
            if world.below(2) == 0 {
                world.at(0, Act::Open(who));
                text += &format!(" {who} open");
            }
            if world.below(4) > 0 {
                let ms = world.below(40_000);
                world.people[who].taps = Some(ms);
                text += &format!(" {who} taps {ms}");
            }
            let ms = world.below(20_000);
            world.people[who].habit = match world.below(4) {
                0 => Habit::Ignore,
                1 => Habit::Reject(ms),
                _ => Habit::Answer(ms),
            };
            text += &format!(" {who} {:?}", world.people[who].habit);
        }
        world.run_for(5_000);
        world.at(0, Act::Call { who: 0, to: "1002" });
        Self { world, text }
    }

    fn at(&mut self, ms: u64, act: Act) {
        self.text += &format!(" {ms}: {act:?}");
        self.world.at(ms, act);
    }

    fn somebody(&mut self) -> usize {
        let people = self.world.people.len() as u64;
        usize::try_from(self.world.below(people)).unwrap()
    }
}

#[test]
fn whatever_the_objects_lose_a_call_ends_alike_on_both_sides() {
    for seed in seeds() {
        let weather = Weather {
            drop_percent: 20,
            repeat_percent: 20,
            max_delay_ms: 120,
        };
        let mut story = Story::draw(seed, weather);
        if story.world.below(3) == 0 {
            let ms = story.world.below(60_000);
            story.at(ms, Act::HangUp(0));
        }
        story.world.run_for(150_000);
        let (world, text) = (&mut story.world, &story.text);
        let talking = alive(world);
        match talking.as_slice() {
            [] => assert_eq!(world.people[0].state(), Some(CallState::Ended), "{text}"),
            [(0, wake, CallState::Active), (_, other, CallState::Active)] => {
                assert_eq!(wake, other, "{text}")
            }
            other => panic!("{text}: {other:?}"),
        }
        if !talking.is_empty() {
            let who = usize::try_from(seed % 2).unwrap() * talking[1].0;
            world.at(0, Act::HangUp(who));
            world.run_for(40_000);
            assert_eq!(alive(world), [], "{text}: hung up by {who}");
            assert_eq!(
                world.people[0].view().end.as_ref().map(|e| e.outcome),
                Some(Outcome::HungUp),
                "{text}"
            );
        }
        nothing_is_left(world, text);
    }
}

#[test]
fn whatever_breaks_nothing_rings_or_talks_for_ever() {
    for seed in seeds() {
        let weather = Weather {
            drop_percent: 10,
            repeat_percent: 10,
            max_delay_ms: 80,
        };
        let mut story = Story::draw(seed + 1_000, weather);
        for _ in 0..=story.world.below(4) {
            let (ms, who) = (story.world.below(50_000), story.somebody());
            let noticed_ms = if story.world.below(2) == 0 {
                1
            } else {
                story.world.below(30_000)
            };
            let act = match story.world.below(6) {
                0 => Act::Close(who),
                1 => Act::Open(who),
                2 => Act::HangUp(who),
                3 => {
                    let back = ms + story.world.below(60_000);
                    story.at(back, Act::Online(who));
                    Act::Offline(who)
                }
                _ => Act::Cut { who, noticed_ms },
            };
            story.at(ms, act);
        }
        story.world.run_for(200_000);
        let (world, text) = (&mut story.world, &story.text);
        let talking = alive(world);
        match talking.as_slice() {
            [] => {}
            [(0, wake, CallState::Active), (_, other, CallState::Active)] => {
                assert_eq!(wake, other, "{text}")
            }
            other => panic!("{text}: {other:?}"),
        }
        for who in 0..world.people.len() {
            world.at(0, Act::Online(who));
        }
        world.run_for(60_000);
        // The caller goes: whoever is left is told.
        world.at(0, Act::Close(0));
        world.run_for(60_000);
        assert_eq!(alive(world), [], "{text}");
        nothing_is_left(world, text);
    }
}

#[test]
fn people_who_call_each_other_at_once_end_up_in_pairs() {
    const NUMBERS: [&str; 3] = ["1001", "1002", "1003"];
    for seed in seeds() {
        let weather = Weather {
            drop_percent: 10,
            repeat_percent: 10,
            max_delay_ms: 60,
        };
        let mut world = World::new(seed + 2_000, weather);
        let mut text = format!("seed {}:", seed + 2_000);
        for number in NUMBERS {
            for _ in 0..=world.below(2) {
                let who = world.person(number);
                world.people[who].taps = Some(world.below(10_000));
                let ms = world.below(5_000);
                world.people[who].habit = if world.below(4) == 0 {
                    Habit::Reject(ms)
                } else {
                    Habit::Answer(ms)
                };
                if world.below(3) > 0 {
                    world.at(0, Act::Open(who));
                }
            }
        }
        world.run_for(3_000);
        for _ in 0..6 {
            let who = usize::try_from(world.below(world.people.len() as u64)).unwrap();
            let to = NUMBERS[usize::try_from(world.below(3)).unwrap()];
            let ms = world.below(20_000);
            text += &format!(" {ms}: {who} calls {to}");
            world.at(ms, Act::Open(who));
            world.at(ms + 2_000, Act::Call { who, to });
            if world.below(3) == 0 {
                let later = ms + world.below(30_000);
                text += &format!(" {later}: {who} hangs up");
                world.at(later, Act::HangUp(who));
            }
        }
        world.run_for(200_000);
        let mut wakes: Vec<_> = alive(&world);
        assert!(
            wakes
                .iter()
                .all(|(_, _, state)| *state == CallState::Active),
            "{text}: {wakes:?}"
        );
        wakes.sort_by(|a, b| a.1.cmp(&b.1));
        for pair in wakes.chunks(2) {
            assert!(
                pair.len() == 2 && pair[0].1 == pair[1].1,
                "{text}: {wakes:?}"
            );
        }
        for who in 0..world.people.len() {
            let calls: Vec<_> = world.people[who]
                .page
                .iter()
                .flat_map(|page| page.calls.keys().copied())
                .collect();
            for call in calls {
                world.at(0, Act::End { who, call });
            }
        }
        world.run_for(60_000);
        assert_eq!(alive(&world), [], "{text}");
        nothing_is_left(&mut world, &text);
    }
}
