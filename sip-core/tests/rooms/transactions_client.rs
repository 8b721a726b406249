//! Client transactions in virtual time. Each is stored and restored before every input, as an evicted object would.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wakeline_sip::time::Time;
use wakeline_sip::transaction::{
    ClientAction, ClientInvite, ClientInviteState, ClientKey, ClientNonInvite,
    ClientNonInviteState, Transport,
};
use wakeline_sip::wire::{Method, Reason, Request, Response};

use crate::fixtures::{INVITE, REGISTER, request};

/// Forgets a machine and restores it from what was stored.
pub fn evict<T: Serialize + DeserializeOwned>(machine: &mut T) {
    *machine = serde_json::from_str(&serde_json::to_string(machine).unwrap()).unwrap();
}

/// What an action is, in a word.
fn words(actions: &[ClientAction]) -> Vec<String> {
    let word = |action: &ClientAction| match action {
        ClientAction::Send(request) => format!("send {}", request.method),
        ClientAction::Cancel(request) => format!("start {}", request.method),
        ClientAction::Receive(response) => format!("receive {}", response.status),
        ClientAction::TimedOut => "timed out".into(),
        ClientAction::Ended => "ended".into(),
    };
    actions.iter().map(word).collect()
}

fn answer(to: &Request, status: u16) -> Response {
    Response::for_request(to, status, "").with_to_tag("peer")
}

struct Invite(ClientInvite);

impl Invite {
    fn start(transport: Transport) -> Self {
        let (machine, actions) = ClientInvite::start(request(INVITE), transport, Time(0));
        assert_eq!(words(&actions), ["send INVITE"]);
        Self(machine)
    }

    fn receive(&mut self, status: u16, at: u64) -> Vec<String> {
        evict(&mut self.0);
        let response = answer(self.0.request(), status);
        words(&self.0.receive(response, Time(at)))
    }

    fn timeout(&mut self, at: u64) -> Vec<String> {
        evict(&mut self.0);
        words(&self.0.timeout(Time(at)))
    }

    /// Lets time pass to the end of all timers; when was what?
    fn run_out(&mut self) -> Vec<(u64, Vec<String>)> {
        let mut seen = Vec::new();
        while let Some(at) = self.0.deadline() {
            seen.push((at.0, self.timeout(at.0)));
        }
        seen
    }
}

#[test]
fn an_unanswered_invite_is_sent_seven_times_over_udp_and_times_out() {
    let mut invite = Invite::start(Transport::Unreliable);
    let seen = invite.run_out();
    let sent: Vec<_> = seen
        .iter()
        .filter(|(_, w)| w == &["send INVITE"])
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(sent, [500, 1500, 3500, 7500, 15_500, 31_500]);
    assert_eq!(
        seen.last().unwrap(),
        &(32_000, vec!["timed out".to_owned(), "ended".to_owned()])
    );
    assert_eq!(invite.0.state(), ClientInviteState::Terminated);
}

#[test]
fn an_unanswered_invite_is_sent_once_over_websocket_and_times_out() {
    let mut invite = Invite::start(Transport::Reliable);
    assert_eq!(
        invite.run_out(),
        [(32_000, vec!["timed out".to_owned(), "ended".to_owned()])]
    );
}

#[test]
fn a_provisional_response_stops_the_clock() {
    let mut invite = Invite::start(Transport::Unreliable);
    assert_eq!(invite.receive(100, 100), ["receive 100"]);
    assert_eq!(invite.receive(180, 200), ["receive 180"]);
    assert_eq!(invite.0.deadline(), None);
    assert_eq!(invite.0.state(), ClientInviteState::Proceeding);
}

#[test]
fn a_failure_is_acknowledged_each_time_it_comes_over_udp() {
    let mut invite = Invite::start(Transport::Unreliable);
    assert_eq!(invite.receive(486, 100), ["send ACK", "receive 486"]);
    assert_eq!(invite.receive(486, 600), ["send ACK"]);
    assert_eq!(invite.receive(200, 700), [""; 0]);
    assert_eq!(invite.run_out(), [(32_100, vec!["ended".to_owned()])]);
}

#[test]
fn a_failure_ends_it_at_once_over_websocket() {
    let mut invite = Invite::start(Transport::Reliable);
    assert_eq!(
        invite.receive(603, 100),
        ["send ACK", "receive 603", "ended"]
    );
    assert_eq!(invite.receive(603, 100), [""; 0]);
}

#[test]
fn every_2xx_reaches_the_user_for_a_while() {
    let mut invite = Invite::start(Transport::Reliable);
    assert_eq!(invite.receive(200, 100), ["receive 200"]);
    assert_eq!(
        invite.receive(200, 200),
        ["receive 200"],
        "again, or of another branch (RFC 6026)"
    );
    assert_eq!(invite.receive(180, 300), [""; 0]);
    assert_eq!(invite.receive(486, 300), [""; 0]);
    assert_eq!(invite.run_out(), [(32_100, vec!["ended".to_owned()])]);
}

