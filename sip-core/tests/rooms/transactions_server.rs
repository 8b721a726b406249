//! Server transactions in virtual time. Each is stored and restored before every input.

use wakeline_sip::time::Time;
use wakeline_sip::transaction::{
    ServerAction, ServerInvite, ServerInviteState, ServerKey, ServerNonInvite,
    ServerNonInviteState, Transport,
};
use wakeline_sip::wire::{Request, Response};

use crate::fixtures::{INVITE, REGISTER, replace_line, request};
use crate::transactions_client::evict;

fn words(actions: &[ServerAction]) -> Vec<String> {
    let word = |action: &ServerAction| match action {
        ServerAction::Send(response) => format!("send {}", response.status),
        ServerAction::Receive(request) => format!("receive {}", request.method),
        ServerAction::AckMissing => "ack missing".into(),
        ServerAction::Ended => "ended".into(),
    };
    actions.iter().map(word).collect()
}

struct Invite(ServerInvite);

impl Invite {
    fn start(transport: Transport) -> Self {
        Self(ServerInvite::start(request(INVITE), transport, Time(0)))
    }

    fn respond(&mut self, status: u16, at: u64) -> Vec<String> {
        evict(&mut self.0);
        let response = Response::for_request(self.0.request(), status, "").with_to_tag("us");
        words(&self.0.respond(response, Time(at)))
    }

    fn receive(&mut self, request: Request, at: u64) -> Vec<String> {
        evict(&mut self.0);
        words(&self.0.receive(request, Time(at)))
    }

    fn ack(&self) -> Request {
        self.0
            .request()
            .ack_failure(self.0.last_response().unwrap())
    }

    fn run_out(&mut self) -> Vec<(u64, Vec<String>)> {
        let mut seen = Vec::new();
        while let Some(at) = self.0.deadline() {
            evict(&mut self.0);
            seen.push((at.0, words(&self.0.timeout(at))));
        }
        seen
    }
}

#[test]
fn a_slow_user_is_spoken_for_after_200_ms() {
    let mut invite = Invite::start(Transport::Reliable);
    assert_eq!(invite.run_out(), [(200, vec!["send 100".to_owned()])]);
    assert_eq!(invite.receive(request(INVITE), 300), ["send 100"]);
    assert_eq!(invite.respond(180, 400), ["send 180"]);
    assert_eq!(
        invite.receive(request(INVITE), 500),
        ["send 180"],
        "the last one again"
    );
}

#[test]
fn a_quick_user_speaks_for_himself() {
    let mut invite = Invite::start(Transport::Reliable);
    invite.respond(180, 100);
    assert_eq!(invite.0.deadline(), None);
}

#[test]
fn a_failure_is_repeated_over_udp_until_its_ack() {
    let mut invite = Invite::start(Transport::Unreliable);
    assert_eq!(invite.respond(486, 0), ["send 486"]);
    evict(&mut invite.0);
    assert_eq!(words(&invite.0.timeout(Time(500))), ["send 486"]);
    assert_eq!(invite.receive(request(INVITE), 600), ["send 486"]);
    assert_eq!(invite.receive(invite.ack(), 700), [""; 0]);
    assert_eq!(invite.0.state(), ServerInviteState::Confirmed);
    assert_eq!(invite.receive(invite.ack(), 800), [""; 0]);
    assert_eq!(invite.receive(request(INVITE), 800), [""; 0]);
    assert_eq!(invite.run_out(), [(5_700, vec!["ended".to_owned()])]);
}

