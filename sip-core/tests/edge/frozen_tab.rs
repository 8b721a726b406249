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

#[test]
fn a_branch_that_falls_silent_is_cancelled_and_the_device_pushed() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    // It answers the probe and freezes before the INVITE comes.
    world.run_for(5);
    world.pages[callee].frozen = true;
    world.run_for(2_000);
    assert_eq!(world.pushed(PushKind::Invitation), 1);
    // Thawed on its old socket, it hears the INVITE; its 100 releases the CANCEL.
    thaw(&mut world, callee);
    world.settle();
    let page = &world.pages[callee];
    assert_eq!(
        page.requests("CANCEL").len(),
        1,
        "the abandoned branch is quiet"
    );
    assert_eq!(
        page.requests("CANCEL")[0].headers.get("Reason"),
        Some("SIP;cause=408;text=\"No response\"")
    );
    // Its answer to the CANCEL was a sign of life: one new INVITE.
    assert_eq!(page.ringing.len(), 1);
    assert_eq!(page.requests("INVITE").len(), 2);
    assert_eq!(
        world.pages[caller].progress().last().unwrap(),
        "180 Ringing"
    );
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
