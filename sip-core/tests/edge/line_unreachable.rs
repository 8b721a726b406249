//! A line that cannot be reached, or is never heard of again: the caller hears so, in time.

use crate::sim::World;
use wakeline_sip::edge::LineCommand;

/// A page that rings, and who calls it.
fn ringing() -> (World, usize, usize) {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[callee].ringing.len(), 1);
    (world, caller, callee)
}

#[test]
fn a_caller_whose_call_never_arrived_hears_503() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.cut_off = Some("line:demo:1002".into());
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(120_000);
    let last = world.pages[caller].last_final().expect("a final answer");
    assert_eq!(last.status, 503);
    assert!(last.headers.get("Retry-After").is_some());
    let flow = world.pages[caller].flow.clone().unwrap();
    assert_eq!(world.rows_of(&flow, &["calls", "outbox"]), 0);
}

#[test]
fn a_caller_whose_line_fell_silent_hears_408_and_the_call_is_called_off() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].progress(), ["182 Pushed"]);
    world.cut_off = Some("line:demo:1002".into());
    world.run_for(155_000);
    assert_eq!(world.pages[caller].progress(), ["182 Pushed"]);
    world.cut_off = None;
    world.run_for(60_000);
    assert_eq!(world.pages[caller].last_final().unwrap().status, 408);
    let flow = world.pages[caller].flow.clone().unwrap();
    assert_eq!(world.rows_of(&flow, &["calls", "outbox"]), 0);
    world.command("1002", LineCommand::Waiting);
}

#[test]
fn a_register_that_never_arrived_is_answered() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    world.config.edge.unregistered = wakeline_sip::time::Duration::from_secs(60);
    world.cut_off = Some("line:demo:1002".into());
    world.open(callee);
    world.run_for(40_000);
    assert_eq!(world.pages[callee].statuses("REGISTER"), [408]);
}

#[test]
fn a_page_whose_line_is_never_heard_of_again_does_not_ring_for_ever() {
    let (mut world, _, callee) = ringing();
    assert_eq!(world.pages[callee].ringing.len(), 1);
    let flow = world.pages[callee].flow.clone().unwrap();
    world.cut_off = Some(flow.clone());
    world.run_for(200_000);
    assert!(world.pages[callee].ringing.is_empty(), "Timer C");
    world.cut_off = None;
    world.run_for(120_000);
    assert_eq!(world.rows_of(&flow, &["client", "calls"]), 0);
}

#[test]
fn an_answer_that_nobody_confirms_is_ended_at_its_page() {
    let (mut world, caller, callee) = ringing();
    let flow = world.pages[caller].flow.clone().unwrap();
    world.cut_off = Some(flow);
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.run_for(31_000);
    assert!(world.pages[callee].requests("BYE").is_empty());
    world.run_for(2_000);
    let byes = world.pages[callee].requests("BYE");
    assert_eq!(byes.len(), 1, "nobody talks to it");
    let reason = byes[0].headers.reason().unwrap().unwrap();
    assert_eq!(
        reason.text().as_deref(),
        Some("The answer was not confirmed")
    );
    world.cut_off = None;
    world.run_for(300_000);
    assert_eq!(world.left_over(&["calls", "outbox", "client"]), [""; 0]);
}

#[test]
fn what_comes_after_the_end_of_a_dialog_joins_no_call() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.open(callee);
    world.pages[callee].temper = crate::page::Temper::Answer;
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    let flow = world.pages[caller].flow.clone().unwrap();
    // The UPDATE cannot reach the caller's flow before the caller's BYE has been given up.
    world.cut_off = Some(flow.clone());
    let update = world.pages[callee].as_callee("UPDATE", 1);
    world.send(callee, update);
    world.run_for(1_000);
    let bye = world.pages[caller].as_caller("BYE", 2);
    world.send(caller, bye);
    world.run_for(33_000);
    assert_eq!(world.pages[caller].statuses("BYE"), [408]);
    world.cut_off = None;
    world.run_for(60_000);
    assert_eq!(world.pages[caller].requests("UPDATE").len(), 1);
    assert_eq!(world.rows_of(&flow, &["calls"]), 0);
}

#[test]
fn a_page_whose_answer_never_arrives_is_not_left_in_a_call() {
    let (mut world, caller, callee) = ringing();
    let answer = world.pages[callee].answer();
    world.cut_off = Some("line:demo:1002".into());
    world.send(callee, answer);
    world.run_for(200_000);
    assert_eq!(world.pages[caller].last_final().unwrap().status, 408);
    let heard = |method: &str| world.pages[callee].requests(method).len();
    assert_eq!((heard("ACK"), heard("BYE")), (1, 1), "each once");
    world.cut_off = None;
    world.run_for(120_000);
    for page in [caller, callee] {
        let flow = world.pages[page].flow.clone().unwrap();
        assert_eq!(world.rows_of(&flow, &["calls", "client", "outbox"]), 0);
    }
    world.run_for(600_000);
    assert_eq!(world.rows_of("line:demo:1002", &["calls", "outbox"]), 0);
}
