//! The caller's socket breaks while the call is parked.

use crate::page::parked;
use crate::sim::World;
use wakeline_sip::edge::{EndedBy, PushKind};

/// The callee answers, and what the caller says to that does not leave its flow.
fn answered_with_the_ack_held_back(world: &mut World, caller: usize, callee: usize) {
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    while world.pages[caller].last_final().is_none() {
        world.run_for(1);
    }
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
    world.cut_off = world.pages[caller].flow.clone();
    world.run_for(5);
}

/// The call is parked, its caller's socket broke, and it came back with its INVITE.
fn parked_and_back() -> (World, usize, usize) {
    let (mut world, caller, callee, invite) = parked();
    world.cut(caller);
    world.open(caller);
    world.settle();
    world.send(caller, invite.into_bytes());
    world.settle();
    (world, caller, callee)
}

#[test]
fn who_came_back_confirmed_and_was_lost_again_is_not_awaited_for_ever() {
    let (mut world, caller, callee) = parked_and_back();
    answered_with_the_ack_held_back(&mut world, caller, callee);
    // That the socket is gone is known before the ACK that came over it.
    world.cut_off = None;
    world.cut(caller);
    world.run_for(40_000);
    assert_eq!(world.pages[callee].requests("ACK").len(), 1);
    assert_eq!(world.pages[callee].requests("BYE").len(), 1);
    assert_eq!(world.records[0].ended_by, Some(EndedBy::Edge));
}

#[test]
fn an_ack_that_comes_late_from_a_socket_that_was_left_does_not_take_the_call_back_there() {
    let (mut world, caller, callee, _) = parked();
    answered_with_the_ack_held_back(&mut world, caller, callee);
    world.cut(caller);
    world.open(caller);
    world.settle();
    let update = world.pages[caller].as_caller("UPDATE", 2);
    world.send(caller, update);
    world.settle();
    assert_eq!(world.pages[caller].statuses("UPDATE"), [200]);
    world.cut_off = None;
    world.run_for(45_000);
    assert_eq!(world.pages[callee].requests("ACK").len(), 1);
    assert!(world.records.is_empty(), "nobody is lost");
    let bye = world.pages[callee].as_callee("BYE", 1);
    world.send(callee, bye);
    world.settle();
    assert_eq!(world.pages[caller].requests("BYE").len(), 1);
}

#[test]
fn an_invite_that_its_own_repetition_has_overtaken_does_not_take_the_call_back() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    // The first one cannot leave its flow.
    world.cut_off = world.pages[caller].flow.clone();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.clone().into_bytes());
    world.run_for(10);
    world.cut(caller);
    world.open(caller);
    world.settle();
    world.send(caller, invite.into_bytes());
    world.settle();
    world.cut_off = None;
    world.run_for(10_000);
    assert_eq!(world.pushed(PushKind::Invitation), 1, "one call");
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
}

#[test]
fn after_its_grace_it_is_cancelled() {
    let (mut world, caller, ..) = parked();
    world.cut(caller);
    world.run_for(9_500);
    assert_eq!(world.pushed(PushKind::Cancelled), 0);
    world.run_for(1_000);
    assert_eq!(world.pushed(PushKind::Cancelled), 1);
    assert_eq!(world.missed("1002")[0].outcome.as_str(), "cancelled");
}

#[test]
fn back_within_them_with_the_same_invite_the_call_goes_on() {
    let (mut world, caller, callee, invite) = parked();
    world.cut(caller);
    world.run_for(5_000);
    world.open(caller);
    world.settle();
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pushed(PushKind::Invitation), 1, "the same call");
    assert_eq!(world.pages[caller].progress(), ["182 Pushed", "182 Pushed"]);
    world.run_for(10_000);
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
    let bye = world.pages[callee].as_callee("BYE", 1);
    world.send(callee, bye);
    world.settle();
    assert_eq!(world.pages[caller].requests("BYE").len(), 1);
}

#[test]
fn an_invite_repeated_before_the_edge_noticed_the_dead_socket_is_the_same_call() {
    let (mut world, caller, _, invite) = parked();
    world.pages[caller].flow = None;
    world.open(caller);
    world.settle();
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pushed(PushKind::Invitation), 1);
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 487);
}

#[test]
fn a_call_whose_caller_came_back_leaves_nothing_on_the_socket_when_it_is_over() {
    for by_caller in [true, false] {
        let (mut world, caller, callee) = parked_and_back();
        let wake = world.invited_wake();
        world.tap(callee, &wake);
        let answer = world.pages[callee].answer();
        world.send(callee, answer);
        world.settle();
        let (who, bye) = if by_caller {
            (caller, world.pages[caller].as_caller("BYE", 2))
        } else {
            (callee, world.pages[callee].as_callee("BYE", 1))
        };
        world.send(who, bye);
        world.settle();
        for page in [caller, callee] {
            let flow = world.pages[page].flow.clone().unwrap();
            assert_eq!(
                world.rows_of(&flow, &["calls"]),
                0,
                "by the caller: {by_caller}"
            );
        }
    }
}

#[test]
fn a_call_that_ended_meanwhile_is_not_begun_again_by_its_invite() {
    for (declined, status, state) in [(false, 487, "cancelled"), (true, 603, "declined")] {
        let (mut world, caller, callee, invite) = parked();
        let wake = world.invited_wake();
        world.cut(caller);
        world.run_for(1_000);
        if declined {
            world.report(callee, &wake, "decline").unwrap();
        }
        world.run_for(10_000);
        world.open(caller);
        world.settle();
        world.send(caller, invite.into_bytes());
        world.settle();
        let last = world.pages[caller].last_final().unwrap();
        assert_eq!(last.status, status);
        let told = last.headers.get("Wakeline-Wake").unwrap();
        assert_eq!(told, format!("{wake};state={state}"));
        assert_eq!(
            world.pushed(PushKind::Invitation),
            1,
            "nobody is woken again"
        );
    }
}

#[test]
fn an_invite_twice_over_one_socket_is_one_call() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.clone().into_bytes());
    let other = invite.replace("branch=z9hG4bK", "branch=z9hG4bKother");
    assert_ne!(other, invite);
    world.send(caller, other.into_bytes());
    world.run_for(1_000);
    assert_eq!(world.pushed(PushKind::Invitation), 1);
    assert_eq!(
        world.pages[caller].progress(),
        ["482 Request Merged", "182 Pushed"]
    );
}
