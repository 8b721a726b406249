//! Online or woken: the call is answered and hung up, on a good network and on bad ones.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::{EndedBy, PushKind};

#[test]
fn two_online_lines_talk_without_a_push() {
    let mut world = World::new();
    let caller = world.page("1001", "caller", false);
    let callee = world.page("1002", "callee", true);
    world.open(caller);
    world.open(callee);
    world.settle();
    assert_eq!(world.pages[callee].statuses("REGISTER"), [200]);

    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].progress(), ["180 Ringing"]);
    assert!(world.pushes.is_empty(), "its page answered the probe");
    let offered = world.pages[callee].requests("INVITE")[0];
    assert_eq!(
        offered.headers.get("P-Asserted-Identity"),
        Some("\"User u1001\" <sip:1001@example.test>")
    );
    assert_eq!(offered.body, b"v=0\r\n");

    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    assert_eq!(world.pages[caller].progress(), ["180 Ringing", "200 OK"]);
    assert_eq!(world.pages[callee].requests("ACK").len(), 1);

    let bye = world.pages[caller].as_caller("BYE", 2);
    world.send(caller, bye);
    world.settle();
    assert_eq!(world.pages[callee].requests("BYE").len(), 1);
    assert_eq!(world.pages[caller].statuses("BYE"), [200]);
    assert_eq!(world.records.len(), 1);
    assert_eq!(world.records[0].outcome.as_str(), "answered");
    assert_eq!(world.records[0].ended_by, Some(EndedBy::Caller));
    assert!(world.records[0].answered_at.is_some() && world.records[0].ringing_at.is_some());
}

pub fn woken(mut world: World, caller: usize, callee: usize) {
    world.pages[callee].temper = Temper::Ring;
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].progress(), ["182 Pushed"]);
    assert_eq!(world.pushed(PushKind::Invitation), 1);
    let wake = world.invited_wake();
    world.report(callee, &wake, "shown").unwrap();
    world.settle();
    world.tap(callee, &wake);
    assert_eq!(
        world.pages[caller].progress(),
        ["182 Pushed", "182 Shown", "182 Opened", "180 Ringing"]
    );
    let states: Vec<_> = world.pages[caller]
        .responses()
        .into_iter()
        .filter_map(|r| r.headers.get("Wakeline-Wake"))
        .collect();
    assert_eq!(states[0], format!("{wake};state=pushed"));
    assert_eq!(states[3], format!("{wake};state=ringing"));

    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    assert_eq!(world.pages[caller].progress().last().unwrap(), "200 OK");
    assert_eq!(world.wake_state("1002", &wake), "answered");
    assert_eq!(world.pages[callee].requests("ACK").len(), 1);

    let bye = world.pages[callee].as_callee("BYE", 1);
    world.send(callee, bye);
    world.settle();
    assert_eq!(world.pages[caller].requests("BYE").len(), 1);
    assert_eq!(world.pages[callee].statuses("BYE"), [200]);
    assert_eq!(world.records.len(), 1);
    assert_eq!(world.records[0].ended_by, Some(EndedBy::Callee));
    assert!(world.missed("1002").is_empty());
    assert_eq!(world.pages[callee].requests("INVITE").len(), 1, "one ring");
    world.run_for(400_000);
    assert_eq!(
        world.rows_of(
            "line:demo:1002",
            &["calls", "invites", "jobs", "outbox", "inbox"]
        ),
        0
    );
}

#[test]
fn a_sleeping_line_is_woken_rings_and_talks() {
    let (world, caller, callee) = World::caller_and_sleeper();
    woken(world, caller, callee);
}

#[test]
fn an_answer_that_a_page_gave_before_it_was_opened_anew_is_overtaken_by_its_ring() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    // Its 200 waits at its flow while the page is loaded again and says "ready" over another one.
    world.cut_off = world.pages[callee].flow.clone();
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.run_for(2);
    world.tap(callee, &wake);
    assert_eq!(world.pages[callee].ringing.len(), 1, "it rings anew");
    world.cut_off = None;
    world.run_for(3_000);
    assert_eq!(world.pages[callee].ringing.len(), 1);
    assert_eq!(
        world.pages[caller].last_final(),
        None,
        "nobody is there who answered"
    );
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
}
