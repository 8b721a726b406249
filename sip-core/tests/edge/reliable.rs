//! A caller who insists on reliable provisional responses (RFC 3262).

use crate::page::Temper;
use crate::sim::World;

#[test]
fn whoever_insists_hears_what_the_page_says_reliably_and_its_prack_arrives() {
    let mut world = World::new();
    let caller = world.page("1001", "caller", false);
    let callee = world.page("1002", "callee", true);
    world.pages[callee].temper = Temper::Try;
    world.open(caller);
    world.open(callee);
    world.settle();
    let invite = world.pages[caller].invite("1002");
    let invite = invite.replacen("Max-Forwards", "Require: 100rel\r\nMax-Forwards", 1);
    world.send(caller, invite.into_bytes());
    world.settle();
    let asked = world.pages[callee].requests("INVITE")[0];
    assert_eq!(asked.headers.get("Require"), Some("100rel"));
    let ringing = world.pages[callee].ring_reliably(41);
    world.send(callee, ringing);
    world.settle();
    let heard = world.pages[caller].responses();
    let ringing: Vec<_> = heard
        .iter()
        .filter(|r| (101..200).contains(&r.status))
        .collect();
    assert_eq!(
        ringing.len(),
        1,
        "no word of the edge itself, which cannot be acknowledged"
    );
    assert_eq!(ringing[0].headers.get("RSeq"), Some("41"));

    let prack = String::from_utf8(world.pages[caller].as_early_caller("PRACK", 2)).unwrap();
    let prack = prack.replacen("Max-Forwards", "RAck: 41 1 INVITE\r\nMax-Forwards", 1);
    world.send(caller, prack.into_bytes());
    world.settle();
    assert_eq!(world.pages[callee].requests("PRACK").len(), 1);
    assert_eq!(world.pages[caller].statuses("PRACK"), [200]);
    let ok = world.pages[callee].answer();
    world.send(callee, ok);
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 200);
}
