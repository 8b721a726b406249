//! Every flow × every fault: whatever a server answers, or does not, ends in a word to the page, never in a stuck call.

use super::bends::unasked;
use super::calls::Edge;
use super::net::{Page, config, granted, sdp};
use crate::agent::{CallId, CallState, Command, Event, FlowId, Input, Path, Registration};
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Limits, Message, Method, Request, Response};

/// Where the fault meets the page: it waits for the answer to a request of this method.
const FLOWS: [(&str, Method); 14] = [
    ("call", Method::Invite),
    ("hold", Method::Invite),
    ("call without an offer", Method::Invite),
    ("hold by update", Method::Update),
    ("refresh", Method::Update),
    ("digits", Method::Info),
    ("transfer", Method::Refer),
    ("hang up", Method::Bye),
    ("give up", Method::Cancel),
    ("ring reliably", Method::Prack),
    ("another picture", Method::Invite),
    ("another path", Method::Invite),
    ("tell of a recording", Method::Invite),
    ("more candidates", Method::Info),
];

/// What a server may answer.
pub const STATUSES: [u16; 46] = [
    100, 101, 180, 183, 199, 200, 202, 204, 299, 300, 301, 302, 305, 380, 399, 400, 401, 403, 404,
    405, 407, 408, 413, 415, 420, 421, 422, 423, 428, 430, 481, 482, 483, 486, 487, 488, 489, 491,
    494, 499, 500, 501, 503, 600, 603, 699,
];

/// What is done to an answer.
pub const TWISTS: [&str; 12] = [
    "as it is",
    "no contact",
    "body of another kind",
    "empty description",
    "other tag",
    "no tag",
    "huge header",
    "contact to itself",
    "retry after nonsense",
    "reliable without a number",
    "challenge without a nonce",
    "twice",
];

/// What is no answer.
pub const NONSENSE: [&[u8]; 6] = [
    b"",
    b"\0\xff\xfe",
    b"SIP/2.0 200 OK\r\n\r\n",
    b"SIP/2.0 999 What\r\nVia: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/WS a;branch=z9hG4bKx\r\n\r\n",
];

pub fn answer(request: &Request, status: u16, twist: &str) -> Vec<Vec<u8>> {
    let to = format!("<{};transport=ws>", request.uri);
    let mut response = Response::for_request(request, status, "").with_to_tag("fault");
    if twist != "no contact" {
        response = response.with(HeaderName::Contact, to.as_str());
    }
    response = match twist {
        "body of another kind" => response.with_body("text/html", "<html>"),
        "empty description" => response.with_body("application/sdp", ""),
        "other tag" => {
            let to = response.headers.to().unwrap().with_tag("another");
            response.headers.set(HeaderName::To, to.to_string());
            response
        }
        "no tag" => {
            let to = response.headers.get(HeaderName::To).unwrap().to_owned();
            let bare = to.split(";tag=").next().unwrap().to_owned();
            response.headers.set(HeaderName::To, bare);
            response
        }
        "huge header" => response.with("X-Huge", vec![b'x'; 20_000]),
        "retry after nonsense" => response.with(HeaderName::RetryAfter, "soon"),
        "reliable without a number" => response.with(HeaderName::Require, "100rel"),
        "challenge without a nonce" => response
            .with(HeaderName::WwwAuthenticate, "Digest realm=\"x\"")
            .with(HeaderName::ProxyAuthenticate, "Digest"),
        _ => response.with_body("application/sdp", sdp("fault", "sendrecv")),
    };
    let bytes = response.to_bytes();
    match twist {
        "twice" => vec![bytes.clone(), bytes],
        _ => vec![bytes],
    }
}

