//! Changes of a session that its end overtakes: whoever asked for one is answered, and every 2xx gets its ACK (RFC 3261 §13.2.2.4,
//! §15.1.2).

use super::calls::{Edge, in_dialog, last_answer};
use super::net::{Page, sdp};
use crate::agent::{CallId, Command, Event, Outcome};
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Request, Response};

type Names = (String, String, String);

/// A call that stands: its callee, its id there, and the names of its dialog.
fn talking() -> (Page, CallId, Names) {
    let mut edge = Edge::new();
    edge.talking();
    let names = last_answer(&mut edge);
    let call = edge.callee.incoming();
    (edge.callee, call, names)
}

fn bye(names: &Names) -> Request {
    in_dialog(names, Method::Bye, 30_009, "bye")
}

fn ok(invite: &Request) -> Response {
    Response::for_request(invite, 200, "")
        .with(HeaderName::Contact, "<sip:there@b.invalid;transport=ws>")
        .with_body("application/sdp", sdp("x", "recvonly"))
}

/// Nothing is left to be said or waited for.
fn at_rest(page: &mut Page) {
    page.pass(Duration::from_secs(20));
    assert!(page.silent());
    assert!(page.agent.calls.is_empty());
}

#[test]
fn a_reinvite_that_is_being_answered_when_the_call_ends_is_answered_by_487() {
    for theirs in [true, false] {
        let (mut page, call, names) = talking();
        page.microphone = false;
        page.frame(in_dialog(&names, Method::Invite, 30_000, "r1"));
        assert!(page.silent(), "the driver is still at it");
        if theirs {
            page.frame(bye(&names));
            page.response(200);
        } else {
            page.command(Command::HangUp(call));
        }
        let refusal = page.response(487);
        assert_eq!(refusal.headers.get(HeaderName::CSeq), Some("30000 INVITE"));
        if !theirs {
            let bye = page.request(Method::Bye);
            page.frame(Response::for_request(&bye, 200, ""));
        }
        assert_eq!(page.outcome(), Outcome::HungUp);
        page.frame(in_dialog(&names, Method::Ack, 30_000, "r1"));
        at_rest(&mut page);
    }
}

#[test]
fn one_that_is_answered_is_not_refused_as_well() {
    let (mut page, _, names) = talking();
    page.frame(in_dialog(&names, Method::Invite, 30_000, "r1"));
    page.response(200);
    page.frame(bye(&names));
    page.response(200);
    at_rest(&mut page);
}

#[test]
fn the_answer_to_a_reinvite_of_a_call_that_is_over_is_acknowledged_and_nothing_else() {
    for theirs in [true, false] {
        let (mut page, call, names) = talking();
        page.command(Command::Hold(call, true));
        let invite = page.request(Method::Invite);
        if theirs {
            page.frame(bye(&names));
            page.response(200);
        } else {
            page.command(Command::HangUp(call));
            let bye = page.request(Method::Bye);
            page.frame(Response::for_request(&bye, 200, ""));
        }
        page.frame(ok(&invite));
        let ack = page.request(Method::Ack);
        assert_eq!(ack.uri.host, "b.invalid");
        let number = invite.headers.cseq().unwrap().number;
        assert_eq!(ack.headers.cseq().unwrap().number, number);
        let route = |r: &Request| r.headers.get(HeaderName::Route).map(str::to_owned);
        assert!(route(&ack).is_some());
        assert_eq!(route(&ack), route(&invite), "by the way of the dialog");
        page.frame(ok(&invite));
        assert_eq!(page.request(Method::Ack), ack);
        at_rest(&mut page);
        let refused = |event: &Event| matches!(event, Event::Refused { .. });
        assert!(!page.events.iter().any(refused));
    }
}

#[test]
fn the_refusal_of_a_reinvite_of_a_call_that_is_over_is_acknowledged() {
    for status in [487, 491, 407] {
        let (mut page, call, names) = talking();
        page.command(Command::Hold(call, true));
        let invite = page.request(Method::Invite);
        page.frame(bye(&names));
        page.response(200);
        page.frame(Response::for_request(&invite, status, ""));
        page.request(Method::Ack);
        at_rest(&mut page);
    }
}

#[test]
fn a_repeated_2xx_of_a_change_is_acknowledged_again_when_the_call_is_over() {
    let (mut page, call, names) = talking();
    page.command(Command::Hold(call, true));
    let invite = page.request(Method::Invite);
    page.frame(ok(&invite));
    let ack = page.request(Method::Ack);
    page.frame(bye(&names));
    page.response(200);
    page.frame(ok(&invite));
    assert_eq!(page.request(Method::Ack), ack);
    at_rest(&mut page);
}
