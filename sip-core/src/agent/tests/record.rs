//! A recording is told to the other side, and shown by it (RFC 7866).

use super::calls::Edge;
use crate::agent::{CallId, CallState, Command, Event, MediaRequest, Wish};
use crate::wire::{HeaderName, Message, Method, Response};

fn talking() -> (Edge, CallId, CallId) {
    let mut edge = Edge::new();
    edge.talking();
    let Some(Event::Call(caller, _)) = edge.caller.events.last() else {
        panic!("no call")
    };
    let caller = *caller;
    let callee = edge.callee.incoming();
    (edge, caller, callee)
}

fn told(edge: &Edge) -> (bool, bool) {
    (
        edge.caller.view().recording_told,
        edge.callee.view().recorded,
    )
}

#[test]
fn either_side_records_and_the_other_one_shows_it_until_it_ends() {
    let (mut edge, caller, callee) = talking();
    edge.caller.command(Command::Record(caller, true));
    let offer = String::from_utf8(edge.caller.sent.back().unwrap().clone()).unwrap();
    assert!(offer.starts_with("INVITE "));
    let (mark, media) = (
        offer.find("a=record:on").unwrap(),
        offer.find("\nm=").unwrap(),
    );
    assert!(mark < media, "of the whole session");
    assert_eq!(told(&edge), (false, false), "not before it is agreed");
    edge.relay();
    assert_eq!(told(&edge), (true, true));

    // It goes on through every change, of either side.
    edge.callee.command(Command::Hold(callee, true));
    edge.relay();
    assert_eq!(told(&edge), (true, true));
    edge.callee.command(Command::Hold(callee, false));
    edge.relay();
    edge.caller.command(Command::Record(caller, true));
    assert!(edge.caller.silent(), "wanted twice, told once");

    // Both, each by itself.
    edge.callee.command(Command::Record(callee, true));
    edge.relay();
    assert!(edge.caller.view().recorded && edge.callee.view().recording_told);
    edge.caller.command(Command::Record(caller, false));
    edge.relay();
    assert_eq!(told(&edge), (false, false));
    assert!(edge.caller.view().recorded && edge.callee.view().recording_told);
}

#[test]
fn whoever_does_not_say_that_it_shows_recordings_is_not_believed_to() {
    let (mut edge, caller, _) = talking();
    edge.caller.command(Command::Record(caller, true));
    let Message::Request(mut invite) = edge.caller.message() else {
        panic!("no request")
    };
    assert!(
        invite
            .headers
            .has_token(HeaderName::Supported, "record-aware")
    );
    invite.headers.remove(HeaderName::Supported);
    let answer = Response::for_request(&invite, 200, "")
        .with_to_tag("x")
        .with(HeaderName::Contact, "<sip:x@y.invalid;transport=ws>")
        .with(HeaderName::Supported, "timer");
    let answer = answer.with_body("application/sdp", super::net::sdp("x", "sendrecv"));
    edge.caller.frame(answer);
    assert!(matches!(
        edge.caller.media.last(),
        Some((_, MediaRequest::ApplyAnswer { .. }))
    ));
    assert_eq!(edge.caller.state(), CallState::Active);
    assert!(!edge.caller.view().recording_told);
}

#[test]
fn a_refusal_is_told_and_the_mark_goes_with_the_next_description() {
    let (mut edge, caller, callee) = talking();
    edge.caller.command(Command::Record(caller, true));
    let invite = edge.caller.request(Method::Invite);
    edge.caller.frame(Response::for_request(&invite, 488, ""));
    edge.caller.request(Method::Ack);
    let refused = Event::Refused {
        call: caller,
        what: Wish::Media,
        status: 488,
    };
    assert_eq!(edge.caller.events.last(), Some(&refused));
    assert!(!edge.caller.view().recording_told);
    edge.callee.command(Command::Hold(callee, true));
    edge.relay();
    assert!(edge.callee.view().recorded);
}
