//! Beside calls: messages, who is typing, subscriptions and publications.

use super::net::Page;
use crate::agent::{
    BesideCommand, BesideEvent, BesideId, Event, PublicationState, SubscriptionState,
};
use crate::pii::Pii;
use crate::time::{Duration, Time};
use crate::wire::{HeaderName, Method, Request, Response};

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
            page.input(crate::agent::Input::Frame(b"\r\n"));
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

// ---- messages ----

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

// ---- subscriptions ----

fn subscribe(page: &mut Page, package: &str) -> BesideId {
    let id = page.agent.next_beside();
    beside(
        page,
        BesideCommand::Subscribe {
            id,
            to: Pii("1002".into()),
            package: package.into(),
            accept: Vec::new(),
            expires: 600,
        },
    );
    id
}

/// A NOTIFY to this SUBSCRIBE, from a notifier with this tag.
fn notify(subscribe: &Request, tag: &str, cseq: u32, state: &str, body: &str) -> Request {
    let headers = &subscribe.headers;
    let text = format!(
        "NOTIFY sip:x@page.invalid SIP/2.0\r\nVia: SIP/2.0/WSS e.invalid;branch=z9hG4bK{tag}{cseq}\r\n\
         Record-Route: <sip:edge.wakeline.test;lr>\r\nFrom: <sip:1002@wakeline.test>;tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\n\
         CSeq: {cseq} NOTIFY\r\nMax-Forwards: 70\r\nContact: <sip:{tag}@notifier.test>\r\nEvent: {}\r\n\
         Subscription-State: {state}\r\n{}Content-Length: {}\r\n\r\n{body}",
        headers.get(HeaderName::From).unwrap(),
        headers.call_id().unwrap(),
        headers.get(HeaderName::Event).unwrap(),
        if body.is_empty() {
            ""
        } else {
            "Content-Type: application/x-state\r\n"
        },
        body.len(),
    );
    parse(&text)
}

fn granted(subscribe: &Request, tag: &str, expires: u32) -> Response {
    Response::for_request(subscribe, 200, "")
        .with_to_tag(tag)
        .with(HeaderName::Contact, "<sip:n@notifier.test>")
        .with(HeaderName::Expires, expires.to_string())
}

fn states(page: &mut Page) -> Vec<SubscriptionState> {
    let of = |e| match e {
        BesideEvent::Subscription(_, state) => Some(state),
        _ => None,
    };
    told(page).into_iter().filter_map(of).collect()
}

fn standing(page: &mut Page) -> (BesideId, Request) {
    let id = subscribe(page, "dialog");
    let asked = page.request(Method::Subscribe);
    page.frame(granted(&asked, "n", 600));
    page.frame(notify(&asked, "n", 1, "active;expires=600", "one"));
    page.response(200);
    told(page);
    (id, asked)
}

#[test]
fn a_state_is_handed_out_whether_the_notify_comes_before_the_answer_or_after() {
    for early in [true, false] {
        let mut page = Page::registered("1001", 1);
        let id = subscribe(&mut page, "dialog");
        let asked = page.request(Method::Subscribe);
        assert_eq!(asked.headers.get(HeaderName::Event), Some("dialog"));
        assert_eq!(asked.headers.expires(), Ok(Some(600)));
        assert!(asked.headers.has(HeaderName::Contact));
        let ok = granted(&asked, "n", 600);
        let state = notify(&asked, "n", 1, "active;expires=600", "one");
        let (first, second): (crate::wire::Message, crate::wire::Message) = if early {
            (state.into(), ok.into())
        } else {
            (ok.into(), state.into())
        };
        page.frame(first);
        page.frame(second);
        page.response(200);
        let expected = [
            BesideEvent::Subscription(id, SubscriptionState::Asking),
            BesideEvent::Notified {
                id,
                branch: 0,
                content_type: "application/x-state".into(),
                body: Pii(b"one".to_vec()),
                summary: None,
            },
            BesideEvent::Subscription(id, SubscriptionState::Active),
        ];
        assert_eq!(told(&mut page), expected);
    }
}

