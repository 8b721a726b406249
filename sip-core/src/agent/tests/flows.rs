//! Several flows at the same time (RFC 5626 §4.2): each registers, is lost and comes back by itself; calls go by whichever stands.

use super::net::{Page, config, forwarded, granted, returned, sdp, stranger};
use crate::agent::{
    Agent, CallState, Command, Config, Event, FlowId, Input, Outcome, Registration,
};
use crate::entropy::Entropy;
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Message, Method, Request, Response};

const A: FlowId = FlowId::FIRST;
const B: FlowId = FlowId::at(1);

fn started(config: &Config) -> Page {
    let mut page = Page::with(config.clone(), 5);
    page.agent = Agent::new(config, Entropy::for_tests(5))
        .unwrap()
        .with_servers(2)
        .with_flows(config, 2);
    page.command(Command::Start);
    page
}

/// A page whose two flows are bound.
fn page() -> Page {
    let mut page = started(&config("1001"));
    for flow in [A, B] {
        page.on(flow).connected();
        page.accept_register(600);
    }
    page.events.clear();
    page.on(A);
    page
}

/// The socket is gone, and its server does not come back.
fn lose(page: &mut Page, flow: FlowId) {
    page.on(flow).cut();
    assert!(page.sent.is_empty() || page.silent());
}

fn told(page: &Page) -> Vec<Registration> {
    let told = page.events.iter().filter_map(|e| match e {
        Event::Registration(registration) => Some(*registration),
        _ => None,
    });
    told.collect()
}

/// An answer of the other side to this INVITE of the page.
fn answer(invite: &Request, status: u16) -> Response {
    let response = Response::for_request(invite, status, "")
        .with_to_tag("them")
        .with(HeaderName::Contact, "<sip:them@192.0.2.1>")
        .with(HeaderName::Allow, "INVITE, UPDATE, BYE");
    if status == 200 {
        response.with_body("application/sdp", sdp("answer", "sendrecv"))
    } else {
        response
    }
}

/// A call that the page has made by its first flow.
fn talking() -> Page {
    let mut page = page();
    page.call("1002");
    let invite = page.request(Method::Invite);
    page.frame(answer(&invite, 200));
    page.request(Method::Ack);
    assert_eq!(page.state(), CallState::Active);
    page
}

#[test]
fn both_register_each_at_a_server_of_its_own_as_one_instance() {
    let mut page = started(&config("1001"));
    assert_eq!((page.agent.server(A), page.agent.server(B)), (0, 1));
    let registers = [A, B].map(|flow| {
        page.on(flow).connected();
        page.request(Method::Register)
    });
    let contacts = registers
        .each_ref()
        .map(|r| r.headers.contact().unwrap().unwrap());
    assert_eq!(contacts.each_ref().map(|c| c.reg_id()), [Some(1), Some(2)]);
    assert_eq!(contacts[0].instance(), contacts[1].instance());
    assert!(contacts[0].instance().is_some());
    assert_ne!(
        contacts[0].uri, contacts[1].uri,
        "also where flows are unknown"
    );
    assert_ne!(
        registers[0].headers.call_id(),
        registers[1].headers.call_id()
    );
    assert_eq!(page.registration(), Registration::Connecting);

    page.on(B).frame(granted(&registers[1], 600));
    assert_eq!(
        page.registration(),
        Registration::Registered,
        "one is enough"
    );
    page.on(A).frame(granted(&registers[0], 600));
    let news: Vec<bool> = page
        .events
        .iter()
        .filter_map(|e| match e {
            Event::Registered { new_flow, .. } => Some(*new_flow),
            _ => None,
        })
        .collect();
    assert_eq!(news, [true, false], "the second one changes nothing");
}

