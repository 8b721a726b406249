//! Sessions that change while they stand: hold and resume from both sides, glare, refresh, several calls.

use super::calls::{Edge, in_dialog, last_answer};
use super::net::{Page, granted, sdp, stranger};
use crate::agent::{
    CallId, CallState, Command, Event, FlowId, Input, MediaReply, MediaRequest, Outcome, Wish,
};
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Limits, Message, Method, Request, Response};

/// What was held at whom: (caller holds, caller is held, callee holds, callee is held).
fn holds(edge: &Edge) -> (bool, bool, bool, bool) {
    let (a, b) = (edge.caller.view(), edge.callee.view());
    (a.held, a.remote_held, b.held, b.remote_held)
}

fn ids(edge: &Edge) -> (CallId, CallId) {
    let Some(Event::Call(caller, _)) = edge.caller.events.last() else {
        panic!("no call")
    };
    (*caller, edge.callee.incoming())
}

#[test]
fn each_side_holds_and_resumes_and_the_other_is_told() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, callee) = ids(&edge);
    edge.caller.command(Command::Hold(caller, true));
    let invite = edge.caller.sent.back().unwrap();
    assert!(String::from_utf8_lossy(invite).contains("a=sendonly"));
    assert!(!edge.caller.view().held, "not before the other side agreed");
    edge.relay();
    assert_eq!(holds(&edge), (true, false, false, true));

    edge.callee.command(Command::Hold(callee, true));
    edge.relay();
    assert_eq!(holds(&edge), (true, true, true, true));
    edge.caller.command(Command::Hold(caller, false));
    edge.relay();
    assert_eq!(holds(&edge), (false, true, true, false));
    edge.callee.command(Command::Hold(callee, false));
    edge.relay();
    assert_eq!(holds(&edge), (false, false, false, false));
    assert_eq!(edge.caller.state(), CallState::Active);

    // Wanted twice, asked once.
    edge.caller.command(Command::Hold(caller, false));
    assert!(edge.caller.silent());
    edge.pass_time(Duration::from_secs(40));
    edge.relay();
}

#[test]
fn what_changes_a_session_asks_for_no_reliable_ringing() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, _) = ids(&edge);
    edge.caller.command(Command::Hold(caller, true));
    // No PRACK follows inside of a session: whoever sent a 183 reliably (RFC 3262 §3) would give the change up after 32 s.
    let invite = edge.caller.request(Method::Invite);
    let supported = |tag| invite.headers.has_token(HeaderName::Supported, tag);
    assert!(!supported("100rel") && supported("timer") && supported("replaces"));
}

#[test]
fn whoever_thinks_better_of_it_while_the_offer_is_under_way_gets_the_other_one_next() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, _) = ids(&edge);
    for on in [true, false] {
        edge.caller.command(Command::Hold(caller, on));
        edge.caller.command(Command::Hold(caller, !on));
        assert_eq!(edge.caller.sent.len(), 1, "one at a time");
        edge.relay();
        assert_eq!(holds(&edge), (!on, false, false, !on));
        edge.caller.command(Command::Hold(caller, on));
        edge.relay();
        assert_eq!(holds(&edge), (on, false, false, on));
    }
}

#[test]
fn whoever_thinks_better_of_it_is_told_of_no_refusal() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, _) = ids(&edge);
    edge.caller.command(Command::Hold(caller, true));
    let invite = edge.caller.request(Method::Invite);
    edge.caller.command(Command::Hold(caller, false));
    edge.caller.frame(Response::for_request(&invite, 488, ""));
    edge.caller.request(Method::Ack);
    let refused = |event: &Event| matches!(event, Event::Refused { .. });
    assert!(!edge.caller.events.iter().any(refused));
    assert!(!edge.caller.view().held && edge.caller.silent());
}

#[test]
fn two_offers_that_cross_are_both_taken_back_and_tried_again_apart() {
    for seed in 0..8 {
        let mut edge = Edge::new();
        edge.caller = Page::registered("1001", 100 + seed);
        edge.callee = Page::registered("1002", 200 + seed);
        edge.talking();
        let (caller, callee) = ids(&edge);
        edge.caller.command(Command::Hold(caller, true));
        edge.callee.command(Command::Hold(callee, true));
        edge.relay();
        assert_eq!(holds(&edge), (false, false, false, false));
        assert!(
            edge.caller
                .media
                .contains(&(caller, MediaRequest::Rollback))
        );
        // RFC 3261 §14.1: the side that did not make the Call-ID is the first, within two seconds.
        edge.pass_time(Duration::from_millis(2_000));
        edge.relay();
        assert_eq!(holds(&edge), (false, true, true, false), "seed {seed}");
        edge.pass_time(Duration::from_millis(2_000));
        edge.relay();
        assert_eq!(holds(&edge), (true, true, true, true), "seed {seed}");
    }
}

