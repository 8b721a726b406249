//! A REGISTER that was said before the agent lived: the agent is fed what has happened since, and goes on from there.

use super::net::{Page, config, forwarded, granted, stranger};
use crate::agent::{Command, Config, Event, FlowId, Input, Opening, Registration};
use crate::pii::Pii;
use crate::time::{Duration, Time};
use crate::wire::{HeaderName, Limits, Message, Method, Request, Response};

const SEED: [u8; 32] = [7; 32];
/// When the opening was sent.
const SENT: Time = Time(5_000_000);

fn said(config: &Config) -> (Opening, Request) {
    let opening = Opening::of(config, SEED).expect("it says something");
    let register = Message::parse(opening.frame.expose(), &Limits::DEFAULT)
        .unwrap()
        .into_request()
        .unwrap();
    (opening, register)
}

/// The page whose core stands only now, with what its first script has sent: it says the same and does not send it again.
fn adopted(config: Config, opening: &Opening) -> Page {
    let mut page = Page::with(config.clone(), 1);
    page.agent = Opening::agent(&config, SEED).unwrap();
    page.now = SENT;
    page.command(Command::Start);
    page.connected();
    assert_eq!(page.sent.pop_front().as_ref(), Some(opening.frame.expose()));
    assert!(page.sent.is_empty());
    page
}

#[test]
fn the_seed_says_it_again_at_any_time_and_each_seed_says_its_own() {
    let (opening, register) = said(&config("1001"));
    assert_eq!(register.method, Method::Register);
    assert_eq!(
        register.headers.get(HeaderName::Authorization),
        Some("Bearer good")
    );
    let ok = granted(&register, 600).to_bytes();
    let ok = String::from_utf8(ok).unwrap();
    assert!(ok.contains(&opening.branch), "its answer is known by it");

    adopted(config("1001"), &opening);
    let other = Opening::of(&config("1001"), [8; 32]).unwrap();
    assert_ne!(other.branch, opening.branch);
    assert_ne!(other.frame, opening.frame);
}

#[test]
fn one_that_was_made_for_a_former_token_name_or_version_can_be_told() {
    let (opening, _) = said(&config("1001"));
    let changes: [fn(&mut Config); 4] = [
        |c| c.token = Some(Pii("renewed".into())),
        |c| c.display_name = Pii("Grace".into()),
        |c| c.user_agent = "next".into(),
        |c| c.secure = false,
    ];
    for change in changes {
        let mut now = config("1001");
        change(&mut now);
        assert_ne!(Opening::of(&now, SEED).unwrap(), opening);
    }
}

#[test]
fn a_call_that_is_here_already_rings_once_in_a_page_that_is_registered() {
    let (opening, register) = said(&config("1001"));
    let mut page = adopted(config("1001"), &opening);
    assert_eq!(page.registration(), Registration::Connecting);

    page.now = SENT + Duration::from_millis(40);
    page.frame(granted(&register, 600).with("Wakeline-Waiting", "wake1"));
    page.now = SENT + Duration::from_millis(60);
    let invite = stranger();
    page.frame(invite.clone());
    page.frame(invite);
    page.now = SENT + Duration::from_millis(90);
    page.input(Input::Timeout);

    assert_eq!(page.registration(), Registration::Registered);
    assert!(page.events.contains(&Event::Registered {
        waiting: vec!["wake1".into()],
        new_flow: true
    }));
    assert_eq!(page.rings(), 1);
    assert!(page.silent(), "nothing is registered twice");
    page.command(Command::Alert(page.incoming()));
    page.response(180);
}

