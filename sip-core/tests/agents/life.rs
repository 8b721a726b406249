//! The life of a call between two agents.

use wakeline_sip::agent::{CallState, Command, Outcome, Registration, Stage as WakeStage};
use wakeline_sip::edge::PushKind;

use crate::page::{Stage, two_open};
use crate::sim::World;

fn outcome(world: &World, page: usize) -> Option<Outcome> {
    world.pages[page]
        .view()
        .and_then(|v| v.end.as_ref())
        .map(|e| e.outcome)
}

fn talking(stage: &mut Stage, caller: usize, callee: usize) {
    stage.dial(caller, "1002");
    stage.run_until("it rings", 20_000, |w| {
        w.pages[callee].state() == Some(CallState::Incoming)
            && w.pages[caller].state() == Some(CallState::Ringing)
    });
    stage.answer(callee);
    stage.run_until("both talk", 20_000, |w| {
        [caller, callee]
            .iter()
            .all(|p| w.pages[*p].state() == Some(CallState::Active))
    });
}

#[test]
fn open_pages_talk_and_either_side_hangs_up() {
    for caller_ends in [true, false] {
        let (mut stage, caller, callee) = two_open(World::new());
        let call = stage.dial(caller, "1002");
        stage.run_until("it rings", 3_000, |w| {
            w.pages[caller].state() == Some(CallState::Ringing)
        });
        assert!(stage.world.pushes.is_empty(), "an open page needs no push");
        assert_eq!(
            stage.world.pages[callee]
                .view()
                .unwrap()
                .remote
                .number
                .expose(),
            "1001"
        );
        stage.answer(callee);
        stage.run_until("both talk", 3_000, |w| {
            [caller, callee]
                .iter()
                .all(|p| w.pages[*p].state() == Some(CallState::Active))
        });
        stage.run(60_000);
        assert_eq!(
            stage.world.pages[caller].state(),
            Some(CallState::Active),
            "it lasts"
        );
        if caller_ends {
            stage.command(caller, Command::HangUp(call));
        } else {
            let call = stage.world.pages[callee].incoming();
            stage.command(callee, Command::HangUp(call));
        }
        stage.run_until("both ended", 3_000, |w| {
            [caller, callee]
                .iter()
                .all(|p| outcome(w, *p) == Some(Outcome::HungUp))
        });
        assert_eq!(stage.world.pages[callee].rings(), 1);
    }
}

#[test]
fn a_closed_page_is_woken_in_stages_and_rings_once() {
    let mut stage = Stage::new(World::new());
    let (caller, callee) = (stage.page("1001", "caller"), stage.page("1002", "callee"));
    stage.open(caller);
    stage.run(200);
    stage.dial(caller, "1002");
    let stage_of = |w: &World| w.pages[caller].view().and_then(|v| v.stage);
    stage.run_until("pushed", 2_000, |w| stage_of(w) == Some(WakeStage::Pushed));
    let wake = stage.world.invited_wake();
    stage.world.report(callee, &wake, "shown").unwrap();
    stage.run_until("shown", 2_000, |w| stage_of(w) == Some(WakeStage::Shown));
    stage.world.report(callee, &wake, "opened").unwrap();
    stage.open(callee);
    stage.run_until("it rings", 2_000, |w| {
        w.pages[caller].state() == Some(CallState::Ringing)
    });
    assert_eq!(
        stage.world.pages[callee].view().unwrap().wake.as_deref(),
        Some(wake.to_string().as_str())
    );
    stage.answer(callee);
    stage.run_until("both talk", 2_000, |w| {
        w.pages[caller].state() == Some(CallState::Active)
    });
    assert_eq!(stage.world.pages[callee].rings(), 1);
}