#[test]
fn a_change_that_is_refused_leaves_the_call_as_it_was_and_the_page_is_told() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, _) = ids(&edge);
    edge.caller.command(Command::Hold(caller, true));
    let invite = edge.caller.request(Method::Invite);
    edge.caller.frame(Response::for_request(&invite, 488, ""));
    edge.caller.request(Method::Ack);
    assert_eq!(
        edge.caller.events.last(),
        Some(&Event::Refused {
            call: caller,
            what: Wish::Hold,
            status: 488
        })
    );
    let media: Vec<_> = edge.caller.media.iter().rev().take(2).collect();
    assert_eq!(
        media,
        [
            &(caller, MediaRequest::Hold(false)),
            &(caller, MediaRequest::Rollback)
        ]
    );
    assert_eq!(edge.caller.state(), CallState::Active);
    assert!(!edge.caller.view().held);
}

#[test]
fn a_change_that_the_other_side_knows_no_dialog_for_ends_the_call() {
    for (status, outcome) in [(481, Outcome::HungUp), (408, Outcome::Failed)] {
        let mut edge = Edge::new();
        edge.talking();
        let (caller, _) = ids(&edge);
        edge.caller.command(Command::Hold(caller, true));
        let invite = edge.caller.request(Method::Invite);
        edge.caller
            .frame(Response::for_request(&invite, status, ""));
        assert_eq!(edge.caller.outcome(), outcome);
    }
}

#[test]
fn a_change_without_any_answer_ends_the_call() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, _) = ids(&edge);
    edge.caller.command(Command::Hold(caller, true));
    edge.caller.request(Method::Invite);
    for _ in 0..33 {
        edge.caller.pass(Duration::from_secs(1));
        edge.caller.input(Input::Frame(FlowId::FIRST, b"\r\n"));
    }
    assert_eq!(edge.caller.outcome(), Outcome::Failed);
    edge.caller.sent.retain(|f| f != b"\r\n\r\n");
    edge.caller.request(Method::Bye);
}

#[test]
fn a_repeated_2xx_of_a_change_is_acknowledged_again() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, _) = ids(&edge);
    edge.caller.command(Command::Hold(caller, true));
    let invite = edge.caller.request(Method::Invite);
    let ok = Response::for_request(&invite, 200, "")
        .with(HeaderName::Contact, "<sip:there@b.invalid;transport=ws>")
        .with_body("application/sdp", sdp("x", "recvonly"));
    edge.caller.frame(ok.clone());
    let ack = edge.caller.request(Method::Ack);
    assert_eq!(ack.uri.host, "b.invalid", "the target moved");
    edge.caller.frame(ok);
    assert_eq!(edge.caller.request(Method::Ack), ack);
    assert!(edge.caller.view().held);
}

#[test]
fn a_hold_whose_flow_is_lost_is_tried_on_the_next_one() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, _) = ids(&edge);
    edge.caller.command(Command::Hold(caller, true));
    edge.caller.request(Method::Invite);
    edge.caller.cut();
    edge.caller.pass(Duration::from_secs(1));
    edge.caller.connected();
    edge.caller.accept_register(600);
    let mut sent = Vec::new();
    while !edge.caller.silent() {
        sent.push(edge.caller.message().into_request().unwrap().method);
    }
    assert!(sent.contains(&Method::Invite), "{sent:?}");
}

/// An UPDATE of the caller to the callee.
fn update(edge: &mut Edge, cseq: u32, body: Option<Vec<u8>>) -> Request {
    let of = last_answer(edge);
    let mut update = in_dialog(&of, Method::Update, cseq, &format!("u{cseq}"));
    update.body.clear();
    update.headers.remove(HeaderName::ContentType);
    match body {
        Some(body) => update.with_body("application/sdp", body),
        None => update,
    }
}

