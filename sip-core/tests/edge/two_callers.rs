//! Two callers at once for a sleeping line: two wakes that know nothing of each other.

use crate::sim::World;
use wakeline_sip::edge::PushKind;

#[test]
fn both_are_parked_and_each_has_its_own_end() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let other = world.page("1003", "other", false);
    world.open(other);
    world.settle();
    for page in [caller, other] {
        let invite = world.pages[page].invite("1002");
        world.send(page, invite.into_bytes());
    }
    world.settle();
    let wakes: Vec<_> = world
        .pushes
        .iter()
        .map(|(_, push)| push.wake.clone())
        .collect();
    assert_eq!(wakes.len(), 2);
    assert_ne!(wakes[0], wakes[1]);
    world.tap(callee, &wakes[0]);
    world.report(callee, &wakes[1], "ready").unwrap();
    world.settle();
    assert_eq!(world.pages[callee].ringing.len(), 2);
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    let busy = world.pages[callee].answer_with(486);
    world.send(callee, busy);
    world.settle();
    let mut ends: Vec<_> = [caller, other]
        .map(|page| world.pages[page].last_final().unwrap().status)
        .into();
    ends.sort_unstable();
    assert_eq!(ends, [200, 486]);
}

#[test]
fn the_same_call_id_from_two_callers_is_two_calls() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let other = world.page("1003", "other", false);
    world.open(other);
    world.settle();
    for page in [caller, other] {
        let invite = world.pages[page].invite("1002");
        let name = world.pages[page].name.clone();
        world.send(
            page,
            invite
                .replace(&format!("call-{name}-1"), "the-same")
                .into_bytes(),
        );
    }
    world.settle();
    let cancel = String::from_utf8(world.pages[other].cancel("1002"))
        .unwrap()
        .replace("call-other-1", "the-same");
    world.send(other, cancel.into_bytes());
    world.settle();
    assert_eq!(world.pages[other].last_final().unwrap().status, 487);
    assert!(
        world.pages[caller].last_final().is_none(),
        "the other call waits on"
    );
}

#[test]
fn more_parked_calls_than_a_line_holds_are_503() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.config.edge.max_parked = 2;
    let others = [
        world.page("1003", "b", false),
        world.page("1004", "c", false),
    ];
    for page in [caller, others[0], others[1]] {
        if page != caller {
            world.open(page);
            world.settle();
        }
        let invite = world.pages[page].invite("1002");
        world.send(page, invite.into_bytes());
        world.settle();
    }
    let last = world.pages[others[1]].last_final().unwrap();
    assert_eq!(
        (last.status, last.headers.get("Retry-After")),
        (503, Some("10"))
    );
}

#[test]
fn one_caller_cannot_fill_a_line_nor_wake_it_without_end() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    for _ in 0..3 {
        let invite = world.pages[caller].invite("1002");
        world.send(caller, invite.into_bytes());
        world.settle();
    }
    let last = world.pages[caller].last_final().unwrap();
    assert_eq!(
        (last.status, last.headers.get("Retry-After")),
        (429, Some("10"))
    );

    let (mut world, caller, _) = World::caller_and_sleeper();
    world.config.edge.calls_per_minute = 5;
    for _ in 0..40 {
        let invite = world.pages[caller].invite("1002");
        let cancel = world.pages[caller].cancel("1002");
        world.send(caller, invite.into_bytes());
        world.run_for(100);
        world.send(caller, cancel);
        world.run_for(100);
    }
    assert_eq!(world.pushed(PushKind::Invitation), 5);
    assert_eq!(world.pages[caller].last_final().unwrap().status, 429);
    let other = world.page("1003", "other", false);
    world.open(other);
    world.settle();
    let invite = world.pages[other].invite("1002");
    world.send(other, invite.into_bytes());
    world.settle();
    assert_eq!(
        world.pages[other].progress(),
        ["182 Pushed"],
        "nobody else suffers"
    );
}

#[test]
fn a_line_is_woken_so_often_in_a_minute_whoever_calls_and_says_when_again() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.config.edge.line_calls_per_minute = 2;
    let other = world.page("1003", "other", false);
    world.open(other);
    world.settle();
    for page in [caller, other] {
        let invite = world.pages[page].invite("1002");
        world.send(page, invite.into_bytes());
        world.run_for(10_000);
    }
    let again = world.pages[other].invite("1002");
    world.send(other, again.into_bytes());
    world.settle();
    let last = world.pages[other].last_final().unwrap();
    // The first of the two was about 20 s ago.
    assert_eq!(
        (last.status, last.headers.get("Retry-After")),
        (503, Some("40"))
    );
    world.run_for(40_000);
    let again = world.pages[other].invite("1002");
    world.send(other, again.into_bytes());
    world.settle();
    let wakes: std::collections::BTreeSet<_> =
        world.pushes.iter().map(|(_, push)| &push.wake).collect();
    assert_eq!(wakes.len(), 3);
}

#[test]
fn the_site_says_whether_a_page_in_a_call_shows_who_else_calls() {
    for call_waiting in [true, false] {
        let (mut world, caller, callee) = World::caller_and_sleeper();
        world.config.edge.call_waiting = call_waiting;
        world.open(callee);
        world.settle();
        let invite = world.pages[caller].invite("1002");
        // Only the edge may say it.
        let invite = invite.replace("Max-Forwards", "Wakeline-Call-Waiting: off\r\nMax-Forwards");
        world.send(caller, invite.into_bytes());
        world.settle();
        let invite = world.pages[callee].requests("INVITE")[0];
        assert_eq!(
            invite.headers.get("Wakeline-Call-Waiting"),
            (!call_waiting).then_some("off")
        );
    }
}