#[test]
fn each_end_has_its_word_on_both_screens() {
    let (mut stage, caller, callee) = two_open(World::new());

    stage.dial(caller, "1002");
    stage.run_until("it rings", 3_000, |w| {
        w.pages[caller].state() == Some(CallState::Ringing)
    });
    let call = stage.world.pages[callee].incoming();
    stage.command(callee, Command::Reject(call));
    stage.run_until("declined", 3_000, |w| {
        outcome(w, caller) == Some(Outcome::Declined)
            && outcome(w, callee) == Some(Outcome::Declined)
    });

    let call = stage.dial(caller, "1002");
    stage.run_until("it rings", 3_000, |w| {
        w.pages[caller].state() == Some(CallState::Ringing)
    });
    stage.command(caller, Command::HangUp(call));
    stage.run_until("cancelled", 3_000, |w| {
        outcome(w, caller) == Some(Outcome::Cancelled)
            && outcome(w, callee) == Some(Outcome::Cancelled)
    });

    stage.dial(caller, "1002");
    stage.run_until("unanswered", 90_000, |w| {
        outcome(w, caller) == Some(Outcome::Unanswered)
    });
    stage.run_until("quiet", 2_000, |w| {
        w.pages[callee].state() == Some(CallState::Ended)
    });

    stage.dial(caller, "4711");
    stage.run_until("unknown", 3_000, |w| {
        outcome(w, caller) == Some(Outcome::Unknown)
    });

    stage.world.line("1003");
    stage.dial(caller, "1003");
    stage.run_until("unbound", 3_000, |w| {
        outcome(w, caller) == Some(Outcome::Unbound)
    });
}

#[test]
fn who_is_in_a_call_is_busy_for_the_next_one_where_the_site_wants_it() {
    let mut world = World::new();
    world.config.edge.call_waiting = false;
    let (mut stage, caller, callee) = two_open(world);
    talking(&mut stage, caller, callee);
    let third = stage.page("1003", "third");
    stage.open(third);
    stage.run(200);
    stage.dial(third, "1002");
    stage.run_until("busy", 5_000, |w| outcome(w, third) == Some(Outcome::Busy));
    assert_eq!(stage.world.pages[callee].state(), Some(CallState::Active));
}

#[test]
fn the_first_of_two_devices_takes_it_and_the_other_is_told_where_it_went() {
    let (mut stage, caller, callee) = two_open(World::new());
    let second = stage.page("1002", "second");
    stage.open(second);
    stage.run(200);
    stage.dial(caller, "1002");
    stage.run_until("both ring", 3_000, |w| {
        [callee, second]
            .iter()
            .all(|p| w.pages[*p].state() == Some(CallState::Incoming))
    });
    stage.answer(second);
    stage.run_until("elsewhere", 3_000, |w| {
        outcome(w, callee) == Some(Outcome::Elsewhere)
            && w.pages[second].state() == Some(CallState::Active)
    });
}

#[test]
fn two_that_answer_at_once_leave_one_call() {
    let (mut stage, caller, callee) = two_open(World::new());
    let second = stage.page("1002", "second");
    stage.open(second);
    stage.run(200);
    stage.dial(caller, "1002");
    stage.run_until("both ring", 3_000, |w| {
        [callee, second]
            .iter()
            .all(|p| w.pages[*p].state() == Some(CallState::Incoming))
    });
    stage.answer(callee);
    stage.answer(second);
    stage.run(3_000);
    let mut states: Vec<_> = [callee, second]
        .iter()
        .map(|p| stage.world.pages[*p].state().unwrap())
        .collect();
    states.sort_by_key(|s| *s == CallState::Ended);
    assert_eq!(states, [CallState::Active, CallState::Ended]);
    let lost = [callee, second]
        .into_iter()
        .find(|p| stage.world.pages[*p].state() == Some(CallState::Ended));
    assert_eq!(
        outcome(&stage.world, lost.unwrap()),
        Some(Outcome::Elsewhere)
    );
    assert_eq!(stage.world.pages[caller].state(), Some(CallState::Active));
}

#[test]
fn a_page_that_loses_its_socket_while_it_rings_rings_once_and_talks() {
    let (mut stage, caller, callee) = two_open(World::new());
    stage.dial(caller, "1002");
    stage.run_until("it rings", 3_000, |w| {
        w.pages[caller].state() == Some(CallState::Ringing)
    });
    stage.cut(callee);
    stage.run_until("registered anew", 5_000, |w| {
        w.pages[callee].agent.registration() == Registration::Registered
    });
    stage.run(2_000);
    assert_eq!(stage.world.pages[callee].state(), Some(CallState::Incoming));
    stage.answer(callee);
    stage.run_until("both talk", 5_000, |w| {
        [caller, callee]
            .iter()
            .all(|p| w.pages[*p].state() == Some(CallState::Active))
    });
    assert_eq!(stage.world.pages[callee].rings(), 1);
}

