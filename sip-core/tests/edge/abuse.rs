//! Caps, malformed input, silent sockets.

use crate::sim::World;
use wakeline_sip::edge::{FlowInput, FlowOutput};

#[test]
fn a_socket_that_registers_nothing_is_closed_after_ten_seconds() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    world.connect(callee);
    world.run_for(9_900);
    assert_eq!(world.pages[callee].closed_because, None);
    world.run_for(200);
    assert_eq!(
        world.pages[callee].closed_because,
        Some("nothing registered")
    );
}

#[test]
fn malformed_requests_are_refused_with_the_reason_and_rubbish_is_ignored() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(
        caller,
        invite.replace("CSeq: 1 INVITE", "CSeq: 1 BYE").into_bytes(),
    );
    world.send(caller, b"\xff\xfe\x00rubbish".to_vec());
    world.send(caller, b"\r\n".to_vec());
    world.settle();
    assert_eq!(world.pages[caller].responses().pop().unwrap().status, 400);
    assert_eq!(
        world.pages[caller].responses().pop().unwrap().reason,
        "CSeq Method Mismatch"
    );
    assert_eq!(world.pages[caller].closed_because, None);
}

#[test]
fn a_frame_past_the_limit_closes_the_socket() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.send(caller, vec![b'A'; 70_000]);
    world.settle();
    assert_eq!(world.pages[caller].closed_because, Some("frame too large"));
}

#[test]
fn hops_and_extensions_and_routes_are_checked() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let cases = [
        ("Max-Forwards: 70", "Max-Forwards: 0", 483),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nProxy-Require: strange",
            420,
        ),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nRoute: <sip:elsewhere.test;lr>",
            403,
        ),
        ("INVITE sip:1002@example.test", "INVITE tel:1002", 416),
    ];
    for (from, to, status) in cases {
        let invite = world.pages[caller].invite("1002").replace(from, to);
        world.send(caller, invite.into_bytes());
        world.settle();
        assert_eq!(
            world.pages[caller].responses().pop().unwrap().status,
            status,
            "{to}"
        );
    }
    assert!(world.pushes.is_empty());
}

#[test]
fn options_to_the_edge_is_answered_and_a_message_to_a_line_not_allowed() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let options = world.pages[caller]
        .invite("1002")
        .replace("INVITE", "OPTIONS")
        .replace("sip:1002@", "sip:");
    world.send(caller, options.into_bytes());
    world.settle();
    let response = world.pages[caller].responses().pop().unwrap();
    assert_eq!(response.status, 200);
    assert!(response.headers.get("Allow").is_some());
    let message = world.pages[caller]
        .invite("1002")
        .replace("INVITE", "MESSAGE");
    world.send(caller, message.into_bytes());
    world.settle();
    assert_eq!(world.pages[caller].responses().pop().unwrap().status, 405);
}

#[test]
fn an_unknown_dialog_is_481() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let bye = world.pages[caller].invite("1002").replace("INVITE", "BYE");
    let bye = bye.replace(
        "To: <sip:1002@example.test>",
        "To: <sip:1002@example.test>;tag=x",
    );
    world.send(caller, bye.clone().into_bytes());
    let route =
        "Route: <sip:edge.example.test;transport=ws;lr;wake=AAAA;line=1002>\r\nMax-Forwards";
    world.send(
        caller,
        bye.replace("z9hG4bKinv", "z9hG4bKoth")
            .replace("Max-Forwards", route)
            .into_bytes(),
    );
    world.settle();
    assert_eq!(world.pages[caller].statuses("BYE"), [481, 481]);
}

#[test]
fn a_keepalive_that_reaches_us_is_answered() {
    let (mut world, caller, _) = World::caller_and_sleeper();
    world.send(caller, b"\r\n\r\n".to_vec());
    world.settle();
    assert_eq!(world.pages[caller].pongs, 1);
}

#[test]
fn a_flood_of_frames_closes_the_socket() {
    let mut world = World::new();
    world.config.edge.frames_burst = 3;
    let mut flow = world.fresh_flow();
    let now = world.now;
    flow.handle_input(now, FlowInput::Opened { address: None });
    for _ in 0..4 {
        flow.handle_input(now, FlowInput::Frame(b"\r\n\r\n".to_vec()));
    }
    let outputs: Vec<_> = std::iter::from_fn(|| flow.poll_output()).collect();
    assert!(matches!(
        outputs.last(),
        Some(FlowOutput::Close {
            reason: "too many frames",
            ..
        })
    ));
}