#[test]
fn an_update_changes_the_session_as_a_reinvite_does() {
    let mut edge = Edge::new();
    edge.talking();
    let hold = update(&mut edge, 30_000, Some(sdp("u", "sendonly")));
    edge.callee.frame(hold);
    let ok = edge.callee.response(200);
    assert!(String::from_utf8_lossy(&ok.body).contains("a=recvonly"));
    assert!(ok.headers.has(HeaderName::Contact));
    assert!(edge.callee.view().remote_held);

    // Without an offer it changes nothing, and needs no driver.
    let refresh = update(&mut edge, 30_001, None);
    let asked = edge.callee.media.len();
    edge.callee.frame(refresh);
    let ok = edge.callee.response(200);
    assert_eq!(
        ok.headers.get(HeaderName::SessionExpires),
        Some("1800;refresher=uac")
    );
    assert_eq!(edge.callee.media.len(), asked);
}

#[test]
fn an_update_that_crosses_ours_is_refused_with_491_and_two_at_once_with_500() {
    let mut edge = Edge::new();
    edge.talking();
    let (_, callee) = ids(&edge);
    edge.callee.command(Command::Hold(callee, true));
    edge.callee.request(Method::Invite);
    let crossing = update(&mut edge, 30_000, Some(sdp("u", "sendonly")));
    edge.callee.frame(crossing);
    edge.callee.response(491);

    let mut edge = Edge::new();
    edge.talking();
    edge.callee.microphone = false;
    let one = update(&mut edge, 30_000, Some(sdp("u", "sendonly")));
    let two = update(&mut edge, 30_001, Some(sdp("u", "sendonly")));
    edge.callee.frame(one);
    edge.callee.frame(two);
    let refusal = edge.callee.response(500);
    assert!(refusal.headers.retry_after().unwrap().is_some());
    let call = edge.callee.incoming();
    edge.callee.input(Input::Media(call, MediaReply::Failed));
    edge.callee.response(488);
    assert_eq!(edge.callee.state(), CallState::Active);
}

#[test]
fn a_reinvite_without_an_offer_gets_ours_and_its_ack_brings_the_answer() {
    let mut edge = Edge::new();
    edge.talking();
    let of = last_answer(&mut edge);
    let mut reinvite = in_dialog(&of, Method::Invite, 30_000, "d1");
    reinvite.body.clear();
    reinvite.headers.remove(HeaderName::ContentType);
    edge.callee.frame(reinvite);
    let ok = edge.callee.response(200);
    assert!(String::from_utf8_lossy(&ok.body).contains("s=offer"));
    let ack = in_dialog(&of, Method::Ack, 30_000, "d2")
        .with_body("application/sdp", sdp("late", "sendonly"));
    edge.callee.frame(ack);
    assert!(matches!(
        edge.callee.media.last(),
        Some((_, MediaRequest::ApplyAnswer { .. }))
    ));
    assert!(edge.callee.view().remote_held);
    assert_eq!(edge.callee.state(), CallState::Active);
}

#[test]
fn a_cancelled_reinvite_leaves_the_session_as_it_was() {
    let mut edge = Edge::new();
    edge.talking();
    let of = last_answer(&mut edge);
    edge.callee.microphone = false;
    let reinvite = in_dialog(&of, Method::Invite, 30_000, "c1");
    edge.callee.frame(reinvite.clone());
    edge.callee.frame(reinvite.cancel());
    edge.callee.response(200);
    edge.callee.response(487);
    let call = edge.callee.incoming();
    edge.callee.input(Input::Media(
        call,
        MediaReply::Local(Pii(sdp("x", "sendrecv"))),
    ));
    assert!(edge.callee.silent());
    assert_eq!(edge.callee.state(), CallState::Active);
    edge.callee.microphone = true;
    edge.callee
        .frame(in_dialog(&of, Method::Invite, 30_001, "c2"));
    edge.callee.response(200);
}

