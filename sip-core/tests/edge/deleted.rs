//! A user who is deleted leaves nothing behind, ends every call of theirs, and cannot come back with an old token.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::{LineCommand, LineError, LineReply, Number, Record, Uid};
use wakeline_sip::time::Time;

fn delete(world: &mut World, number: &str) {
    assert_eq!(
        world.command(number, LineCommand::DeleteUser),
        LineReply::Done
    );
    world.settle();
}

const THEIRS: &[&str] = &[
    "account",
    "devices",
    "bindings",
    "missed",
    "ended",
    "jobs",
    "noted",
    "invites",
    "visibility",
];

#[test]
fn parked_ringing_and_talking_calls_end() {
    for talks in [None, Some(Temper::Ring), Some(Temper::Answer)] {
        let (mut world, caller, callee) = World::caller_and_sleeper();
        if let Some(temper) = talks {
            world.pages[callee].temper = temper;
            world.open(callee);
            world.settle();
        }
        let invite = world.pages[caller].invite("1002");
        world.send(caller, invite.into_bytes());
        world.settle();
        delete(&mut world, "1002");
        let last = world.pages[caller].last_final().unwrap().status;
        if talks == Some(Temper::Answer) {
            assert_eq!(last, 200);
            assert_eq!(
                world.pages[caller].requests("BYE").len(),
                1,
                "the caller is told"
            );
        } else {
            assert_eq!(last, 480, "{talks:?}");
        }
        assert!(world.pages[callee].ringing.is_empty());
        assert_eq!(world.records.len(), 1, "the call is recorded as over");
        world.run_for(400_000);
        assert_eq!(world.rows_of("line:demo:1002", THEIRS), 0);
    }
}

#[test]
fn nothing_of_them_is_left_and_after_a_week_nothing_at_all() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(90_000);
    assert_eq!(world.missed("1002").len(), 1);
    world.open(callee);
    world.settle();
    delete(&mut world, "1002");
    assert_eq!(world.rows_of("line:demo:1002", THEIRS), 0);
    assert!(
        world
            .noted
            .iter()
            .any(|r| matches!(r, Record::Deleted(d) if d.uid.as_str() == "u1002"))
    );
    assert!(matches!(
        world.command("1002", LineCommand::Account),
        LineReply::Refused {
            error: LineError::UnknownLine
        }
    ));
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 404);
    world.run_for(8 * 86_400_000);
    assert!(world.all_rows("line:demo:1002").is_empty());
}

#[test]
fn a_token_of_before_is_dead_and_one_of_after_makes_the_line_anew() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    let before = world.now;
    world.run_for(5_000);
    delete(&mut world, "1002");
    world.pages[callee].token = format!("u1002/1002//{}", before.as_millis());
    world.open(callee);
    world.settle();
    assert_eq!(
        *world.pages[callee].statuses("REGISTER").last().unwrap(),
        403
    );
    let attest = |issued_at: Option<Time>| LineCommand::Attest {
        uid: Uid::parse("u1002").unwrap(),
        display_name: None,
        device: None,
        issued_at,
    };
    assert!(matches!(
        world.command("1002", attest(Some(before))),
        LineReply::Refused {
            error: LineError::Revoked
        }
    ));
    world.run_for(2_000);
    let after = Some(world.now);
    assert!(matches!(
        world.command("1002", attest(after)),
        LineReply::Account { created: true, .. }
    ));
}

#[test]
fn another_line_keeps_the_missed_call_but_not_who_it_was() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(90_000);
    delete(&mut world, "1001");
    let anonymise = LineCommand::Anonymise {
        uid: Uid::parse("u1001").unwrap(),
        number: Number::parse("1001").unwrap(),
    };
    for _ in 0..2 {
        world.command("1002", anonymise.clone());
        let missed = world.missed("1002");
        assert_eq!(missed.len(), 1);
        assert_eq!(missed[0].caller.number.as_str(), "anonymous");
        assert_eq!(missed[0].caller.display_name, "");
    }
}

#[test]
fn their_own_calls_to_others_end_too() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.pages[callee].temper = Temper::Answer;
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    delete(&mut world, "1001");
    // Their socket has nobody registered on it any more, and is closed; a party that is lost ends its calls.
    world.run_for(60_000);
    assert_eq!(world.pages[callee].requests("BYE").len(), 1);
    assert_eq!(world.records.len(), 1);
}
