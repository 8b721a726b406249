//! Each rule of the wake, in virtual time.

use super::*;
use crate::id::DeviceId;
use crate::time::{Duration, Time};

const START: Time = Time(1_800_000_000_000);

fn at(ms: u64) -> Time {
    START + Duration::from_millis(ms)
}

fn dev(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn sleeping(name: &str) -> Target {
    Target {
        device: dev(name),
        pushable: true,
        open: false,
    }
}

fn open(name: &str) -> Target {
    Target {
        device: dev(name),
        pushable: true,
        open: true,
    }
}

/// A wake that is stored and read back around every event, as an evicted object does.
struct Stored(String);

impl Stored {
    fn begin(targets: Vec<Target>) -> (Self, Vec<Action>) {
        Self::begin_with(Limits::default(), targets)
    }

    fn begin_with(limits: Limits, targets: Vec<Target>) -> (Self, Vec<Action>) {
        let (wake, actions) = Wake::begin(START, limits, targets);
        (Self(serde_json::to_string(&wake).unwrap()), actions)
    }

    fn wake(&self) -> Wake {
        serde_json::from_str(&self.0).unwrap()
    }

    fn on(&mut self, ms: u64, event: Event) -> Vec<Action> {
        let mut wake = self.wake();
        let actions = wake.handle(at(ms), event);
        self.0 = serde_json::to_string(&wake).unwrap();
        actions
    }

    fn ready(&mut self, ms: u64, device: &str) -> Vec<Action> {
        self.on(ms, Event::Registered(dev(device)));
        self.on(ms, Event::Ready(dev(device)))
    }
}

fn accepted(device: &str) -> Event {
    Event::Push(dev(device), PushOutcome::Accepted)
}

fn push(device: &str, attempt: u32) -> Action {
    Action::Push {
        device: dev(device),
        attempt,
    }
}

#[test]
fn a_sleeping_device_is_pushed_tapped_ready_rings_and_answers() {
    let (mut wake, actions) = Stored::begin(vec![sleeping("a")]);
    assert_eq!(actions, [push("a", 1)]);
    assert_eq!(
        wake.on(10, accepted("a")),
        [Action::Tell(WakeState::Pushed)]
    );
    assert_eq!(
        wake.on(50, Event::Shown(dev("a"))),
        [Action::Tell(WakeState::Shown)]
    );
    assert_eq!(
        wake.on(900, Event::Opened(dev("a"))),
        [Action::Tell(WakeState::Opened)]
    );
    assert_eq!(
        wake.on(1200, Event::Registered(dev("a"))),
        [Action::Tell(WakeState::Registered)]
    );
    assert_eq!(
        wake.on(1300, Event::Ready(dev("a"))),
        [Action::Invite(dev("a")), Action::Tell(WakeState::Invited)]
    );
    assert_eq!(wake.on(1310, Event::Responded(dev("a"))), []);
    assert_eq!(
        wake.on(1350, Event::Rang(dev("a"))),
        [Action::Tell(WakeState::Ringing)]
    );
    assert_eq!(
        wake.on(3000, Event::Answered(dev("a"))),
        [Action::End(WakeState::Answered)]
    );
    let steps: Vec<_> = wake.wake().steps().map(|(_, state, _)| state).collect();
    use DeviceState::*;
    assert_eq!(
        steps,
        [
            Targeted, Pushed, Shown, Opened, Registered, Ready, Invited, Ringing, Answered
        ]
    );
    assert_eq!(wake.wake().deadline(), None, "nothing is left to do");
}

#[test]
fn nobody_taps_and_the_wake_expires_at_its_limit() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    assert_eq!(
        wake.on(15_010, Event::Timeout),
        [push("a", 2)],
        "pushed again while it waits"
    );
    wake.on(15_020, accepted("a"));
    assert_eq!(
        wake.on(60_000, Event::Timeout),
        [
            Action::End(WakeState::Expired),
            Action::Replace(dev("a"), Quiet::Missed)
        ]
    );
    assert_eq!(wake.wake().words(), "not opened in time");
}

