//! Registration: first try, challenges, refusals, refresh, farewell.

use super::net::{Page, config, granted};
use crate::agent::{Command, Event, Registration};
use crate::auth::{Algorithm, DigestChallenge, DigestResponse, Login};
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Request, Response};

#[test]
fn the_token_goes_with_the_first_register_and_the_flow_is_named() {
    let mut page = Page::new("1001", 1);
    page.command(Command::Start);
    assert_eq!(page.registration(), Registration::Connecting);
    page.connected();
    let register = page.request(Method::Register);
    assert_eq!(
        register.headers.get(HeaderName::Authorization),
        Some("Bearer good")
    );
    let contact = register.headers.contact().unwrap().unwrap();
    assert_eq!(
        contact.instance(),
        Some("urn:uuid:00000000-0000-4000-8000-000000000001")
    );
    assert_eq!((contact.reg_id(), contact.expires()), (Some(1), Some(600)));
    assert!(contact.uri.host.ends_with(".invalid"));
    assert!(
        register
            .headers
            .has_token(HeaderName::Supported, "outbound")
    );
    assert_eq!(
        page.registration(),
        Registration::Connecting,
        "not before the edge has confirmed it"
    );

    page.frame(
        granted(&register, 600)
            .with("Wakeline-Waiting", "w1")
            .with("Wakeline-Waiting", "w2"),
    );
    assert_eq!(page.registration(), Registration::Registered);
    assert!(page.events.contains(&Event::Registered {
        waiting: vec!["w1".into(), "w2".into()],
        new_flow: true
    }));
}