#[test]
fn a_failure_that_is_never_acknowledged_is_given_up() {
    let mut invite = Invite::start(Transport::Unreliable);
    invite.respond(486, 0);
    let seen = invite.run_out();
    let sent: Vec<_> = seen
        .iter()
        .filter(|(_, w)| w == &["send 486"])
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(
        sent,
        [
            500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    assert_eq!(
        seen.last().unwrap(),
        &(32_000, vec!["ack missing".to_owned(), "ended".to_owned()])
    );
}

#[test]
fn over_websocket_a_failure_is_sent_once_and_its_ack_ends_all() {
    let mut invite = Invite::start(Transport::Reliable);
    invite.respond(603, 0);
    assert_eq!(
        invite.0.deadline(),
        Some(Time(32_000)),
        "only the ACK is waited for"
    );
    assert_eq!(invite.receive(invite.ack(), 50), ["ended"]);
    assert_eq!(invite.respond(200, 60), [""; 0], "too late");
}

#[test]
fn after_a_2xx_its_user_sees_the_ack_and_repeats_the_2xx() {
    let mut invite = Invite::start(Transport::Reliable);
    assert_eq!(invite.respond(200, 0), ["send 200"]);
    assert_eq!(
        invite.receive(request(INVITE), 100),
        [""; 0],
        "absorbed (RFC 6026)"
    );
    assert_eq!(invite.respond(200, 500), ["send 200"]);
    assert_eq!(invite.respond(486, 500), [""; 0]);
    assert_eq!(invite.receive(invite.ack(), 600), ["receive ACK"]);
    assert_eq!(invite.run_out(), [(32_000, vec!["ended".to_owned()])]);
}

#[test]
fn a_lost_flow_ends_it_once() {
    let mut invite = Invite::start(Transport::Reliable);
    assert_eq!(words(&invite.0.transport_failed()), ["ended"]);
    assert!(invite.0.transport_failed().is_empty());
    assert_eq!(invite.respond(180, 1), [""; 0]);
}

#[test]
fn a_request_that_comes_again_gets_the_same_answer_over_udp() {
    let mut register = ServerNonInvite::start(request(REGISTER), Transport::Unreliable);
    assert!(
        register.receive(&request(REGISTER)).is_empty(),
        "not answered yet"
    );
    let ok = Response::for_request(register.request(), 200, "");
    assert_eq!(words(&register.respond(ok.clone(), Time(10))), ["send 200"]);
    evict(&mut register);
    assert_eq!(words(&register.receive(&request(REGISTER))), ["send 200"]);
    assert!(register.respond(ok, Time(20)).is_empty());
    assert_eq!(register.state(), ServerNonInviteState::Completed);
    assert_eq!(register.deadline(), Some(Time(32_010)));
    assert_eq!(words(&register.timeout(Time(32_010))), ["ended"]);
}

#[test]
fn over_websocket_an_answer_ends_a_request_at_once() {
    let mut register = ServerNonInvite::start(request(REGISTER), Transport::Reliable);
    let trying = Response::for_request(register.request(), 100, "");
    assert_eq!(words(&register.respond(trying, Time(5))), ["send 100"]);
    assert_eq!(words(&register.receive(&request(REGISTER))), ["send 100"]);
    let ok = Response::for_request(register.request(), 200, "");
    assert_eq!(
        words(&register.respond(ok, Time(10))),
        ["send 200", "ended"]
    );
}

#[test]
fn a_request_finds_its_transaction() {
    let invite = request(INVITE);
    let key = ServerKey::of(&invite).unwrap();
    let busy = Response::for_request(&invite, 486, "").with_to_tag("b");
    assert_eq!(
        ServerKey::of(&invite.ack_failure(&busy)).unwrap(),
        key,
        "an ACK is of its INVITE"
    );
    let cancel = invite.cancel();
    assert_ne!(
        ServerKey::of(&cancel).unwrap(),
        key,
        "a CANCEL is one of its own"
    );
    assert_eq!(ServerKey::of_cancelled(&cancel).unwrap(), key);
    let other = request(&replace_line(
        INVITE,
        "Via:",
        "Via: SIP/2.0/WSS other.invalid;branch=z9hG4bK7Xw1",
    ));
    assert_ne!(
        ServerKey::of(&other).unwrap(),
        key,
        "the same branch of another sender is another"
    );
}

#[test]
fn a_request_of_rfc_2543_finds_its_transaction_without_a_cookie() {
    for branch in ["", ";branch=1", ";branch=z9hG4bK"] {
        let via = format!("Via: SIP/2.0/UDP 192.0.2.1{branch}");
        let invite = request(&replace_line(INVITE, "Via:", &via));
        let key = ServerKey::of(&invite).unwrap();
        let busy = Response::for_request(&invite, 486, "").with_to_tag("b");
        assert_eq!(ServerKey::of(&invite.ack_failure(&busy)).unwrap(), key);
        assert_eq!(ServerKey::of_cancelled(&invite.cancel()).unwrap(), key);
        let other = request(&replace_line(
            &invite.to_bytes(),
            "Call-ID:",
            "Call-ID: other",
        ));
        assert_ne!(ServerKey::of(&other).unwrap(), key);
    }
}