#[test]
fn a_tap_in_the_last_second_gets_its_grace_once() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.on(59_500, Event::Opened(dev("a")));
    assert_eq!(wake.wake().expires_at(), at(75_000));
    wake.on(74_800, Event::Opened(dev("a")));
    assert_eq!(wake.wake().expires_at(), at(75_000));
    let actions = wake.on(75_000, Event::Timeout);
    assert!(actions.contains(&Action::End(WakeState::Expired)));
    assert_eq!(wake.wake().words(), "opened but did not register in time");
}

#[test]
fn a_tap_before_the_last_second_gets_none() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.on(58_900, Event::Opened(dev("a")));
    assert_eq!(wake.wake().expires_at(), at(60_000));
}

#[test]
fn the_ring_limit_counts_from_the_first_180() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.ready(50_000, "a");
    wake.on(50_900, Event::Rang(dev("a")));
    assert_eq!(wake.wake().deadline(), Some(at(110_900)));
    assert_eq!(
        wake.on(110_900, Event::Timeout),
        [
            Action::Cancel(dev("a"), Quiet::Missed),
            Action::End(WakeState::Unanswered),
            Action::Replace(dev("a"), Quiet::Missed)
        ]
    );
}

#[test]
fn an_open_device_is_probed_and_invited_without_a_push() {
    let (mut wake, actions) = Stored::begin(vec![open("a")]);
    assert_eq!(actions, [Action::Probe(dev("a"))]);
    assert_eq!(
        wake.on(20, Event::Alive(dev("a")))[0],
        Action::Invite(dev("a"))
    );
}

#[test]
fn a_frozen_tab_is_pushed_after_its_silence_and_may_still_answer_late() {
    let (mut wake, _) = Stored::begin(vec![open("a")]);
    assert_eq!(wake.wake().deadline(), Some(at(1500)));
    assert_eq!(wake.on(1500, Event::Timeout), [push("a", 1)]);
    wake.on(1510, accepted("a"));
    assert_eq!(
        wake.on(4000, Event::Alive(dev("a")))[0],
        Action::Invite(dev("a"))
    );
}

#[test]
fn a_silent_branch_is_cancelled_before_the_wake_forks_anew() {
    let (mut wake, _) = Stored::begin(vec![open("a")]);
    wake.on(20, Event::Alive(dev("a")));
    assert_eq!(
        wake.on(1520, Event::Timeout),
        [
            Action::Cancel(dev("a"), Quiet::Silent),
            push("a", 1),
            Action::Tell(WakeState::Targeted)
        ]
    );
    wake.on(1530, accepted("a"));
    assert_eq!(wake.ready(3000, "a")[0], Action::Invite(dev("a")));
}

#[test]
fn a_decline_ends_the_wake_for_all_devices() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a"), sleeping("b")]);
    wake.on(10, accepted("a"));
    wake.on(11, accepted("b"));
    wake.ready(1000, "b");
    wake.on(1100, Event::Rang(dev("b")));
    assert_eq!(
        wake.on(2000, Event::Declined(dev("a"))),
        [
            Action::Cancel(dev("b"), Quiet::Declined),
            Action::End(WakeState::Declined),
            Action::Replace(dev("b"), Quiet::Declined)
        ]
    );
    assert_eq!(wake.wake().device(&dev("a")), Some(DeviceState::Declined));
}

#[test]
fn where_the_site_says_so_a_decline_silences_one_device_only() {
    let limits = Limits {
        decline: DeclineScope::Device,
        ..Limits::default()
    };
    let (mut wake, _) = Stored::begin_with(limits, vec![sleeping("a"), sleeping("b")]);
    wake.on(10, accepted("a"));
    wake.on(11, accepted("b"));
    assert_eq!(wake.on(2000, Event::Declined(dev("a"))), []);
    assert_eq!(
        wake.on(3000, Event::Declined(dev("b"))),
        [Action::End(WakeState::Declined)]
    );
}

#[test]
fn the_other_devices_go_quiet_when_one_answers() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a"), sleeping("b"), sleeping("c")]);
    for device in ["a", "b", "c"] {
        wake.on(10, accepted(device));
    }
    for device in ["a", "b"] {
        wake.ready(1000, device);
        wake.on(1100, Event::Rang(dev(device)));
    }
    assert_eq!(
        wake.on(2000, Event::Answered(dev("a"))),
        [
            Action::Cancel(dev("b"), Quiet::Elsewhere),
            Action::End(WakeState::Answered),
            Action::Replace(dev("b"), Quiet::Elsewhere),
            Action::Replace(dev("c"), Quiet::Elsewhere)
        ]
    );
    assert_eq!(
        wake.on(2001, Event::Answered(dev("b"))),
        [],
        "one answer wins"
    );
}

