//! Calls between two agents with an edge between them, and against a scripted edge.

use super::net::{Page, forwarded, returned, stranger};
use crate::agent::{
    CallState, Command, Event, FlowId, Input, MediaReply, MediaRequest, Outcome, Stage,
};
use crate::time::Duration;
use crate::wire::{HeaderName, Message, Method, Request, Response};

/// Relays everything between caller and callee until both are quiet, as an edge does. Its own Via has one branch for
/// each request that it forwards.
pub struct Edge {
    pub caller: Page,
    pub callee: Page,
    forks: usize,
}

impl Edge {
    pub fn new() -> Self {
        Self {
            caller: Page::registered("1001", 1),
            callee: Page::registered("1002", 2),
            forks: 0,
        }
    }

    pub fn relay(&mut self) {
        for _ in 0..100 {
            let quiet = self.caller.silent() && self.callee.silent();
            if quiet {
                return;
            }
            if !self.caller.silent() {
                let message = self.caller.message();
                pass(message, &mut self.callee, &mut self.forks);
            }
            if !self.callee.silent() {
                let message = self.callee.message();
                pass(message, &mut self.caller, &mut self.forks);
            }
        }
        panic!("they never stop");
    }

    pub fn pass_time(&mut self, span: Duration) {
        self.caller.pass(span);
        self.callee.pass(span);
        self.caller.sent.retain(|f| f != b"\r\n\r\n");
        self.callee.sent.retain(|f| f != b"\r\n\r\n");
    }

    pub fn talking(&mut self) {
        self.caller.call("1002");
        self.relay();
        self.callee.command(Command::Alert(self.callee.incoming()));
        self.relay();
        self.callee.command(Command::Answer(self.callee.incoming()));
        self.relay();
        assert_eq!(
            (self.caller.state(), self.callee.state()),
            (CallState::Active, CallState::Active)
        );
    }
}

fn pass(message: Message, to: &mut Page, forks: &mut usize) {
    match message {
        Message::Request(mut request) => {
            // An ACK of a failure and a CANCEL belong to the hop of their INVITE.
            let via = request.headers.top_via().unwrap();
            let branch = match request.method {
                Method::Ack if request.headers.has(HeaderName::Route) => {
                    *forks += 1;
                    format!("e{forks}")
                }
                _ => via.branch().unwrap().to_owned(),
            };
            request.headers.remove(HeaderName::Route);
            to.frame(forwarded(&request, &branch));
        }
        Message::Response(response) => to.frame(returned(&response)),
    }
}

#[test]
fn a_call_rings_is_answered_and_hung_up() {
    let mut edge = Edge::new();
    edge.caller.call("1002");
    assert_eq!(edge.caller.state(), CallState::Calling);
    edge.relay();
    assert_eq!(edge.callee.state(), CallState::Incoming);
    assert_eq!(edge.callee.view().remote.number.expose(), "1001");
    assert_eq!(
        edge.callee.view().remote.display_name.expose(),
        "Name of 1001"
    );
    assert_eq!(edge.callee.view().wake.as_deref(), Some("wake1"));
    assert_eq!(
        edge.caller.state(),
        CallState::Calling,
        "no 180 before the screen is up"
    );

    edge.callee.command(Command::Alert(edge.callee.incoming()));
    edge.relay();
    assert_eq!(edge.caller.state(), CallState::Ringing);
    edge.callee.command(Command::Answer(edge.callee.incoming()));
    edge.relay();
    assert_eq!(
        (edge.caller.state(), edge.callee.state()),
        (CallState::Active, CallState::Active)
    );
    assert!(edge.caller.view().answered_at.is_some());
    edge.pass_time(Duration::from_secs(5));
    edge.relay();
    assert!(
        edge.callee.silent(),
        "an acknowledged 200 is not sent again"
    );

    let call = edge.callee.incoming();
    edge.callee.command(Command::HangUp(call));
    edge.relay();
    assert_eq!(
        (edge.caller.outcome(), edge.callee.outcome()),
        (Outcome::HungUp, Outcome::HungUp)
    );
    for page in [&edge.caller, &edge.callee] {
        assert_eq!(
            page.media.last().map(|(_, m)| m),
            Some(&MediaRequest::Release),
            "the microphone is let go"
        );
    }
}

