//! A path of media that is lost in a call: mended by a re-INVITE with new candidates, or the end of the call.

use super::calls::Edge;
use super::net::Page;
use crate::agent::{CallId, CallState, Command, Event, MediaRequest, Outcome, Path};
use crate::time::Duration;
use crate::wire::{Method, Response};

fn talking() -> (Edge, CallId, CallId) {
    let mut edge = Edge::new();
    edge.talking();
    let Some(Event::Call(caller, _)) = edge.caller.events.last() else {
        panic!("no call")
    };
    let (caller, callee) = (*caller, edge.callee.incoming());
    (edge, caller, callee)
}

fn restarts(page: &Page) -> usize {
    let restart = |(_, m): &&(CallId, MediaRequest)| *m == MediaRequest::Restart;
    page.media.iter().filter(restart).count()
}

#[test]
fn a_lost_path_is_given_another_one_at_once_and_the_call_goes_on() {
    let (mut edge, caller, _) = talking();
    edge.caller.command(Command::Path(caller, Path::Open));
    assert!(edge.caller.silent());
    edge.caller.command(Command::Path(caller, Path::Lost));
    let last: Vec<_> = edge.caller.media.iter().rev().take(2).collect();
    assert_eq!(
        last,
        [
            &(caller, MediaRequest::CreateOffer),
            &(caller, MediaRequest::Restart)
        ]
    );
    edge.relay();
    assert!(
        edge.callee
            .media
            .iter()
            .any(|(_, m)| matches!(m, MediaRequest::CreateAnswer { .. }))
    );
    edge.caller.command(Command::Path(caller, Path::Open));
    edge.pass_time(Duration::from_secs(60));
    edge.relay();
    assert_eq!(restarts(&edge.caller), 1);
    assert_eq!(edge.caller.state(), CallState::Active);
    assert_eq!(edge.callee.state(), CallState::Active);
}

#[test]
fn one_that_falters_has_two_seconds_to_come_back_by_itself() {
    let (mut edge, caller, _) = talking();
    edge.caller.command(Command::Path(caller, Path::Faltering));
    edge.pass_time(Duration::from_millis(1_900));
    edge.caller.command(Command::Path(caller, Path::Open));
    edge.pass_time(Duration::from_secs(30));
    assert_eq!(restarts(&edge.caller), 0);
    assert!(edge.caller.silent());

    edge.caller.command(Command::Path(caller, Path::Faltering));
    edge.pass_time(Duration::from_secs(2));
    assert_eq!(restarts(&edge.caller), 1);
    edge.caller.request(Method::Invite);
}

#[test]
fn it_is_tried_again_and_ends_the_call_when_nothing_helps() {
    let (mut edge, caller, _) = talking();
    edge.caller.command(Command::Path(caller, Path::Lost));
    for _ in 0..39 {
        edge.relay();
        edge.pass_time(Duration::from_secs(1));
    }
    assert_eq!(edge.caller.state(), CallState::Active);
    assert_eq!(restarts(&edge.caller), 5);
    edge.pass_time(Duration::from_secs(1));
    assert_eq!(edge.caller.outcome(), Outcome::Failed);
    assert_eq!(
        edge.caller.view().end.as_ref().unwrap().reason,
        "no path for media"
    );
    edge.relay();
    assert_eq!(edge.callee.outcome(), Outcome::HungUp);
}

#[test]
fn both_sides_see_it_at_once_and_the_caller_mends_it_for_both() {
    for (path, offers_after) in [(Path::Lost, 0), (Path::Faltering, 2)] {
        let (mut edge, caller, callee) = talking();
        edge.callee.command(Command::Path(callee, path));
        edge.caller.command(Command::Path(caller, path));
        edge.pass_time(Duration::from_secs(offers_after));
        edge.relay();
        // Then candidates are tried.
        edge.pass_time(Duration::from_millis(1_900));
        edge.relay();
        edge.caller.command(Command::Path(caller, Path::Open));
        edge.callee.command(Command::Path(callee, Path::Open));
        edge.pass_time(Duration::from_secs(60));
        assert!(edge.caller.silent() && edge.callee.silent());
        assert_eq!((restarts(&edge.caller), restarts(&edge.callee)), (1, 0));
        assert_eq!(edge.caller.state(), CallState::Active);
        assert_eq!(edge.callee.state(), CallState::Active);
    }
}

