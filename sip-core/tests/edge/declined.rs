//! Declined from the notification, or on a ringing page.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::PushKind;
use wakeline_sip::wake::DeclineScope;

#[test]
fn a_decline_from_the_notification_is_603_at_once_and_no_page_opens() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    assert_eq!(
        world
            .report(callee, &wake, "decline")
            .unwrap()
            .state
            .as_str(),
        "declined"
    );
    world.settle();
    let last = world.pages[caller].last_final().unwrap();
    assert_eq!(
        (last.status, last.headers.get("Reason")),
        (603, Some("SIP;cause=603;text=\"declined\""))
    );
    assert!(world.missed("1002").is_empty());
    assert_eq!(
        world.pushes.len(),
        1,
        "the device that declined needs no replacement"
    );
    assert!(
        world.report(callee, &wake, "decline").is_ok(),
        "twice is once"
    );
    assert_eq!(world.records[0].outcome.as_str(), "declined");
}

#[test]
fn a_decline_on_one_device_silences_the_others() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let laptop = world.page("1002", "laptop", true);
    world.open(laptop);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[laptop].ringing.len(), 1);
    let wake = world.invited_wake();
    world.report(callee, &wake, "decline").unwrap();
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 603);
    assert!(world.pages[laptop].ringing.is_empty(), "cancelled");
    let cancel = world.pages[laptop].requests("CANCEL")[0];
    assert_eq!(
        cancel.headers.get("Reason"),
        Some("SIP;cause=603;text=\"Declined\"")
    );
}

#[test]
fn a_603_of_the_page_declines_for_the_line() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let laptop = world.page("1002", "laptop", true);
    world.pages[laptop].temper = Temper::Decline;
    world.open(laptop);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 603);
    assert_eq!(
        world.pushed(PushKind::Declined),
        1,
        "the sleeping device's notification goes"
    );
    let _ = callee;
}

#[test]
fn where_the_site_says_so_the_other_device_goes_on() {
    let mut world = World::new();
    world.config.wake.decline = DeclineScope::Device;
    let (mut world, caller, callee) = World::caller_and_sleeper_in(world);
    let laptop = world.page("1002", "laptop", true);
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.report(laptop, &wake, "decline").unwrap();
    world.tap(callee, &wake);
    assert_eq!(world.pages[callee].ringing.len(), 1);
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
}

#[test]
fn an_invitation_that_was_under_way_when_its_user_declined_does_not_ring_on_beside_the_others() {
    let mut world = World::new();
    world.config.wake.decline = DeclineScope::Device;
    let (mut world, caller, _) = World::caller_and_sleeper_in(world);
    let laptop = world.page("1002", "laptop", true);
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    // Each is pushed once more; the user declines what the first push has shown.
    let again = |world: &World| world.pushed(PushKind::Invitation) == 4;
    while !again(&world) {
        world.run_for(1);
    }
    world.report(laptop, &wake, "decline").unwrap();
    assert_eq!(
        world.pushed(PushKind::Declined),
        0,
        "not before it is there"
    );
    world.settle();
    let (_, last) = world.pushes.last().unwrap();
    assert_eq!(last.kind, PushKind::Declined);
    assert_eq!(last.device, world.pages[laptop].device);
    world.run_for(120_000);
    let device = &world.pages[laptop].device;
    let replaced = |kind| kind != PushKind::Invitation;
    let mut mine = world.pushes.iter().filter(|(_, p)| p.device == *device);
    assert_eq!(mine.by_ref().filter(|(_, p)| replaced(p.kind)).count(), 1);
}
