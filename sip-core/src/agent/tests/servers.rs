//! Several servers: which one is tried when one is lost, dead, or in trouble.

use super::net::{Page, config, granted};
use crate::agent::{Agent, Command, FlowId, Registration};
use crate::entropy::Entropy;
use crate::time::Duration;
use crate::wire::{HeaderName, Method, Response};

fn page(servers: usize) -> Page {
    let mut page = Page::with(config("1001"), 5);
    page.agent = Agent::new(&config("1001"), Entropy::for_tests(5))
        .unwrap()
        .with_servers(servers);
    page.command(Command::Start);
    page
}

/// The REGISTER that is under way, or goes out on the socket that is wanted, meets a server in trouble.
fn in_trouble(page: &mut Page, retry_after: Option<&str>) {
    if page.connecting {
        page.connected();
    }
    let register = page.request(Method::Register);
    let mut refusal = Response::for_request(&register, 503, "");
    if let Some(after) = retry_after {
        refusal = refusal.with(HeaderName::RetryAfter, after);
    }
    page.frame(refusal);
}

/// The socket could not be opened; the pause before the next try passes.
fn fails(page: &mut Page) {
    page.cut();
    page.connecting = false;
    waits(page);
}

fn waits(page: &mut Page) {
    for _ in 0..400 {
        if page.connecting {
            return;
        }
        page.pass(Duration::from_millis(100));
    }
    panic!("it gave up");
}

#[test]
fn a_server_that_cannot_be_reached_is_followed_by_the_next_and_after_the_last_the_first() {
    let mut page = page(3);
    let mut tried = vec![page.agent.server(FlowId::FIRST)];
    for _ in 0..3 {
        fails(&mut page);
        tried.push(page.agent.server(FlowId::FIRST));
    }
    assert_eq!(tried, [0, 1, 2, 0]);
}

#[test]
fn a_server_that_held_us_is_tried_once_more_before_another() {
    let mut page = page(2);
    page.connected();
    page.accept_register(600);
    assert_eq!(page.registration(), Registration::Registered);
    fails(&mut page);
    assert_eq!(page.agent.server(FlowId::FIRST), 0);
    fails(&mut page);
    assert_eq!(page.agent.server(FlowId::FIRST), 1);
    page.connected();
    page.accept_register(600);
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn one_in_trouble_is_left_at_once_but_when_all_are_its_word_is_kept() {
    let mut page = page(2);
    let busy = |page: &mut Page| in_trouble(page, Some("120"));
    busy(&mut page);
    let until = page.now + Duration::from_secs(120);
    page.pass(Duration::from_secs(1));
    assert!(page.connecting, "the other one is asked within a second");
    assert_eq!(page.agent.server(FlowId::FIRST), 1);
    busy(&mut page);
    assert_eq!(
        page.registration(),
        Registration::Refused {
            status: 503,
            retry_at: Some(until)
        }
    );
    page.pass(Duration::from_secs(100));
    assert!(!page.connecting, "nobody is hammered");
    page.pass(Duration::from_secs(25));
    page.connected();
    let register = page.request(Method::Register);
    page.frame(granted(&register, 600));
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn a_refused_password_is_not_carried_to_the_next_server() {
    let mut page = page(2);
    page.connected();
    let register = page.request(Method::Register);
    page.frame(Response::for_request(&register, 403, ""));
    page.pass(Duration::from_secs(60));
    assert!(!page.connecting);
    assert_eq!(page.agent.server(FlowId::FIRST), 0);
}

#[test]
fn one_that_gets_into_trouble_while_it_holds_us_is_left_for_another() {
    let mut page = page(2);
    page.connected();
    page.accept_register(600);
    page.command(Command::Register);
    in_trouble(&mut page, None);
    page.pass(Duration::from_secs(1));
    assert_eq!(page.agent.server(FlowId::FIRST), 1);
    page.connected();
    page.accept_register(600);
    assert_eq!(page.registration(), Registration::Registered);
}

#[test]
fn each_in_trouble_is_asked_again_in_its_turn_however_long_it_lasts() {
    let mut page = page(2);
    let mut asked = Vec::new();
    for _ in 0..8 {
        asked.push(page.agent.server(FlowId::FIRST));
        in_trouble(&mut page, None);
        waits(&mut page);
    }
    assert_eq!(asked, [0, 1, 0, 1, 0, 1, 0, 1]);
}

#[test]
fn a_server_in_trouble_is_left_also_where_others_could_not_be_reached_before() {
    let mut page = page(3);
    fails(&mut page);
    fails(&mut page);
    assert_eq!(page.agent.server(FlowId::FIRST), 2);
    in_trouble(&mut page, None);
    page.pass(Duration::from_secs(3));
    assert_eq!(page.agent.server(FlowId::FIRST), 0);
    page.connected();
    page.accept_register(600);
    assert_eq!(page.registration(), Registration::Registered);
}

/// One has asked for two minutes, the other one is not there: it is tried as ever, and the first not before its time.
#[test]
fn what_a_server_asked_for_is_kept_while_another_cannot_be_reached() {
    let mut page = page(2);
    in_trouble(&mut page, Some("120"));
    let until = page.now + Duration::from_secs(120);
    page.pass(Duration::from_secs(1));
    while page.agent.server(FlowId::FIRST) == 1 {
        fails(&mut page);
        assert!(page.now < until + Duration::from_secs(61), "it is stuck");
    }
    page.connected();
    assert!(page.now >= until);
    page.accept_register(600);
}
