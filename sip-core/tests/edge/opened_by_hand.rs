//! However the page was opened, it learns what waits.

use crate::sim::World;
use wakeline_sip::edge::LineCommand;
use wakeline_sip::edge::LineReply;

#[test]
fn a_page_opened_while_an_invitation_waits_rings() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    world.open(callee);
    world.settle();
    let registered = world.pages[callee].responses().pop().unwrap().clone();
    let wake = world.invited_wake();
    assert_eq!(
        registered.headers.get("Wakeline-Waiting"),
        Some(wake.as_str())
    );
    match world.command("1002", LineCommand::Waiting) {
        LineReply::Waiting { wakes, .. } => assert_eq!((wakes.len(), &wakes[0].id), (1, &wake)),
        other => panic!("{other:?}"),
    }
    assert!(
        world.pages[callee].requests("INVITE").is_empty(),
        "not before it said ready"
    );
    world.report(callee, &wake, "ready").unwrap();
    world.settle();
    assert_eq!(world.pages[callee].ringing.len(), 1);
}

#[test]
fn a_page_that_registers_and_is_never_ready_ends_in_its_own_words() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    world.open(callee);
    world.run_for(61_000);
    let last = world.pages[caller].last_final().unwrap();
    assert_eq!(
        last.headers.get("Reason"),
        Some("SIP;cause=480;text=\"expired: registered but never ready\"")
    );
}

#[test]
fn a_user_agent_that_knows_no_ready_is_probed_when_it_registers() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let foreign = world.foreign("1002", "foreign");
    world.pages[foreign].instance = false;
    world.open(foreign);
    world.settle();
    assert_eq!(world.pages[foreign].requests("OPTIONS").len(), 1);
    assert_eq!(world.pages[foreign].ringing.len(), 1);
}
