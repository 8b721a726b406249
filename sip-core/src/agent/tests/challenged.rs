//! Challenges of requests other than REGISTER: a foreign server asks who calls.

use super::net::{Page, config, granted};
use crate::agent::{CallState, Command, Event, Outcome};
use crate::auth::{Algorithm, DigestChallenge, DigestResponse, Login};
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Request, Response};

const HA1: fn(Algorithm) -> String = |a| a.ha1("ada", "pbx.test", "secret");

fn page(login: Login) -> Page {
    let mut config = config("1001");
    config.token = None;
    config.login = Some(login);
    let mut page = Page::with(config, 3);
    page.command(Command::Start);
    page.connected();
    let register = page.request(Method::Register);
    page.frame(granted(&register, 600));
    page
}

fn with_password() -> Page {
    page(Login::with_password("ada", "secret"))
}

fn challenge(request: &Request, nonce: &str, algorithm: Algorithm) -> Response {
    let challenge = DigestChallenge::new("pbx.test", nonce, algorithm, false).to_challenge();
    Response::for_request(request, 407, "")
        .with_to_tag("pbx")
        .with(HeaderName::ProxyAuthenticate, challenge.to_string())
}

/// The request proves that it knows the password; which nonce, and how often it was used.
fn proven(request: &Request, algorithm: Algorithm) -> (String, u32) {
    let found = request
        .headers
        .credentials(HeaderName::ProxyAuthorization)
        .unwrap();
    let answer = DigestResponse::try_from(&found[0]).unwrap();
    assert!(answer.verify(&HA1(algorithm), &request.method));
    (answer.nonce.clone(), answer.count)
}

#[test]
fn a_challenged_invite_goes_out_again_proven_and_later_calls_are_proven_at_once() {
    let mut page = with_password();
    page.call("1002");
    let first = page.request(Method::Invite);
    assert!(!first.headers.has(HeaderName::ProxyAuthorization));
    page.frame(challenge(&first, "n1", Algorithm::Md5));
    assert_eq!(
        page.request(Method::Ack).headers.cseq().unwrap().number,
        first.headers.cseq().unwrap().number
    );
    let second = page.request(Method::Invite);
    assert_eq!(proven(&second, Algorithm::Md5), ("n1".to_owned(), 1));
    let (a, b) = (
        first.headers.cseq().unwrap(),
        second.headers.cseq().unwrap(),
    );
    assert_eq!(b.number, a.number + 1);
    assert_eq!(first.headers.call_id(), second.headers.call_id());
    assert_ne!(
        first.headers.top_via().unwrap().branch(),
        second.headers.top_via().unwrap().branch()
    );
    assert_eq!(
        page.state(),
        CallState::Calling,
        "the page saw nothing of it"
    );

    page.frame(Response::for_request(&second, 486, "").with_to_tag("x"));
    page.request(Method::Ack);
    assert_eq!(page.outcome(), Outcome::Busy);

    page.call("1003");
    let third = page.request(Method::Invite);
    assert_eq!(proven(&third, Algorithm::Md5), ("n1".to_owned(), 2));
    // The nonce has aged, and the server does not even say so.
    page.frame(challenge(&third, "n2", Algorithm::Sha256));
    page.request(Method::Ack);
    let fourth = page.request(Method::Invite);
    assert_eq!(proven(&fourth, Algorithm::Sha256), ("n2".to_owned(), 1));
}

#[test]
fn a_wrong_password_ends_the_call_after_one_try() {
    let mut page = page(Login::with_password("ada", "wrong"));
    page.call("1002");
    let first = page.request(Method::Invite);
    page.frame(challenge(&first, "n1", Algorithm::Md5));
    page.request(Method::Ack);
    let second = page.request(Method::Invite);
    page.frame(challenge(&second, "n2", Algorithm::Md5));
    page.request(Method::Ack);
    assert!(page.silent());
    let end = page.view().end.clone().unwrap();
    assert_eq!((end.outcome, end.status), (Outcome::Failed, 407));
}

#[test]
fn an_ha1_answers_only_the_algorithm_it_was_made_for() {
    let mut page = page(Login::with_ha1("ada", HA1(Algorithm::Md5).to_uppercase()));
    page.call("1002");
    let first = page.request(Method::Invite);
    let other = DigestChallenge::new("pbx.test", "n0", Algorithm::Sha256, false).to_challenge();
    let mut both = challenge(&first, "n1", Algorithm::Md5);
    both.headers
        .prepend(HeaderName::ProxyAuthenticate, other.to_string());
    page.frame(both);
    page.request(Method::Ack);
    assert_eq!(
        proven(&page.request(Method::Invite), Algorithm::Md5).0,
        "n1"
    );
}

#[test]
fn a_call_that_is_given_up_while_challenged_is_not_sent_again() {
    let mut page = with_password();
    let call = page.call("1002");
    let first = page.request(Method::Invite);
    page.command(Command::HangUp(call));
    page.frame(challenge(&first, "n1", Algorithm::Md5));
    page.request(Method::Ack);
    assert!(page.silent());
    assert_eq!(page.outcome(), Outcome::Cancelled);
}

