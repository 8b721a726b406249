//! Transfer between three pages, and digits.

use super::exchange::Exchange;
use super::net::Page;
use crate::agent::{CallId, CallState, Command, Event, Outcome, Progress, Wish};
use crate::pii::Pii;
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Request, Response};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

fn progress(net: &Exchange, page: usize) -> Vec<Progress> {
    let of = |e: &Event| match e {
        Event::Transfer(_, progress) => Some(*progress),
        _ => None,
    };
    net.pages[page].events.iter().filter_map(of).collect()
}

fn refused(net: &Exchange, page: usize) -> Vec<(Wish, u16)> {
    let of = |e: &Event| match e {
        Event::Refused { what, status, .. } => Some((*what, *status)),
        _ => None,
    };
    net.pages[page].events.iter().filter_map(of).collect()
}

fn state(net: &Exchange, page: usize, call: CallId) -> CallState {
    net.pages[page].view_of(call).state
}

#[test]
fn a_blind_transfer_is_followed_told_of_and_ends_the_first_call() {
    // Both the caller and the callee can transfer.
    for caller_transfers in [true, false] {
        let mut net = Exchange::new(3);
        let (out, into) = net.talk(A, B);
        let (who, own, other, theirs) = if caller_transfers {
            (A, out, B, into)
        } else {
            (B, into, A, out)
        };
        net.pages[who].command(Command::Transfer(own, Pii("1003".into())));
        net.relay();
        let refer = &net.requests(&Method::Refer)[0].1;
        assert_eq!(
            refer.headers.get(HeaderName::ReferTo),
            Some("<sip:1003@wakeline.test>")
        );
        assert_eq!(progress(&net, who), [Progress::Trying]);
        let rings = net.pages[C].incoming();
        let about = net.pages[C].view_of(rings).about.clone().unwrap();
        let by = about.referred_by.unwrap();
        assert_eq!(*by.number.expose(), (1001 + who).to_string());
        net.pages[C].command(Command::Alert(rings));
        net.relay();
        assert_eq!(progress(&net, who).last(), Some(&Progress::Ringing));
        assert_eq!(state(&net, who, own), CallState::Active);

        net.pages[C].command(Command::Answer(rings));
        net.relay();
        assert_eq!(progress(&net, who).last(), Some(&Progress::Done));
        assert_eq!(state(&net, who, own), CallState::Ended);
        assert_eq!(state(&net, other, theirs), CallState::Ended);
        let new = net.last_call(other);
        let new = if new == theirs {
            CallId(new.0 + 1)
        } else {
            new
        };
        assert_eq!(net.pages[other].view_of(new).replaces, Some(theirs));
        assert_eq!(state(&net, other, new), CallState::Active);
        assert!(!net.pages[other].view_of(new).held);
        assert_eq!(state(&net, C, rings), CallState::Active);
        let notifies = net.requests(&Method::Notify);
        let frags: Vec<_> = notifies
            .iter()
            .map(|(_, n)| String::from_utf8_lossy(&n.body).trim().to_owned())
            .collect();
        assert_eq!(
            frags,
            [
                "SIP/2.0 100 Trying",
                "SIP/2.0 180 Ringing",
                "SIP/2.0 200 OK"
            ]
        );
        net.pass_time(Duration::from_secs(20));
        net.relay();
    }
}

#[test]
fn a_transfer_to_someone_who_declines_leaves_the_first_call() {
    let mut net = Exchange::new(3);
    let (out, into) = net.talk(A, B);
    net.pages[A].command(Command::Transfer(out, Pii("1003".into())));
    net.relay();
    let rings = net.pages[C].incoming();
    net.pages[C].command(Command::Reject(rings));
    net.relay();
    assert_eq!(refused(&net, A), [(Wish::Transfer, 603)]);
    assert_eq!(state(&net, A, out), CallState::Active);
    assert_eq!(state(&net, B, into), CallState::Active);
    assert!(
        net.pages[B].view_of(into).held,
        "it was put on hold for the other one"
    );
    net.pages[B].command(Command::Hold(into, false));
    net.relay();
    assert!(!net.pages[B].view_of(into).held);
    // And it can be tried again.
    net.pages[A].command(Command::Transfer(out, Pii("1003".into())));
    net.relay();
    assert_eq!(net.requests(&Method::Refer).len(), 2);
}

