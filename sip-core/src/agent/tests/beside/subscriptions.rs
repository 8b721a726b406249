//! SUBSCRIBE and NOTIFY (RFC 6665).

use super::{SECOND, beside, parse, pass, told};
use crate::agent::tests::net::Page;
use crate::agent::{BesideCommand, BesideEvent, BesideId, SubscriptionState};
use crate::pii::Pii;
use crate::wire::{HeaderName, Method, Request, Response};

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
    let end = "terminated;reason=deactivated";
    // Also not where it is active for a moment each time.
    for said in [&[end][..], &["active", end]] {
        let mut page = Page::registered("1001", 1);
        subscribe(&mut page, "dialog");
        let mut asked = 0;
        for second in 0..600 {
            while !page.silent() {
                let request = page.request(Method::Subscribe);
                asked += 1;
                assert!(asked < 20, "{second} s");
                page.frame(granted(&request, "n", 600));
                for (cseq, state) in (1..).zip(said) {
                    page.frame(notify(&request, "n", cseq, state, ""));
                }
                page.sent.retain(|f| !f.starts_with(b"SIP/2.0 200 "));
            }
            pass(&mut page, 1);
        }
        assert!(asked > 5);

        // One that has lasted in the end is asked for again at once.
        let request = loop {
            if !page.silent() {
                break page.request(Method::Subscribe);
            }
            pass(&mut page, 1);
        };
        page.frame(granted(&request, "n", 600));
        page.frame(notify(&request, "n", 1, "active", ""));
        page.response(200);
        pass(&mut page, 61);
        page.frame(notify(&request, "n", 2, end, ""));
        page.response(200);
        page.request(Method::Subscribe);
    }
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
    let mut config = crate::agent::tests::net::config("1001");
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