#[test]
fn an_invite_is_answered_by_100_at_once_so_that_a_loading_page_shows_life() {
    let mut page = Page::registered("1002", 2);
    page.frame(stranger());
    let first = page.sent.pop_front().unwrap();
    assert!(first.starts_with(b"SIP/2.0 100 "));
    assert!(page.silent(), "180 only when the screen is up");
}

#[test]
fn a_decline_reaches_the_caller_as_one() {
    let mut edge = Edge::new();
    edge.caller.call("1002");
    edge.relay();
    edge.callee.command(Command::Reject(edge.callee.incoming()));
    edge.relay();
    assert_eq!(
        (edge.caller.outcome(), edge.callee.outcome()),
        (Outcome::Declined, Outcome::Declined)
    );
    assert_eq!(edge.caller.view().end.as_ref().unwrap().status, 603);
}

#[test]
fn a_caller_who_gives_up_while_it_rings_cancels() {
    let mut edge = Edge::new();
    let call = edge.caller.call("1002");
    edge.relay();
    edge.callee.command(Command::Alert(edge.callee.incoming()));
    edge.relay();
    edge.caller.command(Command::HangUp(call));
    assert_eq!(edge.caller.state(), CallState::Ended);
    edge.relay();
    assert_eq!(
        (edge.caller.outcome(), edge.callee.outcome()),
        (Outcome::Cancelled, Outcome::Cancelled)
    );
    edge.pass_time(Duration::from_secs(60));
    assert!(edge.caller.silent() && edge.callee.silent());
}

#[test]
fn a_caller_who_gives_up_before_anything_came_back_cancels_with_the_first_word() {
    let mut page = Page::registered("1001", 1);
    let call = page.call("1002");
    let invite = page.request(Method::Invite);
    page.command(Command::HangUp(call));
    assert!(page.silent(), "nothing to cancel yet");
    page.frame(Response::for_request(&invite, 100, ""));
    let cancel = page.request(Method::Cancel);
    assert_eq!(
        cancel.headers.top_via().unwrap().branch(),
        invite.headers.top_via().unwrap().branch()
    );
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut edge = Edge::new();
    let call = edge.caller.call("1002");
    let invite = edge.caller.request(Method::Invite);
    edge.callee.frame(forwarded(&invite, "x"));
    edge.callee.command(Command::Alert(edge.callee.incoming()));
    edge.caller.frame(returned(&edge.callee.response(180)));
    edge.callee.command(Command::Answer(edge.callee.incoming()));
    let ok = returned(&edge.callee.response(200));
    edge.caller.command(Command::HangUp(call));
    edge.caller.request(Method::Cancel);
    edge.caller.frame(ok.clone());
    edge.caller.request(Method::Ack);
    edge.caller.request(Method::Bye);
    edge.caller.frame(ok);
    edge.caller.request(Method::Ack);
    assert!(
        edge.caller.silent(),
        "a 200 again is acknowledged again, and ended once"
    );
}

#[test]
fn the_stages_of_a_wake_are_told_as_they_come() {
    let mut page = Page::registered("1001", 1);
    page.call("1002");
    let invite = page.request(Method::Invite);
    page.frame(Response::for_request(&invite, 100, ""));
    assert_eq!(page.state(), CallState::Calling);
    for (word, state, stage) in [
        ("Pushed", "pushed", Stage::Pushed),
        ("Shown", "shown", Stage::Shown),
        ("Opened", "opened", Stage::Opened),
    ] {
        let queued = Response::for_request(&invite, 182, word)
            .with("Wakeline-Wake", format!("w9;state={state}"));
        page.frame(queued);
        assert_eq!(
            (page.state(), page.view().stage),
            (CallState::Waking, Some(stage))
        );
        assert_eq!(page.view().wake.as_deref(), Some("w9"));
    }
    page.frame(Response::for_request(&invite, 180, "").with_to_tag("a"));
    assert_eq!(
        (page.state(), page.view().stage),
        (CallState::Ringing, None)
    );
    let refused = Response::for_request(&invite, 480, "")
        .with_to_tag("b")
        .with("Wakeline-Wake", "w9;state=unanswered")
        .with(
            HeaderName::Reason,
            r#"SIP;cause=480;text="nobody answered""#,
        );
    page.frame(refused);
    page.request(Method::Ack);
    assert_eq!(page.outcome(), Outcome::Unanswered);
    assert_eq!(page.view().end.as_ref().unwrap().reason, "nobody answered");
}

