//! Calling out through servers of every kind: early media, forks, PRACK, redirections, challenges, headers.

use super::net::{Page, config, sdp, stranger};
use crate::agent::{CallState, Command, MediaRequest, Outcome};
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Request, Response};

fn calling() -> (Page, Request) {
    let mut page = Page::registered("1001", 1);
    page.call("1002");
    let invite = page.request(Method::Invite);
    (page, invite)
}

fn answer(invite: &Request, status: u16, tag: &str) -> Response {
    Response::for_request(invite, status, "")
        .with_to_tag(tag)
        .with(
            HeaderName::Contact,
            format!("<sip:{tag}@b.invalid;transport=ws>"),
        )
}

fn with_sdp(response: Response, who: &str) -> Response {
    response.with_body("application/sdp", sdp(who, "sendrecv"))
}

#[test]
fn early_media_is_heard_before_the_answer() {
    let (mut page, invite) = calling();
    page.frame(with_sdp(answer(&invite, 183, "one"), "early"));
    assert!(matches!(
        page.media.last(),
        Some((_, MediaRequest::ApplyEarly { .. }))
    ));
    assert!(page.view().early);
    page.frame(with_sdp(answer(&invite, 200, "one"), "early"));
    page.request(Method::Ack);
    assert_eq!(page.state(), CallState::Active);
    assert!(!page.view().early);
}

#[test]
fn another_branch_than_the_one_heard_answers_and_gets_a_connection_of_its_own() {
    let (mut page, invite) = calling();
    page.frame(with_sdp(answer(&invite, 183, "one"), "early"));
    let heard = page.media.len();
    page.frame(with_sdp(answer(&invite, 183, "two"), "other"));
    assert_eq!(page.media.len(), heard, "the first stays in the ear");
    page.frame(with_sdp(answer(&invite, 200, "two"), "other"));
    page.request(Method::Ack);
    let again = page.request(Method::Invite);
    assert_eq!(again.headers.to().unwrap().tag(), Some("two"));
    assert!(page.media.iter().any(|(_, m)| *m == MediaRequest::Renew));
    let ok = with_sdp(answer(&again, 200, "two"), "fresh");
    page.frame(ok);
    page.request(Method::Ack);
    assert_eq!(page.state(), CallState::Active);
}

fn reliable(response: Response, rseq: u32) -> Response {
    response
        .with(HeaderName::Require, "100rel")
        .with(HeaderName::RSeq, rseq.to_string())
}

#[test]
fn reliable_responses_are_acknowledged_once_and_in_order() {
    let (mut page, invite) = calling();
    let ringing = reliable(answer(&invite, 180, "one"), 7);
    page.frame(ringing.clone());
    let prack = page.request(Method::Prack);
    let cseq = invite.headers.get(HeaderName::CSeq).unwrap();
    assert_eq!(
        prack.headers.get(HeaderName::RAck),
        Some(format!("7 {cseq}").as_str())
    );
    assert_eq!(prack.headers.to().unwrap().tag(), Some("one"));
    page.frame(Response::for_request(&prack, 200, ""));
    page.frame(ringing);
    page.frame(reliable(answer(&invite, 183, "one"), 9));
    assert!(page.silent(), "neither again nor before its turn");
    // An answer that came reliably is the answer: the 2xx has none.
    page.frame(reliable(with_sdp(answer(&invite, 183, "one"), "early"), 8));
    let second = page.request(Method::Prack);
    assert!(second.headers.cseq().unwrap().number > prack.headers.cseq().unwrap().number);
    page.frame(Response::for_request(&second, 200, ""));
    page.frame(answer(&invite, 200, "one"));
    page.request(Method::Ack);
    assert_eq!(page.state(), CallState::Active);
    let call = match page.events.last() {
        Some(crate::agent::Event::Call(call, _)) => *call,
        _ => panic!("no call"),
    };
    page.command(Command::HangUp(call));
    let bye = page.request(Method::Bye);
    assert!(
        bye.headers.cseq().unwrap().number > second.headers.cseq().unwrap().number,
        "the numbers of the early dialog go on"
    );
}

