//! The table of flow × fault of what others ask beside calls: whatever comes, at whatever point, is answered once or is none, and what
//! the page has asked for itself stands as it stood or is over with a word.

use std::collections::HashMap;

use super::bends::bent;
use super::net::{Page, granted};
use crate::agent::{
    BesideCommand, BesideEvent, BesideId, Command, Event, FlowId, Input, PublicationState,
    SubscriptionState,
};
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Limits, Message, Method, Request, Response};

/// What the page is about when the request arrives.
const STAGES: [&str; 7] = [
    "nothing",
    "asks for a subscription",
    "is subscribed",
    "renews a subscription",
    "ends a subscription",
    "has published",
    "types",
];

const METHODS: [&str; 6] = [
    "MESSAGE",
    "NOTIFY",
    "OPTIONS",
    "SUBSCRIBE",
    "PUBLISH",
    "DANCE",
];

/// What is done to it.
const BENDS: [&str; 21] = [
    "as it is",
    "twice",
    "number of before",
    "number of another method",
    "another to tag",
    "no to tag",
    "another from tag",
    "another call",
    "no contact",
    "no body",
    "body of another kind",
    "body of no kind",
    "huge body",
    "encoded body",
    "no event",
    "another event",
    "no state",
    "state of nonsense",
    "requires the unheard-of",
    "no via",
    "truncated",
];

struct Beside {
    page: Page,
    id: BesideId,
    /// What the page has asked for, or would have.
    asked: Request,
}

impl Beside {
    fn begin(stage: &str) -> Self {
        let mut page = Page::registered("1001", 3);
        let id = page.agent.next_beside();
        let to = Pii("1002".to_owned());
        let wanted = match stage {
            "has published" => BesideCommand::Publish {
                id,
                package: "presence".into(),
                content_type: "text/plain".into(),
                body: Pii(b"here".to_vec()),
                expires: 60,
            },
            "types" => BesideCommand::Typing(to),
            "nothing" => BesideCommand::Accept(vec!["text/markdown".into()]),
            _ => BesideCommand::Subscribe {
                id,
                to,
                package: "dialog".into(),
                accept: Vec::new(),
                expires: 60,
            },
        };
        page.command(Command::Beside(wanted));
        let asked = match stage {
            "nothing" => {
                let mut other = Page::registered("1002", 4);
                let id = other.agent.next_beside();
                other.command(Command::Beside(BesideCommand::Message {
                    id,
                    to: Pii("1001".into()),
                    content_type: "text/plain".into(),
                    body: Pii(b"hello".to_vec()),
                }));
                other.request(Method::Message)
            }
            "has published" => {
                let publish = page.request(Method::Publish);
                page.frame(Response::for_request(&publish, 200, "").with(HeaderName::SipETag, "e"));
                publish
            }
            "types" => page.request(Method::Message),
            _ => page.request(Method::Subscribe),
        };
        let mut beside = Self { page, id, asked };
        if stage.ends_with("subscribed") || stage.ends_with("s a subscription") {
            let ok = Response::for_request(&beside.asked, 200, "").with_to_tag("n");
            beside.page.frame(ok);
            let first = beside.request("NOTIFY", 1);
            beside.page.frame(first);
            beside.page.response(200);
        }
        if stage.starts_with("renews") {
            beside.page.pass(Duration::from_secs(20));
            beside.page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
            beside.page.pass(Duration::from_secs(11));
        }
        if stage.starts_with("ends") {
            let end = BesideCommand::Unsubscribe(beside.id);
            beside.page.command(Command::Beside(end));
        }
        beside
    }

    /// A request from who was asked, right as far as it can be; a NOTIFY in the dialog of the subscription.
    fn request(&self, method: &str, number: u32) -> Request {
        let mut request = self.asked.clone();
        request.method = method.parse().unwrap();
        let headers = &mut request.headers;
        let (from, to) = (headers.from().unwrap(), headers.to().unwrap());
        let to = to.with_tag("n");
        headers.set(HeaderName::From, to.to_string());
        headers.set(HeaderName::To, from.to_string());
        headers.set(HeaderName::Contact, "<sip:n@notifier.test>");
        headers.set(HeaderName::CSeq, format!("{number} {method}"));
        let via = format!("SIP/2.0/WSS edge.invalid;branch=z9hG4bKbeside{number}{method}");
        headers.replace_first_value(HeaderName::Via, via.as_str());
        headers.remove(HeaderName::Expires);
        headers.remove(HeaderName::Event);
        if method != "NOTIFY" {
            // Outside of any dialog.
            let to = headers.get(HeaderName::To).unwrap().to_owned();
            headers.set(HeaderName::To, to.split(";tag=").next().unwrap());
            headers.set(HeaderName::CallId, format!("outside{number}{method}"));
        }
        match method {
            "NOTIFY" => {
                headers.set(HeaderName::Event, "dialog");
                headers.set(HeaderName::SubscriptionState, "active;expires=60");
                request.with_body("application/dialog-info+xml", "<dialog-info/>")
            }
            "SUBSCRIBE" | "PUBLISH" => {
                headers.set(HeaderName::Event, "dialog");
                request.with_body("text/plain", "")
            }
            "MESSAGE" => request.with_body("text/plain", "hello"),
            _ => request.with_body("text/plain", ""),
        }
    }
}

