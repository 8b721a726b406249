//! Nobody taps the notification.

use crate::sim::World;
use wakeline_sip::edge::PushKind;
use wakeline_sip::time::Duration;

#[test]
fn the_caller_hears_480_with_a_reason_and_the_notification_becomes_a_missed_call() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.run_for(61_000);
    let last = world.pages[caller].last_final().unwrap();
    assert_eq!(
        (last.status, last.headers.get("Reason")),
        (
            480,
            Some("SIP;cause=480;text=\"expired: not opened in time\"")
        )
    );
    assert_eq!(
        last.headers.get("Wakeline-Wake").unwrap(),
        format!("{wake};state=expired")
    );
    assert_eq!(
        world.pushed(PushKind::Invitation),
        4,
        "pushed again each 15 s while it waits"
    );
    assert_eq!(world.pushed(PushKind::Missed), 1, "replaced once");
    let missed = world.missed("1002");
    assert_eq!(
        (missed.len(), missed[0].outcome.as_str(), missed[0].seen),
        (1, "expired", false)
    );
    assert_eq!(missed[0].caller.number.as_str(), "1001");
    assert_eq!(world.records[0].outcome.as_str(), "expired");
    assert_eq!(world.wake_state("1002", &wake), "expired");
    world.run_for(1_000_000);
    assert_eq!(
        world.wake_state("1002", &wake),
        "expired",
        "known by its missed call long after"
    );
}

#[test]
fn the_limit_is_the_sites_choice() {
    let mut world = World::new();
    world.config.wake.ready = Duration::from_secs(5);
    let (mut world, caller, _) = World::caller_and_sleeper_in(world);
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(5_100);
    assert_eq!(world.pages[caller].last_final().unwrap().status, 480);
}
