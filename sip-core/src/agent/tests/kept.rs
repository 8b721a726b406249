//! A refresh that is refused under a call: its socket carries what belongs to the call, to its end.

use super::net::{Page, config, granted, sdp, stranger};
use crate::agent::{Agent, CallId, CallState, Command, FlowId, Input, Outcome, Registration};
use crate::entropy::Entropy;
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Request, Response};

fn answer(invite: &Request) -> Response {
    Response::for_request(invite, 200, "")
        .with_to_tag("them")
        .with(HeaderName::Contact, "<sip:them@192.0.2.1>")
        .with_body("application/sdp", sdp("them", "sendrecv"))
}

/// A page of so many servers whose call is answered.
fn talking(servers: usize) -> (Page, CallId) {
    let mut page = Page::with(config("1001"), 4);
    page.agent = Agent::new(&config("1001"), Entropy::for_tests(4))
        .unwrap()
        .with_servers(servers);
    page.command(Command::Start);
    page.connected();
    page.accept_register(600);
    let call = page.call("1002");
    let invite = page.request(Method::Invite);
    page.frame(answer(&invite));
    page.request(Method::Ack);
    assert_eq!(page.state(), CallState::Active);
    (page, call)
}

/// The refresh of the registration is refused.
fn refuse(page: &mut Page, status: u16) {
    page.command(Command::Register);
    let register = page.request(Method::Register);
    page.frame(Response::for_request(&register, status, ""));
    page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
    assert!(matches!(page.registration(), Registration::Refused { .. }));
}

/// Time passes, and keepalives are answered.
fn pass(page: &mut Page, seconds: u64) {
    for _ in 0..seconds {
        page.pass(Duration::from_secs(1));
        if page.open {
            page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
        }
    }
}

#[test]
fn a_call_that_rings_there_is_answered_or_taken_back() {
    let mut page = Page::registered("1001", 4);
    let call = page.call("1002");
    let invite = page.request(Method::Invite);
    page.frame(Response::for_request(&invite, 180, "").with_to_tag("them"));
    refuse(&mut page, 503);
    assert!(page.open);
    pass(&mut page, 20);
    assert_eq!(page.state(), CallState::Ringing);
    page.command(Command::HangUp(call));
    page.request(Method::Cancel);
    assert_eq!(page.outcome(), Outcome::Cancelled);
    assert!(page.open, "its answers are still to come");
}

#[test]
fn the_other_side_can_hang_up_and_then_the_socket_is_left() {
    for status in [403, 503] {
        let (mut page, _) = talking(1);
        refuse(&mut page, status);
        pass(&mut page, 20);
        assert!(page.open && page.silent());
        page.command(Command::Dtmf(CallId(1), "5".into()));
        let ours = page.request(Method::Info);
        page.frame(Response::for_request(&ours, 200, ""));
        let mut bye = stranger();
        bye.method = Method::Bye;
        bye.headers.set(HeaderName::CSeq, "9 BYE");
        for (name, from) in [
            (HeaderName::From, HeaderName::To),
            (HeaderName::To, HeaderName::From),
            (HeaderName::CallId, HeaderName::CallId),
        ] {
            bye.headers.set(name, ours.headers.get(from).unwrap());
        }
        page.frame(bye);
        page.response(200);
        assert_eq!(page.state(), CallState::Ended);
        assert!(!page.open);
    }
}

#[test]
fn our_bye_leaves_at_once_and_its_answer_closes_the_socket() {
    let (mut page, call) = talking(1);
    refuse(&mut page, 503);
    pass(&mut page, 10);
    page.command(Command::HangUp(call));
    let bye = page.request(Method::Bye);
    assert!(page.open);
    page.frame(Response::for_request(&bye, 200, ""));
    assert!(!page.open);
    pass(&mut page, 19);
    assert!(!page.connecting, "its word is kept");
    pass(&mut page, 2);
    page.connected();
    page.accept_register(600);
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn the_registration_is_asked_for_again_where_it_was_refused() {
    let (mut page, call) = talking(1);
    for _ in 0..2 {
        refuse(&mut page, 503);
        pass(&mut page, 29);
        assert!(page.silent());
        pass(&mut page, 1);
    }
    assert!(page.open);
    let register = page.request(Method::Register);
    page.frame(granted(&register, 600));
    assert_eq!(page.registration(), Registration::Registered);
    page.command(Command::HangUp(call));
    let bye = page.request(Method::Bye);
    page.frame(Response::for_request(&bye, 200, ""));
    assert!(page.open && page.silent());
}

#[test]
fn another_server_is_asked_when_the_call_is_over_or_its_socket_gone() {
    for cut in [true, false] {
        let (mut page, call) = talking(2);
        refuse(&mut page, 503);
        pass(&mut page, 10);
        assert!(page.open);
        if cut {
            page.cut();
        } else {
            page.command(Command::HangUp(call));
            let bye = page.request(Method::Bye);
            page.frame(Response::for_request(&bye, 200, ""));
        }
        pass(&mut page, 1);
        assert_eq!(page.agent.server(FlowId::FIRST), 1);
        page.connected();
        page.accept_register(600);
        assert_eq!(page.registration(), Registration::Registered);
    }
}

#[test]
fn without_a_call_it_is_left_at_once() {
    let mut page = Page::registered("1001", 4);
    refuse(&mut page, 503);
    assert!(!page.open);
}

/// A token that has aged is renewed on the socket; a server that wants it first hears the BYE behind it.
#[test]
fn a_bye_does_not_wait_for_the_next_token_unless_it_has_to() {
    for heard in [true, false] {
        let (mut page, call) = talking(1);
        page.command(Command::Register);
        let register = page.request(Method::Register);
        let challenge = r#"Bearer realm="wakeline.test", error="invalid_token""#;
        let refusal = Response::for_request(&register, 401, "");
        page.frame(refusal.with(HeaderName::WwwAuthenticate, challenge));
        page.command(Command::HangUp(call));
        let bye = page.request(Method::Bye);
        let status = if heard { 200 } else { 403 };
        page.frame(Response::for_request(&bye, status, ""));
        page.command(Command::Token(Pii("fresh".into())));
        page.accept_register(600);
        if !heard {
            let bye = page.request(Method::Bye);
            page.frame(Response::for_request(&bye, 200, ""));
        }
        assert!(page.open && page.silent());
    }
}
