//! Tapped, but the page cannot go on: it says why, and both sides hear which it was.

use crate::sim::World;
use wakeline_sip::edge::{LineCommand, LineReply};
use wakeline_sip::wake::Why;

fn ends_with(why: Why, story: impl FnOnce(&mut World, usize, &wakeline_sip::edge::WakeId)) {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    story(&mut world, callee, &wake);
    world.run_for(60_000);
    let last = world.pages[caller].last_final().unwrap();
    let reason = format!("SIP;cause=480;text=\"expired: {}\"", why.words());
    assert_eq!(last.headers.get("Reason"), Some(reason.as_str()));
    assert_eq!(last.headers.get("Wakeline-Why"), Some(why.as_str()));
    // The page that asks what became of it, at once and long after.
    for wait in [0, 1_000_000] {
        world.run_for(wait);
        let asked = LineCommand::Wake {
            wake: wake.clone(),
            device: None,
        };
        match world.command("1002", asked) {
            LineReply::Wake { wake } => {
                assert_eq!((wake.state.as_str(), wake.why), ("expired", Some(why)));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.missed("1002").len(), 1);
}

fn hindered(world: &mut World, page: usize, wake: &wakeline_sip::edge::WakeId, why: Why) {
    let device = world.pages[page].device.clone();
    let report = LineCommand::Hindered {
        wake: wake.clone(),
        device,
        why,
    };
    match world.command("1002", report) {
        LineReply::Wake { wake } => assert_eq!(wake.state.as_str(), "opened"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn never_tapped() {
    ends_with(Why::Unopened, |_, _, _| {});
}

#[test]
fn its_registration_was_refused() {
    ends_with(Why::Refused, |world, callee, wake| {
        hindered(world, callee, wake, Why::Refused);
    });
}

#[test]
fn its_registration_got_no_answer() {
    ends_with(Why::Unregistered, |world, callee, wake| {
        hindered(world, callee, wake, Why::Unregistered);
    });
    ends_with(Why::Unregistered, |world, callee, wake| {
        world.report(callee, wake, "opened").unwrap();
    });
}

#[test]
fn it_registered_and_never_said_ready() {
    ends_with(Why::Unready, |world, callee, wake| {
        world.report(callee, wake, "opened").unwrap();
        world.open(callee);
    });
}

#[test]
fn it_was_ready_and_never_rang() {
    ends_with(Why::Unrung, |world, callee, wake| {
        world.report(callee, wake, "opened").unwrap();
        world.open(callee);
        world.settle();
        world.report(callee, wake, "ready").unwrap();
        // What comes now queues up: the tab stands still.
        world.pages[callee].frozen = true;
        world.settle();
    });
}

#[test]
fn a_caller_cannot_say_why_a_wake_ended() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002").replacen(
        "Max-Forwards:",
        "Wakeline-Why: refused\r\nMax-Forwards:",
        1,
    );
    assert!(invite.contains("Wakeline-Why"));
    world.send(caller, invite.into_bytes());
    world.settle();
    let rang = world.pages[callee].requests("INVITE");
    assert_eq!(rang.len(), 1);
    assert_eq!(rang[0].headers.get("Wakeline-Why"), None);
}
