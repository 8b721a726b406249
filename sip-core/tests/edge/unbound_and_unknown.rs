//! There is no such line, or nothing that could ring.

use crate::sim::World;

#[test]
fn an_unknown_line_is_404() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    for number in ["4711", "bad%20number"] {
        let invite = world.pages[caller].invite(number);
        world.send(caller, invite.into_bytes());
        world.settle();
        assert_eq!(
            world.pages[caller].last_final().unwrap().status,
            404,
            "{number}"
        );
    }
    assert_eq!(
        world.rows_of("line:demo:4711", &["account", "calls", "missed"]),
        0
    );
}

#[test]
fn a_line_of_another_domain_is_404() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite =
        world.pages[caller]
            .invite("1002")
            .replacen("1002@example.test", "1002@elsewhere.test", 1);
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 404);
}

#[test]
fn a_line_without_device_is_480_unbound() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.line("1003");
    let no_push = world.page("1004", "no-push", false);
    for number in ["1003", "1004"] {
        let invite = world.pages[caller].invite(number);
        world.send(caller, invite.into_bytes());
        world.settle();
        let last = world.pages[caller].last_final().unwrap();
        assert_eq!(
            (last.status, last.headers.get("Reason")),
            (480, Some("SIP;cause=480;text=\"unbound: no device\""))
        );
        assert!(
            last.headers
                .get("Wakeline-Wake")
                .unwrap()
                .ends_with("state=unbound")
        );
        assert_eq!(world.missed(number).len(), 1);
    }
    let _ = no_push;
}

#[test]
fn a_line_that_calls_itself_rings_its_other_devices_only() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1001");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 480);

    let phone = world.page("1001", "phone", true);
    let invite = world.pages[caller].invite("1001");
    world.send(caller, invite.into_bytes());
    world.settle();
    let refresh = world.pages[caller].register(None);
    world.send(caller, refresh);
    world.settle();
    let refreshed = world.pages[caller].responses().pop().unwrap();
    assert_eq!(
        refreshed.headers.get("Wakeline-Waiting"),
        None,
        "its own call does not wait for it"
    );
    let wake = world.invited_wake();
    world.tap(phone, &wake);
    let answer = world.pages[phone].answer();
    world.send(phone, answer);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
    assert!(world.pages[caller].requests("INVITE").is_empty());
    let bye = world.pages[caller].as_caller("BYE", 2);
    world.send(caller, bye);
    world.settle();
    assert_eq!(world.pages[phone].requests("BYE").len(), 1);
    assert_eq!(world.pages[caller].statuses("BYE"), [200]);
}
