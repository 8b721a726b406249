//! Calls are proven before anyone asks, by what the registrar has asked, where it is known how calls are asked.

use super::digest::{self, REALM};
use super::net::{Page, config, granted};
use crate::agent::{Asked, CallState, Command, Event, Registration};
use crate::auth::{Algorithm, Login};
use crate::wire::{HeaderName, Method, Request, Response};

fn challenge(request: &Request, status: u16, nonce: &str) -> Response {
    digest::refused(request, status, nonce, Algorithm::Md5)
}

/// By which nonce a request is proven to a proxy, and how often that was used with it.
fn to_proxy(request: &Request) -> Option<(String, u32)> {
    digest::proven(request, HeaderName::ProxyAuthorization, Algorithm::Md5)
}

/// And to the server itself.
fn to_server(request: &Request) -> Option<(String, u32)> {
    digest::proven(request, HeaderName::Authorization, Algorithm::Md5)
}

fn used(nonce: &str, times: u32) -> Option<(String, u32)> {
    Some((nonce.into(), times))
}

/// The INVITE of a call to this number.
fn calls(page: &mut Page, number: &str) -> Request {
    page.call(number);
    page.request(Method::Invite)
}

/// The request as it goes out again when the proxy has refused it by this nonce.
fn again(page: &mut Page, refused: &Request, nonce: &str) -> Request {
    page.frame(challenge(refused, 407, nonce));
    page.request(Method::Ack);
    page.request(Method::Invite)
}

fn refresh(page: &mut Page) -> Request {
    page.command(Command::Register);
    page.request(Method::Register)
}

fn by_proxy(realm: &str) -> Asked {
    Asked {
        by_proxy: true,
        realm: realm.into(),
    }
}

/// A page that is registered with the nonce "r1", and knows that much of how calls are asked.
fn page(asked: Option<Asked>) -> Page {
    let mut config = config("1001");
    config.token = None;
    config.login = Some(Login::with_password("ada", "secret"));
    let mut page = Page::with(config.clone(), 3);
    if let Some(asked) = asked {
        let entropy = crate::entropy::Entropy::for_tests(3);
        page.agent = crate::agent::Agent::new(&config, entropy)
            .unwrap()
            .expecting(asked);
    }
    page.command(Command::Start);
    page.connected();
    let register = page.request(Method::Register);
    page.frame(challenge(&register, 401, "r1"));
    let register = page.request(Method::Register);
    assert_eq!(to_server(&register), used("r1", 1));
    page.frame(granted(&register, 600));
    page
}

fn busy(page: &mut Page, invite: &Request) {
    page.frame(Response::for_request(invite, 486, "").with_to_tag("x"));
    page.request(Method::Ack);
}

#[test]
fn the_first_call_answers_what_the_registrar_asked_and_no_use_of_its_nonce_is_counted_twice() {
    let mut page = page(Some(by_proxy(REALM)));
    let invite = calls(&mut page, "1002");
    assert_eq!(to_proxy(&invite), used("r1", 2));
    assert!(
        !invite.headers.has(HeaderName::Authorization),
        "who has not asked is told nothing"
    );
    busy(&mut page, &invite);

    let register = refresh(&mut page);
    assert_eq!(to_server(&register), used("r1", 3));
    page.frame(granted(&register, 600));
    let invite = calls(&mut page, "1002");
    assert_eq!(to_proxy(&invite), used("r1", 4));
    assert!(
        !page.events.iter().any(|e| matches!(e, Event::Asked(_))),
        "it was known"
    );
}

#[test]
fn a_server_that_answers_itself_is_answered_in_its_own_header() {
    let mut page = page(Some(Asked {
        by_proxy: false,
        ..by_proxy(REALM)
    }));
    let invite = calls(&mut page, "1002");
    assert_eq!(to_server(&invite), used("r1", 2));
    assert!(!invite.headers.has(HeaderName::ProxyAuthorization));
}

#[test]
fn how_calls_are_asked_is_told_once_and_nothing_is_proven_before() {
    let mut page = page(None);
    let invite = calls(&mut page, "1002");
    assert!(!invite.headers.has(HeaderName::Authorization));
    assert!(!invite.headers.has(HeaderName::ProxyAuthorization));
    let invite = again(&mut page, &invite, "c1");
    assert_eq!(to_proxy(&invite), used("c1", 1));
    busy(&mut page, &invite);
    let invite = calls(&mut page, "1003");
    page.frame(challenge(&invite, 407, "c2"));
    page.request(Method::Ack);
    page.request(Method::Invite);
    let told: Vec<_> = page
        .events
        .iter()
        .filter(|e| matches!(e, Event::Asked(_)))
        .collect();
    assert_eq!(told, [&Event::Asked(by_proxy(REALM))]);
}

#[test]
fn another_realm_is_not_answered_ahead() {
    let mut page = page(Some(by_proxy("elsewhere.test")));
    let invite = calls(&mut page, "1002");
    assert!(!invite.headers.has(HeaderName::Authorization));
    assert!(!invite.headers.has(HeaderName::ProxyAuthorization));
}

