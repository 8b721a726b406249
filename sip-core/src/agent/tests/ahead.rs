//! What a page has asked of its registrar before its core was there, and how the first REGISTER answers what came back.

use super::digest;
use super::net::{Page, config, granted};
use crate::agent::{Command, FlowId, Registration};
use crate::auth::{Algorithm, DigestChallenge, Login};
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Limits, Message, Method, Request, Response};

/// As `client-wasm/js/ahead.ts` says it.
const QUERY: &[u8] = b"REGISTER sip:wakeline.test SIP/2.0\r\n\
    Via: SIP/2.0/WSS 0b1c.invalid;branch=z9hG4bK0b1c\r\nMax-Forwards: 70\r\n\
    From: <sip:1001@wakeline.test>;tag=0b1c\r\nTo: <sip:1001@wakeline.test>\r\n\
    Call-ID: 0b1c\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";

fn answered(status: u16) -> Response {
    let query = Message::parse(QUERY, &Limits::DEFAULT).unwrap();
    Response::for_request(&query.into_request().unwrap(), status, "").with_to_tag("r")
}

fn challenge(nonce: &str, algorithm: Algorithm) -> String {
    let challenge = DigestChallenge::new("pbx.test", nonce, algorithm, false);
    challenge.to_challenge().to_string()
}

fn refusal(register: &Request, nonce: &str) -> Response {
    digest::refused(register, 401, nonce, Algorithm::Md5)
}

/// A page of this login whose socket is opening, and that is told what has come on it already.
fn opening(login: Option<Login>, heard: &[u8]) -> Page {
    let mut config = config("1001");
    config.token = None;
    config.login = login;
    let mut page = Page::with(config, 1);
    page.command(Command::Start);
    page.agent.challenged(FlowId::FIRST, heard);
    page
}

fn with_password(heard: &[u8]) -> Page {
    opening(Some(Login::with_password("ada", "secret")), heard)
}

fn challenged(nonce: &str, algorithm: Algorithm) -> Vec<u8> {
    let answer = answered(401).with(HeaderName::WwwAuthenticate, challenge(nonce, algorithm));
    Message::from(answer).to_bytes()
}

/// The nonce that a REGISTER answers, and for the how many-eth time; none without credentials.
fn proven(register: &Request, algorithm: Algorithm) -> Option<(String, u32)> {
    assert!(register.headers.has(HeaderName::Contact));
    digest::proven(register, HeaderName::Authorization, algorithm)
}

#[test]
fn the_first_register_answers_a_challenge_that_was_asked_for_ahead() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let ha1 = algorithm.ha1("ada", "pbx.test", "secret");
        let logins = [
            Login::with_password("ada", "secret"),
            Login::with_ha1("ada", ha1),
        ];
        for login in logins {
            let mut page = opening(Some(login), &challenged("n1", algorithm));
            assert!(page.silent());
            page.connected();
            let register = page.request(Method::Register);
            assert_eq!(proven(&register, algorithm), Some(("n1".into(), 1)));
            page.frame(granted(&register, 600));
            assert!(page.silent());
            assert_eq!(page.registration(), Registration::Registered);
        }
    }
}

#[test]
fn a_nonce_that_has_aged_unsaid_is_followed_by_the_next_one_but_a_wrong_password_is_not_repeated() {
    let mut page = with_password(&challenged("n1", Algorithm::Md5));
    page.connected();
    let register = page.request(Method::Register);
    assert_eq!(proven(&register, Algorithm::Md5), Some(("n1".into(), 1)));
    page.frame(refusal(&register, "n2"));
    let register = page.request(Method::Register);
    assert_eq!(
        proven(&register, Algorithm::Md5),
        Some(("n2".into(), 1)),
        "the server may not say that n1 was stale"
    );
    page.frame(refusal(&register, "n3"));
    assert!(page.silent());
    let refused = Registration::Refused {
        status: 401,
        retry_at: None,
    };
    assert_eq!(page.registration(), refused);
}

