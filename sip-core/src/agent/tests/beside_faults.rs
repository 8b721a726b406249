//! The table of flow × fault beside calls: each message has its fate, each subscription and publication stands, waits for
//! a time that comes, or is over with a word.

use super::faults::{NONSENSE, STATUSES, TWISTS, answer, live};
use super::net::Page;
use crate::agent::{
    BesideCommand, BesideEvent, BesideId, Command, Event, PublicationState, SubscriptionState,
};
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Request, Response};

const FLOWS: [(&str, Method); 7] = [
    ("message", Method::Message),
    ("subscribe", Method::Subscribe),
    ("renew a subscription", Method::Subscribe),
    ("end a subscription", Method::Subscribe),
    ("publish", Method::Publish),
    ("renew a publication", Method::Publish),
    ("end a publication", Method::Publish),
];

fn beside(page: &mut Page, command: BesideCommand) {
    page.command(Command::Beside(command));
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
        "message" => beside(
            &mut page,
            BesideCommand::Message {
                id,
                to: Pii("1002".into()),
                content_type: "text/plain".into(),
                body: Pii(b"hello".to_vec()),
            },
        ),
        "publish" => publish(&mut page, id),
        "renew a publication" | "end a publication" => {
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
        page.input(crate::agent::Input::Frame(b"\r\n"));
        page.pass(Duration::from_secs(11));
    }
    match flow {
        "end a subscription" => beside(&mut page, BesideCommand::Unsubscribe(id)),
        "end a publication" => beside(&mut page, BesideCommand::Unpublish(id)),
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
        return;
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
            assert!(due.since(page.now) <= Duration::from_secs(600), "{what}");
            assert!(!over, "{what}: {last:?} but nothing is left");
        }
    }
    // And it can be ended.
    beside(page, BesideCommand::Unsubscribe(id));
    beside(page, BesideCommand::Unpublish(id));
    live(page, 60, &Method::Invite, &|_| Vec::new());
    assert!(page.agent.beside.is_idle(), "{what}: it does not end");
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
