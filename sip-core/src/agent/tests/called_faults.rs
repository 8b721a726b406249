//! The table of flow × fault from the other side: whatever comes to a page that is called, at whatever point, is answered once or is
//! none, and the call goes on or ends with a word.

use std::collections::HashMap;

use super::bends::bent;
use super::net::{Page, config, forwarded, granted, sdp};
use crate::agent::{CallId, CallState, Command};
use crate::time::Duration;
use crate::wire::{HeaderName, Limits, Message, Method, Request, Response};

/// How far the call has come when the request arrives.
const STAGES: [&str; 8] = [
    "not shown yet",
    "rings",
    "rings reliably",
    "waits for the microphone",
    "answered",
    "answered with an offer",
    "talks",
    "is transferred",
];

const METHODS: [&str; 15] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "UPDATE",
    "PRACK",
    "INFO",
    "REFER",
    "NOTIFY",
    "MESSAGE",
    "SUBSCRIBE",
    "PUBLISH",
    "REGISTER",
    "DANCE",
];

/// What is done to it.
const BENDS: [&str; 16] = [
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
    "empty description",
    "huge body",
    "requires the unheard-of",
    "no via",
    "truncated",
];

struct Called {
    page: Page,
    call: CallId,
    invite: Request,
    tag: String,
}

impl Called {
    fn begin(stage: &str) -> Self {
        let mut caller = Page::registered("1001", 77);
        caller.call("1002");
        let mut invite = forwarded(&caller.request(Method::Invite), "first");
        let mut page = Page::registered("1002", 2);
        page.microphone = stage != "waits for the microphone";
        if stage == "rings reliably" {
            invite.headers.set(HeaderName::Require, "100rel");
        }
        if stage == "answered with an offer" {
            invite.body.clear();
            invite.headers.remove(HeaderName::ContentType);
        }
        page.frame(invite.clone());
        let call = page.incoming();
        if stage != "not shown yet" {
            page.command(Command::Alert(call));
        }
        if !stage.starts_with("rings") && stage != "not shown yet" {
            page.command(Command::Answer(call));
        }
        let tag = page.sent.iter().rev().find_map(|frame| {
            let to = Message::parse(frame, &Limits::DEFAULT).ok()?;
            Some(to.headers().to().ok()?.tag()?.to_owned())
        });
        let mut called = Self {
            page,
            call,
            invite,
            tag: tag.unwrap_or_default(),
        };
        if matches!(stage, "talks" | "is transferred") {
            let ack = called.request("ACK");
            called.page.frame(ack);
            assert_eq!(called.page.state(), CallState::Active);
        }
        if stage == "is transferred" {
            let refer = called.request("REFER");
            called.page.sent.clear();
            called.page.frame(refer);
            called.page.response(202);
        }
        called
    }

    /// A request of the caller, right as far as it can be.
    fn request(&self, method: &str) -> Request {
        let mut request = self.invite.clone();
        request.method = method.parse().unwrap();
        let number = self.invite.headers.cseq().unwrap().number;
        let same = matches!(method, "ACK" | "CANCEL");
        let number = if same { number } else { number + 10 };
        let headers = &mut request.headers;
        headers.set(HeaderName::CSeq, format!("{number} {method}"));
        if method != "CANCEL" {
            if !self.tag.is_empty() {
                let to = headers.to().unwrap().with_tag(&self.tag);
                headers.set(HeaderName::To, to.to_string());
            }
            let via = format!("SIP/2.0/WSS edge.invalid;branch=z9hG4bKin{method}");
            headers.replace_first_value(HeaderName::Via, via.as_str());
        }
        headers.remove(HeaderName::Require);
        match method {
            "INVITE" | "UPDATE" => {
                return request.with_body("application/sdp", sdp("x", "sendrecv"));
            }
            "REFER" => headers.set(HeaderName::ReferTo, "<sip:1003@wakeline.test>"),
            "PRACK" => headers.set(HeaderName::RAck, "1 1 INVITE"),
            "SUBSCRIBE" | "PUBLISH" => headers.set(HeaderName::Event, "dialog"),
            "NOTIFY" => {
                headers.set(HeaderName::Event, "refer");
                headers.set(HeaderName::SubscriptionState, "active");
            }
            "INFO" => return request.with_body("application/dtmf-relay", "Signal=1\r\n"),
            "MESSAGE" => return request.with_body("text/plain", "hello"),
            _ => {}
        }
        request.body.clear();
        request.headers.remove(HeaderName::ContentType);
        request
    }
}

/// Time goes by, the other side takes whatever this page asks; what was answered to each branch, finally.
fn live(page: &mut Page, answers: &mut HashMap<String, Vec<u16>>) {
    for second in 0..45 {
        for _ in 0..50 {
            let Some(frame) = page.sent.pop_front() else {
                break;
            };
            match Message::parse(&frame, &Limits::DEFAULT) {
                Ok(Message::Response(response)) if response.status >= 200 => {
                    let via = response.headers.top_via();
                    let branch = via.ok().and_then(|via| via.branch().map(str::to_owned));
                    let method = response.headers.cseq().map(|c| c.method.to_string());
                    let key = format!(
                        "{} {}",
                        branch.unwrap_or_default(),
                        method.unwrap_or_default()
                    );
                    answers.entry(key).or_default().push(response.status);
                }
                Ok(Message::Request(request)) => {
                    let response = match request.method {
                        Method::Ack => continue,
                        Method::Register => granted(&request, 600),
                        Method::Invite => Response::for_request(&request, 486, ""),
                        _ => Response::for_request(&request, 200, ""),
                    };
                    page.frame(response);
                }
                _ => {}
            }
        }
        page.pass(Duration::from_secs(if second < 5 { 1 } else { 4 }));
        if page.connecting {
            page.connected();
        }
        page.input(crate::agent::Input::Frame(
            crate::agent::FlowId::FIRST,
            b"\r\n",
        ));
    }
}