#[test]
fn the_caller_refreshes_a_session_and_the_callee_ends_one_that_nobody_refreshes() {
    let mut edge = Edge::new();
    edge.talking();
    for _ in 0..3 {
        edge.pass_time(Duration::from_secs(24));
        for page in [&mut edge.caller, &mut edge.callee] {
            page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
        }
    }
    // Half of 1800 s later an UPDATE goes out; it is answered, and the timer begins anew.
    let quiet = |page: &mut Page, seconds: u64| {
        let mut requests = Vec::new();
        for _ in 0..seconds {
            page.pass(Duration::from_secs(1));
            page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
            while let Some(frame) = page.sent.pop_front() {
                let text = String::from_utf8_lossy(&frame).into_owned();
                match text.split(' ').next().unwrap_or_default() {
                    "REGISTER" => {
                        let register = Message::parse(&frame, &Limits::DEFAULT).unwrap();
                        page.frame(granted(&register.into_request().unwrap(), 600));
                    }
                    method => requests.push((method.to_owned(), frame)),
                }
            }
        }
        requests
    };
    let sent = quiet(&mut edge.caller, 850);
    let update = sent.iter().find(|(m, _)| m == "UPDATE");
    let (_, update) = update.expect("no UPDATE was sent");
    assert!(String::from_utf8_lossy(update).contains("refresher=uac"));

    // The callee is told nothing.
    let sent = quiet(&mut edge.callee, 1800);
    assert!(sent.iter().any(|(m, _)| m == "BYE"), "{:?}", sent.len());
    assert_eq!(edge.callee.outcome(), Outcome::Failed);
    assert_eq!(
        edge.callee.view().end.as_ref().unwrap().reason,
        "session expired"
    );
}

#[test]
fn a_refresh_that_is_refused_as_an_update_goes_out_as_a_reinvite() {
    for status in [403, 405, 488, 500, 501] {
        let mut edge = Edge::new();
        edge.talking();
        let page = &mut edge.caller;
        let agent = &mut page.agent;
        agent.calls[0].refresh_session(&mut agent.post);
        page.input(Input::Frame(FlowId::FIRST, b"\r\n"));
        let update = page.request(Method::Update);
        page.frame(Response::for_request(&update, status, ""));
        let invite = page.request(Method::Invite);
        assert!(invite.headers.has(HeaderName::SessionExpires), "{status}");
        // Whoever takes neither keeps the session until its end (RFC 4028 §10).
        page.frame(Response::for_request(&invite, status, ""));
        page.request(Method::Ack);
        assert!(page.silent());
        assert_eq!(page.state(), CallState::Active);
    }
}

#[test]
fn a_session_interval_that_is_too_short_is_refused_and_a_longer_one_is_asked_for() {
    let mut page = Page::registered("1002", 2);
    let mut invite = stranger();
    invite.headers.set(HeaderName::SessionExpires, "60");
    page.frame(invite);
    let refusal = page.response(422);
    assert_eq!(refusal.headers.get(HeaderName::MinSe), Some("90"));
    assert_eq!(page.rings(), 0);

    let mut page = Page::registered("1001", 1);
    page.call("1002");
    let first = page.request(Method::Invite);
    assert_eq!(first.headers.get(HeaderName::SessionExpires), Some("1800"));
    page.frame(Response::for_request(&first, 422, "").with(HeaderName::MinSe, "3600"));
    page.request(Method::Ack);
    let second = page.request(Method::Invite);
    assert_eq!(second.headers.get(HeaderName::SessionExpires), Some("3600"));
    assert_eq!(second.headers.get(HeaderName::MinSe), Some("3600"));
    assert_eq!(second.body, first.body);
    // A server that never has enough does not keep us asking.
    page.frame(Response::for_request(&second, 422, "").with(HeaderName::MinSe, "3600"));
    page.request(Method::Ack);
    assert_eq!(page.outcome(), Outcome::Failed);
}

#[test]
fn whoever_is_told_to_refresh_as_the_callee_does_so() {
    let mut page = Page::registered("1002", 2);
    let mut invite = stranger();
    invite
        .headers
        .set(HeaderName::SessionExpires, "1800;refresher=uas");
    page.frame(invite);
    page.command(Command::Answer(page.incoming()));
    let ok = page.response(200);
    assert_eq!(
        ok.headers.get(HeaderName::SessionExpires),
        Some("1800;refresher=uas")
    );
    assert!(!ok.headers.has_token(HeaderName::Require, "timer"));
}

#[test]
fn one_call_talks_at_a_time() {
    let mut edge = Edge::new();
    let mut config = super::net::config("1002");
    config.policy.calls = 2;
    edge.callee = Page::with(config, 2);
    edge.callee.command(Command::Start);
    edge.callee.connected();
    edge.callee.accept_register(600);
    edge.talking();
    let first = edge.callee.incoming();
    let waiting = stranger();
    let mut waiting = waiting;
    waiting.headers.set(HeaderName::CallId, "another");
    edge.callee.frame(waiting.clone());
    let second = edge.callee.incoming();
    assert_ne!(first, second);
    edge.callee.command(Command::Answer(second));
    // The first is put on hold before the second is answered.
    let hold = edge.callee.request(Method::Invite);
    assert!(String::from_utf8_lossy(&hold.body).contains("a=sendonly"));
    edge.callee.response(200);
    let mut third = stranger();
    third.headers.set(HeaderName::CallId, "one too many");
    third
        .headers
        .replace_first_value("Via", "SIP/2.0/WSS e.invalid;branch=z9hG4bKthird");
    edge.callee.frame(third);
    edge.callee.response(486);
    let ok = Response::for_request(&hold, 200, "")
        .with(HeaderName::Contact, "<sip:a@a.invalid;transport=ws>")
        .with_body("application/sdp", sdp("x", "recvonly"));
    edge.callee.frame(ok);
    edge.callee.request(Method::Ack);
    assert!(edge.callee.view_of(first).held);
    assert!(!edge.callee.view_of(second).held);
}

