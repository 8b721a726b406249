//! Callers who are blocked, and lines that want no calls.

use crate::page::Temper;
use crate::sim::World;
use wakeline_sip::edge::{LineCommand, LineError, LineReply, Number, PushKind, Withheld};

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

fn block(world: &mut World, line: &str, caller: &str) -> LineReply {
    let command = LineCommand::Block {
        number: number(caller),
        display_name: "Somebody".into(),
    };
    world.command(line, command)
}

fn quiet(world: &mut World, on: bool) {
    let reply = world.command("1002", LineCommand::SetDoNotDisturb { on });
    assert!(matches!(reply, LineReply::DoNotDisturb { since } if since.is_some() == on));
}

/// What a caller hears from the dialling to the end, tags and ids left out.
fn story(world: &World, caller: usize) -> Vec<(u16, String, Option<String>, Option<String>)> {
    let told = |h: Option<&str>| h.map(str::to_owned);
    let state = |h: Option<&str>| h.and_then(|h| h.rsplit(';').next().map(str::to_owned));
    let responses = world.pages[caller].responses();
    let calls = responses
        .iter()
        .filter(|r| r.headers.cseq().unwrap().method == wakeline_sip::wire::Method::Invite);
    calls
        .map(|r| {
            let headers = &r.headers;
            (
                r.status,
                r.reason.clone(),
                told(headers.get("Reason")),
                state(headers.get("Wakeline-Wake")),
            )
        })
        .collect()
}

#[test]
fn a_blocked_caller_hears_what_an_unattended_phone_gives() {
    let stories = [false, true].map(|blocked| {
        let (mut world, caller, _) = World::caller_and_sleeper();
        if blocked {
            block(&mut world, "1002", "1001");
        }
        let invite = world.pages[caller].invite("1002");
        world.send(caller, invite.into_bytes());
        world.run_for(70_000);
        let (pushes, missed) = (world.pushes.len(), world.missed("1002").len());
        assert_eq!((pushes == 0, missed == 0), (blocked, blocked));
        assert_eq!(
            world.records[0].withheld,
            blocked.then_some(Withheld::Blocked)
        );
        assert_eq!(world.records[0].outcome.as_str(), "expired");
        let ended = world.records[0].ended_at.since(world.records[0].started_at);
        assert_eq!(ended.as_secs(), 60);
        story(&world, caller)
    });
    assert_eq!(stories[0], stories[1]);
    assert_eq!(stories[0][0].0, 100);
    assert_eq!(stories[0][1].1, "Pushed");
    assert_eq!(stories[0].last().unwrap().0, 480);
}

#[test]
fn an_open_page_learns_nothing_of_a_blocked_caller() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.pages[callee].temper = Temper::Answer;
    block(&mut world, "1002", "1001");
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.run_for(400);
    assert_eq!(world.pages[caller].progress(), ["182 Pushed"]);
    // Nor does one that registers meanwhile, or asks what waits.
    world.cut(callee);
    world.open(callee);
    world.settle();
    let LineReply::Waiting { wakes, missed } = world.command("1002", LineCommand::Waiting) else {
        panic!("no answer")
    };
    assert!(wakes.is_empty() && missed.is_empty());
    let registered = world.pages[callee].responses().pop().unwrap();
    assert_eq!(registered.headers.get("Wakeline-Waiting"), None);
    assert!(world.pages[callee].requests("INVITE").is_empty());
    let cancel = world.pages[caller].cancel("1002");
    world.send(caller, cancel);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 487);
    assert!(world.pushes.is_empty());
}

#[test]
fn lines_without_a_push_device_keep_their_answers() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.line("1004");
    let open = world.page("1003", "open", false);
    world.open(open);
    world.settle();
    for line in ["1003", "1004"] {
        block(&mut world, line, "1001");
        let invite = world.pages[caller].invite(line);
        world.send(caller, invite.into_bytes());
        world.run_for(5_000);
    }
    let states: Vec<_> = story(&world, caller)
        .into_iter()
        .filter(|s| s.0 == 480)
        .map(|s| s.3.unwrap())
        .collect();
    assert_eq!(states, ["state=unreachable", "state=unbound"]);
    assert!(world.pages[open].requests("INVITE").is_empty());
}

#[test]
fn who_is_let_through_again_rings_and_others_were_never_kept_out() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let other = world.page("1003", "other", false);
    world.open(other);
    world.settle();
    block(&mut world, "1002", "1001");
    let invite = world.pages[other].invite("1002");
    world.send(other, invite.into_bytes());
    world.settle();
    assert_eq!(world.pushed(PushKind::Invitation), 1);
    let unblock = LineCommand::Unblock {
        number: number("1001"),
    };
    let reply = world.command("1002", unblock);
    assert_eq!(
        reply,
        LineReply::Blocked {
            callers: Vec::new()
        }
    );
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pushed(PushKind::Invitation), 2);
}

#[test]
fn the_list_has_an_end_and_belongs_to_its_user() {
    let (mut world, ..) = World::caller_and_sleeper();
    world.config.edge.max_blocked = 2;
    for (caller, is_full) in [("1", false), ("2", false), ("3", true), ("1", false)] {
        let full = LineReply::Refused {
            error: LineError::TooManyBlocked,
        };
        assert_eq!(block(&mut world, "1002", caller) == full, is_full);
    }
    quiet(&mut world, true);
    let another = LineCommand::Provision {
        uid: wakeline_sip::edge::Uid::parse("another").unwrap(),
        display_name: String::new(),
        secret: None,
        replace: true,
    };
    world.command("1002", another);
    let callers = Vec::new();
    assert_eq!(
        world.command("1002", LineCommand::Blocked),
        LineReply::Blocked { callers }
    );
    assert_eq!(
        world.command("1002", LineCommand::DoNotDisturb),
        LineReply::DoNotDisturb { since: None }
    );
}

#[test]
fn do_not_disturb_is_told_and_the_call_is_among_the_missed() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.open(callee);
    world.settle();
    quiet(&mut world, true);
    // Whoever is blocked hears the same as everybody else.
    for blocked in [false, true] {
        if blocked {
            block(&mut world, "1002", "1001");
        }
        let invite = world.pages[caller].invite("1002");
        world.send(caller, invite.into_bytes());
        world.settle();
        let last = world.pages[caller].last_final().unwrap();
        assert_eq!(last.status, 480);
        assert_eq!(
            last.headers.get("Reason"),
            Some("SIP;cause=480;text=\"failed: do not disturb\"")
        );
        let record = world.records.last().unwrap();
        assert_eq!(record.withheld, Some(Withheld::DoNotDisturb));
    }
    assert!(world.pages[callee].requests("INVITE").is_empty());
    assert!(world.pushes.is_empty());
    assert_eq!(world.missed("1002").len(), 2);
    quiet(&mut world, false);
    let unblock = LineCommand::Unblock {
        number: number("1001"),
    };
    world.command("1002", unblock);
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[callee].requests("INVITE").len(), 1);
}

#[test]
fn ones_own_other_device_is_never_kept_out() {
    let mut world = World::new();
    let (here, there) = (
        world.page("1002", "here", true),
        world.page("1002", "there", true),
    );
    world.open(here);
    world.open(there);
    world.settle();
    quiet(&mut world, true);
    let invite = world.pages[here].invite("1002");
    world.send(here, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[there].requests("INVITE").len(), 1);
    assert!(world.pages[here].requests("INVITE").is_empty());
}