#[test]
fn the_callee_mends_it_where_the_caller_sees_nothing_or_cannot() {
    for path in [Path::Lost, Path::Faltering] {
        let (mut edge, _, callee) = talking();
        edge.callee.command(Command::Path(callee, path));
        edge.pass_time(Duration::from_secs(4));
        assert_eq!(restarts(&edge.callee), 1);
        edge.relay();
        edge.callee.command(Command::Path(callee, Path::Open));
        edge.pass_time(Duration::from_secs(60));
        assert_eq!(restarts(&edge.callee), 1);
        assert_eq!(edge.callee.state(), CallState::Active);
    }
}

#[test]
fn two_offers_that_cross_after_all_leave_one_that_mends_it_for_both() {
    for _ in 0..8 {
        let (mut edge, caller, callee) = talking();
        edge.callee.command(Command::Path(callee, Path::Lost));
        edge.callee.pass(Duration::from_secs(2));
        edge.caller.command(Command::Path(caller, Path::Lost));
        edge.relay();
        // The side that did not make the Call-ID is the first now; then the path is there, and the other offer is not made.
        edge.pass_time(Duration::from_millis(2_000));
        edge.relay();
        edge.caller.command(Command::Path(caller, Path::Open));
        edge.callee.command(Command::Path(callee, Path::Open));
        edge.pass_time(Duration::from_secs(60));
        assert!(edge.caller.silent() && edge.callee.silent());
        assert_eq!((restarts(&edge.caller), restarts(&edge.callee)), (1, 2));
        assert_eq!(edge.caller.state(), CallState::Active);
        assert_eq!(edge.callee.state(), CallState::Active);
    }
}

#[test]
fn a_refused_offer_leaves_the_call_and_the_next_one_mends_it() {
    let (mut edge, caller, _) = talking();
    edge.caller.command(Command::Path(caller, Path::Lost));
    let invite = edge.caller.request(Method::Invite);
    edge.caller.frame(Response::for_request(&invite, 500, ""));
    edge.caller.request(Method::Ack);
    assert!(
        edge.caller
            .media
            .contains(&(caller, MediaRequest::Rollback))
    );
    assert_eq!(edge.caller.state(), CallState::Active);
    edge.pass_time(Duration::from_secs(8));
    edge.relay();
    assert_eq!(restarts(&edge.caller), 2);
    assert_eq!(edge.caller.state(), CallState::Active);
}

#[test]
fn whoever_does_not_answer_that_may_come_back() {
    for status in [408, 480] {
        let (mut edge, caller, _) = talking();
        edge.caller.command(Command::Path(caller, Path::Lost));
        let invite = edge.caller.request(Method::Invite);
        edge.caller
            .frame(Response::for_request(&invite, status, ""));
        edge.caller.request(Method::Ack);
        assert_eq!(edge.caller.state(), CallState::Active, "{status}");
        edge.pass_time(Duration::from_secs(8));
        assert_eq!(restarts(&edge.caller), 2);
    }
    // That the other side knows no such call is a word about the call.
    let (mut edge, caller, _) = talking();
    edge.caller.command(Command::Path(caller, Path::Lost));
    let invite = edge.caller.request(Method::Invite);
    edge.caller.frame(Response::for_request(&invite, 481, ""));
    assert_eq!(edge.caller.outcome(), Outcome::HungUp);
}

#[test]
fn with_the_flow_gone_too_it_waits_for_the_next_flow() {
    let (mut edge, caller, _) = talking();
    edge.caller.cut();
    edge.caller.command(Command::Path(caller, Path::Lost));
    assert_eq!(restarts(&edge.caller), 0);
    edge.caller.pass(Duration::from_secs(3));
    edge.caller.connected();
    edge.caller.accept_register(600);
    edge.caller.pass(Duration::from_secs(8));
    assert_eq!(restarts(&edge.caller), 1);
}

#[test]
fn before_both_have_agreed_there_is_nothing_to_mend() {
    let mut edge = Edge::new();
    let call = edge.caller.call("1002");
    edge.relay();
    edge.caller.command(Command::Path(call, Path::Faltering));
    assert_eq!(restarts(&edge.caller), 0);
    edge.caller.command(Command::Path(call, Path::Lost));
    assert_eq!(edge.caller.outcome(), Outcome::Failed);
}

#[test]
fn a_call_that_ends_meanwhile_forgets_its_path() {
    let (mut edge, caller, callee) = talking();
    edge.caller.command(Command::Path(caller, Path::Lost));
    edge.callee.command(Command::HangUp(callee));
    edge.relay();
    edge.pass_time(Duration::from_secs(60));
    assert_eq!(restarts(&edge.caller), 1);
    assert_eq!(edge.caller.outcome(), Outcome::HungUp);
}