#[test]
fn a_cancel_before_the_push_service_answered_waits_for_it_with_the_replacement() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    assert_eq!(
        wake.on(5, Event::CallerCancelled),
        [Action::End(WakeState::Cancelled)]
    );
    assert_eq!(
        wake.on(30, accepted("a")),
        [Action::Replace(dev("a"), Quiet::Cancelled)]
    );
    assert_eq!(wake.on(31, accepted("a")), [], "once");
}

#[test]
fn a_replacement_is_not_lost_with_its_invitation() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(5, Event::CallerCancelled);
    assert_eq!(wake.wake().deadline(), Some(at(15_000)));
    assert_eq!(
        wake.on(15_000, Event::Timeout),
        [Action::Replace(dev("a"), Quiet::Cancelled)]
    );
    assert_eq!(wake.wake().deadline(), None);
}

#[test]
fn a_gone_subscription_alone_is_unreachable_at_once() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    assert_eq!(
        wake.on(10, Event::Push(dev("a"), PushOutcome::Gone)),
        [Action::End(WakeState::Unreachable)]
    );
}

#[test]
fn a_throttled_push_is_tried_again_when_asked_and_not_repeated() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(
        10,
        Event::Push(
            dev("a"),
            PushOutcome::Later {
                retry_after_s: Some(5),
                throttled: true,
            },
        ),
    );
    assert_eq!(wake.wake().deadline(), Some(at(5010)));
    assert_eq!(wake.on(5010, Event::Timeout), [push("a", 2)]);
    wake.on(5020, accepted("a"));
    assert_eq!(
        wake.wake().deadline(),
        Some(at(60_000)),
        "no re-push after a 429"
    );
}

#[test]
fn a_retry_after_beyond_the_limit_is_unreachable_now() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    let later = PushOutcome::Later {
        retry_after_s: Some(600),
        throttled: true,
    };
    assert_eq!(
        wake.on(10, Event::Push(dev("a"), later)),
        [Action::End(WakeState::Unreachable)]
    );
}

#[test]
fn a_page_opened_by_hand_rings_though_no_push_reached_it() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a"), sleeping("b")]);
    wake.on(10, accepted("b"));
    wake.on(11, Event::Push(dev("a"), PushOutcome::Gone));
    assert_eq!(wake.ready(5000, "a")[0], Action::Invite(dev("a")));
    assert_eq!(wake.ready(6000, "new")[0], Action::Invite(dev("new")));
}

#[test]
fn ready_twice_gives_one_invite() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.ready(1000, "a");
    assert_eq!(wake.on(1001, Event::Ready(dev("a"))), []);
}

#[test]
fn a_page_that_registers_and_is_never_ready_ends_in_its_own_words() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.on(900, Event::Registered(dev("a")));
    assert!(
        wake.on(60_000, Event::Timeout)
            .contains(&Action::End(WakeState::Expired))
    );
    assert_eq!(wake.wake().words(), "registered but never ready");
}

#[test]
fn a_tapped_page_that_cannot_register_ends_in_the_words_that_it_gave() {
    for why in [Why::Refused, Why::Unregistered] {
        let (mut wake, _) = Stored::begin(vec![sleeping("a"), sleeping("b")]);
        wake.on(10, accepted("a"));
        wake.on(10, accepted("b"));
        wake.on(900, Event::Hindered(dev("a"), why));
        assert_eq!(*wake.wake().state(), WakeState::Opened, "it was tapped");
        assert_eq!(wake.wake().why(), None, "it has not ended");
        wake.on(60_000, Event::Timeout);
        assert_eq!(*wake.wake().state(), WakeState::Expired);
        assert_eq!(wake.wake().why(), Some(why));
        assert_eq!(wake.wake().words(), why.words());
    }
}

#[test]
fn what_held_a_page_up_is_forgotten_when_it_registers() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.on(900, Event::Hindered(dev("a"), Why::Refused));
    wake.on(4000, Event::Registered(dev("a")));
    wake.on(60_000, Event::Timeout);
    assert_eq!(wake.wake().why(), Some(Why::Unready));
}

