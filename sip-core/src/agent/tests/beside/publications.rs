//! PUBLISH (RFC 3903).

use super::{SECOND, beside, pass, told};
use crate::agent::tests::net::Page;
use crate::agent::{BesideCommand, BesideEvent, BesideId, PublicationState};
use crate::pii::Pii;
use crate::time::Time;
use crate::wire::{HeaderName, Method, Request, Response};

fn publish(page: &mut Page, id: BesideId, body: &str) {
    let command = BesideCommand::Publish {
        id,
        package: "presence".into(),
        content_type: "application/pidf+xml".into(),
        body: Pii(body.into()),
        expires: 600,
    };
    beside(page, command);
}

fn stored(publish: &Request, etag: &str) -> Response {
    Response::for_request(publish, 200, "")
        .with(HeaderName::SipETag, etag)
        .with(HeaderName::Expires, "600")
}

fn if_match(publish: &Request) -> Option<&str> {
    publish.headers.get(HeaderName::SipIfMatch)
}

#[test]
fn a_state_is_published_renewed_changed_begun_anew_and_taken_back() {
    let mut page = Page::registered("1001", 1);
    let id = page.agent.next_beside();
    publish(&mut page, id, "one");
    let first = page.request(Method::Publish);
    assert_eq!((if_match(&first), &first.body[..]), (None, &b"one"[..]));
    assert_eq!(first.uri.to_string(), "sip:1001@wakeline.test");
    // One at a time: what changes meanwhile follows.
    publish(&mut page, id, "two");
    assert!(page.silent());
    page.frame(stored(&first, "e1"));
    let second = page.request(Method::Publish);
    assert_eq!(
        (if_match(&second), &second.body[..]),
        (Some("e1"), &b"two"[..])
    );
    page.frame(stored(&second, "e2"));
    let published = BesideEvent::Publication(id, PublicationState::Published);
    assert_eq!(told(&mut page), [published]);
    // Its renewal has no body.
    pass(&mut page, 541);
    let renewal = page.request(Method::Publish);
    assert_eq!(
        (if_match(&renewal), &renewal.body[..]),
        (Some("e2"), &b""[..])
    );
    page.frame(Response::for_request(&renewal, 412, ""));
    let anew = page.request(Method::Publish);
    assert_eq!((if_match(&anew), &anew.body[..]), (None, &b"two"[..]));
    page.frame(stored(&anew, "e3"));
    beside(&mut page, BesideCommand::Unpublish(id));
    let gone = page.request(Method::Publish);
    assert_eq!(
        (if_match(&gone), gone.headers.expires()),
        (Some("e3"), Ok(Some(0)))
    );
    page.frame(Response::for_request(&gone, 200, ""));
    let ended = BesideEvent::Publication(id, PublicationState::Ended { status: 200 });
    assert_eq!(told(&mut page), [ended]);
    assert!(page.agent.beside.is_idle());
}

#[test]
fn refusals_of_a_publication_end_it_or_are_waited_for_and_a_lost_flow_repeats_it() {
    let mut page = Page::registered("1001", 1);
    let id = page.agent.next_beside();
    publish(&mut page, id, "one");
    let first = page.request(Method::Publish);
    page.frame(Response::for_request(&first, 423, "").with(HeaderName::MinExpires, "1800"));
    let longer = page.request(Method::Publish);
    assert_eq!(longer.headers.expires(), Ok(Some(1800)));
    page.frame(Response::for_request(&longer, 503, "").with(HeaderName::RetryAfter, "20"));
    let retry_at = Time(page.now.as_millis() + 20_000);
    let waits = BesideEvent::Publication(id, PublicationState::Waiting { retry_at });
    assert_eq!(told(&mut page), [waits]);
    pass(&mut page, 21);
    page.request(Method::Publish);
    page.cut();
    page.pass(SECOND);
    page.connected();
    page.accept_register(600);
    let again = page.request(Method::Publish);
    assert_eq!(again.body, b"one");
    page.frame(Response::for_request(&again, 489, ""));
    let ended = BesideEvent::Publication(id, PublicationState::Ended { status: 489 });
    assert_eq!(told(&mut page).last(), Some(&ended));
}
