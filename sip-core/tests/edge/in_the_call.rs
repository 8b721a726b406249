//! Requests inside an answered call, both ways; parties that are lost and come back.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::EndedBy;

fn talking() -> (World, usize, usize) {
    let mut world = World::new();
    let caller = world.page("1001", "caller", false);
    let callee = world.page("1002", "callee", true);
    world.pages[callee].temper = Temper::Answer;
    world.open(caller);
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
    (world, caller, callee)
}

#[test]
fn requests_pass_both_ways_with_their_answers() {
    let (mut world, caller, callee) = talking();
    let info = world.pages[caller].as_caller("INFO", 2);
    world.send(caller, info);
    let update = world.pages[callee].as_callee("UPDATE", 1);
    world.send(callee, update);
    world.settle();
    assert_eq!(world.pages[callee].requests("INFO").len(), 1);
    assert_eq!(world.pages[caller].statuses("INFO"), [200]);
    assert_eq!(world.pages[caller].requests("UPDATE").len(), 1);
    assert_eq!(world.pages[callee].statuses("UPDATE"), [200]);
}

#[test]
fn every_method_of_a_dialog_passes_both_ways() {
    let (mut world, caller, callee) = talking();
    let methods = [
        "INFO",
        "UPDATE",
        "REFER",
        "NOTIFY",
        "SUBSCRIBE",
        "MESSAGE",
        "PRACK",
        "DANCE",
    ];
    for (at, method) in methods.into_iter().enumerate() {
        let cseq = u32::try_from(at).unwrap() + 2;
        let out = world.pages[caller].as_caller(method, cseq);
        world.send(caller, out);
        let back = world.pages[callee].as_callee(method, cseq);
        world.send(callee, back);
        world.settle();
        for (here, there) in [(caller, callee), (callee, caller)] {
            assert_eq!(world.pages[there].requests(method).len(), 1, "{method}");
            assert_eq!(world.pages[here].statuses(method), [200], "{method}");
        }
    }
}

#[test]
fn a_re_invite_rings_and_can_be_cancelled() {
    let (mut world, caller, callee) = talking();
    world.pages[callee].temper = Temper::Ring;
    let again = world.pages[caller].as_caller("INVITE", 2);
    world.send(caller, again.clone());
    world.settle();
    assert_eq!(world.pages[callee].ringing.len(), 1);
    let cancel = String::from_utf8(again)
        .unwrap()
        .replace("INVITE", "CANCEL");
    let via = cancel
        .lines()
        .find(|l| l.starts_with("Via"))
        .unwrap()
        .to_owned();
    // The same branch as its INVITE.
    let cancel = cancel.replace(&via, &via.replace("CANCEL2", "INVITE2"));
    world.send(caller, cancel.into_bytes());
    world.settle();
    assert!(world.pages[callee].ringing.is_empty());
    assert_eq!(world.pages[caller].last_final().unwrap().status, 487);
    let bye = world.pages[callee].as_callee("BYE", 1);
    world.send(callee, bye);
    world.settle();
    assert_eq!(
        world.pages[caller].requests("BYE").len(),
        1,
        "the call itself went on"
    );
}

#[test]
fn a_stranger_cannot_speak_in_it() {
    let (mut world, caller, _) = talking();
    let stranger = world.page("1003", "stranger", false);
    world.open(stranger);
    world.settle();
    // The whole dialog is known to the stranger: under the caller's name, and under its own.
    let bye = String::from_utf8(world.pages[caller].as_caller("BYE", 9)).unwrap();
    world.send(stranger, bye.clone().into_bytes());
    world.send(stranger, bye.replace("sip:1001@", "sip:1003@").into_bytes());
    world.settle();
    assert_eq!(world.pages[stranger].statuses("BYE"), [403, 481]);
    assert!(world.records.is_empty());
}

#[test]
fn after_fifteen_seconds_the_other_side_is_told_and_after_thirty_it_ends() {
    let (mut world, caller, callee) = talking();
    world.cut(callee);
    world.run_for(14_000);
    assert!(world.pages[caller].requests("OPTIONS").is_empty());
    world.run_for(2_000);
    let told = world.pages[caller].requests("OPTIONS");
    assert!(
        told[0]
            .headers
            .get("Wakeline-Wake")
            .unwrap()
            .ends_with(";state=lost")
    );
    assert!(
        told[0].headers.to().unwrap().tag().is_none(),
        "in the dialog it would use up a number of the lost party"
    );
    world.run_for(15_000);
    assert_eq!(world.pages[caller].requests("BYE").len(), 1);
    assert_eq!(
        world.pages[caller].requests("BYE")[0]
            .headers
            .cseq()
            .unwrap()
            .number,
        1
    );
    assert_eq!(world.records[0].ended_by, Some(EndedBy::Edge));
}

/// The socket of a page is cut, and it has another one 10 s later.
fn away_and_back(world: &mut World, page: usize) {
    world.cut(page);
    world.run_for(10_000);
    world.open(page);
    world.settle();
}