#[test]
fn a_page_that_loses_its_socket_in_a_call_keeps_it_and_ends_it_on_the_next_one() {
    for (which, name) in [(0, "caller"), (1, "callee")] {
        let (mut stage, caller, callee) = two_open(World::new());
        talking(&mut stage, caller, callee);
        let cut = [caller, callee][which];
        stage.cut(cut);
        stage.run_until("registered anew", 5_000, |w| {
            w.pages[cut].agent.registration() == Registration::Registered
        });
        stage.run(2_000);
        assert!(
            [caller, callee]
                .iter()
                .all(|p| stage.world.pages[*p].state() == Some(CallState::Active)),
            "{name}"
        );
        let call = stage.world.pages[callee].incoming();
        stage.command(callee, Command::HangUp(call));
        stage.run_until("both ended", 5_000, |w| {
            [caller, callee]
                .iter()
                .all(|p| outcome(w, *p) == Some(Outcome::HungUp))
        });
    }
}

#[test]
fn closing_the_page_unregisters_it() {
    let (mut stage, caller, callee) = two_open(World::new());
    stage.command(callee, Command::Stop);
    stage.run(500);
    assert_eq!(
        stage.world.pages[callee].agent.registration(),
        Registration::Closed
    );
    stage.dial(caller, "1002");
    stage.run_until("pushed", 3_000, |w| {
        w.pages[caller].view().and_then(|v| v.stage) == Some(WakeStage::Pushed)
    });
    assert_eq!(stage.world.pushed(PushKind::Invitation), 1);
}

#[test]
fn a_registration_lasts_for_a_day_of_refreshes() {
    let (mut stage, _, callee) = two_open(World::new());
    let events = stage.world.pages[callee].events.len();
    for _ in 0..24 {
        // The platform answers keepalives; the world has none, so time jumps between refreshes.
        stage.run(60_000);
    }
    let registered = &stage.world.pages[callee].events[events..];
    assert!(registered.len() >= 2, "refreshed: {registered:?}");
    assert_eq!(
        stage.world.pages[callee].agent.registration(),
        Registration::Registered
    );
}

/// What a page sent or heard in a frame, as text.
fn frames(world: &World, page: usize) -> String {
    format!("{:?}", world.pages[page].events)
}

#[test]
fn hold_digits_and_resume_pass_the_edge() {
    let (mut stage, caller, callee) = two_open(World::new());
    talking(&mut stage, caller, callee);
    let call = stage.world.pages[callee].incoming();
    stage.command(callee, Command::Hold(call, true));
    stage.run_until("it is held", 3_000, |w| {
        w.pages[callee].view().is_some_and(|v| v.held)
    });
    stage.command(callee, Command::Dtmf(call, "1#".into()));
    stage.run_until("the digits are there", 3_000, |w| {
        frames(w, caller).contains("'1'") && frames(w, caller).contains("'#'")
    });
    stage.command(callee, Command::Hold(call, false));
    stage.run_until("it is not held", 3_000, |w| {
        w.pages[callee].view().is_some_and(|v| !v.held)
    });
    assert_eq!(stage.world.pages[caller].state(), Some(CallState::Active));
}

#[test]
fn a_blind_transfer_passes_the_edge() {
    let (mut stage, caller, callee) = two_open(World::new());
    let third = stage.page("1003", "third");
    stage.open(third);
    stage.run(500);
    talking(&mut stage, caller, callee);
    let call = stage.world.pages[callee].incoming();
    stage.command(
        callee,
        Command::Transfer(call, wakeline_sip::pii::Pii("1003".into())),
    );
    stage.run_until("it rings there", 5_000, |w| {
        w.pages[third].state() == Some(CallState::Incoming)
    });
    let remote = stage.world.pages[third]
        .view()
        .unwrap()
        .remote
        .number
        .clone();
    assert_eq!(remote.expose(), "1001");
    stage.answer(third);
    stage.run_until("they talk", 5_000, |w| {
        w.pages[third].state() == Some(CallState::Active)
            && outcome(w, callee) == Some(Outcome::HungUp)
    });
    stage.run(40_000);
    assert_eq!(stage.world.pages[third].state(), Some(CallState::Active));
}