#[test]
fn whoever_insists_hears_it_ring_reliably_until_the_prack() {
    let mut page = Page::registered("1002", 2);
    page.frame(stranger().with(HeaderName::Require, "100rel"));
    page.command(Command::Alert(page.incoming()));
    let ringing = page.response(180);
    assert!(ringing.headers.has_token(HeaderName::Require, "100rel"));
    page.pass(Duration::from_millis(500));
    assert_eq!(page.response(180), ringing);
    page.pass(Duration::from_millis(1000));
    page.response(180);
    let rseq = ringing.headers.get(HeaderName::RSeq).unwrap();
    let cseq = ringing.headers.get(HeaderName::CSeq).unwrap();
    let prack = |rack: String, number: u32| {
        let mut prack = stranger();
        prack.method = Method::Prack;
        let of = |name: HeaderName| ringing.headers.get(name).unwrap().to_owned();
        for name in [HeaderName::CallId, HeaderName::From, HeaderName::To] {
            prack.headers.set(name, of(name));
        }
        prack
            .headers
            .set(HeaderName::CSeq, format!("{number} PRACK"));
        prack.body.clear();
        prack.headers.remove(HeaderName::ContentType);
        prack.with(HeaderName::RAck, rack)
    };
    page.frame(prack(format!("1 {cseq}"), 2_100_000_000));
    page.response(481);
    page.frame(prack(format!("{rseq} {cseq}"), 2_100_000_001));
    page.response(200);
    page.pass(Duration::from_secs(8));
    page.sent.retain(|f| f != b"\r\n\r\n");
    assert!(page.silent());
    page.command(Command::Answer(page.incoming()));
    page.response(200);
}

#[test]
fn a_ringing_that_is_never_acknowledged_ends_the_call() {
    let mut page = Page::registered("1002", 2);
    page.frame(stranger().with(HeaderName::Require, "100rel"));
    page.command(Command::Alert(page.incoming()));
    for _ in 0..33 {
        page.pass(Duration::from_secs(1));
        page.input(crate::agent::Input::Frame(
            crate::agent::FlowId::FIRST,
            b"\r\n",
        ));
    }
    assert_eq!(page.outcome(), Outcome::Failed);
}

#[test]
fn a_redirection_is_followed_to_the_best_contact_and_never_in_a_circle() {
    let (mut page, invite) = calling();
    let moved = Response::for_request(&invite, 302, "")
        .with(HeaderName::Contact, "<sip:1003@wakeline.test>;q=0.2")
        .with(
            HeaderName::Contact,
            "<sip:1004@wakeline.test?Subject=evil>;q=0.9",
        )
        .with(HeaderName::Contact, "<tel:+1>;q=1.0");
    page.frame(moved);
    page.request(Method::Ack);
    let second = page.request(Method::Invite);
    assert_eq!(second.uri.to_string(), "sip:1004@wakeline.test");
    assert_eq!(
        second.headers.to().unwrap().uri.username().as_deref(),
        Some("1004")
    );
    assert_eq!(second.body, invite.body);
    page.frame(
        Response::for_request(&second, 301, "")
            .with(HeaderName::Contact, "<sip:1002@wakeline.test>"),
    );
    page.request(Method::Ack);
    assert_eq!(page.outcome(), Outcome::Failed);
    assert_eq!(page.view().end.as_ref().unwrap().status, 301);
}

/// A request of the callee inside of the dialog that its provisional response with this tag has made.
fn of_callee(invite: &Request, tag: &str, method: Method, cseq: u32) -> Request {
    let mut request = stranger();
    let headers = &mut request.headers;
    let call_id = invite.headers.call_id().unwrap();
    headers.set(HeaderName::CallId, call_id);
    headers.set(HeaderName::To, invite.headers.from().unwrap().to_string());
    let from = invite.headers.to().unwrap().with_tag(tag);
    headers.set(HeaderName::From, from.to_string());
    headers.set(HeaderName::CSeq, format!("{cseq} {method}"));
    let via = format!("SIP/2.0/WSS edge.invalid;branch=z9hG4bKcallee{cseq}");
    headers.replace_first_value("Via", via);
    headers.remove(HeaderName::SessionExpires);
    headers.remove(HeaderName::ContentType);
    request.body.clear();
    request.method = method;
    request
}

