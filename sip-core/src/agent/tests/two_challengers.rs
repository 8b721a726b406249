//! Two who challenge one request, a proxy and the one behind it, in turn or in one response (RFC 3261 §22.3): both are answered from then on.

use super::digest::{self, REALM};
use super::net::{Page, config, granted, sdp};
use crate::agent::{Asked, CallState, Command, Event, Outcome, Registration};
use crate::auth::{Algorithm, DigestChallenge, Login};
use crate::wire::{HeaderName, Method, Request, Response};
use alloc::vec::Vec;

type Used = Option<(String, u32)>;

fn used(nonce: &str, times: u32) -> Used {
    Some((nonce.into(), times))
}

/// By which nonces a request is proven to the one behind the proxy, and to the proxy, and how often each was used with it.
fn proven(request: &Request) -> (Used, Used) {
    let by = |name| digest::proven(request, name, Algorithm::Md5);
    (
        by(HeaderName::Authorization),
        by(HeaderName::ProxyAuthorization),
    )
}

fn challenge(request: &Request, status: u16, nonce: &str) -> Response {
    digest::refused(request, status, nonce, Algorithm::Md5)
}

/// One response by which both ask, each for its own nonce: with this status.
fn both(request: &Request, status: u16, server: &str, proxy: &str) -> Response {
    let text = |nonce| {
        let challenge = DigestChallenge::new(REALM, nonce, Algorithm::Md5, false);
        challenge.to_challenge().to_string()
    };
    Response::for_request(request, status, "")
        .with_to_tag("pbx")
        .with(HeaderName::WwwAuthenticate, text(server))
        .with(HeaderName::ProxyAuthenticate, text(proxy))
}

/// A page whose first REGISTER is about to be sent.
fn page(password: &str, asked: Option<Asked>) -> Page {
    let mut config = config("1001");
    config.token = None;
    config.login = Some(Login::with_password("ada", password));
    let mut page = Page::with(config.clone(), 3);
    if let Some(asked) = asked {
        let entropy = crate::entropy::Entropy::for_tests(3);
        let agent = crate::agent::Agent::new(&config, entropy).unwrap();
        page.agent = agent.expecting(asked);
    }
    page.command(Command::Start);
    page.connected();
    page
}

/// The request of this method as it goes out again behind this answer to it.
fn again(page: &mut Page, method: Method, answer: Response) -> Request {
    page.frame(answer);
    if method == Method::Invite {
        page.request(Method::Ack);
    }
    page.request(method)
}

/// A page that is registered where nobody asks, and the INVITE of its call.
fn calling(password: &str) -> (Page, Request) {
    let mut page = page(password, None);
    let register = page.request(Method::Register);
    page.frame(granted(&register, 600));
    page.call("1002");
    let invite = page.request(Method::Invite);
    (page, invite)
}