#[test]
fn it_is_renewed_before_its_end_inside_of_its_dialog() {
    let mut page = Page::registered("1001", 1);
    let (_, asked) = standing(&mut page);
    pass(&mut page, 539);
    assert!(page.silent());
    pass(&mut page, 2);
    let renewed = page.request(Method::Subscribe);
    assert_eq!(renewed.headers.to().unwrap().tag(), Some("n"));
    assert_eq!(renewed.headers.call_id(), asked.headers.call_id());
    assert_eq!(renewed.uri.to_string(), "sip:n@notifier.test");
    assert!(renewed.headers.has(HeaderName::Route));
    assert!(renewed.headers.cseq().unwrap().number > asked.headers.cseq().unwrap().number);
    page.frame(granted(&renewed, "n", 600));
    page.frame(notify(&asked, "n", 2, "active;expires=600", "two"));
    page.response(200);
    assert!(states(&mut page).is_empty(), "nothing new to say of it");
    pass(&mut page, 545);
    page.request(Method::Subscribe);
}

#[test]
fn a_renewal_that_is_refused_for_now_leaves_it_and_one_that_is_forgotten_begins_anew() {
    let mut page = Page::registered("1001", 1);
    let (_, asked) = standing(&mut page);
    pass(&mut page, 541);
    let renewed = page.request(Method::Subscribe);
    page.frame(Response::for_request(&renewed, 500, ""));
    assert!(page.silent());
    page.frame(notify(&asked, "n", 2, "active", "two"));
    page.response(200);
    assert_eq!(told(&mut page).len(), 1, "it stands");
    pass(&mut page, 40);
    let renewed = page.request(Method::Subscribe);
    page.frame(Response::for_request(&renewed, 481, ""));
    let anew = page.request(Method::Subscribe);
    assert_ne!(anew.headers.call_id(), asked.headers.call_id());
    assert!(anew.headers.to().unwrap().tag().is_none());
    // The old dialog is none any more.
    page.frame(notify(&asked, "n", 3, "active", "late"));
    page.response(481);
}

#[test]
fn each_end_means_what_the_notifier_says() {
    let again = |after: u64| Some(after);
    for (said, expected) in [
        ("terminated;reason=deactivated", again(0)),
        ("terminated;reason=timeout", again(0)),
        ("terminated;reason=probation;retry-after=120", again(120)),
        ("terminated;reason=giveup;retry-after=77", again(77)),
        ("terminated;reason=deactivated;retry-after=9", again(9)),
        ("terminated", again(1)),
        ("terminated;reason=unheardof", again(1)),
        ("terminated;reason=rejected", None),
        ("terminated;reason=noresource", None),
        ("terminated;reason=invariant", None),
    ] {
        let mut page = Page::registered("1001", 1);
        let (_, asked) = standing(&mut page);
        let now = page.now;
        page.frame(notify(&asked, "n", 2, said, "last"));
        page.response(200);
        let states = states(&mut page);
        match (expected, states.last()) {
            (None, Some(SubscriptionState::Ended { status: 0, reason })) => {
                assert!(said.ends_with(reason.as_str()), "{said}");
                pass(&mut page, 3_600);
                assert!(page.silent(), "{said}");
            }
            (Some(0), Some(SubscriptionState::Asking)) => {
                page.request(Method::Subscribe);
            }
            (Some(after), Some(SubscriptionState::Waiting { retry_at })) => {
                let pause = retry_at.since(now).as_secs();
                assert!(pause <= after && pause + 1 >= after, "{said}: {pause}");
                assert!(page.silent());
                pass(&mut page, after + 2);
                page.request(Method::Subscribe);
            }
            (expected, state) => panic!("{said}: {expected:?} {state:?}"),
        }
    }
}