#[test]
fn each_final_answer_has_its_word() {
    for (status, state, outcome) in [
        (404, None, Outcome::Unknown),
        (404, Some("failed"), Outcome::Unknown),
        (486, None, Outcome::Busy),
        (603, None, Outcome::Declined),
        (480, Some("unbound"), Outcome::Unbound),
        (480, Some("expired"), Outcome::Expired),
        (480, Some("unreachable"), Outcome::Unreachable),
        (480, None, Outcome::Unreachable),
        // This page did not take it back.
        (487, None, Outcome::Lost),
        (487, Some("cancelled"), Outcome::Lost),
        (429, None, Outcome::Limited(0)),
        (503, Some("failed"), Outcome::Failed),
        (500, None, Outcome::Failed),
    ] {
        let mut page = Page::registered("1001", 1);
        page.call("1002");
        let invite = page.request(Method::Invite);
        let mut refusal = Response::for_request(&invite, status, "").with_to_tag("t");
        if let Some(state) = state {
            refusal = refusal.with("Wakeline-Wake", format!("w;state={state}"));
        }
        page.frame(refusal);
        page.request(Method::Ack);
        assert_eq!(page.outcome(), outcome, "{status} {state:?}");
    }
}

#[test]
fn an_expired_wake_says_why() {
    for (why, outcome) in [
        ("unopened", Outcome::Expired),
        ("refused", Outcome::Refused),
        ("unregistered", Outcome::Unregistered),
        ("unready", Outcome::Unready),
        ("unrung", Outcome::Unrung),
        ("something of a later edge", Outcome::Expired),
    ] {
        let mut page = Page::registered("1001", 1);
        page.call("1002");
        let invite = page.request(Method::Invite);
        let refusal = Response::for_request(&invite, 480, "")
            .with_to_tag("t")
            .with("Wakeline-Wake", "w;state=expired")
            .with("Wakeline-Why", why);
        page.frame(refusal);
        page.request(Method::Ack);
        assert_eq!(page.outcome(), outcome, "{why}");
    }
}

#[test]
fn two_branches_that_answer_leave_one_call() {
    let mut page = Page::registered("1001", 1);
    page.call("1002");
    let invite = page.request(Method::Invite);
    let answer = |tag: &str| {
        Response::for_request(&invite, 200, "")
            .with_to_tag(tag)
            .with(HeaderName::Contact, "<sip:x@y.invalid;transport=ws>")
            .with_body("application/sdp", "v=0")
    };
    page.frame(answer("one"));
    page.request(Method::Ack);
    assert_eq!(page.state(), CallState::Active);
    page.frame(answer("two"));
    let ack = page.request(Method::Ack);
    assert_eq!(ack.headers.to().unwrap().tag(), Some("two"));
    let bye = page.request(Method::Bye);
    assert_eq!(bye.headers.to().unwrap().tag(), Some("two"));
    assert_eq!(page.state(), CallState::Active);
}

#[test]
fn a_cancel_says_why() {
    for (reason, outcome) in [
        (
            r#"SIP;cause=200;text="Call completed elsewhere""#,
            Outcome::Elsewhere,
        ),
        ("SIP;cause=603", Outcome::Declined),
        ("SIP;cause=480", Outcome::Unanswered),
        ("SIP;cause=487", Outcome::Cancelled),
        ("Q.850;cause=16", Outcome::Cancelled),
    ] {
        let mut page = Page::registered("1002", 2);
        let invite = stranger();
        page.frame(invite.clone());
        page.frame(invite.cancel().with(HeaderName::Reason, reason));
        page.response(200);
        page.response(487);
        assert_eq!(page.outcome(), outcome, "{reason}");
        page.frame(invite.ack_failure(&Response::for_request(&invite, 487, "")));
        page.pass(Duration::from_secs(24));
        assert!(page.silent());
    }
}

