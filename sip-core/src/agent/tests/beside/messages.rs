//! MESSAGE, and who is typing (RFC 3428, RFC 3994).

use super::{beside, message, pass, told};
use crate::agent::tests::net::Page;
use crate::agent::{BesideCommand, BesideEvent, BesideId};
use crate::pii::Pii;
use crate::wire::{HeaderName, Method, Response};

fn write(page: &mut Page, text: &str) -> BesideId {
    let id = page.agent.next_beside();
    beside(
        page,
        BesideCommand::Message {
            id,
            to: Pii("1002".into()),
            content_type: "text/plain".into(),
            body: Pii(text.into()),
        },
    );
    id
}

#[test]
fn a_message_goes_out_without_a_dialog_and_its_fate_is_told() {
    let mut page = Page::registered("1001", 1);
    for (status, last) in [(200, 200), (202, 202), (404, 404), (415, 415)] {
        let id = write(&mut page, "hello");
        let sent = page.request(Method::Message);
        assert_eq!(sent.body, b"hello");
        assert!(!sent.headers.has(HeaderName::Contact), "RFC 3428 §4");
        assert_eq!(sent.headers.content_type().as_deref(), Some("text/plain"));
        page.frame(Response::for_request(&sent, status, ""));
        assert_eq!(told(&mut page), [BesideEvent::Sent(id, last)]);
    }
    let id = write(&mut page, "into the void");
    page.request(Method::Message);
    pass(&mut page, 33);
    assert_eq!(told(&mut page), [BesideEvent::Sent(id, 408)]);
    let id = write(&mut page, &"x".repeat(20_000));
    assert_eq!(told(&mut page), [BesideEvent::Sent(id, 513)]);
    let id = write(&mut page, "lost with its flow");
    page.cut();
    assert_eq!(told(&mut page), [BesideEvent::Sent(id, 0)]);
    let id = write(&mut page, "no flow");
    assert_eq!(told(&mut page), [BesideEvent::Sent(id, 0)]);
}

#[test]
fn a_message_is_shown_and_one_of_an_unknown_kind_is_refused_with_those_that_are_known() {
    let mut page = Page::registered("1001", 1);
    page.frame(message("text/plain;charset=UTF-8", "hello"));
    page.response(200);
    let events = told(&mut page);
    let [BesideEvent::Message { from, body, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(from.number.expose(), "1002");
    assert_eq!(from.display_name.expose(), "Bob");
    assert_eq!(body.expose(), b"hello");

    page.frame(message("text/html", "<b>"));
    let refusal = page.response(415);
    assert_eq!(
        refusal.headers.get(HeaderName::Accept),
        Some("text/plain, application/im-iscomposing+xml")
    );
    assert!(told(&mut page).is_empty());

    beside(&mut page, BesideCommand::Accept(vec!["Text/HTML".into()]));
    page.frame(message("text/html", "<b>"));
    page.response(200);
    assert_eq!(told(&mut page).len(), 1);

    page.frame(message("text/plain", "x").with(HeaderName::ContentEncoding, "gzip"));
    let refusal = page.response(415);
    assert!(refusal.headers.has(HeaderName::AcceptEncoding));
}

#[test]
fn who_types_is_told_until_it_is_sent_given_up_or_forgotten() {
    let kind = "application/im-iscomposing+xml";
    let active = "<isComposing><state>active</state><refresh>60</refresh></isComposing>";
    let idle = "<isComposing><state>idle</state></isComposing>";
    let mut page = Page::registered("1001", 1);
    let states = |page: &mut Page| -> Vec<bool> {
        let of = |e| match e {
            BesideEvent::Composing { active, .. } => Some(active),
            _ => None,
        };
        told(page).into_iter().filter_map(of).collect()
    };
    for end in ["idle", "message", "silence"] {
        page.frame(message(kind, active));
        page.response(200);
        page.frame(message(kind, active));
        page.response(200);
        assert_eq!(states(&mut page), [true], "told once");
        match end {
            "idle" => page.frame(message(kind, idle)),
            "message" => page.frame(message("text/plain", "x")),
            _ => {
                pass(&mut page, 59);
                assert!(states(&mut page).is_empty());
                pass(&mut page, 2);
            }
        }
        page.sent.clear();
        assert_eq!(states(&mut page), [false], "{end}");
    }
    page.frame(message(kind, "nonsense"));
    page.response(400);
}

#[test]
fn typing_is_said_once_repeated_when_it_lasts_and_taken_back_when_it_stops() {
    let mut page = Page::registered("1001", 1);
    let to = || BesideCommand::Typing(Pii("1002".into()));
    let said = |page: &mut Page| -> Vec<bool> {
        let mut all = Vec::new();
        while !page.silent() {
            let sent = page.request(Method::Message);
            page.frame(Response::for_request(&sent, 200, ""));
            let text = String::from_utf8(sent.body).unwrap();
            all.push(text.contains("<state>active</state>"));
        }
        all
    };
    for _ in 0..10 {
        beside(&mut page, to());
        pass(&mut page, 10);
    }
    assert_eq!(said(&mut page), [true, true], "again after 90 s");
    pass(&mut page, 20);
    assert_eq!(said(&mut page), [false]);
    // What is sent says enough.
    beside(&mut page, to());
    assert_eq!(said(&mut page), [true]);
    write(&mut page, "done");
    page.request(Method::Message);
    pass(&mut page, 20);
    assert!(said(&mut page).is_empty());
    // Who does not understand it is not told again.
    beside(&mut page, to());
    let sent = page.request(Method::Message);
    page.frame(Response::for_request(&sent, 415, ""));
    pass(&mut page, 20);
    beside(&mut page, to());
    assert!(said(&mut page).is_empty());
}
