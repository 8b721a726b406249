//! The table of flow × fault beside calls: each message has its fate, each subscription and publication stands, waits for
//! a time that comes, or is over with a word.

use std::cell::Cell;

use super::bends::unasked;
use super::faults::{NONSENSE, STATUSES, STRANGE, TWISTS, answer, live, strange};
use super::net::Page;
use crate::agent::{
    BesideCommand, BesideEvent, BesideId, Command, Event, PublicationState, SubscriptionState,
};
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Request, Response};

const FLOWS: [(&str, Method); 9] = [
    ("message", Method::Message),
    ("type", Method::Message),
    ("subscribe", Method::Subscribe),
    ("renew a subscription", Method::Subscribe),
    ("end a subscription", Method::Subscribe),
    ("publish", Method::Publish),
    ("change a publication", Method::Publish),
    ("renew a publication", Method::Publish),
    ("end a publication", Method::Publish),
];

fn beside(page: &mut Page, command: BesideCommand) {
    page.command(Command::Beside(command));
}

fn message(page: &mut Page, id: BesideId) {
    let command = BesideCommand::Message {
        id,
        to: Pii("1002".into()),
        content_type: "text/plain".into(),
        body: Pii(b"hello".to_vec()),
    };
    beside(page, command);
}

fn subscribe(page: &mut Page, id: BesideId) {
    let command = BesideCommand::Subscribe {
        id,
        to: Pii("1002".into()),
        package: "dialog".into(),
        accept: Vec::new(),
        expires: 60,
    };
    beside(page, command);
}

fn publish(page: &mut Page, id: BesideId) {
    let command = BesideCommand::Publish {
        id,
        package: "presence".into(),
        content_type: "text/plain".into(),
        body: Pii(b"here".to_vec()),
        expires: 60,
    };
    beside(page, command);
}

fn notify(subscribe: &Request, state: &str) -> Request {
    let headers = &subscribe.headers;
    let mut notify = subscribe.clone();
    notify.method = Method::Notify;
    let (from, to) = (headers.from().unwrap(), headers.to().unwrap());
    let to = if to.tag().is_some() {
        to
    } else {
        to.with_tag("n")
    };
    notify.headers.set(HeaderName::From, to.to_string());
    notify.headers.set(HeaderName::To, from.to_string());
    notify
        .headers
        .set(HeaderName::Contact, "<sip:n@notifier.test>");
    notify.headers.set(HeaderName::SubscriptionState, state);
    let number = headers.cseq().unwrap().number;
    notify
        .headers
        .set(HeaderName::CSeq, format!("{number} NOTIFY"));
    notify
}

/// The request of this flow is on its way.
fn begin(flow: &str) -> (Page, BesideId) {
    let mut page = Page::registered("1001", 1);
    let id = page.agent.next_beside();
    match flow {
        "message" => message(&mut page, id),
        "type" => beside(&mut page, BesideCommand::Typing(Pii("1002".into()))),
        "publish" => publish(&mut page, id),
        "change a publication" | "renew a publication" | "end a publication" => {
            publish(&mut page, id);
            let first = page.request(Method::Publish);
            page.frame(Response::for_request(&first, 200, "").with(HeaderName::SipETag, "e"));
        }
        _ => subscribe(&mut page, id),
    }
    if flow.ends_with("a subscription") {
        let asked = page.request(Method::Subscribe);
        page.frame(Response::for_request(&asked, 200, "").with_to_tag("n"));
        page.frame(notify(&asked, "active;expires=60"));
        page.sent.clear();
    }
    if flow.starts_with("renew") {
        page.pass(Duration::from_secs(20));
        page.input(crate::agent::Input::Frame(
            crate::agent::FlowId::FIRST,
            b"\r\n",
        ));
        page.pass(Duration::from_secs(11));
    }
    match flow {
        "end a subscription" => beside(&mut page, BesideCommand::Unsubscribe(id)),
        "end a publication" => beside(&mut page, BesideCommand::Unpublish(id)),
        "change a publication" => publish(&mut page, id),
        _ => {}
    }
    page.sent.retain(|f| f != b"\r\n\r\n");
    assert!(!page.silent(), "{flow}: it is on its way");
    (page, id)
}