#[test]
fn a_proxy_that_takes_no_nonce_of_the_registrar_is_answered_as_ever_and_nothing_is_guessed_again() {
    let mut page = page(Some(by_proxy(REALM)));
    let invite = calls(&mut page, "1002");
    assert_eq!(to_proxy(&invite), used("r1", 2));
    let invite = again(&mut page, &invite, "c1");
    assert_eq!(to_proxy(&invite), used("c1", 1));
    assert_eq!(page.state(), CallState::Calling);
    busy(&mut page, &invite);

    let register = refresh(&mut page);
    page.frame(granted(&register, 600));
    let invite = calls(&mut page, "1002");
    assert_eq!(to_proxy(&invite), used("c1", 2));
}

#[test]
fn a_guess_by_the_nonce_that_comes_next_is_no_answer_in_vain() {
    let mut page = page(Some(by_proxy(REALM)));
    let register = refresh(&mut page);
    let next = granted(&register, 600).with(HeaderName::AuthenticationInfo, r#"nextnonce="r2""#);
    page.frame(next);
    let invite = calls(&mut page, "1002");
    assert_eq!(to_proxy(&invite), used("r2", 1));
    let invite = again(&mut page, &invite, "c1");
    assert_eq!(to_proxy(&invite), used("c1", 1));
    assert_eq!(page.state(), CallState::Calling);
    // The same password again would be.
    page.frame(challenge(&invite, 407, "c2"));
    page.request(Method::Ack);
    assert!(page.silent());
}

#[test]
fn another_login_is_not_proven_by_what_was_asked_of_the_one_before() {
    let mut page = page(Some(by_proxy(REALM)));
    page.command(Command::Login(Login::with_password("ada", "secret")));
    let invite = calls(&mut page, "1002");
    assert!(!invite.headers.has(HeaderName::ProxyAuthorization));
}

/// Two INVITEs that are under way at once, both proven by the nonce of the registrar.
#[test]
fn each_of_two_refused_guesses_is_answered_anew() {
    for (asked, guess) in [(Some(by_proxy(REALM)), Some(("r1", 2, 3))), (None, None)] {
        let mut page = page(asked);
        page.call("1002");
        page.call("1003");
        let (first, second) = (page.request(Method::Invite), page.request(Method::Invite));
        assert_eq!(
            to_proxy(&first),
            guess.map(|(nonce, count, _)| (nonce.into(), count))
        );
        assert_eq!(
            to_proxy(&second),
            guess.map(|(nonce, _, count)| (nonce.into(), count))
        );
        let first = again(&mut page, &first, "c1");
        assert_eq!(to_proxy(&first), used("c1", 1));
        let second = again(&mut page, &second, "c2");
        assert_eq!(to_proxy(&second), used("c2", 1));
        for invite in [&first, &second] {
            busy(&mut page, invite);
        }
    }
}

/// A nonce that was spent by calls is not said to be new by the REGISTER that follows: its refusal would be taken for one of the password.
#[test]
fn a_register_counts_what_calls_have_used_also_when_they_are_asked_for_another_nonce() {
    let mut page = page(Some(by_proxy(REALM)));
    let register = refresh(&mut page);
    let next = granted(&register, 600).with(HeaderName::AuthenticationInfo, r#"nextnonce="r2""#);
    page.frame(next);
    let invite = calls(&mut page, "1002");
    assert_eq!(to_proxy(&invite), used("r2", 1));
    busy(&mut page, &invite);
    let invite = calls(&mut page, "1003");
    assert_eq!(to_proxy(&invite), used("r2", 2));
    let invite = again(&mut page, &invite, "c1");
    busy(&mut page, &invite);

    let register = refresh(&mut page);
    assert_eq!(to_server(&register), used("r2", 3));
    page.frame(challenge(&register, 401, "r3"));
    let register = page.request(Method::Register);
    assert_eq!(to_server(&register), used("r3", 1));
    page.frame(granted(&register, 600));
    assert_eq!(page.registration(), Registration::Registered);
}

/// What comes from behind our server may be said by whoever is called.
#[test]
fn a_challenge_from_behind_our_server_teaches_nothing() {
    let mut page = page(None);
    let invite = calls(&mut page, "1002");
    page.frame(Response::for_request(&invite, 100, ""));
    page.frame(challenge(&invite, 401, "c1"));
    page.request(Method::Ack);
    let invite = page.request(Method::Invite);
    assert_eq!(to_server(&invite), used("c1", 1));
    assert!(!page.events.iter().any(|e| matches!(e, Event::Asked(_))));
}

/// A nonce that is named as the next one once more goes on being counted.
#[test]
fn the_same_nonce_as_the_next_one_is_counted_on() {
    let mut page = page(None);
    let register = refresh(&mut page);
    assert_eq!(to_server(&register), used("r1", 2));
    let next = granted(&register, 600).with(HeaderName::AuthenticationInfo, r#"nextnonce="r1""#);
    page.frame(next);
    let register = refresh(&mut page);
    assert_eq!(to_server(&register), used("r1", 3));
}
