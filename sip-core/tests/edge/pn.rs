//! `pn-*` parameters (RFC 8599): a user agent that is not ours and knows no REST is pushed all the same.

use crate::sim::World;
use wakeline_sip::edge::PushKind;

const PN: &str = ";pn-provider=webpush;pn-prid=https%3A%2F%2Fpush.test%2Fx";

/// A REGISTER with these parameters in its Contact.
fn register(world: &mut World, page: usize, expires: Option<u32>, pn: &str) {
    let register = String::from_utf8(world.pages[page].register(expires)).unwrap();
    let register = register.replace("transport=ws>", &format!("transport=ws{pn}>"));
    world.send(page, register.into_bytes());
    world.settle();
}

fn call(world: &mut World, caller: usize) {
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.into_bytes());
    world.settle();
}

fn known_by_pn() -> (World, usize, usize) {
    let (mut world, caller, _) = World::caller_and_sleeper();
    let phone = world.pages.len();
    world.pages.push(crate::page::Page::new("1002", "phone"));
    world.connect(phone);
    register(&mut world, phone, None, PN);
    (world, caller, phone)
}

#[test]
fn it_is_pushed_while_it_sleeps_and_called_as_soon_as_it_registers() {
    let (mut world, caller, phone) = known_by_pn();
    let response = world.pages[phone].responses().pop().unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(
        response.headers.get("Feature-Caps"),
        Some("*;+sip.pns=\"webpush\"")
    );
    world.cut(phone);
    world.settle();
    call(&mut world, caller);
    let device = world.pages[phone].device.clone();
    let (_, job) = world
        .pushes
        .iter()
        .find(|(_, job)| job.device == device)
        .unwrap();
    assert_eq!(
        (job.kind, job.target.as_str()),
        (PushKind::Invitation, "bare https://push.test/x")
    );
    world.connect(phone);
    register(&mut world, phone, None, PN);
    world.run_for(1_000);
    assert_eq!(world.pages[phone].requests("INVITE").len(), 1);
}

#[test]
fn it_is_pushed_no_more_once_it_unregisters_or_registers_without() {
    for last in [(Some(0), PN), (None, "")] {
        let (mut world, caller, phone) = known_by_pn();
        register(&mut world, phone, last.0, last.1);
        world.cut(phone);
        world.settle();
        call(&mut world, caller);
        let device = &world.pages[phone].device;
        assert!(world.pushes.iter().all(|(_, job)| job.device != *device));
    }
}

#[test]
fn a_push_service_that_is_not_supported_is_555() {
    let (mut world, _, phone) = known_by_pn();
    for pn in [";pn-provider=apns;pn-prid=x", ";pn-provider=apns"] {
        register(&mut world, phone, None, pn);
        let response = world.pages[phone].responses().pop().unwrap();
        assert_eq!(
            (response.status, response.reason.as_str()),
            (555, "Push Notification Service Not Supported")
        );
    }
    register(&mut world, phone, None, ";pn-provider=webpush");
    assert_eq!(world.pages[phone].responses().pop().unwrap().status, 200);
}