#[test]
fn a_server_that_calls_each_nonce_stale_is_not_asked_for_ever() {
    let mut page = with_password(&challenged("n0", Algorithm::Md5));
    page.connected();
    let mut registers = 0;
    while !page.silent() {
        registers += 1;
        let register = page.request(Method::Register);
        let mut stale = DigestChallenge::new("pbx.test", "n", Algorithm::Md5, true);
        stale.nonce = format!("n{registers}");
        page.frame(Response::for_request(&register, 401, "").with(
            HeaderName::WwwAuthenticate,
            stale.to_challenge().to_string(),
        ));
    }
    assert_eq!(registers, 4);
    assert!(matches!(
        page.registration(),
        Registration::Refused { status: 401, .. }
    ));
}

#[test]
fn anything_but_a_challenge_that_can_be_answered_is_as_if_nobody_had_asked() {
    let with = |status, text: &str| {
        Message::from(answered(status).with(HeaderName::WwwAuthenticate, text)).to_bytes()
    };
    let digest = challenge("n1", Algorithm::Md5);
    let cut = challenged("n1", Algorithm::Md5);
    let by_a_proxy = answered(403).with(HeaderName::ProxyAuthenticate, digest.as_str());
    let heard = [
        Message::from(answered(200)).to_bytes(),
        Message::from(answered(401)).to_bytes(),
        with(200, &digest),
        with(403, &digest),
        with(503, &digest),
        Message::from(by_a_proxy).to_bytes(),
        with(401, r#"Bearer realm="pbx.test""#),
        with(401, r#"Digest realm="pbx.test", nonce="n1", algorithm=X"#),
        with(407, &digest),
        cut[..cut.len() / 2].to_vec(),
        QUERY.to_vec(),
        b"\r\n".to_vec(),
        b"\xff\0 rubbish".to_vec(),
        Vec::new(),
    ];
    for heard in heard {
        let mut page = with_password(&heard);
        page.connected();
        let register = page.request(Method::Register);
        assert_eq!(proven(&register, Algorithm::Md5), None);
        page.frame(refusal(&register, "m1"));
        let register = page.request(Method::Register);
        assert_eq!(proven(&register, Algorithm::Md5), Some(("m1".into(), 1)));
        page.frame(refusal(&register, "m2"));
        assert!(page.silent(), "one try, as ever");
    }
    // No login, or one that was made for another hash.
    let sha256 = Algorithm::Sha256.ha1("ada", "pbx.test", "secret");
    for login in [None, Some(Login::with_ha1("ada", sha256))] {
        let mut page = opening(login, &challenged("n1", Algorithm::Md5));
        page.connected();
        let register = page.request(Method::Register);
        assert_eq!(proven(&register, Algorithm::Md5), None);
    }
}

#[test]
fn a_token_goes_with_the_first_register_whatever_was_heard() {
    let mut config = config("1001");
    config.token = Some(Pii("good".into()));
    config.login = Some(Login::with_password("ada", "secret"));
    let mut page = Page::with(config, 1);
    page.command(Command::Start);
    let heard = challenged("n1", Algorithm::Md5);
    page.agent.challenged(FlowId::FIRST, &heard);
    page.connected();
    let register = page.request(Method::Register);
    let proof = register.headers.get(HeaderName::Authorization);
    assert_eq!(proof, Some("Bearer good"));
}

#[test]
fn what_is_answered_too_late_is_nobodys() {
    let mut page = with_password(b"");
    page.connected();
    let register = page.request(Method::Register);
    let before = page.events.len();
    for status in [100, 200, 401, 500] {
        let answer =
            answered(status).with(HeaderName::WwwAuthenticate, challenge("n1", Algorithm::Md5));
        page.frame(answer);
    }
    assert!(page.silent() && page.events.len() == before);
    page.frame(refusal(&register, "n2"));
    let register = page.request(Method::Register);
    assert_eq!(proven(&register, Algorithm::Md5), Some(("n2".into(), 1)));
    page.frame(granted(&register, 600));
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn a_socket_that_was_lost_with_its_nonce_is_followed_by_one_that_has_its_own() {
    let mut page = with_password(&challenged("n1", Algorithm::Md5));
    page.connected();
    page.request(Method::Register);
    page.cut();
    page.pass(Duration::from_secs(1));
    page.connected();
    let register = page.request(Method::Register);
    page.frame(refusal(&register, "n2"));
    let register = page.request(Method::Register);
    assert_eq!(proven(&register, Algorithm::Md5), Some(("n2".into(), 1)));
    page.frame(granted(&register, 600));
    assert_eq!(page.registration(), Registration::Registered);
}