/// Another caller, while two talk.
fn third(stage: &mut Stage) -> usize {
    let third = stage.page("1003", "third");
    stage.open(third);
    stage.run(200);
    stage.dial(third, "1002");
    third
}

#[test]
fn a_second_caller_rings_beside_the_call_and_a_third_finds_it_busy() {
    let (mut stage, caller, callee) = two_open(World::new());
    talking(&mut stage, caller, callee);
    let first = stage.world.pages[callee].incoming();
    let second = third(&mut stage);
    stage.run_until("it rings", 5_000, |w| {
        w.pages[second].state() == Some(CallState::Ringing)
    });
    assert_eq!(stage.world.pages[callee].rings(), 2);
    let fourth = stage.page("1004", "fourth");
    stage.open(fourth);
    stage.run(200);
    stage.dial(fourth, "1002");
    stage.run_until("busy", 5_000, |w| outcome(w, fourth) == Some(Outcome::Busy));
    // This one ends, that one is answered.
    stage.command(callee, Command::HangUp(first));
    stage.answer(callee);
    stage.run_until("the second talks", 5_000, |w| {
        w.pages[second].state() == Some(CallState::Active)
            && outcome(w, caller) == Some(Outcome::HungUp)
    });
}

#[test]
fn a_second_caller_who_is_declined_leaves_the_call_alone() {
    let (mut stage, caller, callee) = two_open(World::new());
    talking(&mut stage, caller, callee);
    let second = third(&mut stage);
    stage.run_until("it rings", 5_000, |w| {
        w.pages[second].state() == Some(CallState::Ringing)
    });
    let call = stage.world.pages[callee].incoming();
    stage.command(callee, Command::Reject(call));
    stage.run_until("declined", 5_000, |w| {
        outcome(w, second) == Some(Outcome::Declined)
    });
    assert_eq!(stage.world.pages[caller].state(), Some(CallState::Active));
}

#[test]
fn two_callers_of_a_sleeping_line_ring_together_or_one_finds_it_busy() {
    for call_waiting in [true, false] {
        let mut world = World::new();
        world.config.edge.call_waiting = call_waiting;
        let mut stage = Stage::new(world);
        let callers = [stage.page("1001", "caller"), stage.page("1003", "other")];
        let callee = stage.page("1002", "callee");
        for caller in callers {
            stage.open(caller);
            stage.run(200);
            stage.dial(caller, "1002");
        }
        stage.run_until("one wake each", 3_000, |w| {
            w.pushed(PushKind::Invitation) == 2
        });
        let wake = stage.world.invited_wake();
        stage.world.report(callee, &wake, "opened").unwrap();
        stage.open(callee);
        let end = if call_waiting {
            CallState::Ringing
        } else {
            CallState::Ended
        };
        stage.run_until("both have rung", 5_000, |w| {
            let mut states = callers.map(|c| w.pages[c].state().unwrap());
            states.sort_by_key(|s| *s == CallState::Ended);
            states == [CallState::Ringing, end]
        });
        if call_waiting {
            stage.answer(callee);
            stage.run_until("one talks", 5_000, |w| {
                callers
                    .iter()
                    .any(|c| w.pages[*c].state() == Some(CallState::Active))
            });
            let call = stage.world.pages[callee].incoming();
            stage.command(callee, Command::HangUp(call));
        } else {
            assert!(
                callers
                    .iter()
                    .any(|c| outcome(&stage.world, *c) == Some(Outcome::Busy))
            );
        }
    }
}

#[test]
fn a_caller_who_loses_the_socket_before_the_answer_goes_on_on_the_next_one() {
    let mut stage = Stage::new(World::new());
    let (caller, callee) = (stage.page("1001", "caller"), stage.page("1002", "callee"));
    stage.open(caller);
    stage.run(200);
    stage.dial(caller, "1002");
    stage.run_until("pushed", 2_000, |w| {
        w.pages[caller].state() == Some(CallState::Waking)
    });
    stage.dark = true;
    stage.cut(caller);
    stage.run(6_000);
    assert_eq!(stage.world.pages[caller].state(), Some(CallState::Waking));
    stage.dark = false;
    stage.run_until("registered anew", 10_000, |w| {
        w.pages[caller].agent.registration() == Registration::Registered
    });
    let wake = stage.world.invited_wake();
    stage.world.report(callee, &wake, "opened").unwrap();
    stage.open(callee);
    stage.run_until("it rings", 5_000, |w| {
        w.pages[caller].state() == Some(CallState::Ringing)
    });
    stage.answer(callee);
    stage.run_until("both talk", 3_000, |w| {
        [caller, callee]
            .iter()
            .all(|p| w.pages[*p].state() == Some(CallState::Active))
    });
    assert_eq!(stage.world.pushed(PushKind::Invitation), 1);
    assert_eq!(stage.world.pages[callee].rings(), 1);
}

