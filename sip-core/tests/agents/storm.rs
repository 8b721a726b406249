//! Many seeds of bad weather: whatever happens, both screens end up saying the same, and nothing rings on.

use wakeline_sip::agent::{CallState, Command, Registration};

use crate::page::two_open;
use crate::sim::World;

#[test]
fn whatever_the_weather_a_call_is_answered_and_hung_up() {
    for seed in 0..12 {
        let (mut stage, caller, callee) = two_open(World::stormy(seed));
        stage.dial(caller, "1002");
        stage.run_until("it rings", 40_000, |w| {
            w.pages[caller].state() == Some(CallState::Ringing)
        });
        stage.answer(callee);
        stage.run_until("both talk", 30_000, |w| {
            [caller, callee]
                .iter()
                .all(|p| w.pages[*p].state() == Some(CallState::Active))
        });
        let call = stage.world.pages[callee].incoming();
        stage.command(callee, Command::HangUp(call));
        stage.run_until("both ended", 30_000, |w| {
            [caller, callee]
                .iter()
                .all(|p| w.pages[*p].state() == Some(CallState::Ended))
        });
        assert_eq!(stage.world.pages[callee].rings(), 1, "seed {seed}");
    }
}

#[test]
fn sockets_that_break_at_any_moment_leave_no_ghost() {
    for seed in 0..24_u64 {
        let (mut stage, caller, callee) = two_open(World::stormy(seed));
        let call = stage.dial(caller, "1002");
        stage.run(37 * seed);
        stage.cut(if seed % 2 == 0 { callee } else { caller });
        stage.run(1_000 + 211 * seed);
        if stage.world.pages[callee].state() == Some(CallState::Incoming) {
            stage.answer(callee);
        }
        stage.run(3_000);
        stage.command(caller, Command::HangUp(call));
        stage.run_until("quiet on both sides", 60_000, |w| {
            let over = |p: usize| w.pages[p].state().is_none_or(|s| s == CallState::Ended);
            over(caller) && over(callee)
        });
        stage.run_until("registered", 60_000, |w| {
            [caller, callee]
                .iter()
                .all(|p| w.pages[*p].agent.registration() == Registration::Registered)
        });
    }
}

#[test]
fn a_dark_hour_ends_in_a_registration() {
    let (mut stage, _, callee) = two_open(World::new());
    stage.dark = true;
    stage.cut(callee);
    stage.run(600_000);
    assert!(matches!(
        stage.world.pages[callee].agent.registration(),
        Registration::Reconnecting { .. }
    ));
    stage.dark = false;
    stage.run_until("registered", 31_000, |w| {
        w.pages[callee].agent.registration() == Registration::Registered
    });
}