#[test]
fn it_is_refreshed_before_it_ends() {
    let mut page = Page::registered("1001", 1);
    let mut asked = 0;
    for _ in 0..540 {
        page.pass(Duration::from_secs(1));
        while let Some(frame) = page.sent.pop_front() {
            if frame == b"\r\n\r\n" {
                page.input(crate::agent::Input::Frame(
                    crate::agent::FlowId::FIRST,
                    b"\r\n",
                ));
            } else {
                page.sent.push_front(frame);
                let register = page.accept_register(600);
                assert!(register.headers.cseq().unwrap().number > 1);
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 1);
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn a_refused_token_is_asked_for_and_the_next_one_is_used_on_the_same_flow() {
    let mut page = Page::new("1001", 1);
    page.command(Command::Start);
    page.connected();
    let register = page.request(Method::Register);
    let challenge = r#"Bearer realm="wakeline.test", error="invalid_token""#;
    page.frame(
        Response::for_request(&register, 401, "").with(HeaderName::WwwAuthenticate, challenge),
    );
    assert!(page.events.contains(&Event::TokenRefused));
    assert_eq!(
        page.registration(),
        Registration::Refused {
            status: 401,
            retry_at: None
        }
    );
    assert!(page.open);

    page.command(Command::Token(Pii("fresh".into())));
    let register = page.request(Method::Register);
    assert_eq!(
        register.headers.get(HeaderName::Authorization),
        Some("Bearer fresh")
    );
    page.frame(granted(&register, 600));
    assert_eq!(page.registration(), Registration::Registered);
}

/// A page that proves itself by a password, before its first REGISTER.
fn with_password() -> Page {
    let mut config = config("1001");
    config.token = None;
    config.login = Some(Login::with_password("1001", "secret"));
    let mut page = Page::with(config, 1);
    page.command(Command::Start);
    page.connected();
    page
}

#[test]
fn a_password_answers_digest_challenges_and_a_wrong_one_is_not_tried_twice() {
    for algorithm in ["SHA-256", "MD5"] {
        let mut page = with_password();
        let register = page.request(Method::Register);
        let challenge = format!(
            r#"Digest realm="wakeline.test", nonce="n1", algorithm={algorithm}, qop="auth""#
        );
        let refusal = |r| {
            Response::for_request(r, 401, "").with(HeaderName::WwwAuthenticate, challenge.as_str())
        };
        page.frame(refusal(&register));
        let again = page.request(Method::Register);
        let credentials = again
            .headers
            .credentials(HeaderName::Authorization)
            .unwrap();
        let answer = DigestResponse::try_from(&credentials[0]).unwrap();
        assert!(format!("{:?}", credentials[0].params).contains(algorithm));
        drop(answer);
        page.frame(refusal(&again));
        assert!(page.silent());
        assert_eq!(
            page.registration(),
            Registration::Refused {
                status: 401,
                retry_at: None
            }
        );
    }
}

#[test]
fn a_proxy_before_the_registrar_is_answered_in_its_own_header() {
    let mut page = with_password();
    let register = page.request(Method::Register);
    let challenge = r#"Digest realm="wakeline.test", nonce="n1", algorithm=MD5, qop="auth""#;
    let refusal =
        Response::for_request(&register, 407, "").with(HeaderName::ProxyAuthenticate, challenge);
    page.frame(refusal);
    let again = page.request(Method::Register);
    assert!(again.headers.has(HeaderName::ProxyAuthorization));
    assert!(!again.headers.has(HeaderName::Authorization));
    page.frame(granted(&again, 600));
    assert_eq!(page.registration(), Registration::Registered);
}

/// The user that a REGISTER is proven with, if it is.
fn user_of(register: &Request) -> Option<String> {
    let credentials = register
        .headers
        .credentials(HeaderName::Authorization)
        .ok()?;
    let answer = DigestResponse::try_from(credentials.first()?).ok()?;
    Some(answer.username.into_inner())
}

#[test]
fn a_login_that_ends_is_followed_by_the_next_one() {
    let login = |user: &str| Login::with_password(user, "secret");
    let mut config = config("1001");
    config.token = None;
    config.login = Some(login("100:1001"));
    let mut page = Page::with(config, 1);
    page.command(Command::Start);
    page.connected();
    let challenge = |r: &Request, nonce: &str| {
        let text = format!(r#"Digest realm="wakeline.test", nonce="{nonce}", qop="auth""#);
        Response::for_request(r, 401, "").with(HeaderName::WwwAuthenticate, text)
    };
    let register = page.request(Method::Register);
    page.frame(challenge(&register, "n1"));
    let register = page.request(Method::Register);
    assert_eq!(user_of(&register).as_deref(), Some("100:1001"));
    page.frame(granted(&register, 600));

    // In time: nothing is sent for it, and the next REGISTER is proven by it.
    page.command(Command::Login(login("200:1001")));
    assert!(page.silent());
    page.command(Command::Register);
    let register = page.request(Method::Register);
    page.frame(challenge(&register, "n2"));
    let register = page.request(Method::Register);
    assert_eq!(user_of(&register).as_deref(), Some("200:1001"));

    // Too late: it was refused, and the next one is tried at once.
    page.frame(challenge(&register, "n3"));
    assert!(matches!(
        page.registration(),
        Registration::Refused { status: 401, .. }
    ));
    page.command(Command::Login(login("300:1001")));
    page.connected();
    let register = page.request(Method::Register);
    page.frame(challenge(&register, "n4"));
    let register = page.request(Method::Register);
    assert_eq!(user_of(&register).as_deref(), Some("300:1001"));
    page.frame(granted(&register, 600));
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn too_brief_an_interval_is_lengthened_once() {
    let mut page = Page::new("1001", 1);
    page.command(Command::Start);
    page.connected();
    let register = page.request(Method::Register);
    page.frame(Response::for_request(&register, 423, "").with(HeaderName::MinExpires, "1800"));
    let register = page.request(Method::Register);
    assert_eq!(
        register.headers.contact().unwrap().unwrap().expires(),
        Some(1800)
    );
    page.frame(Response::for_request(&register, 423, "").with(HeaderName::MinExpires, "1800"));
    assert!(
        page.silent(),
        "a registrar that repeats itself does not keep us asking"
    );
}

#[test]
fn retry_after_is_kept_and_the_screen_knows_when() {
    let mut page = Page::new("1001", 1);
    page.command(Command::Start);
    page.connected();
    let register = page.request(Method::Register);
    page.frame(Response::for_request(&register, 503, "").with(HeaderName::RetryAfter, "7 (busy)"));
    let retry_at = Some(page.now + Duration::from_secs(7));
    assert_eq!(
        page.registration(),
        Registration::Refused {
            status: 503,
            retry_at
        }
    );
    assert!(!page.open);
    page.pass(Duration::from_secs(6));
    assert!(!page.connecting);
    page.pass(Duration::from_secs(1));
    page.connected();
    page.accept_register(600);
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn retry_after_nothing_is_no_invitation_to_hammer() {
    let mut page = Page::new("1001", 1);
    page.command(Command::Start);
    page.connected();
    let register = page.request(Method::Register);
    page.frame(Response::for_request(&register, 503, "").with(HeaderName::RetryAfter, "0"));
    page.pass(Duration::from_millis(900));
    assert!(!page.connecting);
    page.pass(Duration::from_millis(100));
    assert!(page.connecting);
}

#[test]
fn a_forbidden_line_is_not_asked_for_again() {
    let mut page = Page::new("1001", 1);
    page.command(Command::Start);
    page.connected();
    let register = page.request(Method::Register);
    page.frame(Response::for_request(&register, 403, ""));
    assert_eq!(
        page.registration(),
        Registration::Refused {
            status: 403,
            retry_at: None
        }
    );
    page.pass(Duration::from_secs(3600));
    assert!(!page.connecting);
}

#[test]
fn registering_anew_on_demand_asks_although_it_believes_to_be_registered() {
    let mut page = Page::registered("1001", 1);
    page.command(Command::Register);
    let register = page.request(Method::Register);
    page.command(Command::Register);
    page.sent.retain(|frame| frame != b"\r\n\r\n");
    assert!(page.silent(), "the one under way counts");
    page.frame(granted(&register, 600));
    assert_eq!(
        page.events,
        [Event::Registered {
            waiting: vec![],
            new_flow: false
        }]
    );
}

#[test]
fn a_silent_edge_on_demand_means_a_new_flow() {
    let mut page = Page::registered("1001", 1);
    page.command(Command::Register);
    page.pass(Duration::from_secs(3));
    assert!(page.connecting, "someone waits: it has two seconds");
    assert!(matches!(
        page.registration(),
        Registration::Reconnecting { .. }
    ));
    page.connected();
    page.accept_register(600);
    assert!(page.events.contains(&Event::Registered {
        waiting: vec![],
        new_flow: true
    }));
}

#[test]
fn whoever_taps_on_a_page_that_slept_does_not_wait_for_its_old_flow() {
    let mut page = Page::registered("1001", 1);
    page.now += Duration::from_secs(3600);
    page.command(Command::Register);
    assert!(page.connecting);
    page.connected();
    page.accept_register(600);
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn stopping_unregisters_and_does_not_wait_for_a_silent_edge() {
    let mut page = Page::registered("1001", 1);
    page.command(Command::Stop);
    let farewell = page.request(Method::Register);
    assert_eq!(
        farewell.headers.contact().unwrap().unwrap().expires(),
        Some(0)
    );
    page.pass(Duration::from_secs(1));
    assert!(!page.open && !page.connecting);
    assert_eq!(page.registration(), Registration::Closed);

    page.command(Command::Start);
    page.connected();
    page.accept_register(600);
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn the_last_word_is_proven_anew_when_its_nonce_has_aged_and_has_left_when_it_is_answered() {
    let mut page = with_password();
    let asked = |page: &mut Page| page.request(Method::Register);
    let challenge = |register: &Request, nonce: &str, stale: bool| {
        let challenge = DigestChallenge::new("example.test", nonce, Algorithm::Md5, stale);
        Response::for_request(register, 401, "").with(
            HeaderName::WwwAuthenticate,
            challenge.to_challenge().to_string(),
        )
    };
    let register = asked(&mut page);
    page.frame(challenge(&register, "n1", false));
    page.accept_register(600);

    page.command(Command::Stop);
    let farewell = asked(&mut page);
    page.frame(challenge(&farewell, "n2", true));
    assert!(!page.agent.has_left(), "its binding still stands");
    let farewell = asked(&mut page);
    assert_eq!(
        farewell.headers.contact().unwrap().unwrap().expires(),
        Some(0)
    );
    let proof = farewell.headers.credentials(HeaderName::Authorization);
    assert_eq!(proof.unwrap()[0].params.get("nonce"), Some("n2"));
    page.frame(Response::for_request(&farewell, 200, ""));
    assert!(page.agent.has_left());
    assert!(!page.open);

    // A password that is wrong by now is not tried twice.
    page.command(Command::Start);
    page.connected();
    page.accept_register(600);
    page.command(Command::Stop);
    let farewell = asked(&mut page);
    page.frame(challenge(&farewell, "n3", false));
    let again = asked(&mut page);
    page.frame(challenge(&again, "n4", false));
    assert!(page.agent.has_left() && page.silent());
}

#[test]
fn a_tab_that_hands_over_leaves_the_registration_of_its_device_alone() {
    let mut page = Page::registered("1001", 1);
    page.command(Command::Abandon);
    assert!(page.silent());
    assert!(!page.open);
    assert_eq!(page.registration(), Registration::Closed);
}

fn moved(register: &Request, to: &str) -> Response {
    Response::for_request(register, 302, "").with(HeaderName::Contact, to)
}

#[test]
fn another_registrar_is_asked_over_the_same_socket_but_not_for_ever() {
    let mut page = Page::new("1001", 1);
    page.command(Command::Start);
    page.connected();
    let register = page.request(Method::Register);
    page.frame(moved(
        &register,
        "<sip:slow@b.test>;q=0.1, <sip:fast@a.test;transport=ws?X=y>;q=0.9, <tel:1>",
    ));
    let next = page.request(Method::Register);
    assert_eq!(next.uri.to_string(), "sip:a.test;transport=ws");
    assert_eq!(next.headers.call_id(), register.headers.call_id());
    assert_eq!(
        next.headers.get(HeaderName::To),
        register.headers.get(HeaderName::To)
    );
    page.frame(moved(&next, "<sip:a.test;transport=ws>, <sip:b.test>"));
    let last = page.request(Method::Register);
    assert_eq!(last.uri.to_string(), "sip:b.test");
    page.frame(granted(&last, 600));
    assert_eq!(page.registration(), Registration::Registered);
    // It is that one that is asked again, until the flow is lost.
    page.command(Command::Register);
    assert_eq!(page.request(Method::Register).uri.to_string(), "sip:b.test");
    page.cut();
    page.pass(Duration::from_secs(1));
    page.connected();
    let mut register = page.request(Method::Register);
    assert_eq!(register.uri.to_string(), "sip:wakeline.test");
    for n in 0..5 {
        page.frame(moved(&register, &format!("<sip:{n}.test>")));
        register = page.request(Method::Register);
    }
    page.frame(moved(&register, "<sip:5.test>"));
    assert!(page.silent());
    let refused = Registration::Refused {
        status: 302,
        retry_at: None,
    };
    assert_eq!(page.registration(), refused);
}

#[cfg(feature = "outbound")]
#[test]
fn an_address_that_anyone_can_route_to_is_used_where_it_was_asked_for_and_given() {
    for asked in [true, false] {
        let mut config = config("1001");
        config.policy.gruu = asked;
        let mut page = Page::with(config, 1);
        page.command(Command::Start);
        page.connected();
        let register = page.request(Method::Register);
        assert_eq!(
            register.headers.has_token(HeaderName::Supported, "gruu"),
            asked
        );
        let mut ok = granted(&register, 600);
        let contact = ok.headers.get(HeaderName::Contact).unwrap().to_owned();
        let gruu = r#";pub-gruu="sip:1001@wakeline.test;gr=urn:uuid:1";temp-gruu="sip:t@wakeline.test;gr""#;
        ok.headers.set(HeaderName::Contact, contact.clone() + gruu);
        page.frame(ok);
        page.call("1002");
        let invite = page.request(Method::Invite);
        let own = invite.headers.get(HeaderName::Contact).unwrap();
        let routable = own == "<sip:1001@wakeline.test;gr=urn:uuid:1>";
        assert_eq!(routable, asked, "{own}");
        // The binding itself keeps its own.
        page.command(Command::Register);
        let again = page.request(Method::Register);
        assert_eq!(
            again.headers.get(HeaderName::Contact),
            register.headers.get(HeaderName::Contact)
        );
    }
}