/// A call that stands, or one that rings, and the request that is to meet the fault.
fn begin(flow: &str) -> (Page, CallId) {
    let mut edge = Edge::new();
    let call = match flow {
        "call" | "give up" | "ring reliably" => edge.caller.call("1002"),
        "call without an offer" => {
            let call = edge.caller.agent.next_call();
            edge.caller.command(Command::CallWithoutOffer {
                call,
                to: Pii("1002".into()),
                headers: Vec::new(),
            });
            call
        }
        _ => {
            edge.talking();
            match edge.caller.events.last() {
                Some(Event::Call(call, _)) => *call,
                _ => unreachable!("it was told of"),
            }
        }
    };
    let mut page = edge.caller;
    match flow {
        "hold" => page.command(Command::Hold(call, true)),
        "hold by update" => {
            page.agent.post.policy.update = true;
            page.command(Command::Hold(call, true));
        }
        "another picture" => page.command(Command::Offer(call)),
        "another path" => page.command(Command::Path(call, Path::Lost)),
        "tell of a recording" => page.command(Command::Record(call, true)),
        "more candidates" => {
            let fragment = Pii(b"a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host".to_vec());
            page.command(Command::Candidates(call, fragment));
        }
        "digits" => page.command(Command::Dtmf(call, "123".into())),
        "transfer" => page.command(Command::Transfer(call, Pii("1003".into()))),
        "hang up" => page.command(Command::HangUp(call)),
        "refresh" => {
            let found = page.agent.calls.iter_mut().find(|c| c.id == call).unwrap();
            found.refresh_session(&mut page.agent.post);
            page.input(Input::Online(true));
        }
        "give up" | "ring reliably" => {
            let invite = page.request(Method::Invite);
            let mut ringing = Response::for_request(&invite, 180, "")
                .with_to_tag("r")
                .with(HeaderName::Contact, "<sip:r@r.invalid>");
            if flow == "ring reliably" {
                ringing = ringing
                    .with(HeaderName::Require, "100rel")
                    .with(HeaderName::RSeq, "1");
            }
            page.frame(ringing);
            if flow == "give up" {
                page.command(Command::HangUp(call));
            }
        }
        _ => {}
    }
    (page, call)
}

/// Answers everything else as a good server does, for so long.
pub fn live(
    page: &mut Page,
    seconds: u64,
    method: &Method,
    fault: &dyn Fn(&Request) -> Vec<Vec<u8>>,
) {
    for second in 0..seconds {
        for _ in 0..50 {
            let Some(frame) = page.sent.pop_front() else {
                break;
            };
            let Ok(Message::Request(request)) = Message::parse(&frame, &Limits::DEFAULT) else {
                continue;
            };
            let frames = match &request.method {
                Method::Ack => Vec::new(),
                m if m == method => fault(&request),
                Method::Register => vec![granted(&request, 600).to_bytes()],
                _ => vec![Response::for_request(&request, 200, "").to_bytes()],
            };
            for frame in frames {
                page.input(Input::Frame(FlowId::FIRST, &frame));
            }
        }
        // The first seconds in small steps: it is there that things cross.
        page.pass(Duration::from_secs(if second < 5 { 1 } else { 4 }));
        if page.connecting {
            page.connected();
        }
        page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
    }
}

/// The page knows where it stands: the call talks, or is over with a word; a wish was fulfilled or refused.
fn settled(page: &mut Page, call: CallId, what: &str) {
    let view = page.view_of(call).clone();
    match view.state {
        CallState::Ended => assert!(view.end.is_some(), "{what}: an end without a word"),
        CallState::Active => {
            let found = page.agent.calls.iter().find(|c| c.id == call).unwrap();
            assert!(!found.modify.is_busy(), "{what}: a change is stuck");
            assert!(found.transfer.is_none(), "{what}: a transfer is stuck");
            page.command(Command::HangUp(call));
            assert_eq!(page.view_of(call).state, CallState::Ended, "{what}");
        }
        state => panic!("{what}: stuck in {state:?}"),
    }
    assert!(page.agent.calls.is_empty(), "{what}: something is left");
    // And the next call is possible.
    let next = page.call("1005");
    assert_ne!(page.view_of(next).state, CallState::Ended, "{what}");
}

