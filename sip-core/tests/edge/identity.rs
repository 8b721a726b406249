//! Who may say what: Bearer, digest, From, P-Asserted-Identity.

use crate::sim::World;
use wakeline_sip::auth::{Algorithm, DigestChallenge, DigestClient, Login};
use wakeline_sip::edge::{DigestSecret, LineCommand, Uid};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::wire::{HeaderName, Method};

#[test]
fn without_credentials_all_three_challenges_are_offered() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    world.connect(callee);
    let register = world.pages[callee].register_with(None, "");
    world.send(callee, register);
    world.settle();
    let challenge = world.pages[callee].responses()[0];
    assert_eq!(challenge.status, 401);
    let schemes: Vec<_> = challenge
        .headers
        .challenges(HeaderName::WwwAuthenticate)
        .unwrap();
    assert_eq!(
        schemes
            .iter()
            .map(|c| c.scheme.as_str())
            .collect::<Vec<_>>(),
        ["Bearer", "Digest", "Digest"]
    );
}

#[test]
fn digest_registers_and_a_wrong_password_or_a_replay_does_not() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    for (algorithm, nth) in [(Algorithm::Sha256, 0), (Algorithm::Md5, 1)] {
        let ha1 = |password| algorithm.ha1("1002", "example.test", password);
        let secret = DigestSecret {
            sha256: Algorithm::Sha256.ha1("1002", "example.test", "right"),
            md5: Some(Algorithm::Md5.ha1("1002", "example.test", "right")),
        };
        let _ = ha1("right");
        let uid = Uid::parse("u1002").unwrap();
        let command = LineCommand::Provision {
            uid,
            display_name: "U".into(),
            secret: Some(secret),
            replace: true,
        };
        world.command("1002", command);
        for (password, expected) in [("right", 200), ("wrong", 401)] {
            world.connect(callee);
            let register = world.pages[callee].register_with(None, "");
            world.send(callee, register);
            world.settle();
            let challenges = world.pages[callee]
                .responses()
                .pop()
                .unwrap()
                .headers
                .challenges(HeaderName::WwwAuthenticate)
                .unwrap();
            let challenge = DigestChallenge::try_from(&challenges[1 + nth]).unwrap();
            let login = Login::with_password("1002", password);
            let answer = DigestClient::new(challenge).answer(
                &login,
                &Method::Register,
                "sip:example.test",
                &mut Entropy::for_tests(1),
            );
            let header = format!("Authorization: {answer}\r\n");
            let register = world.pages[callee].register_with(None, &header);
            world.send(callee, register);
            world.settle();
            assert_eq!(
                world.pages[callee].responses().pop().unwrap().status,
                expected,
                "{password}"
            );
            let replay = world.pages[callee].register_with(None, &header);
            world.send(callee, replay);
            world.settle();
            assert_eq!(
                world.pages[callee].responses().pop().unwrap().status,
                401,
                "a replay"
            );
        }
    }
}

#[test]
fn an_expired_token_is_challenged_with_its_error_and_one_of_another_line_refused() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    world.pages[callee].token = "expired".into();
    world.open(callee);
    world.settle();
    let response = world.pages[callee].responses().pop().unwrap();
    assert_eq!(response.status, 401);
    assert!(
        response
            .headers
            .get("WWW-Authenticate")
            .unwrap()
            .contains("error=\"invalid_token\"")
    );
    world.pages[callee].token = "u1001/1001".into();
    world.open(callee);
    world.settle();
    assert_eq!(world.pages[callee].responses().pop().unwrap().status, 403);
}

#[test]
fn a_token_of_another_user_does_not_take_the_line() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    world.pages[callee].token = "mallory/1002".into();
    world.open(callee);
    world.settle();
    assert_eq!(world.pages[callee].responses().pop().unwrap().status, 403);
}

#[test]
fn a_valid_token_provisions_its_line() {
    let mut world = World::new();
    world.pages.push(crate::page::Page::new("2001", "new"));
    world.open(0);
    world.settle();
    assert_eq!(world.pages[0].statuses("REGISTER"), [200]);
}

#[test]
fn an_invite_under_another_name_is_403_and_before_any_register_too() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller]
        .invite("1002")
        .replace("sip:1001@example.test>;tag", "sip:1009@example.test>;tag");
    world.send(caller, invite.into_bytes());
    world.connect(callee);
    let invite = world.pages[callee].invite("1001");
    world.send(callee, invite.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].statuses("INVITE"), [403]);
    assert_eq!(world.pages[callee].statuses("INVITE"), [403]);
    assert!(world.pushes.is_empty());
}

#[test]
fn the_edge_writes_the_identity_and_drops_a_peers() {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    world.open(callee);
    world.settle();
    let forged = "P-Asserted-Identity: <sip:bank@example.test>\r\nP-Preferred-Identity: <sip:bank@example.test>\r\n\
                  Wakeline-Wake: forged;state=answered\r\nMax-Forwards";
    let invite = world.pages[caller]
        .invite("1002")
        .replace("Max-Forwards", forged);
    world.send(caller, invite.into_bytes());
    world.settle();
    let offered = world.pages[callee].requests("INVITE")[0];
    let from = offered.headers.from().unwrap();
    assert_eq!(
        from.display.as_deref(),
        Some("User u1001"),
        "not the name the caller wrote"
    );
    assert_eq!(
        offered.headers.get_all("P-Asserted-Identity"),
        ["\"User u1001\" <sip:1001@example.test>"]
    );
    assert_eq!(offered.headers.get("P-Preferred-Identity"), None);
    assert!(
        offered
            .headers
            .get("Wakeline-Wake")
            .unwrap()
            .ends_with(";state=invited")
    );
    assert_eq!(offered.headers.get_all("Wakeline-Wake").len(), 1);
}

#[test]
fn several_lines_register_on_one_socket() {
    let mut world = World::new();
    let first = world.page("1001", "first", false);
    let second = world.page("1002", "second", false);
    world.open(first);
    world.settle();
    let register = world.pages[second].register(None);
    world.send(first, register);
    world.settle();
    assert_eq!(world.pages[first].statuses("REGISTER"), [200, 200]);
    let invite = world.pages[second].invite("1001");
    world.send(first, invite.into_bytes());
    world.settle();
    assert_ne!(world.pages[first].statuses("INVITE")[..], [403]);
}
