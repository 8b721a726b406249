//! Strangers leave no rows at a line, and guess no passwords.

use crate::sim::World;
use wakeline_sip::auth::{Algorithm, DigestChallenge, DigestClient, Login};
use wakeline_sip::edge::{DigestSecret, LineCommand, Uid};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::wire::{HeaderName, Method};

fn with_password(world: &mut World, number: &str, password: &str) {
    let secret = DigestSecret {
        sha256: Algorithm::Sha256.ha1(number, "example.test", password),
        md5: None,
    };
    let command = LineCommand::Provision {
        uid: Uid::parse(&format!("u{number}")).unwrap(),
        display_name: "U".into(),
        secret: Some(secret),
        replace: true,
    };
    world.command(number, command);
}

/// The last challenge answered with a password; the status that follows.
fn answer_challenge(world: &mut World, page: usize, password: &str) -> u16 {
    let challenges = world.pages[page]
        .responses()
        .pop()
        .unwrap()
        .headers
        .challenges(HeaderName::WwwAuthenticate)
        .unwrap();
    let challenge = DigestChallenge::try_from(&challenges[1]).unwrap();
    let login = Login::with_password(world.pages[page].number.clone(), password);
    let mut entropy = Entropy::for_tests(1);
    let answer = DigestClient::new(challenge).answer(
        &login,
        &Method::Register,
        "sip:example.test",
        &mut entropy,
    );
    let header = format!("Authorization: {answer}\r\n");
    let register = world.pages[page].register_with(None, &header);
    world.send(page, register);
    world.settle();
    world.pages[page].responses().pop().unwrap().status
}

fn guess(world: &mut World, page: usize, password: &str) -> u16 {
    world.connect(page);
    let register = world.pages[page].register_with(None, "");
    world.send(page, register);
    world.settle();
    answer_challenge(world, page, password)
}

#[test]
fn a_socket_is_closed_after_three_wrong_passwords() {
    let mut world = World::new();
    let page = world.foreign("1002", "guesser");
    with_password(&mut world, "1002", "right");
    assert_eq!(guess(&mut world, page, "a"), 401);
    assert_eq!(answer_challenge(&mut world, page, "b"), 401);
    assert_eq!(world.pages[page].closed_because, None);
    // The 403 is still on its way when the scripted page sees its socket closed.
    answer_challenge(&mut world, page, "c");
    assert_eq!(world.pages[page].closed_because, Some("wrong credentials"));
}

#[test]
fn after_ten_wrong_passwords_none_is_compared_for_five_minutes_but_whoever_is_registered_stays() {
    let mut world = World::new();
    let user = world.foreign("1002", "user");
    let guesser = world.foreign("1002", "guesser");
    with_password(&mut world, "1002", "right");
    assert_eq!(guess(&mut world, user, "right"), 200);
    for n in 0..10 {
        assert_eq!(guess(&mut world, guesser, &format!("guess {n}")), 401);
    }
    assert_eq!(guess(&mut world, guesser, "right"), 503);
    let refused = world.pages[guesser].responses().pop().unwrap();
    let wait: u64 = refused.headers.get("Retry-After").unwrap().parse().unwrap();
    assert!((200..=300).contains(&wait), "{wait}");
    // A refresh of the user on its own flow.
    let register = world.pages[user].register_with(None, "");
    world.send(user, register);
    world.settle();
    assert_eq!(answer_challenge(&mut world, user, "right"), 200);
    world.run_for(wait * 1000);
    assert_eq!(guess(&mut world, guesser, "right"), 200);
}

#[test]
fn a_wrong_password_leaves_nothing_but_its_count() {
    let mut world = World::new();
    let page = world.foreign("1002", "guesser");
    with_password(&mut world, "1002", "right");
    guess(&mut world, page, "wrong");
    world.run_for(1_000);
    assert_eq!(world.all_rows("line:demo:1002"), ["account", "tries"]);
}

#[test]
fn a_line_that_was_never_provisioned_keeps_no_rows() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.pages.push(crate::page::Page::new("4711", "nobody"));
    let nobody = world.pages.len() - 1;
    assert_eq!(guess(&mut world, nobody, "x"), 401);
    let invite = world.pages[caller].invite("4711");
    world.send(caller, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].last_final().unwrap().status, 404);
    let route =
        "Route: <sip:edge.example.test;transport=ws;lr;wake=AAAA;line=4711>\r\nMax-Forwards";
    for method in ["BYE", "ACK", "INFO"] {
        let request = world.pages[caller]
            .invite("4711")
            .replace("INVITE", method)
            .replace(
                "To: <sip:4711@example.test>",
                "To: <sip:4711@example.test>;tag=x",
            )
            .replace("Max-Forwards", route);
        world.send(caller, request.into_bytes());
        world.settle();
    }
    assert_eq!(world.pages[caller].statuses("BYE"), [481]);
    assert_eq!(world.pages[caller].statuses("INFO"), [481]);
    world.run_for(1_000);
    assert_eq!(world.all_rows("line:demo:4711"), Vec::<String>::new());
}

#[test]
fn an_ack_for_a_call_that_nobody_made_goes_nowhere() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    for n in 0..20 {
        let route = format!(
            "Route: <sip:edge.example.test;transport=ws;lr;wake=AAAA{n};line=1002>\r\nMax-Forwards"
        );
        let ack = world.pages[caller]
            .invite("1002")
            .replace("INVITE", "ACK")
            .replace("Max-Forwards", &route);
        world.send(caller, ack.into_bytes());
    }
    world.settle();
    assert_eq!(world.rows_of("line:demo:1002", &["in_streams", "inbox"]), 0);
    let flow = world.pages[caller].flow.clone().unwrap();
    assert_eq!(world.rows_of(&flow, &["calls", "outbox"]), 0);
}

#[test]
fn who_guessed_before_the_line_was_made_registers_on_the_same_socket() {
    for by_token in [true, false] {
        let mut world = World::new();
        world.pages.push(crate::page::Page::new("4711", "early"));
        assert_eq!(guess(&mut world, 0, "right"), 401);
        if by_token {
            let register = world.pages[0].register(None);
            world.send(0, register);
            world.settle();
        } else {
            with_password(&mut world, "4711", "right");
            assert_eq!(answer_challenge(&mut world, 0, "right"), 200);
        }
        assert_eq!(*world.pages[0].statuses("REGISTER").last().unwrap(), 200);
    }
}

#[test]
fn over_a_bad_network_an_unknown_line_still_answers() {
    for seed in 1..20 {
        let (mut world, caller, _) = World::caller_and_sleeper_in(World::stormy(seed));
        let invite = world.pages[caller].invite("4711");
        world.send(caller, invite.into_bytes());
        world.run_for(30_000);
        assert_eq!(world.pages[caller].last_final().unwrap().status, 404);
        assert_eq!(world.all_rows("line:demo:4711"), Vec::<String>::new());
    }
}

#[test]
fn a_socket_whose_messages_pile_up_is_closed() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.config.edge.max_undelivered = 4;
    world.cut_off = Some("line:demo:1002".into());
    for _ in 0..6 {
        let invite = world.pages[caller].invite("1002");
        world.send(caller, invite.into_bytes());
    }
    world.settle();
    assert_eq!(
        world.pages[caller].closed_because,
        Some("too much undelivered")
    );
}