#[test]
fn every_answer_at_every_point_ends_in_a_word() {
    let mut cells = 0;
    for (flow, method) in FLOWS {
        for status in STATUSES {
            for twist in TWISTS {
                let (mut page, call) = begin(flow);
                live(&mut page, 75, &method, &|request| {
                    answer(request, status, twist)
                });
                // A call that only ever hears that it rings is for the user to end.
                if page.view_of(call).state != CallState::Active
                    && page.view_of(call).state != CallState::Ended
                {
                    let patient =
                        flow == "ring reliably" || (flow.starts_with("call") && status < 200);
                    assert!(
                        patient,
                        "{flow} × {status} × {twist}: {:?}",
                        page.view_of(call).state
                    );
                    page.command(Command::HangUp(call));
                }
                settled(&mut page, call, &format!("{flow} × {status} × {twist}"));
                cells += 1;
            }
        }
    }
    assert_eq!(cells, FLOWS.len() * STATUSES.len() * TWISTS.len());
}

#[test]
fn silence_nonsense_and_a_lost_flow_at_every_point_end_in_a_word() {
    let nonsense = NONSENSE;
    for (flow, method) in FLOWS {
        for fault in ["silence", "nonsense", "cut"] {
            let (mut page, call) = begin(flow);
            if fault == "cut" {
                page.cut();
            }
            live(&mut page, 75, &method, &|_| match fault {
                "nonsense" => nonsense.iter().map(|n| n.to_vec()).collect(),
                _ => Vec::new(),
            });
            if !matches!(
                page.view_of(call).state,
                CallState::Active | CallState::Ended
            ) {
                assert_eq!(flow, "ring reliably", "{fault}");
                page.command(Command::HangUp(call));
            }
            settled(&mut page, call, &format!("{flow} × {fault}"));
        }
    }
}

/// Faults that leave the status as it is.
pub const STRANGE: [&str; 10] = [
    "no description",
    "number of another",
    "method of another",
    "another call",
    "another branch",
    "another from tag",
    "no via",
    "truncated",
    "huge body",
    "retry after an age",
];

pub fn strange(request: &Request, status: u16, fault: &str) -> Vec<u8> {
    let mut response = Response::for_request(request, status, "")
        .with_to_tag("fault")
        .with(
            HeaderName::Contact,
            format!("<{};transport=ws>", request.uri),
        );
    if fault != "no description" {
        response = response.with_body("application/sdp", sdp("fault", "sendrecv"));
    }
    let headers = &mut response.headers;
    let number = request.headers.cseq().unwrap().number;
    match fault {
        "number of another" => {
            headers.set(
                HeaderName::CSeq,
                format!("{} {}", number + 7, request.method),
            );
        }
        "method of another" => headers.set(HeaderName::CSeq, format!("{number} OPTIONS")),
        "another call" => headers.set(HeaderName::CallId, "another"),
        "another branch" => {
            headers.replace_first_value(HeaderName::Via, "SIP/2.0/WSS a;branch=z9hG4bKno")
        }
        "another from tag" => {
            let from = request.headers.from().unwrap().with_tag("another");
            headers.set(HeaderName::From, from.to_string());
        }
        "no via" => drop(headers.remove(HeaderName::Via)),
        "huge body" => response = response.with_body("application/sdp", vec![b'x'; 200_000]),
        "retry after an age" => headers.set(HeaderName::RetryAfter, "4294967295"),
        _ => {}
    }
    let mut bytes = response.to_bytes();
    if fault == "truncated" {
        bytes.truncate(bytes.len() * 2 / 3);
    }
    bytes
}

#[test]
fn answers_that_belong_to_nothing_or_are_cut_off_leave_no_call_stuck() {
    for (flow, method) in FLOWS {
        for status in [180, 183, 200, 202, 302, 403, 422, 481, 491, 503] {
            for fault in STRANGE {
                let (mut page, call) = begin(flow);
                live(&mut page, 75, &method, &|request| {
                    vec![strange(request, status, fault)]
                });
                let what = format!("{flow} × {status} × {fault}");
                let state = page.view_of(call).state;
                if !matches!(state, CallState::Active | CallState::Ended) {
                    let patient =
                        flow == "ring reliably" || (flow.starts_with("call") && status < 200);
                    assert!(patient, "{what}: {state:?}");
                    page.command(Command::HangUp(call));
                }
                settled(&mut page, call, &what);
            }
        }
    }
}