#[test]
fn each_is_refreshed_and_asked_for_life_by_itself() {
    let mut page = started(&config("1001"));
    page.on(A).connected();
    page.accept_register(600);
    page.pass(Duration::from_secs(9));
    page.on(B).connected();
    page.accept_register(100);
    page.pass(Duration::from_secs(16));
    assert_eq!(
        page.on(A).sent.pop_front().as_deref(),
        Some(&b"\r\n\r\n"[..])
    );
    assert!(page.on(B).sent.is_empty());
    page.on(A).input(Input::Frame(A, b"\r\n"));
    page.pass(Duration::from_secs(9));
    assert_eq!(
        page.on(B).sent.pop_front().as_deref(),
        Some(&b"\r\n\r\n"[..])
    );
    page.input(Input::Frame(B, b"\r\n"));
    page.pass(Duration::from_secs(25));
    let refresh = page.on(B).accept_register(100);
    assert_eq!(
        refresh.headers.contact().unwrap().unwrap().reg_id(),
        Some(2)
    );
    assert!(page.on(A).silent());
}

#[test]
fn one_that_dies_comes_back_alone_and_the_page_hears_nothing_of_it() {
    let mut page = page();
    lose(&mut page, A);
    assert_eq!(page.registration(), Registration::Registered);
    page.pass(Duration::from_secs(1));
    assert!(page.on(A).connecting && page.on(B).open && !page.connecting);
    page.on(A).connected();
    page.accept_register(600);
    assert!(page.on(B).silent());
    assert!(told(&page).is_empty(), "{:?}", page.events);
}