/// What the page knows is true, and nothing waits for what never comes.
fn settled(page: &mut Page, id: BesideId, what: &str) {
    let events = page.events.iter().filter_map(|e| match e {
        Event::Beside(event) => Some(event),
        _ => None,
    });
    let events: Vec<_> = events.collect();
    let sent = events.iter().filter(|e| matches!(e, BesideEvent::Sent(..)));
    if what.starts_with("message") {
        assert_eq!(sent.count(), 1, "{what}: {events:?}");
        return at_rest(page, what);
    }
    if what.starts_with("type") {
        assert_eq!(sent.count(), 0, "{what}: {events:?}");
        return at_rest(page, what);
    }
    let over = page.agent.beside.is_idle();
    let asked = page.agent.post.deadline();
    let due = page.agent.beside.deadline(true).or(asked);
    let last = events
        .last()
        .unwrap_or_else(|| panic!("{what}: nothing was told"));
    match last {
        BesideEvent::Subscription(_, SubscriptionState::Ended { .. })
        | BesideEvent::Publication(_, PublicationState::Ended { .. }) => {
            assert!(over, "{what}: something is left");
        }
        // Asked, standing, or waiting: there is a time at which it goes on.
        _ => {
            assert!(!what.starts_with("end"), "{what}: {last:?}");
            let due = due.unwrap_or_else(|| panic!("{what}: {last:?} and nothing is due"));
            // A pause that a server asks for is kept, however long.
            let long = due.since(page.now) > Duration::from_secs(600);
            assert!(!long || what.ends_with("after an age"), "{what}");
            assert!(!over, "{what}: {last:?} but nothing is left");
        }
    }
    // And it can be ended.
    beside(page, BesideCommand::Unsubscribe(id));
    beside(page, BesideCommand::Unpublish(id));
    live(page, 60, &Method::Invite, &|_| Vec::new());
    assert!(page.agent.beside.is_idle(), "{what}: it does not end");
    at_rest(page, what);
}

/// No request is under way and no timer is left, of whatever was beside calls; and the next message goes out.
fn at_rest(page: &mut Page, what: &str) {
    let asked = page.agent.post.deadline();
    let due = page.agent.beside.deadline(true);
    assert_eq!((asked, due), (None, None), "{what}: a timer is left");
    assert!(page.agent.calls.is_empty(), "{what}: a call is left");
    page.sent.clear();
    let id = page.agent.next_beside();
    message(page, id);
    assert!(
        page.sent.iter().any(|frame| frame.starts_with(b"MESSAGE ")),
        "{what}: nothing goes out"
    );
}

#[test]
fn every_answer_beside_calls_ends_in_a_word() {
    let mut cells = 0;
    for (flow, method) in FLOWS {
        for status in STATUSES {
            for twist in TWISTS {
                let (mut page, id) = begin(flow);
                live(&mut page, 40, &method, &|request| {
                    answer(request, status, twist)
                });
                settled(&mut page, id, &format!("{flow} × {status} × {twist}"));
                cells += 1;
            }
        }
    }
    assert_eq!(cells, FLOWS.len() * STATUSES.len() * TWISTS.len());
}

#[test]
fn silence_nonsense_and_a_lost_flow_beside_calls_end_in_a_word() {
    for (flow, method) in FLOWS {
        for fault in ["silence", "nonsense", "cut"] {
            let (mut page, id) = begin(flow);
            if fault == "cut" {
                page.cut();
            }
            live(&mut page, 40, &method, &|_| match fault {
                "nonsense" => NONSENSE.iter().map(|n| n.to_vec()).collect(),
                _ => Vec::new(),
            });
            settled(&mut page, id, &format!("{flow} × {fault}"));
        }
    }
}

/// What a notifier may say of a subscription that stands.
const STATES: [&str; 16] = [
    "active",
    "active;expires=0",
    "active;expires=60",
    "active;expires=99999999999",
    "active;expires=x",
    "pending;expires=60",
    "PENDING",
    "unheardof",
    ";",
    "",
    "terminated",
    "terminated;reason=deactivated",
    "terminated;reason=probation;retry-after=99999999",
    "terminated;reason=rejected;retry-after=1",
    "terminated;reason=timeout;retry-after=x",
    "Terminated;Reason=NoResource",
];