#[test]
fn a_cancel_waits_for_the_first_provisional_response() {
    let mut invite = Invite::start(Transport::Reliable);
    let reasons = [Reason::sip(200, "Call completed elsewhere")];
    assert!(invite.0.cancel(&reasons, Time(10)).is_empty());
    evict(&mut invite.0);
    let response = answer(invite.0.request(), 100);
    let actions = invite.0.receive(response, Time(50));
    let [ClientAction::Receive(_), ClientAction::Cancel(cancel)] = actions.as_slice() else {
        panic!("{actions:?}")
    };
    assert_eq!(cancel.method, Method::Cancel);
    assert_eq!(
        cancel.headers.get("Reason"),
        Some("SIP;cause=200;text=\"Call completed elsewhere\"")
    );
    assert!(
        invite.0.cancel(&reasons, Time(60)).is_empty(),
        "one is enough"
    );
    assert_eq!(invite.receive(180, 70), ["receive 180"]);
    assert_eq!(
        invite.receive(487, 80),
        ["send ACK", "receive 487", "ended"]
    );
}

#[test]
fn a_cancelled_invite_that_never_ends_is_given_up() {
    let mut invite = Invite::start(Transport::Reliable);
    invite.receive(180, 100);
    assert_eq!(words(&invite.0.cancel(&[], Time(1_000))), ["start CANCEL"]);
    assert_eq!(
        invite.run_out(),
        [(33_000, vec!["timed out".to_owned(), "ended".to_owned()])]
    );
}

#[test]
fn an_answer_that_crosses_the_cancel_wins() {
    let mut invite = Invite::start(Transport::Reliable);
    invite.receive(180, 100);
    invite.0.cancel(&[], Time(200));
    assert_eq!(invite.receive(200, 210), ["receive 200"]);
    assert!(
        invite.0.cancel(&[], Time(220)).is_empty(),
        "nothing is left to cancel"
    );
}

#[test]
fn a_lost_flow_ends_an_invite_once() {
    let mut invite = Invite::start(Transport::Reliable);
    assert_eq!(words(&invite.0.transport_failed()), ["timed out", "ended"]);
    assert!(invite.0.transport_failed().is_empty());
    let mut invite = Invite::start(Transport::Reliable);
    invite.receive(200, 1);
    assert_eq!(
        words(&invite.0.transport_failed()),
        ["ended"],
        "its user has the answer already"
    );
}

#[test]
fn a_request_is_sent_again_over_udp_until_it_times_out() {
    let (mut register, _) =
        ClientNonInvite::start(request(REGISTER), Transport::Unreliable, Time(0));
    let mut sent = Vec::new();
    while let Some(at) = register.deadline() {
        evict(&mut register);
        match words(&register.timeout(at)).as_slice() {
            [word] if word == "send REGISTER" => sent.push(at.0),
            other => assert_eq!(other, ["timed out", "ended"]),
        }
    }
    assert_eq!(
        sent,
        [
            500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
}

#[test]
fn a_provisional_response_slows_the_repetition_and_keeps_the_limit() {
    let (mut register, _) =
        ClientNonInvite::start(request(REGISTER), Transport::Unreliable, Time(0));
    let trying = answer(register.request(), 100);
    assert_eq!(words(&register.receive(trying, Time(100))), ["receive 100"]);
    assert_eq!(words(&register.timeout(Time(500))), ["send REGISTER"]);
    assert_eq!(register.deadline(), Some(Time(4_500)));
    let done = answer(register.request(), 200);
    assert_eq!(
        words(&register.receive(done.clone(), Time(600))),
        ["receive 200"]
    );
    assert!(register.receive(done, Time(700)).is_empty(), "absorbed");
    assert_eq!(register.state(), ClientNonInviteState::Completed);
    assert_eq!(words(&register.timeout(Time(5_600))), ["ended"]);
}

#[test]
fn over_websocket_a_final_response_ends_a_request_at_once() {
    let (mut register, _) = ClientNonInvite::start(request(REGISTER), Transport::Reliable, Time(0));
    assert_eq!(register.deadline(), Some(Time(32_000)));
    let done = answer(register.request(), 200);
    assert_eq!(
        words(&register.receive(done, Time(600))),
        ["receive 200", "ended"]
    );
    assert_eq!(register.deadline(), None);
    let (mut register, _) = ClientNonInvite::start(request(REGISTER), Transport::Reliable, Time(0));
    assert_eq!(words(&register.transport_failed()), ["timed out", "ended"]);
}

#[test]
fn a_timeout_before_the_deadline_does_nothing() {
    let mut invite = Invite::start(Transport::Unreliable);
    assert_eq!(invite.timeout(499), [""; 0]);
}

#[test]
fn a_response_finds_its_transaction_by_branch_and_method() {
    let invite = request(INVITE);
    let key = ClientKey::of_request(&invite).unwrap();
    assert_eq!(ClientKey::of_response(&answer(&invite, 180)).unwrap(), key);
    let cancel = invite.cancel();
    assert_ne!(ClientKey::of_response(&answer(&cancel, 200)).unwrap(), key);
    assert_eq!(
        ClientKey::of_response(&answer(&cancel, 200)).unwrap(),
        ClientKey::of_request(&cancel).unwrap()
    );
}