/// Nothing moves by itself any more: it waits for its user, talks, or is over with a word. And its user can end it.
fn settled(called: &mut Called, stage: &str, answers: &mut HashMap<String, Vec<u16>>, what: &str) {
    let view = called.page.view_of(called.call).clone();
    match view.state {
        CallState::Ended => assert!(view.end.is_some(), "{what}: an end without a word"),
        CallState::Active => {
            let found = called.page.agent.calls.iter().find(|c| c.id == called.call);
            assert!(
                !found.unwrap().modify.is_busy(),
                "{what}: a change is stuck"
            );
        }
        CallState::Incoming => assert!(
            stage.contains("rings") || stage == "not shown yet",
            "{what}"
        ),
        state => assert_eq!(
            stage, "waits for the microphone",
            "{what}: stuck in {state:?}"
        ),
    }
    let left: Vec<_> = called.page.agent.calls.iter().map(|c| c.id).collect();
    for call in left {
        called.page.command(Command::HangUp(call));
        called.page.command(Command::Reject(call));
    }
    live(&mut called.page, answers);
    assert!(
        called.page.agent.calls.is_empty(),
        "{what}: something is left"
    );
    let next = called.page.call("1005");
    assert_ne!(called.page.view_of(next).state, CallState::Ended, "{what}");
}

#[test]
fn whatever_comes_to_a_called_page_is_answered_once_and_leaves_no_call_stuck() {
    let (mut cells, mut wrong) = (0, Vec::new());
    for stage in STAGES {
        for method in METHODS {
            for bend in BENDS {
                let what = format!("{stage} × {method} × {bend}");
                let mut called = Called::begin(stage);
                let request = called.request(method);
                let via = request.headers.top_via().unwrap();
                let key = format!("{} {method}", via.branch().unwrap());
                for frame in bent(request, bend) {
                    called.page.input(crate::agent::Input::Frame(
                        crate::agent::FlowId::FIRST,
                        &frame,
                    ));
                }
                let mut answers = HashMap::new();
                live(&mut called.page, &mut answers);
                settled(&mut called, stage, &mut answers, &what);
                let said = answers.get(&key).cloned().unwrap_or_default();
                let readable = !matches!(
                    bend,
                    "no via" | "truncated" | "huge body" | "number of another method"
                );
                // No transaction outlives its answer here: a socket repeats nothing (RFC 3261 §17.2.2, Timer J).
                let most = if bend == "twice" { 2 } else { 1 };
                let right = match method {
                    "ACK" => said.is_empty(),
                    // A 200 is said until its ACK.
                    "INVITE" if said.iter().all(|status| *status == 200) => {
                        !readable || !said.is_empty()
                    }
                    _ => said.len() <= most && (!readable || !said.is_empty()),
                };
                if !right {
                    wrong.push(format!("{what}: {said:?}"));
                }
                cells += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(cells, STAGES.len() * METHODS.len() * BENDS.len());
}

#[test]
fn silence_and_a_lost_flow_leave_no_called_page_stuck() {
    for stage in STAGES {
        for fault in ["silence", "cut"] {
            let mut called = Called::begin(stage);
            if fault == "cut" {
                called.page.cut();
            }
            let mut answers = HashMap::new();
            live(&mut called.page, &mut answers);
            settled(
                &mut called,
                stage,
                &mut answers,
                &format!("{stage} × {fault}"),
            );
        }
    }
}

/// Whoever challenges for ever is not obeyed for ever, at the registration either.
#[test]
fn a_registrar_that_challenges_for_ever_is_left_with_a_word() {
    for stale in ["", ", stale=true"] {
        let mut config = config("1001");
        config.token = None;
        config.login = Some(crate::auth::Login::with_password("1001", "secret"));
        let mut page = Page::with(config, 9);
        page.command(Command::Start);
        page.connected();
        let mut asked = 0;
        for nonce in 0..120 {
            while let Some(frame) = page.sent.pop_front() {
                let Ok(Message::Request(request)) = Message::parse(&frame, &Limits::DEFAULT) else {
                    continue;
                };
                asked += 1;
                let challenge = format!(
                    "Digest realm=\"wakeline.test\", nonce=\"n{nonce}-{asked}\", qop=\"auth\"{stale}"
                );
                let refusal = Response::for_request(&request, 401, "");
                page.frame(refusal.with(HeaderName::WwwAuthenticate, challenge));
                assert!(asked < 200, "hammered{stale}");
            }
            page.pass(Duration::from_secs(1));
            if page.connecting {
                page.connected();
            }
        }
        assert!(
            matches!(
                page.registration(),
                crate::agent::Registration::Refused { status: 401, .. }
            ),
            "{stale}: {:?} after {asked}",
            page.registration()
        );
    }
}