#[test]
fn a_cancel_that_comes_too_late_changes_nothing() {
    let mut page = Page::registered("1002", 2);
    let invite = stranger();
    page.frame(invite.clone());
    page.command(Command::Answer(page.incoming()));
    page.response(200);
    page.frame(invite.cancel());
    page.response(200);
    assert_eq!(page.state(), CallState::Connecting);
    let mut nothing = invite.cancel();
    nothing
        .headers
        .replace_first_value("Via", "SIP/2.0/WSS e;branch=z9hG4bKnone");
    page.frame(nothing);
    page.response(481);
}

#[test]
fn an_answer_without_an_ack_is_repeated_and_then_given_up() {
    let mut page = Page::registered("1002", 2);
    page.frame(stranger());
    page.command(Command::Answer(page.incoming()));
    page.response(200);
    page.pass(Duration::from_millis(1600));
    page.response(200);
    page.response(200);
    for _ in 0..8 {
        page.pass(Duration::from_secs(4));
        page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
    }
    assert_eq!(page.outcome(), Outcome::Failed);
}

#[test]
fn whoever_calls_during_a_call_hears_that_we_are_busy_if_the_site_says_so() {
    let mut edge = Edge::new();
    edge.talking();
    let mut invite = stranger();
    invite.headers.set("Wakeline-Call-Waiting", "off");
    edge.callee.frame(invite);
    edge.callee.response(486);
    assert_eq!(edge.callee.state(), CallState::Active);
}

#[test]
fn a_reinvite_is_answered_in_the_same_session_one_at_a_time() {
    let mut edge = Edge::new();
    edge.talking();
    let ok = last_answer(&mut edge);
    let reinvite = |cseq: u32, branch: &str| in_dialog(&ok, Method::Invite, cseq, branch);
    edge.callee.microphone = false;
    edge.callee.frame(reinvite(20_001, "r1"));
    edge.callee.frame(reinvite(20_002, "r2"));
    edge.callee.response(500);
    let call = edge.callee.incoming();
    assert!(matches!(
        edge.callee.media.last(),
        Some((_, MediaRequest::CreateAnswer { .. }))
    ));
    edge.callee.input(Input::Media(
        call,
        MediaReply::Local(crate::pii::Pii(b"v=0 two".to_vec())),
    ));
    let answer = edge.callee.response(200);
    assert_eq!(answer.body, b"v=0 two");
    edge.callee.frame(in_dialog(&ok, Method::Ack, 20_001, "r3"));
    assert_eq!(edge.callee.state(), CallState::Active);
    edge.callee.pass(Duration::from_secs(2));
    assert!(edge.callee.silent());
}

#[test]
fn a_bye_with_a_reason_tells_of_another_device() {
    let mut edge = Edge::new();
    edge.talking();
    let ok = last_answer(&mut edge);
    let bye = in_dialog(&ok, Method::Bye, 20_000, "b").with(
        HeaderName::Reason,
        r#"SIP;cause=200;text="Call completed elsewhere""#,
    );
    edge.callee.frame(bye.clone());
    edge.callee.response(200);
    assert_eq!(edge.callee.outcome(), Outcome::Elsewhere);
    edge.callee.frame(bye);
    edge.callee.response(481);
}

#[test]
fn an_answered_call_outlives_its_flow_and_is_ended_on_the_next_one() {
    let mut edge = Edge::new();
    edge.talking();
    let call = edge.callee.incoming();
    edge.callee.cut();
    assert_eq!(edge.callee.state(), CallState::Active);
    edge.callee.command(Command::HangUp(call));
    assert_eq!(edge.callee.outcome(), Outcome::HungUp);
    edge.callee.pass(Duration::from_secs(1));
    edge.callee.connected();
    edge.callee.accept_register(600);
    edge.callee.request(Method::Bye);
}

