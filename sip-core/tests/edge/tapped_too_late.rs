//! The tap comes in the last second, or after the end.

use crate::sim::World;
use wakeline_sip::edge::LineError;

#[test]
fn a_tap_in_the_last_second_still_rings() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(59_500);
    let wake = world.invited_wake();
    world.report(callee, &wake, "opened").unwrap();
    world.run_for(5_000);
    world.open(callee);
    world.settle();
    world.report(callee, &wake, "ready").unwrap();
    world.settle();
    assert_eq!(
        world.pages[caller].progress().last().unwrap(),
        "180 Ringing"
    );
}

#[test]
fn after_the_end_the_page_learns_that_it_was_missed_and_nothing_rings() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(61_000);
    let wake = world.invited_wake();
    assert_eq!(
        world
            .report(callee, &wake, "opened")
            .unwrap()
            .state
            .as_str(),
        "expired"
    );
    world.open(callee);
    world.settle();
    let register = world.pages[callee].responses()[0].clone();
    assert_eq!(register.headers.get("Wakeline-Waiting"), None);
    match world.report(callee, &wake, "ready") {
        Err(LineError::Over(view)) => assert_eq!(view.state.as_str(), "expired"),
        other => panic!("{other:?}"),
    }
    assert!(world.pages[callee].requests("INVITE").is_empty());
}