/// Other requests than those that are waited for, by everybody's name and nobody's.
#[test]
fn what_nobody_asked_for_leaves_no_call_stuck() {
    for (flow, method) in FLOWS {
        for other in [
            "INVITE",
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
            "DANCE",
        ] {
            let (mut page, call) = begin(flow);
            live(&mut page, 75, &method, &|asked| {
                let request = unasked(asked, other);
                let good = Response::for_request(asked, 200, "").with_to_tag("fault");
                let good = good.with(HeaderName::Contact, "<sip:f@f.invalid>");
                let good = good.with_body("application/sdp", sdp("fault", "sendrecv"));
                let early = request.to_bytes();
                vec![early.clone(), good.to_bytes(), early]
            });
            let what = format!("{flow} × unasked {other}");
            if !matches!(
                page.view_of(call).state,
                CallState::Active | CallState::Ended
            ) {
                assert_eq!(flow, "ring reliably", "{what}");
                page.command(Command::HangUp(call));
            }
            let strangers: Vec<_> = page.agent.calls.iter().map(|c| c.id).collect();
            for id in strangers.into_iter().filter(|id| *id != call) {
                page.command(Command::HangUp(id));
                page.command(Command::Reject(id));
            }
            settled(&mut page, call, &what);
        }
    }
}

#[test]
fn who_challenges_for_ever_is_not_answered_for_ever() {
    use std::cell::Cell;
    for (flow, method) in FLOWS {
        for turn in ["401", "407", "in turn", "in turn, stale"] {
            let (mut page, call) = begin(flow);
            let sent: Vec<_> = page.sent.drain(..).collect();
            page.command(Command::Login(crate::auth::Login::with_password(
                "1001", "x",
            )));
            page.sent.extend(sent);
            let asked = Cell::new(0_u32);
            live(&mut page, 75, &method, &|request| {
                asked.set(asked.get() + 1);
                let proxy = match turn {
                    "401" => false,
                    "407" => true,
                    _ => asked.get().is_multiple_of(2),
                };
                let (status, name) = match proxy {
                    true => (407, HeaderName::ProxyAuthenticate),
                    false => (401, HeaderName::WwwAuthenticate),
                };
                let stale = if turn.ends_with("stale") {
                    ", stale=true"
                } else {
                    ""
                };
                let text = format!(
                    "Digest realm=\"wakeline.test\", nonce=\"n{}\", qop=\"auth\"{stale}",
                    asked.get()
                );
                vec![
                    Response::for_request(request, status, "")
                        .with(name, text)
                        .to_bytes(),
                ]
            });
            let what = format!("{flow} × challenged {turn}");
            assert!(asked.get() < 40, "{what}: asked {} times", asked.get());
            if !matches!(
                page.view_of(call).state,
                CallState::Active | CallState::Ended
            ) {
                assert_eq!(flow, "ring reliably", "{what}");
                page.command(Command::HangUp(call));
            }
            settled(&mut page, call, &what);
        }
    }
}

#[test]
fn whatever_a_registrar_answers_the_page_knows_where_it_stands() {
    for status in STATUSES {
        for twist in TWISTS {
            let mut page = Page::with(config("1001"), 9);
            page.command(Command::Start);
            page.connected();
            for _ in 0..60 {
                while let Some(frame) = page.sent.pop_front() {
                    if let Ok(Message::Request(request)) = Message::parse(&frame, &Limits::DEFAULT)
                    {
                        for frame in answer(&request, status, twist) {
                            page.input(Input::Frame(FlowId::FIRST, &frame));
                        }
                    }
                }
                page.pass(Duration::from_secs(2));
                if page.connecting {
                    page.connected();
                }
            }
            let what = format!("{status} × {twist}");
            match page.registration() {
                Registration::Registered => assert!((200..300).contains(&status), "{what}"),
                Registration::Refused { status: said, .. } => assert_eq!(said, status, "{what}"),
                // It goes on trying.
                _ => assert!(page.deadline.is_some() || page.connecting, "{what}"),
            }
        }
    }
}
