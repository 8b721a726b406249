//! A revoked device is not pushed, not registered, not believed.

use crate::sim::World;
use wakeline_sip::edge::{LineCommand, LineError, LineReply};

fn revoke(world: &mut World, page: usize) {
    let device = world.pages[page].device.clone();
    let number = world.pages[page].number.clone();
    assert_eq!(
        world.command(&number, LineCommand::RevokeDevice { device }),
        LineReply::Done
    );
}

#[test]
fn it_is_not_pushed_and_cannot_register() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    revoke(&mut world, callee);
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert!(world.pushes.is_empty());
    assert!(
        world.pages[caller]
            .last_final()
            .unwrap()
            .headers
            .get("Reason")
            .unwrap()
            .contains("unbound")
    );
    world.open(callee);
    world.settle();
    assert_eq!(world.pages[callee].statuses("REGISTER"), [403]);
}

#[test]
fn its_token_is_dead_even_without_its_instance() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    revoke(&mut world, callee);
    let device = world.pages[callee].device.clone();
    world.pages[callee].token = format!("u1002/1002/{device}");
    world.pages[callee].instance = false;
    world.open(callee);
    world.settle();
    assert_eq!(world.pages[callee].statuses("REGISTER"), [403]);
}

#[test]
fn revoked_while_its_invitation_waits_it_cannot_speak() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    revoke(&mut world, callee);
    world.settle();
    assert_eq!(
        world.report(callee, &wake, "decline"),
        Err(LineError::Revoked)
    );
    assert_eq!(
        world.report(callee, &wake, "ready"),
        Err(LineError::Revoked)
    );
    assert_eq!(
        world.pages[caller].last_final().unwrap().status,
        480,
        "no device is left"
    );
}

#[test]
fn revoked_while_it_rings_it_stops() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    revoke(&mut world, callee);
    world.settle();
    assert!(world.pages[callee].ringing.is_empty());
    let again = world.pages[callee].invite("1001");
    world.send(callee, again.into_bytes());
    world.settle();
    assert_eq!(
        world.pages[callee].last_final().unwrap().status,
        403,
        "its flow speaks for the line no more"
    );
}

#[test]
fn its_invitation_tells_it_nothing_any_longer() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    let ask = LineCommand::Wake {
        wake,
        device: Some(world.pages[callee].device.clone()),
    };
    assert!(matches!(
        world.command("1002", ask.clone()),
        LineReply::Wake { .. }
    ));
    revoke(&mut world, callee);
    assert_eq!(
        world.command("1002", ask),
        LineReply::Refused {
            error: LineError::Revoked
        }
    );
}

#[test]
fn what_it_talks_in_ends_and_both_hear_so() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    revoke(&mut world, callee);
    world.settle();
    for page in [caller, callee] {
        let byes = world.pages[page].requests("BYE");
        assert_eq!(byes.len(), 1);
        let reason = byes[0].headers.reason().unwrap().unwrap();
        assert_eq!(reason.text().as_deref(), Some("The device was revoked"));
    }
}

#[test]
fn its_own_call_to_its_line_ends_and_none_begins() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    let own = world.page("1002", "own", false);
    world.open(own);
    world.settle();
    let invite = world.pages[own].invite("1002");
    world.send(own, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    assert_eq!(world.pages[callee].ringing.len(), 1);
    revoke(&mut world, own);
    world.settle();
    assert!(world.pages[callee].ringing.is_empty());
    assert_eq!(world.pages[own].last_final().unwrap().status, 487);
}

#[test]
fn its_call_that_was_on_its_way_is_refused() {
    let (mut world, _, _) = World::caller_and_sleeper();
    let own = world.page("1002", "own", false);
    world.open(own);
    world.settle();
    let invite = world.pages[own].invite("1002");
    world.send(own, invite.into_bytes());
    world.run_for(1);
    revoke(&mut world, own);
    world.settle();
    assert_eq!(world.pages[own].last_final().unwrap().status, 403);
    assert!(world.pushes.is_empty());
}