#[test]
fn a_challenged_bye_is_proven_and_the_ack_proves_what_its_invite_did() {
    let mut page = with_password();
    let call = page.call("1002");
    let first = page.request(Method::Invite);
    page.frame(challenge(&first, "n1", Algorithm::Md5));
    page.request(Method::Ack);
    let invite = page.request(Method::Invite);
    let ok = Response::for_request(&invite, 200, "")
        .with_to_tag("phone")
        .with(HeaderName::Contact, "<sip:phone@192.0.2.1>")
        .with_body("application/sdp", b"v=0 answer".to_vec());
    page.frame(ok);
    let ack = page.request(Method::Ack);
    assert_eq!(
        ack.headers.get(HeaderName::ProxyAuthorization),
        invite.headers.get(HeaderName::ProxyAuthorization)
    );
    page.command(Command::HangUp(call));
    let bye = page.request(Method::Bye);
    assert_eq!(proven(&bye, Algorithm::Md5).1, 2);
    page.frame(challenge(&bye, "n2", Algorithm::Md5));
    let again = page.request(Method::Bye);
    assert_eq!(proven(&again, Algorithm::Md5), ("n2".to_owned(), 1));
    page.frame(challenge(&again, "n3", Algorithm::Md5));
    page.pass(Duration::from_secs(40));
    assert!(
        page.sent
            .iter()
            .all(|frame| frame.starts_with(b"\r\n") || frame.starts_with(b"REGISTER")),
        "it is not asked for ever"
    );
}

/// Of a binding: refreshed after half of it, before the flow is asked for life.
const LIFE_S: u32 = 20;

/// A page whose registrar asks; `asked` is what it knows of a proxy.
fn at_a_registrar(realm: &str, asked: Option<&str>) -> Page {
    let mut config = config("1001");
    config.token = None;
    config.login = Some(Login::with_password("ada", "secret"));
    config.asked = asked.map(str::to_owned);
    let mut page = Page::with(config, 3);
    page.command(Command::Start);
    page.connected();
    registrar_asks(&mut page, realm, "r1");
    page
}

/// The registrar asks, and is content with the answer.
fn registrar_asks(page: &mut Page, realm: &str, nonce: &str) {
    let register = page.request(Method::Register);
    let challenge = DigestChallenge::new(realm, nonce, Algorithm::Md5, true).to_challenge();
    page.frame(
        Response::for_request(&register, 401, "")
            .with_to_tag("pbx")
            .with(HeaderName::WwwAuthenticate, challenge.to_string()),
    );
    let register = page.request(Method::Register);
    page.frame(granted(&register, LIFE_S));
}

fn asked(page: &Page) -> Vec<&str> {
    let of = page.events.iter().filter_map(|event| match event {
        Event::Asked(realm) => Some(realm.as_str()),
        _ => None,
    });
    of.collect()
}

#[test]
fn a_proxy_that_has_asked_in_an_earlier_life_is_answered_before_it_asks() {
    let mut page = at_a_registrar("pbx.test", Some("pbx.test"));
    page.call("1002");
    let invite = page.request(Method::Invite);
    let (nonce, count) = proven(&invite, Algorithm::Md5);
    assert_eq!(nonce, "r1");
    assert!(count > 1, "the REGISTER was the first that it answered");
    assert!(asked(&page).is_empty(), "nothing new");
}

#[test]
fn a_proxy_that_has_not_asked_yet_is_told_nothing_and_once_it_has_the_page_keeps_that() {
    let mut page = at_a_registrar("pbx.test", None);
    page.call("1002");
    let invite = page.request(Method::Invite);
    assert!(!invite.headers.has(HeaderName::ProxyAuthorization));
    page.frame(challenge(&invite, "n1", Algorithm::Md5));
    page.request(Method::Ack);
    let again = page.request(Method::Invite);
    page.frame(Response::for_request(&again, 486, "").with_to_tag("x"));
    page.request(Method::Ack);
    page.call("1003");
    let aged = page.request(Method::Invite);
    page.frame(challenge(&aged, "n2", Algorithm::Md5));
    assert_eq!(asked(&page), ["pbx.test"]);
}

#[test]
fn what_answers_the_registrar_is_not_given_to_a_proxy_of_another_realm() {
    let mut page = at_a_registrar("pbx.test", Some("elsewhere.test"));
    page.call("1002");
    let invite = page.request(Method::Invite);
    assert!(!invite.headers.has(HeaderName::ProxyAuthorization));
}

#[test]
fn a_proxy_that_does_not_take_what_answers_the_registrar_is_answered_in_its_own_words() {
    let mut page = at_a_registrar("pbx.test", Some("pbx.test"));
    page.call("1002");
    let invite = page.request(Method::Invite);
    // It keeps nonces of its own, and does not even say that this one is stale.
    page.frame(challenge(&invite, "n1", Algorithm::Md5));
    page.request(Method::Ack);
    let again = page.request(Method::Invite);
    assert_eq!(proven(&again, Algorithm::Md5), ("n1".to_owned(), 1));
}

#[test]
fn the_nonce_of_the_last_refresh_is_the_one_that_is_used() {
    let mut page = at_a_registrar("pbx.test", Some("pbx.test"));
    page.pass(Duration::from_secs(u64::from(LIFE_S / 2)));
    registrar_asks(&mut page, "pbx.test", "r2");
    page.call("1002");
    let invite = page.request(Method::Invite);
    assert_eq!(proven(&invite, Algorithm::Md5).0, "r2");
}

#[test]
fn a_call_under_way_is_not_lost_when_the_registrar_asks_anew_meanwhile() {
    let mut page = at_a_registrar("pbx.test", Some("pbx.test"));
    page.call("1002");
    let invite = page.request(Method::Invite);
    page.pass(Duration::from_secs(u64::from(LIFE_S / 2)));
    registrar_asks(&mut page, "pbx.test", "r2");
    page.frame(challenge(&invite, "n1", Algorithm::Md5));
    page.request(Method::Ack);
    let again = page.request(Method::Invite);
    assert_eq!(proven(&again, Algorithm::Md5), ("n1".to_owned(), 1));
}
