//! The browser was stopped and started, the tab reloaded, the network changed: a new flow replaces the old one.

use crate::sim::World;

#[test]
fn a_ringing_page_that_comes_back_on_another_flow_rings_once_more_and_answers() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    world.cut(callee);
    world.pages[callee].ringing.clear();
    world.settle();
    assert_eq!(
        world.pages[caller].progress().last().unwrap(),
        "182 Opened",
        "it rings no more, and says so"
    );
    world.open(callee);
    world.settle();
    world.report(callee, &wake, "ready").unwrap();
    world.settle();
    assert_eq!(world.pages[callee].ringing.len(), 1);
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
}

#[test]
fn the_old_flow_is_replaced_even_when_nobody_saw_it_close() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.open(callee);
    world.settle();
    let old = world.pages[callee].flow.take().unwrap();
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[callee].ringing.len(), 1);
    assert_eq!(world.rows_of("line:demo:1002", &["bindings"]), 1);
    assert_eq!(
        world.rows_of(&old, &["identities"]),
        0,
        "the old flow may speak for the line no more"
    );
}

#[test]
fn a_ringing_page_without_push_whose_network_changes_keeps_the_call() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let other = world.page("1003", "other", false);
    world.open(other);
    world.settle();
    let invite = world.pages[caller].invite("1003");
    world.send(caller, invite.into_bytes());
    world.settle();
    world.cut(other);
    world.pages[other].ringing.clear();
    world.run_for(4_000);
    assert!(world.pages[caller].last_final().is_none());
    world.open(other);
    world.settle();
    let waiting = world.pages[other]
        .responses()
        .pop()
        .unwrap()
        .headers
        .get("Wakeline-Waiting")
        .unwrap()
        .to_owned();
    let wake = wakeline_sip::edge::WakeId::parse(&waiting).unwrap();
    world.report(other, &wake, "ready").unwrap();
    world.settle();
    assert_eq!(world.pages[other].ringing.len(), 1);
}