#[test]
fn a_change_that_waits_when_the_flow_is_lost_spins_no_timer_and_goes_out_on_the_next_flow() {
    let mut edge = Edge::new();
    edge.talking();
    let (_, callee) = ids(&edge);
    edge.callee.command(Command::Hold(callee, true));
    let invite = edge.callee.request(Method::Invite);
    edge.callee
        .frame(Response::for_request(&invite, 491, "").with_to_tag("x"));
    edge.callee.cut();
    // The pause after the 491 ends while there is no flow; `pass` panics when a timer stands still.
    edge.callee.pass(Duration::from_secs(5));
    edge.callee.connected();
    edge.callee.accept_register(600);
    // Whether the call still stands is asked beside it.
    edge.callee.request(Method::Options);
    let again = edge.callee.request(Method::Invite);
    assert_eq!(again.headers.call_id(), invite.headers.call_id());
}

#[test]
fn what_a_page_sends_anew_is_offered_once_and_again_where_it_changed_meanwhile() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, callee) = ids(&edge);
    edge.callee.command(Command::Offer(callee));
    edge.relay();
    let offers = |page: &Page, call| {
        let made = |m: &&(CallId, MediaRequest)| **m == (call, MediaRequest::CreateOffer);
        page.media.iter().filter(made).count()
    };
    assert_eq!(offers(&edge.callee, callee), 1);
    assert!(edge.caller.silent() && edge.callee.silent());

    // The first of these is in the offer that it makes, the second came behind that.
    let before = offers(&edge.caller, caller);
    edge.caller.command(Command::Offer(caller));
    edge.caller.command(Command::Offer(caller));
    assert_eq!(offers(&edge.caller, caller), before + 1);
    edge.relay();
    assert_eq!(offers(&edge.caller, caller), before + 2);
    assert_eq!(edge.caller.state(), CallState::Active);
    edge.pass_time(Duration::from_secs(40));
    edge.relay();
    assert_eq!(offers(&edge.caller, caller), before + 2);
}

#[test]
fn something_new_that_the_other_side_refuses_leaves_the_call_and_the_page_is_told() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, _) = ids(&edge);
    edge.caller.command(Command::Offer(caller));
    let invite = edge.caller.request(Method::Invite);
    edge.caller.frame(Response::for_request(&invite, 488, ""));
    edge.caller.request(Method::Ack);
    let refused = Event::Refused {
        call: caller,
        what: Wish::Media,
        status: 488,
    };
    assert_eq!(edge.caller.events.last(), Some(&refused));
    let last = edge.caller.media.last();
    assert_eq!(last, Some(&(caller, MediaRequest::Rollback)));
    assert_eq!(edge.caller.state(), CallState::Active);
    // It is not offered again by itself.
    edge.pass_time(Duration::from_secs(40));
    assert!(edge.caller.silent());
}

#[test]
fn two_who_offer_something_new_at_once_both_come_through() {
    let mut edge = Edge::new();
    edge.talking();
    let (caller, callee) = ids(&edge);
    edge.caller.command(Command::Offer(caller));
    edge.callee.command(Command::Offer(callee));
    edge.relay();
    edge.pass_time(Duration::from_millis(2_000));
    edge.relay();
    edge.pass_time(Duration::from_millis(4_200));
    edge.relay();
    for (page, call) in [(&edge.caller, caller), (&edge.callee, callee)] {
        let applied = page
            .media
            .iter()
            .any(|(of, m)| *of == call && matches!(m, MediaRequest::ApplyAnswer { .. }));
        assert!(applied && page.state() == CallState::Active);
        assert!(
            !page
                .events
                .iter()
                .any(|e| matches!(e, Event::Refused { .. }))
        );
    }
}