#[test]
fn a_late_report_of_what_holds_a_page_up_changes_no_end() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.on(60_000, Event::Timeout);
    assert_eq!(wake.on(61_000, Event::Hindered(dev("a"), Why::Refused)), []);
    assert_eq!(wake.wake().why(), Some(Why::Unopened));
}

#[test]
fn a_push_that_was_never_taken_is_no_invitation_that_nobody_opened() {
    let limits = Limits {
        ready: Duration::from_secs(8),
        ..Limits::default()
    };
    let (mut wake, _) = Stored::begin_with(limits, vec![sleeping("a")]);
    // Its push service says nothing until the end of the limit.
    assert_eq!(
        wake.on(8000, Event::Timeout),
        [Action::End(WakeState::Unreachable)],
        "and the replacement waits for the push in flight"
    );
    assert_eq!(wake.wake().words(), "no device could be reached");
}

#[test]
fn a_lost_caller_may_come_back_for_a_while() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.on(1000, Event::CallerLost);
    assert_eq!(wake.wake().deadline(), Some(at(11_000)));
    wake.on(10_500, Event::CallerBack);
    assert_eq!(wake.on(11_000, Event::Timeout), []);
    wake.on(14_000, Event::CallerLost);
    wake.on(15_010, Event::Timeout);
    assert!(
        wake.on(24_000, Event::Timeout)
            .contains(&Action::End(WakeState::Cancelled))
    );
}

#[test]
fn busy_ends_the_wake_when_no_other_device_is_left() {
    let (mut wake, _) = Stored::begin(vec![open("a"), sleeping("b")]);
    wake.on(10, accepted("b"));
    wake.on(20, Event::Alive(dev("a")));
    assert_eq!(
        wake.on(30, Event::Busy(dev("a"))),
        [Action::Tell(WakeState::Pushed)]
    );
    wake.on(40, Event::Push(dev("b"), PushOutcome::Gone));
    let actions = wake.on(60_000, Event::Timeout);
    assert!(
        actions.contains(&Action::End(WakeState::Expired)),
        "{actions:?}"
    );

    let (mut wake, _) = Stored::begin(vec![open("a")]);
    wake.on(20, Event::Alive(dev("a")));
    assert_eq!(
        wake.on(30, Event::Busy(dev("a"))),
        [Action::End(WakeState::Busy)]
    );
}

#[test]
fn a_line_without_any_way_in_is_unbound() {
    let nowhere = Target {
        device: dev("a"),
        pushable: false,
        open: false,
    };
    let (_, actions) = Stored::begin(vec![nowhere]);
    assert_eq!(actions, [Action::End(WakeState::Unbound)]);
}

#[test]
fn a_ringing_tab_that_registers_anew_gets_a_new_branch() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.ready(1000, "a");
    wake.on(1100, Event::Rang(dev("a")));
    assert_eq!(
        wake.on(2000, Event::FlowLost(dev("a"))),
        [Action::Tell(WakeState::Pushed)]
    );
    assert_eq!(wake.ready(2100, "a")[0], Action::Invite(dev("a")));
}

#[test]
fn a_ringing_tab_lost_after_the_ready_limit_may_come_back_until_the_ring_limit() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.ready(50_000, "a");
    wake.on(50_100, Event::Rang(dev("a")));
    assert_eq!(
        wake.on(70_000, Event::FlowLost(dev("a"))),
        [Action::Tell(WakeState::Pushed)]
    );
    assert_eq!(wake.ready(71_000, "a")[0], Action::Invite(dev("a")));
    assert!(
        wake.on(110_100, Event::Timeout)
            .contains(&Action::End(WakeState::Unanswered))
    );
}

#[test]
fn a_ringing_tab_without_push_that_blips_is_expected_back() {
    let nowhere = Target {
        device: dev("a"),
        pushable: false,
        open: true,
    };
    let (mut wake, _) = Stored::begin(vec![nowhere.clone()]);
    wake.on(10, Event::Alive(dev("a")));
    wake.on(20, Event::Rang(dev("a")));
    assert_eq!(
        wake.on(1000, Event::FlowLost(dev("a"))),
        [Action::Tell(WakeState::Targeted)]
    );
    assert_eq!(wake.ready(2000, "a")[0], Action::Invite(dev("a")));

    let (mut wake, _) = Stored::begin(vec![nowhere]);
    wake.on(10, Event::Alive(dev("a")));
    wake.on(1000, Event::FlowLost(dev("a")));
    assert_eq!(
        wake.on(11_000, Event::Timeout),
        [Action::End(WakeState::Unreachable)]
    );
}

