//! A hidden and frozen tab still holds its socket: it is probed, found silent, and pushed.

use crate::page::thaw;
use crate::sim::World;
use wakeline_sip::edge::PushKind;

#[test]
fn it_is_pushed_after_a_second_and_a_half_and_thaws_into_one_ring() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.open(callee);
    world.settle();
    world.pages[callee].frozen = true;
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(1_400);
    assert!(world.pushes.is_empty());
    world.run_for(300);
    assert_eq!(world.pushed(PushKind::Invitation), 1);
    assert_eq!(world.pages[caller].progress(), ["182 Pushed"]);
    // The tap thaws the tab: it registers anew over a new socket and says ready.
    let wake = world.invited_wake();
    world.pages[callee].frozen = false;
    world.tap(callee, &wake);
    assert_eq!(world.pages[callee].requests("INVITE").len(), 1);
    assert_eq!(
        world.pages[caller].progress().last().unwrap(),
        "180 Ringing"
    );
}

#[test]
fn a_tab_that_thaws_by_itself_answers_its_probe_late_and_rings() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.open(callee);
    world.settle();
    world.pages[callee].frozen = true;
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(5_000);
    thaw(&mut world, callee);
    world.settle();
    assert_eq!(world.pages[callee].ringing.len(), 1);
}

/// An open page that answers its probe and freezes before the INVITE comes.
fn silent_branch() -> (World, usize, usize) {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(5);
    world.pages[callee].frozen = true;
    world.run_for(2_000);
    assert_eq!(world.pushed(PushKind::Invitation), 1);
    (world, caller, callee)
}

#[test]
fn a_branch_that_was_silent_rings_when_its_page_answers_late_and_is_not_rung_twice() {
    let (mut world, caller, callee) = silent_branch();
    thaw(&mut world, callee);
    world.settle();
    let page = &world.pages[callee];
    assert_eq!((page.ringing.len(), page.requests("INVITE").len()), (1, 1));
    assert!(page.requests("CANCEL").is_empty());
    assert_eq!(
        world.pages[caller].progress().last().unwrap(),
        "180 Ringing"
    );
}

#[test]
fn a_silent_branch_is_cancelled_before_another_invite_goes_to_its_page() {
    let (mut world, _, callee) = silent_branch();
    let wake = world.invited_wake();
    world.report(callee, &wake, "opened").unwrap();
    let register = world.pages[callee].register(None);
    world.send(callee, register);
    world.settle();
    world.report(callee, &wake, "ready").unwrap();
    world.settle();
    thaw(&mut world, callee);
    world.settle();
    let page = &world.pages[callee];
    assert_eq!((page.ringing.len(), page.requests("INVITE").len()), (1, 2));
    assert_eq!(
        page.requests("CANCEL")[0].headers.get("Reason"),
        Some("SIP;cause=408;text=\"No response\"")
    );
}

#[test]
fn a_silent_branch_is_cancelled_when_the_call_is_over() {
    let (mut world, caller, callee) = silent_branch();
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.settle();
    thaw(&mut world, callee);
    world.settle();
    assert!(world.pages[callee].ringing.is_empty());
    assert_eq!(world.pages[caller].last_final().unwrap().status, 487);
}

#[test]
fn a_tab_that_thaws_after_its_transaction_has_timed_out_is_still_told_to_be_quiet() {
    for caller_stays in [true, false] {
        let (mut world, caller, callee) = World::caller_and_sleeper();
        world.open(callee);
        world.settle();
        let invite = world.pages[caller].invite("1002");
        world.send(caller, invite.into_bytes());
        world.run_for(5);
        world.pages[callee].frozen = true;
        world.run_for(5_000);
        if !caller_stays {
            let cancel = world.pages[caller].cancel("1002");
            world.send(caller, cancel);
        }
        world.run_for(35_000);
        thaw(&mut world, callee);
        world.settle();
        let page = &world.pages[callee];
        assert_eq!(page.requests("CANCEL").len(), 1);
        if caller_stays {
            // It lives again: a new INVITE rings, and only that.
            assert_eq!(page.requests("INVITE").len(), 2);
            assert_eq!(page.ringing.len(), 1);
        } else {
            assert_eq!(page.requests("INVITE").len(), 1);
            assert!(page.ringing.is_empty(), "nobody calls any longer");
            let flow = page.flow.clone().unwrap();
            world.run_for(40_000);
            assert_eq!(world.rows_of(&flow, &["client", "calls"]), 0);
        }
    }
}
