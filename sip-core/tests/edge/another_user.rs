//! A number that is given to another user keeps nothing of the former one.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::{LineCommand, LineError, LineReply, Uid};

fn give_to(world: &mut World, uid: &str) {
    let command = LineCommand::Provision {
        uid: Uid::parse(uid).unwrap(),
        display_name: "New".into(),
        secret: None,
        replace: true,
    };
    assert!(matches!(
        world.command("1002", command),
        LineReply::Account { created: false, .. }
    ));
}

#[test]
fn their_devices_are_not_pushed_nor_registered_nor_believed() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    // A missed call of the former user, and a page that is open.
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(90_000);
    assert_eq!(world.missed("1002").len(), 1);
    let wake = world.invited_wake();
    world.open(callee);
    world.settle();
    give_to(&mut world, "other");
    world.settle();
    assert!(world.missed("1002").is_empty());
    assert!(matches!(
        world.report(callee, &wake, "decline"),
        Err(LineError::UnknownDevice)
    ));
    let invite = world.pages[callee].invite("1001");
    world.send(callee, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[callee].last_final().unwrap().status, 403);
    let pushed = world.pushes.len();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 480);
    assert_eq!(world.pushes.len(), pushed);
    world.open(callee);
    world.settle();
    assert_eq!(
        *world.pages[callee].statuses("REGISTER").last().unwrap(),
        403
    );
}

#[test]
fn a_call_that_rings_them_ends() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let desk = world.foreign("1002", "desk");
    world.pages[desk].instance = false;
    world.open(desk);
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[callee].ringing.len(), 1);
    assert_eq!(world.pages[desk].ringing.len(), 1);
    give_to(&mut world, "other");
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 480);
    assert!(world.pages[callee].ringing.is_empty());
    assert!(world.pages[desk].ringing.is_empty());
    assert!(world.missed("1002").is_empty());
}

#[test]
fn a_new_name_or_password_of_the_same_user_changes_nothing_else() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.pages[callee].temper = Temper::Answer;
    world.open(callee);
    world.settle();
    give_to(&mut world, "u1002");
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
}