#[test]
fn a_call_without_a_registration_waits_for_one_and_not_for_ever() {
    let mut page = Page::registered("1001", 1);
    page.cut();
    page.call("1002");
    assert!(page.connecting, "a call is a reason to hurry");
    page.connected();
    page.accept_register(600);
    page.request(Method::Invite);

    let mut page = Page::registered("1001", 1);
    page.cut();
    page.call("1002");
    page.pass(Duration::from_secs(11));
    assert_eq!(page.outcome(), Outcome::Failed);
}

#[test]
fn a_refused_microphone_ends_a_call_out_but_leaves_a_call_in_ringing() {
    let mut page = Page::registered("1001", 1);
    page.microphone = false;
    let call = page.call("1002");
    page.input(Input::Media(call, MediaReply::Failed));
    assert_eq!(page.outcome(), Outcome::Failed);
    assert!(page.silent());

    page.frame(stranger());
    let call = page.incoming();
    page.command(Command::Answer(call));
    page.input(Input::Media(call, MediaReply::Failed));
    assert!(page.events.contains(&Event::AnswerFailed(call)));
    assert_eq!(page.state(), CallState::Incoming);
    page.microphone = true;
    page.command(Command::Answer(call));
    page.response(200);
}

#[test]
fn an_extension_that_is_insisted_on_is_refused_by_name() {
    let mut page = Page::registered("1002", 2);
    page.frame(stranger().with(HeaderName::Require, "precondition, path"));
    let refusal = page.response(420);
    assert_eq!(
        refusal.headers.get(HeaderName::Unsupported),
        Some("precondition")
    );
    assert_eq!(page.rings(), 0);
}

/// The 200 of the callee, as the caller's side saw it.
pub fn last_answer(edge: &mut Edge) -> (String, String, String) {
    let remote = edge.callee.agent.calls[0].dialog.as_ref().unwrap().clone();
    (
        remote.id().call_id.clone(),
        remote.local().to_string(),
        remote.remote().to_string(),
    )
}

/// A request of the caller inside of the callee's dialog.
pub fn in_dialog(
    (call_id, to, from): &(String, String, String),
    method: Method,
    cseq: u32,
    branch: &str,
) -> Request {
    let mut request = stranger();
    request.headers.set(HeaderName::CallId, call_id.as_str());
    request.headers.set(HeaderName::To, to.as_str());
    request.headers.set(HeaderName::From, from.as_str());
    request
        .headers
        .set(HeaderName::CSeq, format!("{cseq} {method}"));
    request.headers.replace_first_value(
        "Via",
        format!("SIP/2.0/WSS edge.invalid;branch=z9hG4bK{branch}"),
    );
    request.method = method;
    request
}

#[test]
fn an_invite_that_makes_no_dialog_is_refused_and_shown_to_nobody() {
    for (name, value) in [
        (HeaderName::RecordRoute, "<si :p:edge.wakeline.test;lr>"),
        (HeaderName::Contact, "<sip:b@far.invalid> nonsense"),
    ] {
        let mut page = Page::registered("1002", 2);
        let mut invite = stranger();
        invite.headers.set(name, value);
        page.frame(invite);
        page.response(400);
        assert!(page.events.is_empty(), "no call, no end: {:?}", page.events);
    }
}

#[test]
fn what_an_invite_requires_or_takes_is_asked_before_it_rings() {
    for (name, value, status) in [
        ("Require", "sec-agree", 420),
        ("Accept", "text/plain", 406),
        ("Accept", "text/plain, application/*;q=0.1", 0),
        ("Accept", "*/*", 0),
        ("Content-Type", "text/plain", 415),
    ] {
        let mut page = Page::registered("1002", 2);
        page.frame(stranger_with(name, value));
        if status == 0 {
            assert_eq!(page.rings(), 1, "{value}");
        } else {
            let refused = page.response(status);
            assert!(refused.headers.to().unwrap().tag().is_some());
            assert_eq!(page.rings(), 0, "{value}");
        }
    }
}

fn stranger_with(name: &str, value: &str) -> crate::wire::Request {
    let mut invite = stranger();
    invite.headers.set(name, value);
    invite
}
