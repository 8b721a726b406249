//! The flow: keepalive, loss, back-off, pages that slept.

use super::net::{Page, forwarded, stranger};
use crate::agent::{CallState, Command, FlowId, Input, Outcome, Registration};
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Request, Response};

#[test]
fn a_quiet_flow_is_asked_for_life_and_dead_without_an_answer() {
    let mut page = Page::registered("1001", 1);
    page.pass(Duration::from_secs(25));
    assert_eq!(page.sent.pop_front().as_deref(), Some(&b"\r\n\r\n"[..]));
    page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
    page.pass(Duration::from_secs(25));
    assert_eq!(page.sent.pop_front().as_deref(), Some(&b"\r\n\r\n"[..]));
    page.pass(Duration::from_secs(9));
    assert_eq!(page.registration(), Registration::Registered);
    page.pass(Duration::from_secs(1));
    assert!(matches!(
        page.registration(),
        Registration::Reconnecting { retry_at: Some(_) }
    ));
}

#[test]
fn a_page_that_slept_doubts_its_flow_at_once() {
    let mut page = Page::registered("1001", 1);
    page.input(Input::Woken);
    assert_eq!(page.sent.pop_front().as_deref(), Some(&b"\r\n\r\n"[..]));
    page.pass(Duration::from_secs(2));
    assert!(matches!(
        page.registration(),
        Registration::Reconnecting { .. }
    ));
}

#[test]
fn pauses_grow_up_to_a_limit_and_end_when_the_network_comes() {
    let mut page = Page::registered("1001", 1);
    page.cut();
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let Registration::Reconnecting { retry_at: Some(at) } = page.registration() else {
            panic!("it waits")
        };
        pauses.push(at - page.now);
        page.pass(at - page.now);
        assert!(page.connecting);
        page.cut();
    }
    assert!(
        pauses[0] <= Duration::from_millis(500),
        "the first try after a good flow is quick"
    );
    assert!(pauses[9] >= Duration::from_secs(15) && pauses[9] <= Duration::from_secs(30));
    page.input(Input::Online(true));
    assert!(page.connecting, "whoever is back online does not wait");
}

/// A new version of the edge cuts every socket in the same moment.
#[test]
fn pages_that_are_cut_together_do_not_come_back_together() {
    let pauses = (0..200).map(|seed| {
        let mut page = Page::registered("1001", seed);
        page.cut();
        let Registration::Reconnecting { retry_at: Some(at) } = page.registration() else {
            panic!("it waits")
        };
        (at - page.now).as_millis()
    });
    let mut in_each_tenth = [0; 10];
    for pause in pauses {
        assert!((250..=500).contains(&pause), "{pause} ms");
        in_each_tenth[usize::try_from((pause - 250) / 25).unwrap().min(9)] += 1;
    }
    assert!(
        in_each_tenth.iter().all(|pages| (6..=40).contains(pages)),
        "spread over the whole pause: {in_each_tenth:?}"
    );
}

#[test]
fn without_a_network_nothing_is_tried() {
    let mut page = Page::registered("1001", 1);
    page.input(Input::Online(false));
    page.pass(Duration::from_secs(3));
    assert_eq!(page.registration(), Registration::Offline);
    page.pass(Duration::from_secs(600));
    assert!(!page.connecting);
    page.input(Input::Online(true));
    assert!(page.connecting);
}

#[test]
fn a_ringing_call_on_a_lost_flow_goes_on_with_its_invite_on_the_next_one_and_rings_once() {
    let mut page = Page::registered("1002", 2);
    let invite = stranger();
    page.frame(invite.clone());
    page.command(Command::Alert(page.incoming()));
    page.response(180);
    page.cut();
    page.pass(Duration::from_secs(1));
    page.connected();
    page.accept_register(600);

    let mut anew = invite.clone();
    anew.headers
        .replace_first_value("Via", "SIP/2.0/WSS edge.invalid;branch=z9hG4bKsecond");
    page.frame(anew);
    page.response(180);
    assert_eq!(page.rings(), 1);
    page.command(Command::Answer(page.incoming()));
    page.response(200);
    assert_eq!(page.state(), CallState::Connecting);
}