#[test]
fn a_tab_that_moves_to_another_flow_loses_nothing_but_its_branch() {
    let (mut wake, _) = Stored::begin(vec![open("a")]);
    wake.on(10, Event::Alive(dev("a")));
    wake.on(20, Event::Rang(dev("a")));
    assert_eq!(
        wake.on(1000, Event::Moved(dev("a"))),
        [Action::Tell(WakeState::Targeted)],
        "no push, no end"
    );
    assert_eq!(wake.ready(1000, "a")[0], Action::Invite(dev("a")));
}

#[test]
fn a_branch_after_ready_is_given_more_time_than_a_probe() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.ready(1000, "a");
    assert_eq!(wake.wake().deadline(), Some(at(7000)));
    assert_eq!(wake.on(2600, Event::Timeout), []);
    assert_eq!(
        wake.on(2700, Event::Rang(dev("a"))),
        [Action::Tell(WakeState::Ringing)]
    );
}

#[test]
fn a_device_that_left_with_its_push_in_flight_sets_no_deadline() {
    let limits = Limits {
        decline: DeclineScope::Device,
        ..Limits::default()
    };
    let (mut wake, _) = Stored::begin_with(limits, vec![sleeping("a"), sleeping("b")]);
    wake.on(5, Event::Declined(dev("a")));
    wake.on(10, accepted("b"));
    assert_eq!(
        wake.wake().deadline(),
        Some(at(15_010)),
        "the other one's re-push"
    );
    // It comes to the screen now, where its user declined it.
    let replaced = Action::Replace(dev("a"), Quiet::Declined);
    assert_eq!(wake.on(20, accepted("a")), [replaced]);
    wake.on(15_010, Event::Timeout);
    wake.on(15_020, accepted("b"));
    assert_eq!(wake.wake().deadline(), Some(at(30_020)));
}

#[test]
fn a_push_that_shall_be_tried_again_later_is_not_once_the_page_is_there() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.ready(500, "a");
    wake.on(600, Event::Rang(dev("a")));
    let later = PushOutcome::Later {
        retry_after_s: Some(2),
        throttled: false,
    };
    wake.on(700, Event::Push(dev("a"), later));
    assert_eq!(wake.on(2700, Event::Timeout), []);
    assert_eq!(wake.wake().deadline(), Some(at(60_600)), "the ring limit");
}

#[test]
fn a_page_that_was_ready_and_never_rang_is_not_said_to_lack_a_ready() {
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(10, accepted("a"));
    wake.ready(1_000, "a");
    wake.on(1_100, Event::FlowLost(dev("a")));
    let end = wake.on(60_000, Event::Timeout);
    assert!(end.contains(&Action::End(WakeState::Expired)), "{end:?}");
    assert_eq!(wake.wake().words(), "reached but never rang");
    assert_eq!(wake.wake().why(), Some(Why::Unrung));
}

#[test]
fn an_invitation_whose_push_had_no_answer_is_replaced_too() {
    let later = |throttled| {
        let retry_after_s = Some(20);
        Event::Push(
            dev("a"),
            PushOutcome::Later {
                retry_after_s,
                throttled,
            },
        )
    };
    // The driver never said what became of the first, the second was surely not taken; or the only one was not
    // answered.
    for said in [vec![Event::Timeout, later(true)], vec![later(false)]] {
        let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
        for event in said {
            wake.on(15_000, event);
        }
        let end = wake.on(16_000, Event::CallerCancelled);
        let replaced = Action::Replace(dev("a"), Quiet::Cancelled);
        assert!(end.contains(&replaced), "it may be on the screen: {end:?}");
    }
    let (mut wake, _) = Stored::begin(vec![sleeping("a")]);
    wake.on(100, later(true));
    let end = wake.on(16_000, Event::CallerCancelled);
    assert_eq!(
        end,
        [Action::End(WakeState::Cancelled)],
        "429 is a clear no"
    );
}
