//! "Ready" is believed only of a device that registered since the call began.

use crate::sim::World;
use wakeline_sip::edge::{DeviceId, LineCommand, LineError, LineReply, WakeId};

#[test]
fn twice_is_once() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    assert!(world.report(callee, &wake, "ready").is_ok());
    world.settle();
    assert_eq!(world.pages[callee].requests("INVITE").len(), 1);
}

#[test]
fn without_a_fresh_register_it_is_refused() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    assert_eq!(
        world.report(callee, &wake, "ready"),
        Err(LineError::NotRegistered)
    );
    assert!(world.pages[caller].last_final().is_none());
}

#[test]
fn forged_it_changes_nothing() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.open(callee);
    world.settle();
    let device = DeviceId::parse("11111111-2222-4333-8444-555555555555").unwrap();
    let forged = LineCommand::Ready { wake, device };
    assert_eq!(
        world.command("1002", forged),
        LineReply::Refused {
            error: LineError::UnknownDevice
        }
    );
    let device = world.pages[callee].device.clone();
    let other = LineCommand::Ready {
        wake: WakeId::parse("AAAAAAAAAAAAAAAAAAAAAA").unwrap(),
        device,
    };
    assert_eq!(
        world.command("1002", other),
        LineReply::Refused {
            error: LineError::UnknownWake
        }
    );
    assert!(world.pages[callee].requests("INVITE").is_empty());
}
