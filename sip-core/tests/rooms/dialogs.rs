//! Dialogs: both sides of a call agree, through proxies that record their route.

use wakeline_sip::dialog::{
    AnsweredAction, AnsweredInvite, Dialog, DialogError, DialogId, DialogState,
};
use wakeline_sip::time::Time;
use wakeline_sip::wire::{HeaderName, Method, Request, Response, Uri, Via};

use crate::fixtures::{INVITE, request, response};
use crate::transactions_client::evict;

fn via(n: u32) -> Via {
    Via::new("WSS", "x.invalid", format!("z9hG4bK{n}"))
}

/// An INVITE as it arrives behind two proxies, and its 200 as it arrives at the caller.
fn call() -> (Request, Response) {
    let mut invite = request(INVITE);
    invite
        .headers
        .prepend(HeaderName::RecordRoute, "<sip:p1.example;lr>");
    invite
        .headers
        .prepend(HeaderName::RecordRoute, "<sip:p2.example;lr>");
    let ok = Response::for_request(&invite, 200, "")
        .with_to_tag("callee")
        .with_record_routes(&invite)
        .with(
            HeaderName::Contact,
            "<sip:callee@device.invalid;transport=ws>",
        );
    (request(&invite.to_bytes()), response(&ok.to_bytes()))
}

fn hosts(request: &Request) -> Vec<String> {
    request
        .headers
        .routes()
        .unwrap()
        .into_iter()
        .map(|r| r.uri.host)
        .collect()
}

#[test]
fn both_sides_make_the_same_dialog() {
    let (invite, ok) = call();
    let uac = Dialog::uac(&invite, &ok).unwrap();
    let uas = Dialog::uas(&invite, "callee").unwrap();
    assert_eq!(uac.id().clone().reversed(), *uas.id());
    assert_eq!(&DialogId::of_response(&ok).unwrap(), uac.id());
    assert_eq!(
        (uac.state(), uas.state()),
        (DialogState::Confirmed, DialogState::Early)
    );
}

#[test]
fn requests_go_by_the_recorded_route_in_each_direction() {
    let (invite, ok) = call();
    let mut uac = Dialog::uac(&invite, &ok).unwrap();
    let mut uas = Dialog::uas(&invite, "callee").unwrap();
    evict(&mut uac);
    evict(&mut uas);

    let bye = request(&uac.request(Method::Bye, &via(1)).to_bytes());
    assert_eq!(
        bye.uri.to_string(),
        "sip:callee@device.invalid;transport=ws"
    );
    assert_eq!(hosts(&bye), ["p1.example", "p2.example"]);
    assert_eq!(bye.headers.cseq().unwrap().to_string(), "102 BYE");
    assert_eq!(bye.headers.to().unwrap().tag(), Some("callee"));
    assert_eq!(DialogId::of_incoming(&bye).unwrap(), *uas.id());
    assert_eq!(uac.state(), DialogState::Terminated);

    let info = uas.request(Method::Info, &via(2));
    assert_eq!(
        info.uri.to_string(),
        "sip:w8x2@k3v9qj2m.invalid;transport=ws;ob"
    );
    assert_eq!(hosts(&info), ["p2.example", "p1.example"]);
    assert_eq!(info.headers.from().unwrap().tag(), Some("callee"));
    assert_eq!(info.headers.to().unwrap().tag(), Some("hJ4s"));
}

#[test]
fn the_ack_of_a_2xx_has_the_number_of_its_invite() {
    let (invite, ok) = call();
    let uac = Dialog::uac(&invite, &ok).unwrap();
    let ack = request(&uac.ack(101, &via(3)).to_bytes());
    assert_eq!(ack.headers.cseq().unwrap().to_string(), "101 ACK");
    assert_eq!(ack.headers.top_via().unwrap().branch(), Some("z9hG4bK3"));
    assert_eq!(hosts(&ack), ["p1.example", "p2.example"]);
}

#[test]
fn a_strict_router_gets_the_older_form() {
    let (invite, mut ok) = call();
    ok.headers.set(
        HeaderName::RecordRoute,
        "<sip:loose.example;lr>, <sip:strict.example>",
    );
    let uac = Dialog::uac(&invite, &ok).unwrap();
    let ack = uac.ack(101, &via(1));
    assert_eq!(ack.uri.host, "strict.example");
    assert_eq!(hosts(&ack), ["loose.example", "device.invalid"]);
}

#[test]
fn an_early_dialog_becomes_the_answered_one() {
    let (invite, ok) = call();
    let mut ringing = Response {
        status: 180,
        ..ok.clone()
    };
    ringing.headers.remove(HeaderName::Contact);
    ringing.headers.remove(HeaderName::RecordRoute);
    let mut uac = Dialog::uac(&invite, &ringing).unwrap();
    assert_eq!(uac.state(), DialogState::Early);
    evict(&mut uac);
    uac.response(&ok).unwrap();
    assert_eq!(uac.state(), DialogState::Confirmed);
    assert_eq!(uac, Dialog::uac(&invite, &ok).unwrap());
}

#[test]
fn requests_out_of_order_and_after_the_end_are_refused() {
    let (invite, ok) = call();
    let mut uac = Dialog::uac(&invite, &ok).unwrap();
    let mut uas = Dialog::uas(&invite, "callee").unwrap();
    uas.confirm();
    let first = uac.request(Method::Info, &via(1));
    let second = uac.request(Method::Info, &via(2));
    assert_eq!(uas.request_received(&second), Ok(()));
    let late = uas.request_received(&first).unwrap_err();
    assert_eq!((late, late.status()), (DialogError::OutOfOrder, 500));
    assert_eq!(
        uas.request_received(&uac.ack(101, &via(3))),
        Ok(()),
        "an ACK is never late"
    );
    assert_eq!(
        uas.request_received(&uac.request(Method::Bye, &via(4))),
        Ok(())
    );
    let over = uas
        .request_received(&uac.request(Method::Info, &via(5)))
        .unwrap_err();
    assert_eq!((over, over.status()), (DialogError::Terminated, 481));
}

