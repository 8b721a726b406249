//! Candidates by INFO, once a dialog stands with a side that takes them (RFC 8840).

use super::calls::{Edge, in_dialog, last_answer};
use super::net::stranger;
use crate::agent::{CallId, CallState, Command, Event, MediaRequest};
use crate::pii::Pii;
use crate::wire::{HeaderName, Message, Method, Response};

const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

fn fragment(of: &str) -> Pii<Vec<u8>> {
    Pii(format!("a=ice-ufrag:{of}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n").into_bytes())
}

/// The candidates that a page was given, in order.
fn taken(page: &super::net::Page) -> Vec<String> {
    page.media
        .iter()
        .filter_map(|(_, request)| match request {
            MediaRequest::Candidates { fragment } => {
                Some(String::from_utf8_lossy(fragment.expose()).into_owned())
            }
            _ => None,
        })
        .collect()
}

fn ids(edge: &Edge) -> (CallId, CallId) {
    let Some(Event::Call(caller, _)) = edge.caller.events.last() else {
        panic!("no call")
    };
    (*caller, edge.callee.incoming())
}

#[test]
fn the_first_offer_waits_for_all_candidates_and_what_follows_does_not() {
    let mut edge = Edge::new();
    let caller = edge.caller.call("1002");
    assert_eq!(edge.caller.agent.trickles(caller), None, "nobody knows yet");
    let invite = String::from_utf8(edge.caller.sent.back().unwrap().clone()).unwrap();
    assert!(invite.contains("Recv-Info: trickle-ice\r\n") && invite.contains("trickle-ice"));
    // What comes after all that time is kept until somebody is known to take it.
    edge.caller
        .command(Command::Candidates(caller, fragment("late")));
    edge.relay();
    let callee = edge.callee.incoming();
    assert_eq!(taken(&edge.callee), Vec::<String>::new());
    assert_eq!(
        edge.callee.agent.trickles(callee),
        Some(true),
        "the INVITE said so"
    );
    edge.callee.command(Command::Answer(callee));
    // More of them come before the 2xx is acknowledged: it may not be there yet.
    edge.callee
        .command(Command::Candidates(callee, fragment("early")));
    let first = edge.callee.message();
    assert!(matches!(&first, Message::Response(r) if r.status == 200));
    assert!(
        edge.callee.silent(),
        "no INFO before the dialog stands at the other side"
    );
    edge.caller.frame(super::net::returned(match &first {
        Message::Response(response) => response,
        Message::Request(_) => unreachable!(),
    }));
    edge.relay();
    assert_eq!(edge.caller.state(), CallState::Active);
    assert_eq!(
        edge.caller.agent.trickles(caller),
        Some(true),
        "and so did the answer"
    );
    let heard = taken(&edge.caller);
    assert_eq!(heard.len(), 1);
    assert!(heard[0].contains("a=ice-ufrag:early"));
    let heard = taken(&edge.callee);
    assert_eq!(heard.len(), 1);
    assert!(heard[0].contains("a=ice-ufrag:late"));
}

#[test]
fn one_info_at_a_time_each_with_all_that_is_known() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, _) = ids(&edge);
    for of in ["one", "two", "three"] {
        edge.caller
            .command(Command::Candidates(caller, fragment(of)));
    }
    let info = edge.caller.request(Method::Info);
    assert_eq!(info.headers.get("Info-Package"), Some("trickle-ice"));
    assert_eq!(info.headers.content_type().as_deref(), Some(FRAGMENT));
    assert_eq!(info.body, fragment("one").into_inner());
    assert!(edge.caller.silent());
    edge.caller.frame(Response::for_request(&info, 200, ""));
    let info = edge.caller.request(Method::Info);
    assert_eq!(info.body, fragment("three").into_inner());
    edge.caller.frame(Response::for_request(&info, 200, ""));
    assert!(edge.caller.silent());

    // While an offer is under way they wait: they may be of what it describes.
    edge.caller.command(Command::Hold(caller, true));
    edge.caller
        .command(Command::Candidates(caller, fragment("four")));
    let offer = edge.caller.message();
    assert!(matches!(&offer, Message::Request(r) if r.method == Method::Invite));
    assert!(edge.caller.silent());
}

#[test]
fn a_side_that_takes_none_gets_none() {
    // It says nothing of it.
    let mut edge = Edge::new();
    let caller = edge.caller.call("1002");
    let invite = edge.caller.request(Method::Invite);
    edge.caller
        .command(Command::Candidates(caller, fragment("late")));
    edge.caller.frame(
        Response::for_request(&invite, 200, "")
            .with_to_tag("x")
            .with(HeaderName::Contact, "<sip:x@y.invalid;transport=ws>")
            .with(HeaderName::Supported, "trickle-ice")
            .with_body("application/sdp", super::net::sdp("x", "sendrecv")),
    );
    edge.caller.request(Method::Ack);
    assert_eq!(
        edge.caller.agent.trickles(caller),
        Some(false),
        "without Recv-Info nobody would hear"
    );
    edge.caller
        .command(Command::Candidates(caller, fragment("x")));
    assert!(edge.caller.silent());

    // It says so and refuses: not again, and the call goes on.
    for (status, goes_on) in [
        (469, Some(false)),
        (415, Some(false)),
        (500, Some(true)),
        (481, None),
    ] {
        let mut edge = Edge::new();
        edge.talking();
        let (caller, _) = ids(&edge);
        edge.caller
            .command(Command::Candidates(caller, fragment("x")));
        let info = edge.caller.request(Method::Info);
        edge.caller.frame(Response::for_request(&info, status, ""));
        assert_eq!(edge.caller.agent.trickles(caller), goes_on, "{status}");
        let ended = edge.caller.state() == CallState::Ended;
        assert_eq!(ended, status == 481, "{status}");
    }
}

#[test]
fn what_is_no_candidates_is_refused_and_nothing_is_handed_on() {
    let mut edge = Edge::new();
    edge.talking();
    let (_, callee) = ids(&edge);
    let dialog = last_answer(&mut edge);
    let mut cseq = 2_147_000_000;
    let mut ask = |package: &str, kind: &str, body: &[u8]| {
        cseq += 1;
        let branch = format!("info{cseq}");
        let mut info =
            in_dialog(&dialog, Method::Info, cseq, &branch).with_body(kind, body.to_vec());
        if !package.is_empty() {
            info = info.with("Info-Package", package);
        }
        edge.callee.frame(info);
        answered(&mut edge.callee)
    };
    assert_eq!(ask("trickle-ice", FRAGMENT, b"\xff\xfe"), 400);
    assert_eq!(ask("trickle-ice", FRAGMENT, &[b'x'; 17_000]), 413);
    assert_eq!(ask("shoe-size", FRAGMENT, b"44"), 469);
    assert_eq!(ask("trickle-ice", "text/plain", b"x"), 415);
    assert_eq!(taken(&edge.callee), Vec::<String>::new());
    assert_eq!(edge.callee.view_of(callee).state, CallState::Active);
    // Of no dialog: 481.
    let mut info = stranger();
    info.method = Method::Info;
    info.headers.set(HeaderName::CSeq, "1 INFO");
    info.headers
        .set(HeaderName::To, "<sip:1002@wakeline.test>;tag=nobody");
    edge.callee.frame(info.with_body(FRAGMENT, "a=mid:0\r\n"));
    assert_eq!(answered(&mut edge.callee), 481);
}

fn answered(page: &mut super::net::Page) -> u16 {
    match page.message() {
        Message::Response(response) => response.status,
        Message::Request(request) => panic!("asked {}", request.method),
    }
}