#[test]
fn an_attended_transfer_joins_the_two_others() {
    let mut net = Exchange::new(3);
    let (to_b, at_b) = net.talk(A, B);
    let (to_c, at_c) = net.talk(A, C);
    assert!(net.pages[A].view_of(to_b).held, "one call talks at a time");
    net.pages[A].command(Command::TransferTo(to_b, to_c));
    net.relay();
    assert_eq!(progress(&net, A).last(), Some(&Progress::Done));
    for call in [to_b, to_c] {
        assert_eq!(state(&net, A, call), CallState::Ended);
    }
    assert_eq!(state(&net, B, at_b), CallState::Ended);
    assert_eq!(state(&net, C, at_c), CallState::Ended);
    let end = net.pages[C].view_of(at_c).end.clone().unwrap();
    assert_eq!(
        (end.outcome, end.reason.as_str()),
        (Outcome::HungUp, "transferred")
    );
    let (b, c) = (CallId(at_b.0 + 1), CallId(at_c.0 + 1));
    assert_eq!(state(&net, B, b), CallState::Active);
    assert_eq!(state(&net, C, c), CallState::Active);
    assert_eq!(net.pages[C].view_of(c).replaces, Some(at_c));
    assert_eq!(net.pages[B].view_of(b).remote.number.expose(), "1003");
    let rang = net.pages[C].rings();
    assert_eq!(rang, 2, "the second is shown, and nobody has to answer it");
    net.pages[B].command(Command::HangUp(b));
    net.relay();
    assert_eq!(state(&net, C, c), CallState::Ended);
}

#[test]
fn a_refer_that_makes_no_sense_is_refused_in_its_own_words() {
    for (refer_to, status) in [
        (None, 400),
        (Some("<tel:+123>"), 416),
        (Some("<sip:1003@wakeline.test;method=BYE>"), 501),
    ] {
        let mut net = Exchange::new(2);
        let (out, into) = net.talk(A, B);
        net.pages[A].command(Command::Transfer(out, Pii("1003".into())));
        let mut refer = net.pages[A].request(Method::Refer);
        refer.headers.remove(HeaderName::ReferTo);
        refer.headers.remove(HeaderName::Route);
        if let Some(to) = refer_to {
            refer.headers.push(HeaderName::ReferTo, to);
        }
        net.pages[B].frame(refer);
        net.pages[B].response(status);
        assert_eq!(state(&net, B, into), CallState::Active);
        assert!(net.pages[B].silent());
    }
}

/// The REFERs of one side of a call, as they come in at the other one.
struct Referrer(Request);

impl Referrer {
    fn of(net: &mut Exchange, call: CallId) -> Self {
        net.pages[A].command(Command::Transfer(call, Pii("1003".into())));
        let mut refer = net.pages[A].request(Method::Refer);
        refer.headers.remove(HeaderName::Route);
        Self(refer)
    }

    fn next(&mut self) -> Request {
        let number = self.0.headers.cseq().unwrap().number + 1;
        let cseq = format!("{number} REFER");
        self.0.headers.set(HeaderName::CSeq, cseq);
        let via = format!("SIP/2.0/WSS edge.invalid;branch=z9hG4bKrefer{number}");
        self.0.headers.replace_first_value("Via", via);
        self.0.clone()
    }
}

/// What a page sends, of these methods.
fn sent(page: &mut Page, methods: &[Method]) -> Vec<Request> {
    let mut all = Vec::new();
    while !page.silent() {
        all.extend(page.message().into_request());
    }
    all.retain(|r| methods.contains(&r.method));
    all
}

#[test]
fn one_referral_of_a_call_is_followed_at_a_time_and_the_next_is_told_of_by_its_number() {
    let mut net = Exchange::new(2);
    let (out, into) = net.talk(A, B);
    let mut referrer = Referrer::of(&mut net, out);
    let page = &mut net.pages[B];
    page.frame(referrer.next());
    page.response(202);
    let new = |r: &Request| r.headers.to().unwrap().tag().is_none();
    let mut requests = sent(page, &[Method::Notify, Method::Invite]);
    let notify = requests.remove(0);
    assert_eq!(notify.headers.get(HeaderName::Event), Some("refer"));
    requests.retain(new);
    let [invite] = requests.as_slice() else {
        panic!("{requests:?}")
    };

    // Whoever was called may not have us call the world.
    for _ in 0..3 {
        page.frame(referrer.next());
        page.response(491);
        assert!(page.silent());
    }
    page.frame(Response::for_request(invite, 486, "").with_to_tag("busy"));
    assert_eq!(sent(page, &[Method::Notify]).len(), 1);

    let refer = referrer.next();
    let event = format!("refer;id={}", refer.headers.cseq().unwrap().number);
    page.frame(refer);
    page.response(202);
    let requests = sent(page, &[Method::Notify, Method::Invite]);
    let (invites, mut notifies): (Vec<_>, Vec<_>) = requests
        .into_iter()
        .partition(|r| r.method == Method::Invite);
    let invite = invites.iter().find(|r| new(r)).unwrap();
    page.frame(Response::for_request(invite, 180, "").with_to_tag("x"));
    page.frame(Response::for_request(invite, 603, "").with_to_tag("x"));
    notifies.extend(sent(page, &[Method::Notify]));
    assert_eq!(notifies.len(), 3);
    for notify in notifies {
        assert_eq!(notify.headers.get(HeaderName::Event), Some(event.as_str()));
    }
    assert_eq!(state(&net, B, into), CallState::Active);
}

