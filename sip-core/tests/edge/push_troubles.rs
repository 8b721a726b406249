//! Push services that refuse, throttle, or never answer.

use crate::sim::World;
use wakeline_sip::edge::{LineCommand, LineReply, PushKind, PushOutcome};

#[test]
fn a_gone_subscription_is_dropped_and_the_caller_told_at_once() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.push_answers.push_back(PushOutcome::Gone);
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let last = world.pages[caller].last_final().unwrap();
    assert_eq!(
        last.headers.get("Reason"),
        Some("SIP;cause=480;text=\"unreachable: no device could be reached\"")
    );
    match world.command("1002", LineCommand::ListDevices) {
        LineReply::Devices { devices } => assert_eq!(devices[0].push, None),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_subscription_that_is_gone_is_not_taken_again_but_a_new_one_is() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let device = world.pages[callee].device.clone();
    let bind = |push: &str| LineCommand::BindDevice {
        device: device.clone(),
        push: Some(push.to_owned()),
        public_key: None,
        label: None,
        lang: None,
    };
    let push_of = |reply| match reply {
        LineReply::Device { device, .. } => device.push,
        other => panic!("{other:?}"),
    };
    let old = push_of(world.command(
        "1002",
        LineCommand::Device {
            device: device.clone(),
        },
    ))
    .unwrap();
    world.push_answers.push_back(PushOutcome::Gone);
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let again = push_of(world.command("1002", bind(&old)));
    assert_eq!(
        again, None,
        "a page that believes in its subscription learns that it is dead"
    );
    let new = push_of(world.command("1002", bind("a new one")));
    assert_eq!(new.as_deref(), Some("a new one"));
}

#[test]
fn what_no_push_service_took_is_unreachable_at_the_end_of_the_limit_too() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.push_silent = true;
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(60_100);
    let last = world.pages[caller].last_final().unwrap();
    assert_eq!(
        last.headers.get("Reason"),
        Some("SIP;cause=480;text=\"unreachable: no device could be reached\"")
    );
    let progress = world.pages[caller].progress();
    assert!(
        !progress.iter().any(|p| p.starts_with("182")),
        "no invitation was called sent: {progress:?}"
    );
}

#[test]
fn a_429_is_tried_again_when_it_says_and_then_accepted() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.push_answers.push_back(PushOutcome::Later {
        retry_after_s: Some(4),
        throttled: true,
    });
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(4_000);
    assert_eq!(world.pushes.len(), 1);
    world.run_for(1_000);
    assert_eq!(world.pushes.len(), 2);
    assert_eq!(world.pages[caller].progress(), ["182 Pushed"]);
}

#[test]
fn a_push_without_any_answer_is_sent_again() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.push_silent = true;
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(16_000);
    assert_eq!(world.pushed(PushKind::Invitation), 2);
}

#[test]
fn a_replacement_is_tried_until_it_is_accepted() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    for _ in 0..2 {
        world.push_answers.push_back(PushOutcome::Later {
            retry_after_s: None,
            throttled: false,
        });
    }
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.run_for(60_000);
    assert_eq!(world.pushed(PushKind::Cancelled), 3);
    assert_eq!(world.rows_of("line:demo:1002", &["jobs"]), 0);
}

#[test]
fn a_retry_after_of_nothing_is_no_invitation_to_hammer() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    for _ in 0..100 {
        world.push_answers.push_back(PushOutcome::Later {
            retry_after_s: Some(0),
            throttled: false,
        });
    }
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(7_000);
    let count = world.pushes.len();
    assert!((2..=4).contains(&count), "{count} pushes in seven seconds");
    // The replacement is no hammer either.
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.run_for(3_000);
    let replaced = world.pushed(PushKind::Cancelled);
    assert!(replaced <= 2, "{replaced} replacements in three seconds");
}