#[test]
fn a_callee_who_registers_anew_in_time_stays_in_the_call() {
    let (mut world, caller, callee) = talking();
    away_and_back(&mut world, callee);
    let update = world.pages[callee].as_callee("UPDATE", 1);
    world.send(callee, update);
    world.settle();
    assert_eq!(world.pages[callee].statuses("UPDATE"), [200]);
    assert!(
        world.pages[caller].requests("OPTIONS").is_empty(),
        "nobody was told"
    );
    world.run_for(60_000);
    assert!(world.pages[caller].requests("BYE").is_empty());
    let bye = world.pages[caller].as_caller("BYE", 2);
    world.send(caller, bye);
    world.settle();
    assert_eq!(world.pages[callee].requests("BYE").len(), 1);
}

#[test]
fn a_caller_who_comes_back_in_time_stays_in_the_call() {
    let (mut world, caller, callee) = talking();
    away_and_back(&mut world, caller);
    let update = world.pages[caller].as_caller("UPDATE", 2);
    world.send(caller, update);
    world.settle();
    world.run_for(60_000);
    assert_eq!(world.pages[caller].statuses("UPDATE"), [200]);
    let bye = world.pages[callee].as_callee("BYE", 1);
    world.send(callee, bye);
    world.settle();
    assert_eq!(world.pages[caller].requests("BYE").len(), 1);
}

#[test]
fn a_callee_who_registered_anew_hears_the_caller_before_it_speaks_itself() {
    let (mut world, caller, callee) = talking();
    away_and_back(&mut world, callee);
    let info = world.pages[caller].as_caller("INFO", 2);
    world.send(caller, info);
    world.settle();
    assert_eq!(world.pages[callee].requests("INFO").len(), 1);
    assert_eq!(world.pages[caller].statuses("INFO"), [200]);
    // Its answer says that it is back: the call goes on, and is hung up on its new socket.
    world.run_for(60_000);
    assert!(world.pages[caller].requests("BYE").is_empty());
    let bye = world.pages[caller].as_caller("BYE", 3);
    world.send(caller, bye);
    world.settle();
    assert_eq!(world.pages[callee].requests("BYE").len(), 1);
}

#[test]
fn hanging_up_on_a_lost_party_works() {
    let (mut world, caller, callee) = talking();
    world.cut(callee);
    world.settle();
    let bye = world.pages[caller].as_caller("BYE", 2);
    world.send(caller, bye);
    world.settle();
    assert_eq!(world.pages[caller].statuses("BYE"), [200]);
    assert_eq!(world.records.len(), 1);
    world.run_for(400_000);
    assert_eq!(
        world.rows_of("line:demo:1002", &["calls", "records", "outbox"]),
        0
    );
}

#[test]
fn a_call_that_either_side_hung_up_leaves_nothing_at_the_flows() {
    for caller_ends in [true, false] {
        let (mut world, caller, callee) = talking();
        let flows = [caller, callee].map(|page| world.pages[page].flow.clone().unwrap());
        for flow in &flows {
            assert_eq!(world.rows_of(flow, &["calls"]), 1);
        }
        if caller_ends {
            let bye = world.pages[caller].as_caller("BYE", 2);
            world.send(caller, bye);
        } else {
            let bye = world.pages[callee].as_callee("BYE", 1);
            world.send(callee, bye);
        }
        world.settle();
        for flow in &flows {
            assert_eq!(world.rows_of(flow, &["calls"]), 0, "of {flow}");
        }
    }
}

#[test]
fn whoever_was_told_that_the_other_is_lost_hears_that_they_are_back() {
    let (mut world, caller, callee) = talking();
    world.cut(callee);
    world.run_for(20_000);
    let state = |world: &World| {
        let told = world.pages[caller].requests("OPTIONS");
        let told = told.iter().map(|o| o.headers.get("Wakeline-Wake").unwrap());
        told.map(|t| t.rsplit('=').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(state(&world), ["lost"]);
    // Whoever is told may go on speaking: that says nothing about the other one.
    let info = world.pages[caller].as_caller("INFO", 2);
    world.send(caller, info);
    world.settle();
    assert_eq!(state(&world), ["lost"]);
    world.open(callee);
    world.settle();
    let update = world.pages[callee].as_callee("UPDATE", 1);
    world.send(callee, update);
    world.settle();
    assert_eq!(state(&world), ["lost", "answered"]);
    world.run_for(60_000);
    assert!(world.pages[caller].requests("BYE").is_empty());
}

#[test]
fn what_comes_late_from_a_socket_that_the_callee_has_left_does_not_take_the_call_back_there() {
    let (mut world, caller, callee) = talking();
    // It cannot leave its flow.
    world.cut_off = world.pages[callee].flow.clone();
    let info = world.pages[callee].as_callee("INFO", 1);
    world.send(callee, info);
    world.run_for(5);
    world.cut(callee);
    world.open(callee);
    world.settle();
    world.cut_off = None;
    world.run_for(45_000);
    assert_eq!(world.pages[caller].requests("INFO").len(), 1);
    assert!(world.records.is_empty(), "nobody is lost");
    let bye = world.pages[caller].as_caller("BYE", 2);
    world.send(caller, bye);
    world.settle();
    assert_eq!(world.pages[callee].requests("BYE").len(), 1);
}