#[test]
fn an_answer_given_while_the_flow_was_lost_is_sent_on_the_next_one() {
    let mut page = Page::registered("1002", 2);
    let invite = stranger();
    page.frame(invite.clone());
    page.cut();
    page.command(Command::Answer(page.incoming()));
    page.pass(Duration::from_secs(1));
    page.connected();
    page.accept_register(600);
    page.frame(forwarded(&invite, "second"));
    page.response(200);
    assert_eq!(page.rings(), 1);
}

#[test]
fn a_ringing_call_whose_invite_does_not_come_again_ends_by_itself() {
    let mut page = Page::registered("1002", 2);
    page.frame(stranger());
    page.cut();
    page.pass(Duration::from_secs(10));
    assert_eq!(page.outcome(), Outcome::Cancelled);
}

#[test]
fn the_same_invite_by_another_path_is_a_loop() {
    let mut page = Page::registered("1002", 2);
    let invite = stranger();
    page.frame(invite.clone());
    page.command(Command::Alert(page.incoming()));
    page.response(180);
    page.frame(forwarded(&invite, "other"));
    page.response(482);
    assert_eq!(page.rings(), 1);
}

#[test]
fn what_no_one_understands_is_refused_and_nothing_breaks() {
    let mut page = Page::registered("1002", 2);
    let mut strange = stranger();
    strange.method = Method::Other("DANCE".into());
    strange.headers.set("CSeq", "1 DANCE");
    page.frame(strange.clone());
    let refusal = page.response(501);
    assert!(refusal.headers.get("Allow").unwrap().contains("INVITE"));
    strange.method = Method::Subscribe;
    strange.headers.set("CSeq", "1 SUBSCRIBE");
    page.frame(strange);
    page.response(405);
    for junk in [
        &b""[..],
        b"\0\0",
        b"SIP/2.0",
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n",
    ] {
        page.input(Input::Frame(FlowId::FIRST, junk));
    }
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn options_are_answered_at_once_with_what_we_can_do() {
    let mut page = Page::registered("1002", 2);
    let mut probe = stranger();
    probe.method = Method::Options;
    probe.headers.set("CSeq", "1 OPTIONS");
    probe.body.clear();
    page.frame(probe);
    let ok = page.response(200);
    for method in ["INVITE", "UPDATE", "PRACK"] {
        assert!(ok.headers.has_token(HeaderName::Allow, method), "{method}");
    }
    let accepted = ok.headers.get_all(HeaderName::Accept);
    assert!(accepted.contains(&"application/sdp"), "{accepted:?}");
}

/// A call that rings, whose flow is lost and which is given up meanwhile; what is said of it on the next flow.
fn given_up_without_a_flow(wake: Option<&str>) -> (Page, Request) {
    let mut page = Page::registered("1001", 1);
    let call = page.call("1002");
    let invite = page.request(Method::Invite);
    let mut ringing = Response::for_request(&invite, 180, "").with_to_tag("them");
    if let Some(wake) = wake {
        ringing = ringing.with("Wakeline-Wake", wake);
    }
    page.frame(ringing);
    page.cut();
    page.command(Command::HangUp(call));
    page.pass(Duration::from_secs(1));
    page.connected();
    page.accept_register(600);
    let cancel = page.request(Method::Cancel);
    assert_eq!(
        cancel.headers.get_all(HeaderName::Via),
        invite.headers.get_all(HeaderName::Via)
    );
    assert_eq!(cancel.headers.call_id(), invite.headers.call_id());
    (page, invite)
}

#[test]
fn what_was_given_up_without_a_flow_is_cancelled_on_the_next_and_does_not_ring_anew() {
    let (page, _) = given_up_without_a_flow(None);
    assert!(page.silent());
}

/// The edge does not know it by its branch there.
#[test]
fn an_edge_is_told_by_the_same_invite() {
    let (mut page, invite) = given_up_without_a_flow(Some("wake1;state=ringing"));
    let again = page.request(Method::Invite);
    assert_eq!(again.headers.call_id(), invite.headers.call_id());
    page.frame(Response::for_request(&again, 100, ""));
    page.request(Method::Cancel);
    assert!(page.silent());
}
