//! Several devices: the first answer wins, the others are told why they stop.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::PushKind;

#[test]
fn the_others_are_cancelled_with_completed_elsewhere() {
    let (mut world, caller, phone) = World::caller_and_sleeper();
    let laptop = world.page("1002", "laptop", true);
    let asleep = world.page("1002", "asleep", true);
    world.open(laptop);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(phone, &wake);
    assert_eq!(
        (
            world.pages[phone].ringing.len(),
            world.pages[laptop].ringing.len()
        ),
        (1, 1),
        "both ring"
    );
    let answer = world.pages[phone].answer();
    world.send(phone, answer);
    world.settle();
    let cancel = world.pages[laptop].requests("CANCEL")[0];
    assert_eq!(
        cancel.headers.get("Reason"),
        Some("SIP;cause=200;text=\"Call completed elsewhere\"")
    );
    assert!(world.pages[laptop].ringing.is_empty());
    assert_eq!(
        world.pushed(PushKind::Elsewhere),
        1,
        "only the device that still shows the invitation"
    );
    assert_eq!(
        world.pushes.last().unwrap().1.device,
        world.pages[asleep].device
    );
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
    assert!(world.pages[laptop].requests("BYE").is_empty());
}

#[test]
fn of_two_answers_at_once_one_is_ended_with_a_reason() {
    let mut world = World::new();
    let caller = world.page("1001", "caller", false);
    let (a, b) = (
        world.page("1002", "a", false),
        world.page("1002", "b", false),
    );
    for page in [caller, a, b] {
        world.pages[page].temper = Temper::Answer;
        world.open(page);
    }
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(
        world.pages[caller]
            .progress()
            .iter()
            .filter(|p| *p == "200 OK")
            .count(),
        1
    );
    let ended: Vec<usize> = [a, b]
        .into_iter()
        .filter(|p| !world.pages[*p].requests("BYE").is_empty())
        .collect();
    assert_eq!(ended.len(), 1);
    let bye = world.pages[ended[0]].requests("BYE")[0];
    assert_eq!(
        bye.headers.get("Reason"),
        Some("SIP;cause=200;text=\"Call completed elsewhere\"")
    );
    assert_eq!(
        (
            world.pages[a].requests("ACK").len(),
            world.pages[b].requests("ACK").len()
        ),
        (1, 1)
    );
    let bye = world.pages[caller].as_caller("BYE", 2);
    world.send(caller, bye);
    world.settle();
    assert_eq!(
        world.pages[caller].statuses("BYE"),
        [200],
        "the other one goes on"
    );
}

#[test]
fn a_busy_device_leaves_the_call_to_the_others() {
    let (mut world, caller, phone) = World::caller_and_sleeper();
    let laptop = world.page("1002", "laptop", true);
    world.pages[laptop].temper = Temper::Busy;
    world.open(laptop);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert!(world.pages[caller].last_final().is_none());
    let wake = world.invited_wake();
    world.tap(phone, &wake);
    assert_eq!(world.pages[phone].ringing.len(), 1);
}

#[test]
fn a_200_of_a_device_that_has_just_declined_is_ended_and_the_others_ring_on() {
    let mut world = World::new();
    world.config.wake.decline = wakeline_sip::wake::DeclineScope::Device;
    let caller = world.page("1001", "caller", false);
    let (a, b) = (world.page("1002", "a", true), world.page("1002", "b", true));
    for page in [caller, a, b] {
        world.open(page);
    }
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = match world.command("1002", wakeline_sip::edge::LineCommand::Waiting) {
        wakeline_sip::edge::LineReply::Waiting { wakes, .. } => wakes[0].id.clone(),
        other => panic!("{other:?}"),
    };
    let answer = world.pages[a].answer();
    world.report(a, &wake, "decline").unwrap();
    world.send(a, answer);
    world.settle();
    assert!(
        world.pages[caller].last_final().is_none(),
        "the caller was promised nothing"
    );
    assert_eq!(world.pages[a].requests("BYE").len(), 1);
    assert_eq!(world.pages[b].ringing.len(), 1);
    let answer = world.pages[b].answer();
    world.send(b, answer);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
    assert_eq!(world.wake_state("1002", &wake), "answered");
    let bye = world.pages[caller].as_caller("BYE", 2);
    world.send(caller, bye);
    world.settle();
    assert_eq!(world.pages[b].requests("BYE").len(), 1);
    world.run_for(1_000_000);
    assert_eq!(
        world.wake_state("1002", &wake),
        "answered",
        "known for a day"
    );
}