#[test]
fn a_notifier_that_always_ends_it_is_not_hammered() {
    let mut page = Page::registered("1001", 1);
    subscribe(&mut page, "dialog");
    let mut asked = 0;
    for second in 0..600 {
        while !page.silent() {
            let request = page.request(Method::Subscribe);
            asked += 1;
            page.frame(granted(&request, "n", 600));
            let end = "terminated;reason=deactivated";
            page.frame(notify(&request, "n", 1, end, ""));
            page.response(200);
        }
        assert!(asked < 20, "{second} s");
        pass(&mut page, 1);
    }
    assert!(asked > 5);
}

#[test]
fn refusals_of_a_subscription_end_it_or_are_waited_for() {
    for (status, header, waits) in [
        (489, None, None),
        (403, None, None),
        (404, None, None),
        (480, Some((HeaderName::RetryAfter, "50")), Some(50)),
        (503, Some((HeaderName::RetryAfter, "9 (busy)")), Some(9)),
        (500, None, Some(1)),
    ] {
        let mut page = Page::registered("1001", 1);
        let id = subscribe(&mut page, "presence");
        let asked = page.request(Method::Subscribe);
        let mut refusal = Response::for_request(&asked, status, "");
        if let Some((name, value)) = header {
            refusal = refusal.with(name, value);
        }
        page.frame(refusal);
        let last = told(&mut page).pop();
        match waits {
            None => {
                let reason = String::new();
                let ended = SubscriptionState::Ended { status, reason };
                assert_eq!(last, Some(BesideEvent::Subscription(id, ended)));
            }
            Some(seconds) => {
                pass(&mut page, seconds + 1);
                page.request(Method::Subscribe);
            }
        }
    }
    // 423: longer, once.
    let mut page = Page::registered("1001", 1);
    subscribe(&mut page, "presence");
    let asked = page.request(Method::Subscribe);
    let brief = |r| Response::for_request(r, 423, "").with(HeaderName::MinExpires, "3600");
    page.frame(brief(&asked));
    let longer = page.request(Method::Subscribe);
    assert_eq!(longer.headers.expires(), Ok(Some(3600)));
    page.frame(brief(&longer));
    assert!(matches!(
        states(&mut page).last(),
        Some(SubscriptionState::Ended { status: 423, .. })
    ));
    // Nobody notifies.
    let mut page = Page::registered("1001", 1);
    subscribe(&mut page, "presence");
    let asked = page.request(Method::Subscribe);
    page.frame(granted(&asked, "n", 600));
    pass(&mut page, 33);
    let waits = |s: &SubscriptionState| matches!(s, SubscriptionState::Waiting { .. });
    assert!(states(&mut page).iter().any(waits));
    page.request(Method::Subscribe);
}

#[test]
fn several_notifiers_each_have_a_dialog_that_is_renewed() {
    let mut page = Page::registered("1001", 1);
    let id = subscribe(&mut page, "presence");
    let asked = page.request(Method::Subscribe);
    page.frame(notify(&asked, "a", 1, "active;expires=600", "a"));
    page.frame(notify(&asked, "b", 1, "pending;expires=600", "b"));
    page.frame(granted(&asked, "b", 600));
    let branches: Vec<_> = told(&mut page)
        .into_iter()
        .filter_map(|e| match e {
            BesideEvent::Notified { branch, body, .. } => Some((branch, body.into_inner())),
            _ => None,
        })
        .collect();
    assert_eq!(branches, [(0, b"a".to_vec()), (1, b"b".to_vec())]);
    page.sent.clear();
    pass(&mut page, 541);
    let mut tags: Vec<_> = (0..2)
        .map(|_| page.request(Method::Subscribe).headers.to().unwrap())
        .map(|to| to.tag().unwrap().to_owned())
        .collect();
    tags.sort();
    assert_eq!(tags, ["a", "b"]);
    // One ends, the other stands.
    page.frame(notify(&asked, "a", 2, "terminated;reason=rejected", ""));
    page.response(200);
    assert!(page.agent.beside.deadline(true).is_some());
    // And out of order is refused.
    page.frame(notify(&asked, "b", 1, "active", "old"));
    page.response(500);
    beside(&mut page, BesideCommand::Unsubscribe(id));
    let leave = page.request(Method::Subscribe);
    assert_eq!(leave.headers.expires(), Ok(Some(0)));
    page.frame(granted(&leave, "b", 0));
    page.frame(notify(&asked, "b", 2, "terminated;reason=timeout", ""));
    page.response(200);
    assert!(matches!(
        states(&mut page).last(),
        Some(SubscriptionState::Ended { status: 200, .. })
    ));
    assert!(page.agent.beside.is_idle());
}