/// Time goes by, the other side takes whatever the page asks and tells it that what it has subscribed to is over where it wants that;
/// what was answered to each branch, finally.
fn live(beside: &mut Beside, seconds: u64, answers: &mut HashMap<String, Vec<u16>>) {
    let mut told = 100;
    for second in 0..seconds {
        for _ in 0..50 {
            let Some(frame) = beside.page.sent.pop_front() else {
                break;
            };
            match Message::parse(&frame, &Limits::DEFAULT) {
                Ok(Message::Response(response)) if response.status >= 200 => {
                    let via = response.headers.top_via().unwrap();
                    let key = via.branch().unwrap().to_owned();
                    answers.entry(key).or_default().push(response.status);
                }
                Ok(Message::Request(request)) => {
                    let response = match request.method {
                        Method::Register => granted(&request, 600),
                        Method::Publish => {
                            Response::for_request(&request, 200, "").with(HeaderName::SipETag, "e")
                        }
                        _ => Response::for_request(&request, 200, "").with_to_tag("n"),
                    };
                    beside.page.frame(response);
                    let over = request.headers.expires().ok().flatten() == Some(0);
                    if request.method == Method::Subscribe {
                        let tag = request.headers.from().unwrap().tag().unwrap().to_owned();
                        beside.asked = request;
                        let from = beside.asked.headers.from().unwrap().with_tag(&tag);
                        beside.asked.headers.set(HeaderName::From, from.to_string());
                        told += 1;
                        let mut notify = beside.request("NOTIFY", told);
                        if over {
                            let end = "terminated;reason=timeout";
                            notify.headers.set(HeaderName::SubscriptionState, end);
                        }
                        beside.page.frame(notify);
                    }
                }
                _ => {}
            }
        }
        beside
            .page
            .pass(Duration::from_secs(if second < 5 { 1 } else { 4 }));
        if beside.page.connecting {
            beside.page.connected();
        }
        beside.page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
    }
}

/// What the page has asked for stands, or is over with a word; all of it can be ended, and then no timer is left.
fn settled(beside: &mut Beside, stage: &str, what: &str) {
    let last = beside.page.events.iter().rev().find_map(|e| match e {
        Event::Beside(
            event @ (BesideEvent::Subscription(id, _) | BesideEvent::Publication(id, _)),
        ) if *id == beside.id => Some(event.clone()),
        _ => None,
    });
    match (stage, last) {
        ("nothing" | "types", last) => assert_eq!(last, None, "{what}"),
        ("has published", last) => assert_eq!(
            last,
            Some(BesideEvent::Publication(
                beside.id,
                PublicationState::Published
            )),
            "{what}"
        ),
        ("ends a subscription", last) => assert!(
            matches!(
                last,
                Some(BesideEvent::Subscription(
                    _,
                    SubscriptionState::Ended { status: 200, .. }
                ))
            ),
            "{what}: {last:?}"
        ),
        (_, last) => assert!(
            matches!(
                last,
                Some(BesideEvent::Subscription(_, SubscriptionState::Active))
            ),
            "{what}: {last:?}"
        ),
    }
    assert!(beside.page.agent.calls.is_empty(), "{what}: a call");
    for end in [
        BesideCommand::Unsubscribe(beside.id),
        BesideCommand::Unpublish(beside.id),
    ] {
        beside.page.command(Command::Beside(end));
    }
    live(beside, 60, &mut HashMap::new());
    let agent = &beside.page.agent;
    assert!(agent.beside.is_idle(), "{what}: it does not end");
    let left = (agent.post.deadline(), agent.beside.deadline(true));
    assert_eq!(left, (None, None), "{what}: a timer is left");
}

#[test]
fn whatever_comes_beside_calls_is_answered_once_and_leaves_nothing_behind() {
    let (mut cells, mut wrong) = (0, Vec::new());
    for stage in STAGES {
        for method in METHODS {
            for bend in BENDS {
                let what = format!("{stage} × {method} × {bend}");
                let mut beside = Beside::begin(stage);
                let request = beside.request(method, 9);
                let via = request.headers.top_via().unwrap();
                let key = via.branch().unwrap().to_owned();
                for frame in bent(request, bend) {
                    beside.page.input(Input::Frame(FlowId::FIRST, &frame));
                }
                let mut answers = HashMap::new();
                live(&mut beside, 40, &mut answers);
                settled(&mut beside, stage, &what);
                let said = answers.get(&key).cloned().unwrap_or_default();
                let most = if bend == "twice" { 2 } else { 1 };
                let least = match bend {
                    // Who has sent these cannot be told, or no more than once.
                    "no via" | "truncated" => 0,
                    "huge body" | "number of another method" => 0,
                    _ => most,
                };
                let good = said.iter().all(|status| (200..700).contains(status));
                if said.len() < least || said.len() > most || !good {
                    wrong.push(format!("{what}: {said:?}"));
                }
                cells += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(cells, STAGES.len() * METHODS.len() * BENDS.len());
}