#[test]
fn a_caller_who_stays_away_is_told_so_and_rings_nobody_afterwards() {
    let mut stage = Stage::new(World::new());
    let (caller, _) = (stage.page("1001", "caller"), stage.page("1002", "callee"));
    stage.open(caller);
    stage.run(200);
    stage.dial(caller, "1002");
    stage.run_until("pushed", 2_000, |w| w.pushed(PushKind::Invitation) == 1);
    stage.dark = true;
    stage.cut(caller);
    stage.run_until("lost", 11_000, |w| {
        outcome(w, caller) == Some(Outcome::Lost)
    });
    stage.run_until("cancelled", 2_000, |w| w.pushed(PushKind::Cancelled) == 1);
    stage.dark = false;
    stage.run(40_000);
    assert_eq!(stage.world.pushed(PushKind::Invitation), 1);
}

#[test]
fn hanging_up_without_a_socket_is_heard_of_on_the_next_one() {
    let mut stage = Stage::new(World::new());
    let (caller, _) = (stage.page("1001", "caller"), stage.page("1002", "callee"));
    stage.open(caller);
    stage.run(200);
    let call = stage.dial(caller, "1002");
    stage.run_until("pushed", 2_000, |w| w.pushed(PushKind::Invitation) == 1);
    let begun = stage.world.now;
    stage.cut(caller);
    stage.command(caller, Command::HangUp(call));
    assert_eq!(outcome(&stage.world, caller), Some(Outcome::Cancelled));
    stage.run_until("cancelled", 5_000, |w| w.pushed(PushKind::Cancelled) == 1);
    assert!(
        stage.world.now.since(begun).as_secs() < 5,
        "before the edge's patience with lost callers ends"
    );
    assert_eq!(stage.world.pushed(PushKind::Invitation), 1);
}

#[test]
fn the_other_side_of_a_lost_page_is_told_so_and_that_it_is_back_and_in_the_end_that_it_is_over() {
    for comes_back in [true, false] {
        let (mut stage, caller, callee) = two_open(World::new());
        talking(&mut stage, caller, callee);
        stage.dark = true;
        stage.cut(callee);
        stage.run(14_000);
        let lost = |w: &World| w.pages[caller].view().unwrap().lost;
        assert!(!lost(&stage.world));
        stage.run_until("told", 2_000, lost);
        if comes_back {
            stage.dark = false;
            stage.run_until("back", 14_000, |w| !lost(w));
            assert_eq!(stage.world.pages[caller].state(), Some(CallState::Active));
        } else {
            stage.run_until("over", 16_000, |w| {
                outcome(w, caller) == Some(Outcome::Lost)
            });
            assert!(!lost(&stage.world));
            assert_eq!(stage.world.records.len(), 1);
        }
    }
}

#[test]
fn limits_and_do_not_disturb_have_their_words() {
    use wakeline_sip::edge::LineCommand;
    let (mut stage, caller, callee) = two_open(World::new());
    stage.world.config.edge.calls_per_minute = 1;
    let call = stage.dial(caller, "1002");
    stage.run(10_000);
    stage.command(caller, Command::HangUp(call));
    stage.run(200);
    stage.dial(caller, "1002");
    stage.run(500);
    assert_eq!(outcome(&stage.world, caller), Some(Outcome::Limited(50)));

    stage.world.config.edge.calls_per_minute = 30;
    stage
        .world
        .command("1002", LineCommand::SetDoNotDisturb { on: true });
    stage.dial(caller, "1002");
    stage.run(500);
    assert_eq!(outcome(&stage.world, caller), Some(Outcome::Quiet));
    assert_eq!(stage.world.pages[callee].rings(), 1);
}
