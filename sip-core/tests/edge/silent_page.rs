//! A socket breaks and nobody says so: while its call waits, the page is asked for a sign of life.

use crate::page::{parked, thaw};
use crate::sim::World;
use wakeline_sip::edge::PushKind;
use wakeline_sip::wire::Method;

/// How often a page was asked.
fn questions(world: &World, page: usize) -> usize {
    world.pages[page].requests("OPTIONS").len()
}

#[test]
fn a_parked_caller_whose_socket_breaks_unnoticed_is_missed_and_the_wake_called_off() {
    let (mut world, caller, ..) = parked();
    world.run_for(2_000);
    let flow = world.pages[caller].flow.take().unwrap();
    // At most until the next question, as long as it may take, and the caller's grace.
    world.run_for(19_000);
    assert_eq!(world.pushed(PushKind::Cancelled), 0);
    world.run_for(11_500);
    assert_eq!(world.pushed(PushKind::Cancelled), 1);
    assert_eq!(world.missed("1002")[0].outcome.as_str(), "cancelled");
    assert_eq!(
        world.rows_of(&flow, &["flow", "calls", "server", "life"]),
        0
    );
}

#[test]
fn a_caller_who_comes_back_after_that_goes_on_with_the_call() {
    let (mut world, caller, callee, invite) = parked();
    world.run_for(2_000);
    world.pages[caller].flow = None;
    world.run_for(21_000);
    world.open(caller);
    world.settle();
    world.send(caller, invite.into_bytes());
    world.settle();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    let answer = world.pages[callee].answer();
    world.send(callee, answer);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
    assert_eq!(world.pushed(PushKind::Cancelled), 0);
}

#[test]
fn a_living_page_is_asked_soon_and_then_now_and_then_and_keeps_its_call() {
    let (mut world, caller, ..) = parked();
    let flow = world.pages[caller].flow.clone().unwrap();
    assert_eq!(questions(&world, caller), 0);
    world.run_for(1_000);
    assert_eq!(questions(&world, caller), 1);
    let asked = &world.pages[caller].requests("OPTIONS")[0];
    assert_eq!(asked.method, Method::Options);
    assert_eq!(asked.uri.to_string(), world.pages[caller].contact());
    world.run_for(50_000);
    assert_eq!(questions(&world, caller), 6);
    assert_eq!(world.pages[caller].last_final(), None, "it still waits");
    world.run_for(60_000);
    assert_eq!(world.pages[caller].last_final().unwrap().status, 480);
    assert_eq!(world.rows_of(&flow, &["life"]), 0);
    let before = questions(&world, caller);
    world.run_for(300_000);
    assert_eq!(
        questions(&world, caller),
        before,
        "nobody asks an idle page"
    );
}

#[test]
fn a_page_that_answers_questions_is_not_asked_in_a_short_call() {
    let (mut world, caller, callee, _) = parked();
    world.run_for(1_000);
    let wake = world.invited_wake();
    world.report(callee, &wake, "decline").unwrap();
    world.settle();
    assert_eq!(questions(&world, caller), 1);
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(9_000);
    assert_eq!(questions(&world, caller), 1);
}

#[test]
fn a_user_agent_that_never_answers_questions_is_not_given_up() {
    let (mut world, caller, ..) = parked();
    // It hears, and says nothing to OPTIONS.
    world.pages[caller].frozen = true;
    world.run_for(55_000);
    assert_eq!(world.pages[caller].closed_because, None);
    assert_eq!(world.pushed(PushKind::Cancelled), 0);
    world.run_for(30_000);
    thaw(&mut world, caller);
    assert_eq!(
        world.pages[caller].last_final().unwrap().status,
        480,
        "by the wake's own limit"
    );
}

#[test]
fn a_page_that_stops_for_a_while_keeps_its_call() {
    let (mut world, caller, ..) = parked();
    world.run_for(2_000);
    world.pages[caller].frozen = true;
    world.run_for(18_500);
    thaw(&mut world, caller);
    world.run_for(15_000);
    assert_eq!(world.pages[caller].closed_because, None);
    assert_eq!(world.pushed(PushKind::Cancelled), 0);
}

#[test]
fn a_frozen_caller_who_thaws_too_late_finds_the_socket_closed_and_learns_the_end() {
    let (mut world, caller, _, invite) = parked();
    world.run_for(2_000);
    world.pages[caller].frozen = true;
    world.run_for(40_000);
    assert_eq!(world.pages[caller].closed_because, Some("no sign of life"));
    let pushed = world.pushed(PushKind::Invitation);
    thaw(&mut world, caller);
    world.open(caller);
    world.settle();
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 487);
    assert_eq!(
        world.pushed(PushKind::Invitation),
        pushed,
        "nobody is woken again"
    );
}

#[test]
fn a_page_that_rings_and_is_gone_unnoticed_is_woken_anew() {
    let (mut world, caller, callee, _) = parked();
    let wake = world.invited_wake();
    world.tap(callee, &wake);
    assert_eq!(
        world.pages[caller].progress().last().unwrap(),
        "180 Ringing"
    );
    world.run_for(2_000);
    world.pages[callee].flow = None;
    world.pages[callee].ringing.clear();
    world.run_for(20_000);
    let state = world.wake_state("1002", &wake);
    world.tap(callee, &wake);
    assert_eq!(world.pages[callee].ringing.len(), 1, "it was {state}");
}