#[test]
fn what_a_callee_asks_before_it_answers_is_answered() {
    let (mut page, invite) = calling();
    let ask = |method, cseq| of_callee(&invite, "one", method, cseq);
    let offer =
        |cseq| ask(Method::Update, cseq).with_body("application/sdp", sdp("new", "sendrecv"));
    page.frame(ask(Method::Update, 1));
    page.response(481);
    page.frame(answer(&invite, 180, "one"));
    // Our offer has had no answer yet (RFC 3311 §5.2).
    page.frame(offer(2));
    page.response(491);
    page.frame(with_sdp(reliable(answer(&invite, 183, "one"), 7), "early"));
    let prack = page.request(Method::Prack);
    page.frame(Response::for_request(&prack, 200, ""));

    page.frame(ask(Method::Update, 3).with(HeaderName::SessionExpires, "60"));
    page.response(422);
    let refresh = ask(Method::Update, 4).with(HeaderName::SessionExpires, "1800;refresher=uac");
    page.frame(refresh);
    let ok = page.response(200);
    assert!(ok.headers.has(HeaderName::Contact));
    assert_eq!(
        ok.headers.get(HeaderName::SessionExpires),
        Some("1800;refresher=uac")
    );
    let asked = page.media.len();
    page.frame(offer(5));
    page.response(488);
    assert_eq!(page.media.len(), asked, "the session stays as it was");
    for (method, cseq, status) in [
        (Method::Options, 6, 200),
        (Method::Info, 7, 200),
        (Method::Refer, 8, 491),
        (Method::Invite, 9, 491),
        // No callee may end what it has not answered (RFC 3261 §15).
        (Method::Bye, 10, 481),
        // Out of its order.
        (Method::Options, 6, 500),
    ] {
        page.frame(ask(method, cseq));
        page.response(status);
    }
    page.frame(of_callee(&invite, "two", Method::Options, 1));
    page.response(481);

    page.frame(answer(&invite, 200, "one"));
    page.request(Method::Ack);
    assert_eq!(page.state(), CallState::Active);
    // The numbers go on in the session.
    page.frame(ask(Method::Options, 9));
    page.response(500);
    page.frame(ask(Method::Update, 11));
    page.response(200);
}

#[test]
fn headers_of_the_page_go_out_and_none_that_steers_the_call() {
    let mut page = Page::registered("1001", 1);
    let call = page.agent.next_call();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    page.command(Command::Call {
        call,
        to: Pii("1002".into()),
        headers: vec![
            header("X-Ticket", "42\r\nRoute: <sip:evil>"),
            header("Subject", "lunch"),
            header("Route", "<sip:evil;lr>"),
            header("v", "SIP/2.0/WSS evil"),
            header("Wakeline-Wake", "w"),
            header("P-Asserted-Identity", "<sip:ceo@x>"),
        ],
    });
    let invite = page.request(Method::Invite);
    assert_eq!(
        invite.headers.get("X-Ticket"),
        Some("42  Route: <sip:evil>")
    );
    assert_eq!(invite.headers.get("Subject"), Some("lunch"));
    for name in ["Route", "Wakeline-Wake", "P-Asserted-Identity"] {
        assert!(!invite.headers.has(name), "{name}");
    }
    assert_eq!(invite.headers.get_all("Via").len(), 1);
}

#[test]
fn who_calls_and_for_whom_is_read_from_where_it_is_asserted() {
    let mut page = Page::registered("1002", 2);
    let mut invite = stranger();
    invite.headers.set(
        HeaderName::PAssertedIdentity,
        "\"Real\" <sip:2001@wakeline.test>, <tel:+1555>",
    );
    page.frame(
        invite
            .with(
                HeaderName::Diversion,
                "<sip:1009@wakeline.test>;reason=no-answer",
            )
            .with("X-Ticket", "7")
            .with("Call-Info", "<sip:x>;answer-after=0"),
    );
    let view = page.view();
    assert_eq!(view.remote.number.expose(), "2001");
    assert_eq!(view.remote.display_name.expose(), "Real");
    let about = view.about.as_ref().unwrap();
    assert_eq!(about.diverted.as_ref().unwrap().number.expose(), "1009");
    assert!(about.wants_answer && !about.private);
    assert_eq!(
        about.headers,
        [("X-Ticket".to_owned(), "7".to_owned())],
        "only what nobody here knows"
    );
    assert_eq!(page.state(), CallState::Incoming, "off by default");

    let mut page = Page::registered("1002", 2);
    let mut invite = stranger();
    invite
        .headers
        .set(HeaderName::PAssertedIdentity, "<sip:2001@wakeline.test>");
    invite.headers.set(
        HeaderName::From,
        "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=x",
    );
    page.frame(invite.with(HeaderName::Privacy, "id").with(
        HeaderName::HistoryInfo,
        "<sip:1009@wakeline.test>;index=1, <sip:1002@wakeline.test>;index=1.1",
    ));
    let view = page.view();
    assert_eq!(view.remote.number.expose(), "anonymous");
    let about = view.about.as_ref().unwrap();
    assert!(about.private);
    assert_eq!(about.diverted.as_ref().unwrap().number.expose(), "1009");
}

