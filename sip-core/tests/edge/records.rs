//! Calls are recorded when they are asked for, and again when they are over; connections as they come and go.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::{LineState, PushOutcome, Record};
use wakeline_sip::wake::DeviceState;

fn asked(world: &World) -> Vec<(String, String)> {
    let asked = world.noted.iter().filter_map(|record| match record {
        Record::Asked(asked) => Some((asked.caller.uid.to_string(), asked.callee.uid.to_string())),
        _ => None,
    });
    asked.collect()
}

fn states(world: &World, number: &str) -> Vec<(bool, Option<String>)> {
    let of_line = |state: &&LineState| state.number.as_str() == number;
    let states = world.noted.iter().filter_map(|record| match record {
        Record::State(state) => Some(state),
        _ => None,
    });
    states
        .filter(of_line)
        .map(|state| (state.online, state.address.clone()))
        .collect()
}

#[test]
fn a_call_is_recorded_when_it_is_asked_whether_or_not_anybody_is_there() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(asked(&world), [("u1001".into(), "u1002".into())]);
    assert!(world.records.is_empty(), "it is not over");
    world.run_for(90_000);
    assert_eq!(world.records.len(), 1, "closed with its outcome");
    assert_eq!(world.records[0].outcome.as_str(), "expired");
    assert_eq!(asked(&world).len(), 1);
}

#[test]
fn one_that_ends_at_once_is_recorded_once() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.line("1003");
    let invite = world.pages[caller].invite("1003");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert!(asked(&world).is_empty());
    assert_eq!(world.records[0].outcome.as_str(), "unbound");
    assert_eq!(world.rows_of("line:demo:1003", &["records"]), 0);
}

#[test]
fn a_directory_that_is_away_touches_no_call_and_gets_everything_later() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.directory_away = true;
    world.pages[callee].temper = Temper::Answer;
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
    assert_eq!(asked(&world).len(), 1);
    world.run_for(60_000);
    assert!(asked(&world).len() >= 3, "asked for again and again");
    world.directory_away = false;
    world.run_for(700_000);
    let waiting = world.rows_of("line:demo:1002", &["records"]);
    assert_eq!(waiting, 0, "nothing waits any more");
}

#[test]
fn the_record_tells_the_story_without_names_of_devices() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.push_answers.push_back(PushOutcome::Accepted);
    world.pages[callee].temper = Temper::Decline;
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    world.settle();
    let record = &world.records[0];
    let states: Vec<_> = record.steps.iter().map(|s| s.state).collect();
    for state in [
        DeviceState::Pushed,
        DeviceState::Opened,
        DeviceState::Registered,
        DeviceState::Ready,
        DeviceState::Declined,
    ] {
        assert!(states.contains(&state), "{state} in {states:?}");
    }
    assert!(record.steps.iter().all(|step| step.device == 1));
    assert!(record.steps.is_sorted_by_key(|step| step.at));
    assert_eq!(record.pushes[0].answer, "accepted");
    assert_eq!(record.pushes[0].device, 1);
}

#[test]
fn state_and_address_follow_the_connections() {
    let mut world = World::new();
    let page = world.page("1001", "page", false);
    assert!(states(&world, "1001").is_empty(), "nobody was ever there");
    world.pages[page].address = Some("192.0.2.1".into());
    world.open(page);
    world.settle();
    assert_eq!(states(&world, "1001"), [(true, Some("192.0.2.1".into()))]);
    // A refresh says nothing new.
    let register = world.pages[page].register(None);
    world.send(page, register);
    world.settle();
    assert_eq!(states(&world, "1001").len(), 1);
    // Another network: the page registers over a new socket before the old one is known to be gone.
    world.pages[page].address = Some("198.51.100.7".into());
    world.open(page);
    world.settle();
    assert_eq!(
        *states(&world, "1001").last().unwrap(),
        (true, Some("198.51.100.7".into()))
    );
    world.cut(page);
    world.settle();
    assert_eq!(*states(&world, "1001").last().unwrap(), (false, None));
    assert_eq!(states(&world, "1001").len(), 3);
    assert_eq!(world.rows_of("line:demo:1001", &["records"]), 0);
}

#[test]
fn a_registration_that_runs_out_is_the_end_of_being_online() {
    let mut world = World::new();
    let page = world.page("1001", "page", false);
    world.open(page);
    world.settle();
    world.run_for(601_000);
    assert_eq!(*states(&world, "1001").last().unwrap(), (false, None));
}

#[test]
fn a_missed_call_is_kept_as_long_as_the_site_says() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let day = wakeline_sip::time::Duration::from_secs(86_400);
    world.config.edge.retention = Some(day);
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(90_000);
    assert_eq!(world.missed("1002").len(), 1);
    world.run_for(86_300_000);
    assert_eq!(world.missed("1002").len(), 1);
    world.run_for(200_000);
    assert_eq!(world.rows_of("line:demo:1002", &["missed"]), 0);
}