#[test]
fn a_referral_beyond_the_calls_that_a_page_takes_is_refused() {
    let mut net = Exchange::new(3);
    let (out, _) = net.talk(A, B);
    // Each page takes three, and a referral may be one more.
    let calls = [net.pages[B].call("1003"), net.pages[B].call("1004")];
    let third = net.pages[B].call("1005");
    sent(&mut net.pages[B], &[]);
    let mut referrer = Referrer::of(&mut net, out);
    let page = &mut net.pages[B];
    page.frame(referrer.next());
    page.response(486);
    assert!(page.silent());

    page.command(Command::HangUp(third));
    page.frame(referrer.next());
    page.response(202);
    assert_eq!(page.view_of(calls[0]).state, CallState::Calling);
}

#[test]
fn an_invite_that_replaces_nothing_is_refused() {
    let mut net = Exchange::new(3);
    let (_, at_b) = net.talk(A, B);
    let id = net.pages[B].agent.calls[0].dialog_id().unwrap().clone();
    let right = format!(
        "{};to-tag={};from-tag={}",
        id.call_id, id.local_tag, id.remote_tag
    );
    for (replaces, status) in [
        ("nobody;to-tag=1;from-tag=2".to_owned(), 481),
        ("nonsense".to_owned(), 400),
        (format!("{right};early-only"), 486),
    ] {
        net.pages[C].call("1002");
        let invite = net.pages[C].request(Method::Invite);
        net.pages[B].frame(invite.with(HeaderName::Replaces, replaces));
        net.pages[B].response(status);
    }
    assert_eq!(state(&net, B, at_b), CallState::Active);
}

#[test]
fn a_transfer_of_which_nothing_is_heard_is_given_up() {
    let mut net = Exchange::new(2);
    let (out, _) = net.talk(A, B);
    net.pages[A].command(Command::Transfer(out, Pii("1003".into())));
    let refer = net.pages[A].request(Method::Refer);
    net.pages[A].frame(Response::for_request(&refer, 202, ""));
    for _ in 0..185 {
        net.pages[A].pass(Duration::from_secs(1));
        net.pages[A].input(crate::agent::Input::Frame(
            crate::agent::FlowId::FIRST,
            b"\r\n",
        ));
    }
    assert_eq!(refused(&net, A), [(Wish::Transfer, 408)]);
    assert_eq!(state(&net, A, out), CallState::Active);
    // A second one at a time, or into no call, is refused at once.
    net.pages[A].command(Command::TransferTo(out, out));
    assert_eq!(refused(&net, A).last(), Some(&(Wish::Transfer, 0)));
}

#[test]
fn digits_arrive_in_order_and_one_that_is_refused_stops_the_rest() {
    let mut net = Exchange::new(2);
    let (out, _) = net.talk(A, B);
    net.pages[A].command(Command::Dtmf(out, "12x*#d".into()));
    net.relay();
    let heard: String = net.pages[B]
        .events
        .iter()
        .filter_map(|e| match e {
            Event::Dtmf(_, digit) => Some(*digit),
            _ => None,
        })
        .collect();
    assert_eq!(heard, "12*#D");
    let infos = net.requests(&Method::Info);
    assert!(String::from_utf8_lossy(&infos[0].1.body).starts_with("Signal=1\r\nDuration="));

    net.pages[A].command(Command::Dtmf(out, "99".into()));
    let info = net.pages[A].request(Method::Info);
    net.pages[A].frame(Response::for_request(&info, 415, ""));
    assert_eq!(refused(&net, A), [(Wish::Dtmf, 415)]);
    assert!(net.pages[A].silent());
}

#[test]
fn an_info_that_nobody_understands_is_refused_in_its_own_words() {
    for (kind, body, status) in [
        ("application/dtmf-relay", "Signal=77", 400),
        ("application/dtmf-relay", "Duration=5", 400),
        ("application/dtmf", "5", 200),
        ("application/dtmf-relay", " signal = 5 ", 200),
        ("application/media_control+xml", "<x/>", 415),
    ] {
        let mut net = Exchange::new(2);
        let (out, _) = net.talk(A, B);
        net.pages[A].command(Command::Dtmf(out, "1".into()));
        let mut info = net.pages[A].request(Method::Info);
        info.headers.remove(HeaderName::Route);
        info.headers.set(HeaderName::ContentType, kind);
        info.body = body.as_bytes().to_vec();
        net.pages[B].frame(info);
        net.pages[B].response(status);
    }
}
