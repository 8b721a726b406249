//! The registrar: refresh, expiry, 423, query, unregister, several devices.

use crate::sim::World;
use wakeline_sip::edge::{Availability, LineCommand, LineReply};
use wakeline_sip::wire::Contacts;

fn online(world: &mut World, number: &str) -> bool {
    match world.command(number, LineCommand::Presence { viewer: None }) {
        LineReply::Presence { availability, .. } => availability == Availability::Online,
        other => panic!("{other:?}"),
    }
}

#[test]
fn presence_follows_register_unregister_expiry_and_the_socket() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    assert!(!online(&mut world, "1002"));
    world.open(callee);
    world.settle();
    assert!(online(&mut world, "1002"));
    let gone = world.pages[callee].register(Some(0));
    world.send(callee, gone);
    world.settle();
    assert!(!online(&mut world, "1002"));

    let short = world.pages[callee].register(Some(60));
    world.send(callee, short);
    world.settle();
    assert!(online(&mut world, "1002"));
    world.run_for(61_000);
    assert!(!online(&mut world, "1002"));
    assert_eq!(world.pages[callee].closed_because, None);
    world.run_for(11_000);
    assert_eq!(
        world.pages[callee].closed_because,
        Some("nothing registered")
    );

    world.open(callee);
    world.settle();
    world.cut(callee);
    world.settle();
    assert!(!online(&mut world, "1002"));
}

#[test]
fn the_200_lists_all_bindings_and_says_outbound() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    let laptop = world.page("1002", "laptop", false);
    world.open(callee);
    world.settle();
    world.open(laptop);
    world.settle();
    let response = world.pages[laptop].responses().pop().unwrap();
    let Contacts::List(contacts) = response.headers.contacts().unwrap() else {
        panic!("a list")
    };
    assert_eq!(contacts.len(), 2);
    assert!(
        contacts
            .iter()
            .all(|c| c.expires() == Some(600) || c.expires() == Some(599))
    );
    assert!(
        contacts
            .iter()
            .any(|c| c.instance() == Some(&format!("urn:uuid:{}", world.pages[laptop].device)))
    );
    assert_eq!(response.headers.get("Require"), Some("outbound"));
}

#[test]
fn too_brief_is_423_and_a_query_changes_nothing() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    world.connect(callee);
    let brief = world.pages[callee].register(Some(5));
    world.send(callee, brief);
    world.settle();
    let response = world.pages[callee].responses().pop().unwrap();
    assert_eq!(
        (response.status, response.headers.get("Min-Expires")),
        (423, Some("30"))
    );
    let query = String::from_utf8(world.pages[callee].register(None)).unwrap();
    let contact = query
        .lines()
        .find(|line| line.starts_with("Contact"))
        .unwrap()
        .to_owned();
    let query = query.replace(&format!("{contact}\r\n"), "");
    world.send(callee, query.into_bytes());
    world.settle();
    assert_eq!(world.pages[callee].responses().pop().unwrap().status, 200);
    assert!(!online(&mut world, "1002"));
    let star = query_with(&mut world, callee, "Contact: *\r\nExpires: 0\r\n");
    assert_eq!(star, 200);
    let star = query_with(&mut world, callee, "Contact: *\r\n");
    assert_eq!(star, 400);
}

fn query_with(world: &mut World, page: usize, contact: &str) -> u16 {
    let register = String::from_utf8(world.pages[page].register(None)).unwrap();
    let line = register
        .lines()
        .find(|line| line.starts_with("Contact"))
        .unwrap()
        .to_owned();
    let register = register.replace(&format!("{line}\r\n"), contact);
    world.send(page, register.into_bytes());
    world.settle();
    world.pages[page].responses().pop().unwrap().status
}

#[test]
fn a_register_that_a_later_one_has_overtaken_takes_nothing_back_to_its_socket() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    // What the first socket says does not get through until the page, loaded anew, has registered over a second one.
    world.connect(callee);
    world.cut_off = world.pages[callee].flow.clone();
    let first = world.pages[callee].register(None);
    world.send(callee, first);
    world.run_for(10);
    world.cut(callee);
    world.open(callee);
    world.run_for(200);
    assert!(online(&mut world, "1002"));
    world.cut_off = None;
    world.run_for(10_000);
    assert!(
        online(&mut world, "1002"),
        "registered as the page believes"
    );
    let invite = world.pages[callee].invite("1001");
    world.send(callee, invite.into_bytes());
    world.run_for(100);
    let answer = world.pages[callee].responses().pop().unwrap();
    assert_ne!(answer.status, 403, "{}", answer.reason);
}
