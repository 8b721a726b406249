//! The same stories over a network between objects that drops, repeats, delays and reorders, with many seeds.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::PushKind;

fn long_limits(world: &mut World) {
    // A settled step takes seconds here: the stories want time.
    world.config.wake.ready = wakeline_sip::time::Duration::from_secs(600);
    world.config.wake.ring = wakeline_sip::time::Duration::from_secs(600);
    world.config.wake.silent = wakeline_sip::time::Duration::from_secs(8);
    world.config.edge.max_expires_s = 3600;
}

#[test]
fn a_woken_call_is_answered_and_ended_once_for_any_seed() {
    for seed in 0..15 {
        let mut world = World::stormy(seed);
        long_limits(&mut world);
        let (mut world, caller, callee) = World::caller_and_sleeper_in(world);
        let invite = world.pages[caller].invite("1002");
        world.send(caller, invite.into_bytes());
        world.settle();
        let wake = world.invited_wake();
        world.tap(callee, &wake);
        assert_eq!(world.pages[callee].ringing.len(), 1, "seed {seed}");
        let answer = world.pages[callee].answer();
        world.send(callee, answer);
        world.settle();
        assert_eq!(
            world.pages[caller].last_final().map(|r| r.status),
            Some(200),
            "seed {seed}"
        );
        let bye = world.pages[callee].as_callee("BYE", 1);
        world.send(callee, bye);
        world.settle();
        assert_eq!(world.pages[caller].requests("BYE").len(), 1, "seed {seed}");
        assert_eq!(
            world
                .records
                .iter()
                .filter(|r| r.answered_at.is_some())
                .count(),
            1,
            "seed {seed}"
        );
        assert_eq!(
            world.pages[caller]
                .progress()
                .iter()
                .filter(|p| *p == "200 OK")
                .count(),
            1,
            "seed {seed}"
        );
    }
}

#[test]
fn a_cancel_at_any_moment_leaves_nothing_ringing_and_one_end_for_any_seed() {
    for seed in 0..20 {
        let mut world = World::stormy(seed);
        long_limits(&mut world);
        let (mut world, caller, callee) = World::caller_and_sleeper_in(world);
        let laptop = world.page("1002", "laptop", true);
        world.pages[callee].temper = Temper::Ring;
        world.open(laptop);
        world.settle();
        let invite = world.pages[caller].invite("1002");
        world.send(caller, invite.into_bytes());
        world.run_for(seed * 13 % 700);
        let cancel = world.pages[caller].cancel("1002");
        world.send(caller, cancel);
        world.run_for(60_000);
        let finals: Vec<_> = world.pages[caller]
            .progress()
            .into_iter()
            .filter(|p| !p.starts_with('1'))
            .collect();
        assert_eq!(finals, ["487 Request Terminated"], "seed {seed}");
        assert!(world.pages[laptop].ringing.is_empty(), "seed {seed}");
        assert_eq!(world.records.len(), 1, "seed {seed}");
        let (invited, replaced) = (
            world.pushed(PushKind::Invitation),
            world.pushed(PushKind::Cancelled),
        );
        assert!(
            invited == 0 || replaced == 1,
            "seed {seed}: {invited} {replaced}"
        );
        world.run_for(900_000);
        let left = world.rows_of(
            "line:demo:1002",
            &["calls", "invites", "jobs", "records", "outbox", "inbox"],
        );
        assert_eq!(left, 0, "seed {seed}");
    }
}