#[test]
fn a_register_that_both_ask_for_in_turn_is_proven_to_both_and_stays_so() {
    let mut page = page("secret", None);
    let register = page.request(Method::Register);
    let refusal = challenge(&register, 407, "p1");
    let register = again(&mut page, Method::Register, refusal);
    assert_eq!(proven(&register), (None, used("p1", 1)));
    let refusal = challenge(&register, 401, "s1");
    let register = again(&mut page, Method::Register, refusal);
    assert_eq!(proven(&register), (used("s1", 1), used("p1", 2)));
    page.frame(granted(&register, 600));
    assert_eq!(page.registration(), Registration::Registered);

    page.command(Command::Register);
    let register = page.request(Method::Register);
    assert_eq!(proven(&register), (used("s1", 2), used("p1", 3)));
    // The proxy's nonce has aged: what the other one asked for goes on being counted.
    let refusal = challenge(&register, 407, "p2");
    let register = again(&mut page, Method::Register, refusal);
    assert_eq!(proven(&register), (used("s1", 3), used("p2", 1)));
    let named = granted(&register, 600)
        .with(HeaderName::AuthenticationInfo, r#"nextnonce="s2""#)
        .with("Proxy-Authentication-Info", r#"nextnonce="p3""#);
    page.frame(named);
    page.command(Command::Register);
    let register = page.request(Method::Register);
    assert_eq!(proven(&register), (used("s2", 1), used("p3", 1)));
    page.frame(granted(&register, 600));

    page.command(Command::Stop);
    let farewell = page.request(Method::Register);
    assert_eq!(proven(&farewell), (used("s2", 2), used("p3", 2)));
}

#[test]
fn one_response_by_which_both_ask_is_answered_once() {
    for status in [401, 407] {
        let mut page = page("secret", None);
        let register = page.request(Method::Register);
        let refusal = both(&register, status, "s1", "p1");
        let register = again(&mut page, Method::Register, refusal);
        assert_eq!(proven(&register), (used("s1", 1), used("p1", 1)));
        page.frame(granted(&register, 600));
        assert_eq!(page.registration(), Registration::Registered);

        let (mut page, invite) = calling("secret");
        let refusal = both(&invite, status, "s1", "p1");
        let invite = again(&mut page, Method::Invite, refusal);
        assert_eq!(proven(&invite), (used("s1", 1), used("p1", 1)));
        assert_eq!(page.state(), CallState::Calling);
    }
}

#[test]
fn an_invite_that_both_ask_for_in_turn_is_proven_to_both_and_so_is_all_that_follows() {
    let (mut page, invite) = calling("secret");
    let refusal = challenge(&invite, 407, "p1");
    let invite = again(&mut page, Method::Invite, refusal);
    assert_eq!(proven(&invite), (None, used("p1", 1)));
    let refusal = challenge(&invite, 401, "s1");
    let invite = again(&mut page, Method::Invite, refusal);
    assert_eq!(proven(&invite), (used("s1", 1), used("p1", 2)));
    page.frame(Response::for_request(&invite, 486, "").with_to_tag("x"));
    page.request(Method::Ack);
    page.call("1003");
    let next = page.request(Method::Invite);
    assert_eq!(proven(&next), (used("s1", 2), used("p1", 3)));
}

#[test]
fn a_wrong_password_is_not_tried_twice_at_either() {
    for (first, second) in [(401, 407), (407, 401)] {
        let mut page = page("wrong", None);
        let (a, b) = (challenge, challenge);
        let register = page.request(Method::Register);
        page.frame(a(&register, first, "a1"));
        let register = page.request(Method::Register);
        page.frame(b(&register, second, "b1"));
        let register = page.request(Method::Register);
        page.frame(b(&register, second, "b2"));
        assert!(page.silent());
        let refused = Registration::Refused {
            status: second,
            retry_at: None,
        };
        assert_eq!(page.registration(), refused);

        let (mut page, invite) = calling("wrong");
        let refusal = a(&invite, first, "a1");
        let invite = again(&mut page, Method::Invite, refusal);
        let refusal = b(&invite, second, "b1");
        let invite = again(&mut page, Method::Invite, refusal);
        page.frame(b(&invite, second, "b2"));
        page.request(Method::Ack);
        assert!(page.silent());
        let end = page.view().end.clone().unwrap();
        assert_eq!((end.outcome, end.status), (Outcome::Failed, second));
    }
    // Both at once, and one of them is not content.
    let mut page = page("wrong", None);
    let register = page.request(Method::Register);
    let refusal = both(&register, 401, "s1", "p1");
    let register = again(&mut page, Method::Register, refusal);
    page.frame(challenge(&register, 407, "p2"));
    assert!(page.silent());
}

#[test]
fn two_who_want_a_new_nonce_each_time_are_not_answered_for_ever() {
    let status = |nth: u32| if nth.is_multiple_of(2) { 407 } else { 401 };
    let mut page = page("secret", None);
    let mut asked = 0;
    while !page.silent() {
        let register = page.request(Method::Register);
        page.frame(challenge(&register, status(asked), &format!("n{asked}")));
        asked += 1;
    }
    assert_eq!(asked, 5);
    assert!(matches!(page.registration(), Registration::Refused { .. }));

    let (mut page, mut invite) = calling("secret");
    asked = 0;
    loop {
        page.frame(challenge(&invite, status(asked), &format!("n{asked}")));
        page.request(Method::Ack);
        asked += 1;
        if page.silent() {
            break;
        }
        invite = page.request(Method::Invite);
    }
    assert_eq!(asked, 5);
    assert_eq!(page.outcome(), Outcome::Failed);
}

/// Calls are lent the nonce of the one that asks them: each has a count of its own.
#[test]
fn a_call_is_proven_ahead_by_the_nonce_of_who_asks_for_it() {
    for by_proxy in [true, false] {
        let realm = REALM.into();
        let mut page = page("secret", Some(Asked { by_proxy, realm }));
        let register = page.request(Method::Register);
        let refusal = both(&register, 407, "s1", "p1");
        let register = again(&mut page, Method::Register, refusal);
        page.frame(granted(&register, 600));
        page.call("1002");
        let invite = page.request(Method::Invite);
        let (call, next) = match by_proxy {
            true => ((None, used("p1", 2)), (used("s1", 2), used("p1", 3))),
            false => ((used("s1", 2), None), (used("s1", 3), used("p1", 2))),
        };
        assert_eq!(proven(&invite), call);
        page.command(Command::Register);
        assert_eq!(proven(&page.request(Method::Register)), next);
    }
}

/// Who signs in by a token proves that to the registrar; a proxy that knows none is answered beside it.
#[test]
fn a_token_stays_where_a_proxy_asks_for_the_password() {
    let mut config = config("1001");
    config.login = Some(Login::with_password("ada", "secret"));
    let mut page = Page::with(config, 3);
    page.command(Command::Start);
    page.connected();
    let register = page.request(Method::Register);
    let token = register.headers.get(HeaderName::Authorization).unwrap();
    let refusal = challenge(&register, 407, "p1");
    let register = again(&mut page, Method::Register, refusal);
    assert_eq!(register.headers.get(HeaderName::Authorization), Some(token));
    let name = HeaderName::ProxyAuthorization;
    assert_eq!(
        digest::proven(&register, name, Algorithm::Md5),
        used("p1", 1)
    );
}

/// Our proxy has taken its proof, or nobody behind it could ask: what the 401 says of a proxy beside is for one further on.
#[test]
fn what_a_401_says_of_a_proxy_that_was_answered_is_not_ours() {
    let (mut page, invite) = calling("secret");
    let refusal = challenge(&invite, 407, "p1");
    let invite = again(&mut page, Method::Invite, refusal);
    let refusal = both(&invite, 401, "s1", "p9");
    let invite = again(&mut page, Method::Invite, refusal);
    assert_eq!(proven(&invite), (used("s1", 1), used("p1", 2)));

    let mut page = self::page("secret", None);
    let register = page.request(Method::Register);
    let refusal = challenge(&register, 407, "p1");
    let register = again(&mut page, Method::Register, refusal);
    let refusal = both(&register, 401, "s1", "p9");
    let register = again(&mut page, Method::Register, refusal);
    assert_eq!(proven(&register), (used("s1", 1), used("p1", 2)));
}

#[test]
fn a_nonce_that_was_named_and_has_aged_since_is_no_wrong_password() {
    let (mut page, invite) = calling("secret");
    let refusal = challenge(&invite, 401, "s1");
    let invite = again(&mut page, Method::Invite, refusal);
    let ok = Response::for_request(&invite, 200, "")
        .with_to_tag("phone")
        .with(HeaderName::Contact, "<sip:phone@192.0.2.1>")
        .with(HeaderName::AuthenticationInfo, r#"nextnonce="s2""#)
        .with_body("application/sdp", sdp("phone", "sendrecv"));
    page.frame(ok);
    page.request(Method::Ack);
    let call = page.events.iter().find_map(|e| match e {
        Event::Call(call, _) => Some(*call),
        _ => None,
    });
    page.command(Command::HangUp(call.unwrap()));
    let bye = page.request(Method::Bye);
    assert_eq!(proven(&bye), (used("s2", 1), None));
    let refusal = challenge(&bye, 401, "s3");
    let bye = again(&mut page, Method::Bye, refusal);
    assert_eq!(proven(&bye), (used("s3", 1), None));
    // The one that was asked for is not tried twice, as ever.
    page.frame(challenge(&bye, 401, "s4"));
    assert!(page.silent());

    let mut page = self::page("secret", None);
    let register = page.request(Method::Register);
    let refusal = challenge(&register, 401, "s1");
    let register = again(&mut page, Method::Register, refusal);
    let info = r#"nextnonce="s2""#;
    page.frame(granted(&register, 600).with(HeaderName::AuthenticationInfo, info));
    page.command(Command::Register);
    let register = page.request(Method::Register);
    let refusal = challenge(&register, 401, "s3");
    let register = again(&mut page, Method::Register, refusal);
    assert_eq!(proven(&register), (used("s3", 1), None));
    page.frame(granted(&register, 600));
    assert_eq!(page.registration(), Registration::Registered);
}

/// What is learned is how the first of them asks: the other one stands behind it, and may be whoever is called.
#[test]
fn whoever_asks_second_teaches_nothing() {
    let (mut page, invite) = calling("secret");
    let refusal = challenge(&invite, 407, "p1");
    let invite = again(&mut page, Method::Invite, refusal);
    let refusal = challenge(&invite, 401, "s1");
    again(&mut page, Method::Invite, refusal);
    let told: Vec<_> = page
        .events
        .iter()
        .filter(|e| matches!(e, Event::Asked(_)))
        .collect();
    let realm = REALM.into();
    let by_proxy = true;
    assert_eq!(told, [&Event::Asked(Asked { by_proxy, realm })]);
}
