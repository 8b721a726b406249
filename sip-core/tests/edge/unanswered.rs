//! It rings and nobody answers, or the callee is busy, or cannot take it.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::PushKind;

#[test]
fn the_ring_limit_counts_from_180_and_ends_with_480_and_a_missed_call() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(30_000);
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    world.run_for(50_000);
    assert!(
        world.pages[caller].last_final().is_none(),
        "the ready limit has no say once it rings"
    );
    world.run_for(15_000);
    let last = world.pages[caller].last_final().unwrap();
    assert_eq!(
        (last.status, last.headers.get("Reason")),
        (480, Some("SIP;cause=480;text=\"unanswered: not answered\""))
    );
    assert!(world.pages[callee].ringing.is_empty());
    assert_eq!(world.pushed(PushKind::Missed), 1);
    assert_eq!(world.missed("1002")[0].outcome.as_str(), "unanswered");
    assert!(world.records[0].ringing_at.is_some() && world.records[0].answered_at.is_none());
}

#[test]
fn a_busy_page_is_486() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let busy = world.page("1003", "busy", false);
    world.pages[busy].temper = Temper::Busy;
    world.open(busy);
    world.settle();
    let invite = world.pages[caller].invite("1003");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 486);
    assert_eq!(world.missed("1003")[0].outcome.as_str(), "busy");
}

#[test]
fn a_page_that_cannot_take_it_fails_in_its_own_words() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let other = world.page("1003", "other", false);
    world.pages[other].temper = Temper::Refuse;
    world.open(other);
    world.settle();
    let invite = world.pages[caller].invite("1003");
    world.send(caller, invite.into_bytes());
    world.settle();
    let last = world.pages[caller].last_final().unwrap();
    assert_eq!(
        (last.status, last.headers.get("Reason")),
        (
            488,
            Some("SIP;cause=488;text=\"failed: Not Acceptable Here\"")
        )
    );
}

#[test]
fn a_caller_who_requires_100rel_hears_nothing_that_was_not_said_reliably() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller]
        .invite("1002")
        .replace("Max-Forwards", "Require: 100rel\r\nMax-Forwards");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    assert!(world.pages[caller].progress().is_empty());
    assert_eq!(world.pages[caller].statuses("INVITE"), [100]);
    assert_eq!(
        world.pages[callee].requests("INVITE")[0]
            .headers
            .get("Require"),
        Some("100rel")
    );
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    assert_eq!(world.pages[caller].progress(), ["200 OK"]);
}