#[test]
fn pauses_of_the_dead_one_grow_as_ever_while_the_other_lives() {
    let mut page = page();
    let mut tries = 0;
    lose(&mut page, B);
    for _ in 0..600 {
        page.pass(Duration::from_millis(100));
        while let Some(frame) = page.on(A).sent.pop_front() {
            assert_eq!(frame, b"\r\n\r\n");
            page.input(Input::Frame(A, b"\r\n"));
        }
        if page.on(B).connecting {
            tries += 1;
            page.connecting = false;
            page.cut();
        }
    }
    assert!((5..=9).contains(&tries), "{tries} in a minute");
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn when_both_die_the_page_is_told_and_the_first_to_come_back_is_enough() {
    let mut page = page();
    lose(&mut page, A);
    lose(&mut page, B);
    assert!(matches!(
        page.registration(),
        Registration::Reconnecting { retry_at: Some(_) }
    ));
    page.pass(Duration::from_secs(1));
    page.on(B).connected();
    page.accept_register(600);
    assert_eq!(page.registration(), Registration::Registered);
    assert!(
        page.events
            .iter()
            .any(|e| matches!(e, Event::Registered { new_flow: true, .. }))
    );
}

#[test]
fn new_calls_go_by_the_first_that_is_bound() {
    let mut page = page();
    page.call("1002");
    let invite = page.on(A).request(Method::Invite);
    page.frame(answer(&invite, 404));
    page.request(Method::Ack);
    lose(&mut page, A);
    page.on(B).call("1003");
    let invite = page.request(Method::Invite);
    page.frame(answer(&invite, 404));
    page.request(Method::Ack);
    page.pass(Duration::from_secs(1));
    page.on(A).connected();
    page.accept_register(600);
    page.call("1004");
    page.request(Method::Invite);
    assert!(page.on(B).silent());
}

#[test]
fn a_call_that_was_made_on_the_dead_one_goes_out_on_the_other_at_once() {
    let mut page = page();
    page.call("1002");
    let first = page.request(Method::Invite);
    page.frame(answer(&first, 180));
    lose(&mut page, A);
    let second = page.on(B).request(Method::Invite);
    for name in [HeaderName::CallId, HeaderName::CSeq, HeaderName::From] {
        assert_eq!(first.headers.get(name), second.headers.get(name));
    }
    assert_ne!(
        first.headers.top_via().unwrap().branch(),
        second.headers.top_via().unwrap().branch()
    );
    page.frame(answer(&second, 200));
    page.request(Method::Ack);
    assert_eq!(page.state(), CallState::Active);
}

#[test]
fn cancel_goes_the_way_of_its_invite() {
    let mut page = page();
    lose(&mut page, A);
    let call = page.on(B).call("1002");
    let invite = page.request(Method::Invite);
    page.frame(answer(&invite, 180));
    page.pass(Duration::from_secs(1));
    page.on(A).connected();
    page.accept_register(600);
    page.command(Command::HangUp(call));
    assert!(page.silent(), "the first flow knows of no INVITE");
    page.on(B).request(Method::Cancel);
    page.frame(answer(&invite, 487));
    page.request(Method::Ack);
    assert!(page.on(A).silent());
}

#[test]
fn a_call_in_progress_survives_and_the_other_side_learns_where_we_are() {
    let mut page = talking();
    page.events.clear();
    lose(&mut page, A);
    let update = page.on(B).request(Method::Update);
    assert!(update.headers.has(HeaderName::Contact));
    page.frame(
        Response::for_request(&update, 200, "").with(HeaderName::Contact, "<sip:them@192.0.2.1>"),
    );
    assert!(page.events.is_empty(), "{:?}", page.events);
    page.command(Command::HangUp(crate::agent::CallId(1)));
    page.request(Method::Bye);
}

#[test]
fn whoever_takes_no_update_is_told_by_an_offer() {
    let mut page = page();
    page.call("1002");
    let invite = page.request(Method::Invite);
    let mut ok = answer(&invite, 200);
    ok.headers.set(HeaderName::Allow, "INVITE, BYE");
    page.frame(ok);
    page.request(Method::Ack);
    lose(&mut page, A);
    let again = page.on(B).request(Method::Invite);
    assert!(!again.body.is_empty());
    page.frame(answer(&again, 200));
    page.request(Method::Ack);
    assert_eq!(page.state(), CallState::Active);
}

#[test]
fn what_was_asked_in_a_call_is_asked_again_on_the_other() {
    let mut page = talking();
    page.command(Command::Dtmf(crate::agent::CallId(1), "5".into()));
    let first = page.request(Method::Info);
    lose(&mut page, A);
    let mut again = page.on(B).message().into_request().unwrap();
    if again.method != Method::Info {
        again = page.message().into_request().unwrap();
    }
    assert_eq!(again.method, Method::Info);
    assert_eq!(
        again.headers.get(HeaderName::CSeq),
        first.headers.get(HeaderName::CSeq)
    );
    assert_eq!(again.body, first.body);
    page.frame(Response::for_request(&again, 200, ""));
}

#[test]
fn a_call_that_another_flow_carries_is_left_alone() {
    let mut page = talking();
    lose(&mut page, B);
    page.on(A);
    assert!(page.silent());
    assert_eq!(page.state(), CallState::Active);
}

#[test]
fn a_bye_whose_answer_was_lost_goes_out_again_at_once() {
    let mut page = talking();
    page.command(Command::HangUp(crate::agent::CallId(1)));
    page.request(Method::Bye);
    lose(&mut page, A);
    page.on(B).request(Method::Bye);
}

#[test]
fn an_invite_that_comes_on_both_rings_once() {
    let mut page = page();
    let invite = stranger();
    page.on(A).frame(invite.clone());
    page.on(B).frame(forwarded(&invite, "other"));
    page.response(482);
    page.command(Command::Alert(page.incoming()));
    page.command(Command::Answer(page.incoming()));
    page.on(A).response(180);
    page.response(200);
    assert_eq!(page.rings(), 1);
    assert!(
        page.on(B).silent(),
        "answers go back where the question came from"
    );
}

#[test]
fn nor_does_it_ring_again_after_it_was_declined() {
    let mut page = page();
    let invite = stranger();
    page.on(B).frame(invite.clone());
    page.command(Command::Reject(page.incoming()));
    page.response(603);
    page.on(A).frame(forwarded(&invite, "other"));
    page.response(482);
    assert_eq!(page.rings(), 1);
}

#[test]
fn the_caller_may_call_again() {
    let mut page = page();
    let invite = stranger();
    page.on(A).frame(invite.clone());
    page.command(Command::Reject(page.incoming()));
    page.response(603);
    let mut anew = forwarded(&invite, "anew");
    anew.headers.set(HeaderName::CallId, "another@call");
    page.on(B).frame(anew);
    assert_eq!(page.rings(), 2);
}

#[cfg(feature = "beside")]
#[test]
fn a_message_that_comes_on_both_is_shown_once() {
    let mut page = page();
    let mut message = stranger();
    message.method = Method::Message;
    message.headers.set(HeaderName::CSeq, "7 MESSAGE");
    message.headers.set(HeaderName::ContentType, "text/plain");
    message.body = b"hello".to_vec();
    page.on(B).frame(message.clone());
    page.response(200);
    page.on(A).frame(forwarded(&message, "other"));
    page.response(482);
    let shown = page.events.iter().filter(|e| matches!(e, Event::Beside(_)));
    assert_eq!(shown.count(), 1);
}

#[test]
fn a_request_that_failed_for_its_flow_is_tried_on_the_other_and_no_further() {
    let mut page = page();
    page.call("1002");
    let invite = page.on(A).request(Method::Invite);
    page.frame(answer(&invite, 430));
    page.request(Method::Ack);
    let again = page.on(B).request(Method::Invite);
    assert_eq!(again.headers.call_id(), invite.headers.call_id());
    page.frame(answer(&again, 430));
    page.request(Method::Ack);
    assert!(page.on(A).silent() && page.on(B).silent());
    assert_eq!(page.view().end.as_ref().unwrap().status, 430);
}

#[test]
fn so_is_one_inside_of_a_call_and_the_call_goes_on() {
    let mut page = talking();
    page.command(Command::Dtmf(crate::agent::CallId(1), "5".into()));
    let info = page.request(Method::Info);
    page.frame(Response::for_request(&info, 430, ""));
    let again = page.on(B).request(Method::Info);
    page.frame(Response::for_request(&again, 200, ""));
    let call = crate::agent::CallId(1);
    page.command(Command::Hold(call, true));
    let hold = page.on(A).request(Method::Invite);
    page.frame(answer(&hold, 430));
    page.request(Method::Ack);
    let hold = page.on(B).request(Method::Invite);
    page.frame(answer(&hold, 200));
    page.request(Method::Ack);
    assert!(page.view().held);
}

#[test]
fn a_ringing_call_whose_flow_dies_is_answered_on_the_other() {
    let mut page = page();
    page.frame(stranger());
    page.command(Command::Alert(page.incoming()));
    page.response(180);
    lose(&mut page, A);
    assert_eq!(page.state(), CallState::Incoming);
    page.command(Command::Answer(page.incoming()));
    let ok = page.on(B).response(200);
    assert_eq!(returned(&ok).headers.call_id(), ok.headers.call_id());
    assert_eq!(page.rings(), 1);
}

#[test]
fn or_goes_on_with_its_invite_where_that_comes_again() {
    let mut page = page();
    let invite = stranger();
    page.frame(invite.clone());
    page.command(Command::Alert(page.incoming()));
    page.response(180);
    lose(&mut page, A);
    page.on(B).frame(forwarded(&invite, "second"));
    page.response(180);
    page.command(Command::Answer(page.incoming()));
    let ok = page.response(200);
    let via = ok.headers.top_via().unwrap();
    assert_eq!(via.branch(), Some("z9hG4bKsecond"));
    assert_eq!(page.rings(), 1);
}

#[test]
fn but_it_does_not_ring_for_ever_where_nobody_can_take_it_back() {
    let mut page = page();
    page.frame(stranger());
    lose(&mut page, A);
    page.pass(Duration::from_secs(20));
    assert_eq!(page.state(), CallState::Incoming);
    page.on(B).input(Input::Frame(B, b"\r\n"));
    page.pass(Duration::from_secs(10));
    assert_eq!(page.outcome(), Outcome::Cancelled);
    page.response(480);
}

#[test]
fn an_answer_that_is_perhaps_lost_with_its_flow_is_given_again() {
    let mut page = page();
    page.frame(stranger());
    page.command(Command::Answer(page.incoming()));
    page.response(200);
    lose(&mut page, A);
    page.on(B).response(200);
    page.message();
    assert_eq!(page.state(), CallState::Active);
}

#[test]
fn stopping_unregisters_each_and_closes_both() {
    let mut page = talking();
    page.command(Command::Stop);
    page.on(A).request(Method::Bye);
    for flow in [A, B] {
        let register = page.on(flow).request(Method::Register);
        let contact = register.headers.contact().unwrap().unwrap();
        assert_eq!(contact.expires(), Some(0));
        assert_eq!(
            contact.reg_id(),
            Some(u32::try_from(flow.reg_id()).unwrap())
        );
        page.frame(granted(&register, 0));
        assert!(!page.open);
    }
    assert!(page.on(A).silent() && page.on(B).silent());
    assert_eq!(page.registration(), Registration::Closed);
    page.pass(Duration::from_secs(60));
    assert!(!page.on(A).connecting && !page.on(B).connecting);
}

#[test]
fn one_that_is_refused_leaves_the_other_alone() {
    for status in [403, 439] {
        let mut page = started(&config("1001"));
        page.on(A).connected();
        page.accept_register(600);
        page.on(B).connected();
        let register = page.request(Method::Register);
        page.frame(Response::for_request(&register, status, ""));
        assert!(!page.open);
        assert_eq!(page.registration(), Registration::Registered);
        page.pass(Duration::from_secs(20));
        assert!(!page.connecting, "{status} is not asked again");
        page.on(A).call("1002");
        page.request(Method::Invite);
    }
}

#[test]
fn both_refused_is_refused() {
    let mut page = started(&config("1001"));
    for flow in [A, B] {
        page.on(flow).connected();
        let register = page.request(Method::Register);
        page.frame(Response::for_request(&register, 403, ""));
    }
    assert_eq!(
        page.registration(),
        Registration::Refused {
            status: 403,
            retry_at: None
        }
    );
}

#[test]
fn a_refused_token_is_asked_for_and_the_next_one_serves_both() {
    let mut page = page();
    page.command(Command::Register);
    for flow in [A, B] {
        let register = page.on(flow).request(Method::Register);
        let challenge = r#"Bearer realm="wakeline.test", error="invalid_token""#;
        let refusal = Response::for_request(&register, 401, "");
        page.frame(refusal.with(HeaderName::WwwAuthenticate, challenge));
    }
    assert!(page.events.contains(&Event::TokenRefused));
    page.command(Command::Token(Pii("fresh".into())));
    for flow in [A, B] {
        let register = page.on(flow).accept_register(600);
        let proof = register.headers.get(HeaderName::Authorization);
        assert_eq!(proof, Some("Bearer fresh"));
    }
    assert_eq!(page.registration(), Registration::Registered);
}

/// What one flow says is what it said before there could be several.
#[test]
fn one_flow_says_the_same_whether_it_was_asked_for_or_not() {
    let words = |flows: Option<u8>| {
        let config = config("1001");
        let mut page = Page::with(config.clone(), 9);
        if let Some(flows) = flows {
            page.agent = Agent::new(&config, Entropy::for_tests(9))
                .unwrap()
                .with_flows(&config, flows);
        }
        page.command(Command::Start);
        page.connected();
        page.accept_register(600);
        page.call("1002");
        let invite = page.sent.pop_front().unwrap();
        assert!(matches!(
            Message::parse(&invite, &crate::wire::Limits::DEFAULT),
            Ok(Message::Request(_))
        ));
        invite
    };
    assert_eq!(words(None), words(Some(1)));
}