#[test]
fn a_call_that_asks_for_it_is_answered_by_itself_where_that_is_allowed() {
    let mut config = config("1002");
    config.policy.auto_answer = true;
    let mut page = Page::with(config, 2);
    page.command(Command::Start);
    page.connected();
    page.accept_register(600);
    page.frame(stranger().with("Answer-Mode", "Auto"));
    assert_eq!(page.rings(), 1);
    page.response(200);
    assert_eq!(page.state(), CallState::Connecting);
}

fn without_offer() -> (Page, crate::agent::CallId, Request) {
    let mut page = Page::registered("1001", 1);
    let call = page.agent.next_call();
    page.command(Command::CallWithoutOffer {
        call,
        to: Pii("1002".into()),
        headers: Vec::new(),
    });
    let invite = page.request(Method::Invite);
    (page, call, invite)
}

#[test]
fn a_call_without_an_offer_is_acknowledged_with_our_answer() {
    let (mut page, _, invite) = without_offer();
    assert!(invite.body.is_empty() && !invite.headers.has(HeaderName::ContentType));
    assert!(!invite.headers.has_token(HeaderName::Supported, "100rel"));
    // The user has yet to allow the microphone.
    page.microphone = false;
    let ok = with_sdp(answer(&invite, 200, "one"), "theirs");
    page.frame(ok.clone());
    page.frame(ok.clone());
    assert!(page.silent(), "nothing to acknowledge with yet");
    assert_eq!(page.state(), CallState::Connecting);
    let wanted = page
        .media
        .iter()
        .filter(|(_, m)| matches!(m, MediaRequest::CreateAnswer { .. }));
    assert_eq!(wanted.count(), 1);
    let call = page.media.last().unwrap().0;
    let ours = crate::agent::MediaReply::Local(Pii(sdp("ours", "sendrecv")));
    page.input(crate::agent::Input::Media(call, ours));
    let ack = page.request(Method::Ack);
    assert_eq!(ack.body, sdp("ours", "sendrecv"));
    assert_eq!(page.state(), CallState::Active);
    page.frame(ok);
    assert_eq!(page.request(Method::Ack), ack, "again, and the same");
}

#[test]
fn a_call_without_an_offer_ends_clean_when_none_comes_or_none_can_be_answered() {
    // None came.
    let (mut page, _, invite) = without_offer();
    page.frame(answer(&invite, 200, "one"));
    assert!(page.request(Method::Ack).body.is_empty());
    page.request(Method::Bye);
    assert_eq!(page.outcome(), Outcome::Failed);
    // None can be answered, or nobody wants it any more.
    for hangs_up in [true, false] {
        let (mut page, call, invite) = without_offer();
        page.microphone = false;
        page.frame(with_sdp(answer(&invite, 200, "one"), "theirs"));
        if hangs_up {
            page.command(Command::HangUp(call));
        } else {
            let failed = crate::agent::MediaReply::Failed;
            page.input(crate::agent::Input::Media(call, failed));
        }
        page.request(Method::Ack);
        page.request(Method::Bye);
        assert_eq!(page.state(), CallState::Ended);
    }
}

#[test]
fn a_hold_by_update_needs_no_acknowledgement_and_falls_back_where_it_is_not_taken() {
    for status in [200, 504] {
        let (mut page, invite) = calling();
        page.agent.post.policy.update = true;
        let ok = with_sdp(answer(&invite, 200, "one"), "theirs");
        page.frame(ok.with(HeaderName::Allow, "INVITE, ACK, BYE, UPDATE"));
        page.request(Method::Ack);
        let call = page.media.last().unwrap().0;
        page.command(Command::Hold(call, true));
        let update = page.request(Method::Update);
        let offer = String::from_utf8(update.body.clone()).unwrap();
        assert!(offer.contains("a=sendonly"), "{offer}");
        if status == 200 {
            page.frame(with_sdp(answer(&update, 200, "one"), "theirs"));
            assert!(page.silent() && page.view().held);
        } else {
            page.frame(Response::for_request(&update, status, ""));
            let invite = page.request(Method::Invite);
            page.frame(with_sdp(answer(&invite, 200, "one"), "theirs"));
            page.request(Method::Ack);
            assert!(page.view().held);
        }
    }
}
