//! The caller hangs up: before anything was pushed, before the tap, while it rings, in the moment of the answer.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::PushKind;

#[test]
fn before_the_tap_the_notification_becomes_a_missed_call() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.settle();
    assert_eq!(world.pages[caller].statuses("CANCEL"), [200]);
    assert_eq!(world.pages[caller].last_final().unwrap().status, 487);
    assert_eq!(world.pushed(PushKind::Cancelled), 1);
    assert_eq!(world.missed("1002")[0].outcome.as_str(), "cancelled");
    let wake = world.invited_wake();
    assert_eq!(
        world.report(callee, &wake, "shown").unwrap().state.as_str(),
        "cancelled",
        "it shows no ring"
    );
}

#[test]
fn before_the_push_service_answered_the_replacement_comes_after_the_invitation() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(4);
    assert_eq!(world.pushes.len(), 1);
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.run_for(6);
    assert_eq!(world.pushes.len(), 1, "the invitation is still in flight");
    world.settle();
    assert_eq!(world.pushed(PushKind::Cancelled), 1);
}

#[test]
fn a_cancel_in_the_same_moment_as_the_invite_ends_it() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, invite.into_bytes());
    world.send(caller, cancel);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 487);
    assert!(world.pushed(PushKind::Invitation) == world.pushed(PushKind::Cancelled));
}

#[test]
fn while_it_rings_the_page_goes_quiet() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.settle();
    assert!(world.pages[callee].ringing.is_empty());
    let cancel = world.pages[callee].requests("CANCEL")[0];
    assert_eq!(
        cancel.headers.get("Reason"),
        Some("SIP;cause=487;text=\"Cancelled by the caller\"")
    );
    assert_eq!(world.pages[caller].last_final().unwrap().status, 487);
    assert_eq!(
        world.pages[caller]
            .progress()
            .iter()
            .filter(|p| p.starts_with("487"))
            .count(),
        1
    );
}

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    let answer = world.pages[callee].answer();
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.run_for(2);
    world.send(callee, answer);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 487);
    assert_eq!(world.pages[callee].requests("ACK").len(), 1);
    let bye = world.pages[callee].requests("BYE");
    assert_eq!(bye.len(), 1);
    assert_eq!(
        bye[0].headers.get("Reason"),
        Some("SIP;cause=487;text=\"The call had ended\"")
    );
    assert_eq!(world.wake_state("1002", &wake), "cancelled");
}

#[test]
fn a_cancel_of_nothing_is_481() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let _never_sent = world.pages[caller].invite("1002");
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.settle();
    assert_eq!(world.pages[caller].statuses("CANCEL"), [481]);
}

#[test]
fn a_page_that_only_said_100_is_cancelled_too() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.pages[callee].temper = Temper::Try;
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.settle();
    assert_eq!(world.pages[callee].requests("CANCEL").len(), 1);
}