#[test]
fn whatever_a_notifier_says_at_whatever_time_ends_in_a_word() {
    for flow in ["subscribe", "renew a subscription", "end a subscription"] {
        for state in STATES {
            for status in [200, 202, 423, 481, 489, 500] {
                let (mut page, id) = begin(flow);
                let asked = page.request(Method::Subscribe);
                page.frame(notify(&asked, state));
                page.frame(Response::for_request(&asked, status, "").with_to_tag("n"));
                page.frame(notify(&asked, state));
                live(&mut page, 40, &Method::Subscribe, &|request| {
                    vec![
                        Response::for_request(request, status, "").to_bytes(),
                        notify(request, state).to_bytes(),
                    ]
                });
                let what = format!("{flow} × {state} × {status}");
                // A pause that a notifier asks for is kept, however long.
                if page.agent.beside.is_idle() || !state.contains("99999999") {
                    settled(&mut page, id, &what);
                }
            }
        }
    }
}

#[test]
fn answers_that_belong_to_nothing_or_are_cut_off_end_in_a_word_beside_calls() {
    let mut cells = 0;
    for (flow, method) in FLOWS {
        for status in [180, 200, 202, 302, 403, 412, 423, 481, 489, 503] {
            for fault in STRANGE {
                let (mut page, id) = begin(flow);
                live(&mut page, 40, &method, &|request| {
                    vec![strange(request, status, fault)]
                });
                settled(&mut page, id, &format!("{flow} × {status} × {fault}"));
                cells += 1;
            }
        }
    }
    assert_eq!(cells, FLOWS.len() * 10 * STRANGE.len());
}

/// Requests that nobody waits for cross the one that is under way, from who is asked and by another's name.
#[test]
fn what_nobody_asked_for_changes_nothing_beside_calls() {
    for (flow, method) in FLOWS {
        for other in [
            "ACK",
            "CANCEL",
            "BYE",
            "UPDATE",
            "PRACK",
            "REFER",
            "NOTIFY",
            "INFO",
            "MESSAGE",
            "OPTIONS",
            "SUBSCRIBE",
            "PUBLISH",
            "REGISTER",
            "DANCE",
        ] {
            let (mut page, id) = begin(flow);
            live(&mut page, 40, &method, &|asked| {
                let request = unasked(asked, other);
                let good = Response::for_request(asked, 200, "")
                    .with_to_tag("fault")
                    .with(HeaderName::SipETag, "e");
                let early = request.to_bytes();
                vec![early.clone(), good.to_bytes(), early]
            });
            settled(&mut page, id, &format!("{flow} × unasked {other}"));
        }
    }
}

#[test]
fn who_challenges_for_ever_is_not_answered_for_ever_beside_calls() {
    for (flow, method) in FLOWS {
        for turn in ["401", "407", "in turn", "in turn, stale"] {
            let (mut page, id) = begin(flow);
            let sent: Vec<_> = page.sent.drain(..).collect();
            page.command(Command::Login(crate::auth::Login::with_password(
                "1001", "x",
            )));
            page.sent.extend(sent);
            let asked = Cell::new(0_u32);
            live(&mut page, 40, &method, &|request| {
                asked.set(asked.get() + 1);
                let proxy = turn == "407" || (turn != "401" && asked.get().is_multiple_of(2));
                let (status, name) = match proxy {
                    true => (407, HeaderName::ProxyAuthenticate),
                    false => (401, HeaderName::WwwAuthenticate),
                };
                let stale = if turn.ends_with("stale") {
                    ", stale=true"
                } else {
                    ""
                };
                let nonce = asked.get();
                let text = format!(
                    "Digest realm=\"wakeline.test\", nonce=\"n{nonce}\", qop=\"auth\"{stale}"
                );
                let refusal = Response::for_request(request, status, "");
                vec![refusal.with(name, text).to_bytes()]
            });
            let what = format!("{flow} × challenged {turn}");
            assert!(asked.get() < 40, "{what}: asked {} times", asked.get());
            settled(&mut page, id, &what);
        }
    }
}
