//! Beside calls: messages, who is typing, subscriptions and publications; and what OPTIONS says of all this.

mod messages;
mod publications;
mod subscriptions;

use super::net::Page;
use crate::agent::{BesideCommand, BesideEvent, Event};
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Request};

const SECOND: Duration = Duration::from_secs(1);

fn beside(page: &mut Page, command: BesideCommand) {
    page.command(crate::agent::Command::Beside(command));
}

/// What the page was told beside calls; forgotten with it.
fn told(page: &mut Page) -> Vec<BesideEvent> {
    let events = std::mem::take(&mut page.events);
    let of = |e| match e {
        Event::Beside(event) => Some(event),
        _ => None,
    };
    events.into_iter().filter_map(of).collect()
}

/// A flow that answers keepalives lasts.
fn pass(page: &mut Page, seconds: u64) {
    for _ in 0..seconds {
        page.pass(SECOND);
        let before = page.sent.len();
        page.sent.retain(|f| f != b"\r\n\r\n");
        if page.sent.len() != before {
            page.input(crate::agent::Input::Frame(
                crate::agent::FlowId::FIRST,
                b"\r\n",
            ));
        }
        // Registrations are not what is looked at here.
        let frames: Vec<_> = page.sent.drain(..).collect();
        for frame in frames {
            if frame.starts_with(b"REGISTER ") {
                page.sent.push_back(frame);
                page.accept_register(600);
            } else {
                page.sent.push_back(frame);
            }
        }
    }
}

fn message(kind: &str, body: &str) -> Request {
    let text = format!(
        "MESSAGE sip:1001@wakeline.test SIP/2.0\r\nVia: SIP/2.0/WSS e.invalid;branch=z9hG4bKm{}\r\n\
         From: \"Bob\" <sip:1002@wakeline.test>;tag=f\r\nTo: <sip:1001@wakeline.test>\r\nCall-ID: m\r\nCSeq: 1 MESSAGE\r\n\
         Max-Forwards: 70\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
        body.len()
    );
    parse(&text)
}

fn parse(text: &str) -> Request {
    let limits = crate::wire::Limits::DEFAULT;
    let message = crate::wire::Message::parse(text.as_bytes(), &limits);
    message.unwrap().into_request().unwrap()
}

#[test]
fn options_are_answered_as_a_call_would_be() {
    let ask = |page: &mut Page| {
        let mut options = message("text/plain", "");
        options.method = Method::Options;
        options.headers.set(HeaderName::CSeq, "1 OPTIONS");
        page.frame(options);
        page.message().into_response().unwrap()
    };
    let mut page = Page::registered("1001", 1);
    let answer = ask(&mut page);
    assert_eq!(answer.status, 200);
    for method in answer.headers.get_all(HeaderName::Allow) {
        // Each that is named is really acted upon: none of them is refused for its name.
        let mut request = message("text/plain", "");
        request.method = match method {
            "MESSAGE" => Method::Message,
            "NOTIFY" => Method::Notify,
            "BYE" => Method::Bye,
            "INFO" => Method::Info,
            "UPDATE" => Method::Update,
            "PRACK" => Method::Prack,
            "REFER" => Method::Refer,
            _ => continue,
        };
        request.headers.set(HeaderName::CSeq, format!("1 {method}"));
        request
            .headers
            .set(HeaderName::To, "<sip:1001@wakeline.test>;tag=none");
        page.frame(request);
        let status = page.message().into_response().unwrap().status;
        assert!(![405, 501].contains(&status), "{method}: {status}");
    }
    let accepted = answer.headers.get_all(HeaderName::Accept).join(",");
    for kind in [
        "application/sdp",
        "text/plain",
        "application/dtmf-relay",
        "message/sipfrag",
    ] {
        assert!(accepted.contains(kind), "{accepted}");
    }
    // Who would be refused a call hears it.
    page.call("1005");
    page.call("1006");
    page.sent.clear();
    assert_eq!(ask(&mut page).status, 486);
}