#[test]
fn a_bye_ends_the_dialog_whatever_its_number() {
    let (invite, ok) = call();
    let mut uac = Dialog::uac(&invite, &ok).unwrap();
    let mut uas = Dialog::uas(&invite, "callee").unwrap();
    uas.confirm();
    let (info, mut bye) = (
        uac.request(Method::Info, &via(1)),
        uac.request(Method::Bye, &via(2)),
    );
    bye.headers.set(HeaderName::CSeq, "102 BYE");
    uas.request_received(&info).unwrap();
    assert_eq!(uas.request_received(&bye), Ok(()));
    assert_eq!(uas.state(), DialogState::Terminated);
}

#[test]
fn a_reinvite_and_its_answer_move_the_targets() {
    let (invite, ok) = call();
    let mut uac = Dialog::uac(&invite, &ok).unwrap();
    let mut uas = Dialog::uas(&invite, "callee").unwrap();
    uas.confirm();
    let again = uac
        .request(Method::Invite, &via(1))
        .with(HeaderName::Contact, "<sip:new@caller.invalid>");
    uas.request_received(&again).unwrap();
    assert_eq!(uas.remote_target(), &Uri::sip("new", "caller.invalid"));
    let ok = Response::for_request(&again, 200, "")
        .with(HeaderName::Contact, "<sip:new@callee.invalid>");
    uac.response(&ok).unwrap();
    assert_eq!(uac.remote_target(), &Uri::sip("new", "callee.invalid"));
    assert_eq!(
        hosts(&uac.ack(102, &via(2))),
        ["p1.example", "p2.example"],
        "the route stays (RFC 3261 §12.2)"
    );
}

#[test]
fn a_peer_that_knows_no_such_call_ends_it() {
    let (invite, ok) = call();
    for status in [408, 481] {
        let mut uac = Dialog::uac(&invite, &ok).unwrap();
        let info = uac.request(Method::Info, &via(1));
        uac.response(&Response::for_request(&info, status, ""))
            .unwrap();
        assert_eq!(uac.state(), DialogState::Terminated);
    }
}

#[test]
fn what_makes_no_dialog_is_named() {
    let (invite, ok) = call();
    let mut no_tag = ok.clone();
    no_tag
        .headers
        .set(HeaderName::To, "<sip:1002@calls.example>");
    assert_eq!(Dialog::uac(&invite, &no_tag), Err(DialogError::NoTag));
    let mut no_contact = ok;
    no_contact.headers.remove(HeaderName::Contact);
    assert_eq!(
        Dialog::uac(&invite, &no_contact),
        Err(DialogError::NoContact)
    );
    let mut invite = invite;
    invite.headers.remove(HeaderName::Contact);
    let dialog = Dialog::uas(&invite, "t").unwrap();
    assert_eq!(
        dialog.remote_target(),
        &invite.headers.from().unwrap().uri,
        "a caller of RFC 2543 is where its From says"
    );
}

#[test]
fn the_headers_of_a_contact_are_no_part_of_the_target() {
    let (mut invite, ok) = call();
    invite.headers.set(
        HeaderName::Contact,
        "<sip:a@h;transport=ws?Route=%3Csip:x%3E>",
    );
    let mut dialog = Dialog::uas(&invite, "t").unwrap();
    assert_eq!(dialog.remote_target().to_string(), "sip:a@h;transport=ws");
    let mut again = invite;
    again.headers.set(HeaderName::CSeq, "999 INVITE");
    again
        .headers
        .set(HeaderName::Contact, "<sip:b@h?Subject=x>");
    dialog.request_received(&again).unwrap();
    assert_eq!(dialog.remote_target().to_string(), "sip:b@h");
    let mut answer = ok;
    answer
        .headers
        .set(HeaderName::Contact, "<sip:c@h?Subject=x>");
    let caller = Dialog::uac(&again, &answer).unwrap();
    assert_eq!(caller.remote_target().to_string(), "sip:c@h");
}

#[test]
fn a_2xx_is_repeated_until_its_ack() {
    let (_, ok) = call();
    let mut answered = AnsweredInvite::start(ok.clone(), 101, Time(0));
    assert_eq!(answered.timeout(Time(499)), None);
    assert_eq!(answered.timeout(Time(500)), Some(AnsweredAction::Send(ok)));
    evict(&mut answered);
    assert_eq!(answered.deadline(), Some(Time(1_500)));
    assert!(!answered.acknowledge(100), "of another INVITE");
    assert!(answered.acknowledge(101));
    assert!(!answered.acknowledge(101), "again");
    assert_eq!(
        (answered.deadline(), answered.timeout(Time(9_999))),
        (None, None)
    );
}

#[test]
fn a_2xx_without_ack_is_given_up_once() {
    let (_, ok) = call();
    let mut answered = AnsweredInvite::start(ok, 101, Time(0));
    let mut seen = Vec::new();
    while let Some(at) = answered.deadline() {
        seen.push((
            at.0,
            answered.timeout(at) == Some(AnsweredAction::AckMissing),
        ));
    }
    let times: Vec<_> = seen.iter().map(|(at, _)| *at).collect();
    assert_eq!(
        times,
        [
            500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500, 32_000
        ]
    );
    assert!(seen.last().unwrap().1 && !answered.is_acknowledged());
}