#[test]
fn what_belongs_to_no_subscription_is_refused() {
    let mut page = Page::registered("1001", 1);
    let (_, asked) = standing(&mut page);
    let mut other = notify(&asked, "n", 2, "active", "");
    other.headers.set(HeaderName::Event, "presence");
    page.frame(other);
    let refusal = page.response(489);
    assert_eq!(refusal.headers.get(HeaderName::AllowEvents), Some("refer"));
    let mut nameless = notify(&asked, "n", 2, "active", "");
    nameless.headers.remove(HeaderName::SubscriptionState);
    page.frame(nameless);
    page.response(400);
    let mut stray = notify(&asked, "n", 2, "active", "");
    stray.headers.set(HeaderName::CallId, "another");
    page.frame(stray);
    page.response(481);
    let mut outside = notify(&asked, "n", 2, "active", "");
    outside
        .headers
        .set(HeaderName::To, "<sip:1001@wakeline.test>");
    page.frame(outside);
    page.response(481);
    assert!(told(&mut page).is_empty());
}

#[test]
fn after_a_lost_flow_each_notifier_learns_where_we_are_and_what_was_not_asked_yet_is() {
    let mut page = Page::registered("1001", 1);
    let (_, asked) = standing(&mut page);
    page.cut();
    let second = subscribe(&mut page, "presence");
    page.pass(SECOND);
    page.connected();
    page.accept_register(600);
    let (a, b) = (
        page.request(Method::Subscribe),
        page.request(Method::Subscribe),
    );
    assert_eq!(a.headers.call_id(), asked.headers.call_id());
    assert_eq!(b.headers.get(HeaderName::Event), Some("presence"));
    assert!(told(&mut page).contains(&BesideEvent::Subscription(
        second,
        SubscriptionState::Asking
    )));
}

#[test]
fn a_mailbox_is_read() {
    let mut page = Page::registered("1001", 1);
    subscribe(&mut page, "message-summary");
    let asked = page.request(Method::Subscribe);
    let mut state = notify(
        &asked,
        "n",
        1,
        "active;expires=60",
        "Messages-Waiting: yes\r\nVoice-Message: 2/1\r\n",
    );
    state.headers.set(
        HeaderName::ContentType,
        "application/simple-message-summary",
    );
    page.frame(state);
    page.response(200);
    let events = told(&mut page);
    let summary = events.iter().find_map(|e| match e {
        BesideEvent::Notified { summary, .. } => summary.as_ref(),
        _ => None,
    });
    let summary = summary.expect("it was read");
    assert!(summary.waiting && summary.counts[0].new == 2);
}

#[test]
fn a_challenge_is_answered_beside_calls_too() {
    let mut config = super::net::config("1001");
    config.login = Some(crate::auth::Login::with_password("1001", "secret"));
    let mut page = Page::with(config, 1);
    page.command(crate::agent::Command::Start);
    page.connected();
    page.accept_register(600);
    let challenge = r#"Digest realm="wakeline.test", nonce="n1", algorithm=SHA-256, qop="auth""#;
    let asks = |r| Response::for_request(r, 407, "").with(HeaderName::ProxyAuthenticate, challenge);
    subscribe(&mut page, "dialog");
    let asked = page.request(Method::Subscribe);
    page.frame(asks(&asked));
    let proven = page.request(Method::Subscribe);
    assert!(proven.headers.has(HeaderName::ProxyAuthorization));
    page.frame(notify(&proven, "n", 1, "active;expires=600", ""));
    page.response(200);
    assert!(states(&mut page).contains(&SubscriptionState::Active));
}

// ---- publications ----

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

// ---- OPTIONS ----

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
