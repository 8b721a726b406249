//! Challenges of requests other than REGISTER: a foreign server asks who calls.

use super::digest;
use super::net::{Page, config, granted, sdp};
use crate::agent::{CallState, Command, Outcome};
use crate::auth::{Algorithm, DigestChallenge, Login};
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
    digest::refused(request, 407, nonce, algorithm)
}

/// The request proves that it knows the password; which nonce, and how often it was used.
fn proven(request: &Request, algorithm: Algorithm) -> (String, u32) {
    digest::proven(request, HeaderName::ProxyAuthorization, algorithm).unwrap()
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

/// Whoever we talk to may ask, too: an answer would let them guess at the password at leisure.
#[test]
fn a_stranger_who_asks_for_a_realm_of_their_own_is_told_nothing() {
    let mut page = with_password();
    let call = page.call("1002");
    let invite = page.request(Method::Invite);
    page.frame(challenge(&invite, "n1", Algorithm::Md5));
    page.request(Method::Ack);
    let invite = page.request(Method::Invite);
    let ok = Response::for_request(&invite, 200, "")
        .with_to_tag("phone")
        .with(HeaderName::Contact, "<sip:phone@192.0.2.1>")
        .with_body("application/sdp", sdp("phone", "sendrecv"));
    page.frame(ok);
    page.request(Method::Ack);
    let strange = |request: &Request, status, name| {
        let asked = DigestChallenge::new("mallory.test", "m1", Algorithm::Md5, false);
        Response::for_request(request, status, "").with(name, asked.to_challenge().to_string())
    };
    page.command(Command::Dtmf(call, "5".into()));
    let info = page.request(Method::Info);
    page.frame(strange(&info, 401, HeaderName::WwwAuthenticate));
    assert!(page.silent());
    page.command(Command::HangUp(call));
    let bye = page.request(Method::Bye);
    assert!(!bye.headers.has(HeaderName::Authorization));
    assert_eq!(proven(&bye, Algorithm::Md5).0, "n1", "nothing is replaced");
    page.frame(strange(&bye, 407, HeaderName::ProxyAuthenticate));
    assert!(page.silent());

    // Nor is one who is called.
    page.call("1003");
    let invite = page.request(Method::Invite);
    page.frame(Response::for_request(&invite, 100, ""));
    page.frame(strange(&invite, 401, HeaderName::WwwAuthenticate));
    page.request(Method::Ack);
    assert!(page.silent());
    let end = page.view().end.clone().unwrap();
    assert_eq!((end.outcome, end.status), (Outcome::Failed, 401));
}

/// A registrar that asks nobody says nothing of realms: that of the line's own domain is ours.
#[test]
fn who_asks_behind_the_first_word_for_our_own_domain_is_answered() {
    let mut page = with_password();
    page.call("1002");
    let invite = page.request(Method::Invite);
    page.frame(Response::for_request(&invite, 100, ""));
    let asked = DigestChallenge::new("wakeline.test", "n1", Algorithm::Md5, false);
    let refusal = Response::for_request(&invite, 407, "").with_to_tag("proxy");
    let asked = asked.to_challenge().to_string();
    page.frame(refusal.with(HeaderName::ProxyAuthenticate, asked));
    page.request(Method::Ack);
    let again = page.request(Method::Invite);
    assert!(again.headers.has(HeaderName::ProxyAuthorization));
}