#[test]
fn what_is_said_of_the_first_call_before_the_core_is_there_is_what_the_core_says() {
    let (opening, register) = said(&config("1001"));
    let mut page = adopted(config("1001"), &opening);
    page.frame(granted(&register, 600));
    let invite = stranger();
    page.frame(invite.clone());
    let call = page.incoming();
    page.command(Command::Alert(call));
    let frame = page.sent.back().cloned().unwrap();
    let ringing = page.response(180);
    let text = String::from_utf8(frame).unwrap();
    let copied = text.strip_suffix(&opening.ringing).unwrap();
    let mut own = String::from("SIP/2.0 180 Ringing\r\n");
    for name in ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"] {
        for line in String::from_utf8(invite.to_bytes()).unwrap().lines() {
            if line.starts_with(&format!("{name}: ")) {
                let tag = format!(";tag={}", opening.tag);
                let tag = if name == "To" { tag.as_str() } else { "" };
                own.push_str(&format!("{line}{tag}\r\n"));
            }
        }
    }
    assert_eq!(copied, own);
    assert_eq!(ringing.headers.to().unwrap().tag(), Some(&*opening.tag));
    // The page has it on the screen only now.
    page.command(Command::Alert(call));
    assert!(page.silent(), "it rings once");
}

#[test]
fn the_promised_tag_is_that_of_one_dialog() {
    let (opening, register) = said(&config("1001"));
    let mut page = adopted(config("1001"), &opening);
    page.frame(granted(&register, 600));
    for first in [true, false] {
        let branch = if first { "one" } else { "two" };
        page.frame(forwarded(&stranger(), branch));
        let call = page.incoming();
        page.command(Command::Alert(call));
        let ringing = page.response(180);
        let tag = ringing.headers.to().unwrap().tag().map(str::to_owned);
        assert_eq!(tag.as_ref() == Some(&opening.tag), first);
        page.command(Command::Reject(call));
        page.response(603);
    }
}

#[test]
fn the_binding_is_refreshed_in_time_though_the_core_came_late() {
    let (opening, register) = said(&config("1001"));
    let mut page = adopted(config("1001"), &opening);
    page.frame(granted(&register, 120));
    let end = SENT + Duration::from_secs(60);
    while page.now < end {
        page.pass(Duration::from_secs(1));
        if page.sent.front().is_some_and(|frame| frame == b"\r\n\r\n") {
            page.sent.pop_front();
            page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
        }
    }
    let again = page.request(Method::Register);
    let (first, second) = (
        register.headers.cseq().unwrap(),
        again.headers.cseq().unwrap(),
    );
    assert_eq!(second.number, first.number + 1);
    assert_eq!(
        again.headers.get(HeaderName::CallId),
        register.headers.get(HeaderName::CallId)
    );
}

#[test]
fn a_refused_one_is_followed_by_a_new_token_on_the_same_flow() {
    let (opening, register) = said(&config("1001"));
    let mut page = adopted(config("1001"), &opening);
    page.frame(Response::for_request(&register, 401, "").with(
        HeaderName::WwwAuthenticate,
        r#"Bearer realm="wakeline.test""#,
    ));
    assert!(page.events.contains(&Event::TokenRefused));
    assert_ne!(page.registration(), Registration::Registered);
    assert!(page.open);
    page.command(Command::Token(Pii("fresh".into())));
    let again = page.accept_register(600);
    assert_eq!(
        again.headers.get(HeaderName::Authorization),
        Some("Bearer fresh")
    );
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn one_that_nobody_answers_is_given_up_counted_from_when_it_was_sent() {
    let (opening, _) = said(&config("1001"));
    let mut page = adopted(config("1001"), &opening);
    // The core came four seconds late: one second is left of five.
    page.now = SENT + Duration::from_secs(4);
    page.input(Input::Timeout);
    assert!(!page.connecting);
    page.pass(Duration::from_secs(3));
    assert!(page.connecting, "another flow is tried");
    page.connected();
    let register = page.accept_register(600);
    assert_ne!(
        register.to_bytes(),
        *opening.frame.expose(),
        "nothing is said twice"
    );
    assert_eq!(page.registration(), Registration::Registered);
}
