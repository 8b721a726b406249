//! A call server in front: it holds the INVITE, the line leads the wake, and each hears of the other late, twice or never.

use crate::sim::{START, World};
use wakeline_sip::edge::{
    AskWake, LineCommand, LineError, LineReply, Number, Party, PushKind, Record, ServerEvent,
    ServerWakeView, Uid, WakeId,
};
use wakeline_sip::time::Duration;
use wakeline_sip::wake::{DeviceState, Failure, WakeState};

fn caller(number: &str) -> Party {
    Party {
        number: Number::parse(number).unwrap(),
        uid: Uid::parse(number).unwrap(),
        display_name: "Ada".into(),
    }
}

fn question(server: &str, call: &str) -> AskWake {
    AskWake {
        server: server.into(),
        call: call.into(),
        caller: caller("13800138000"),
        ready: None,
        ring: None,
        callback: None,
        limited: None,
    }
}

fn answered(reply: LineReply) -> (ServerWakeView, bool) {
    match reply {
        LineReply::ServerWake { wake, created } => (*wake, created),
        other => panic!("unexpected {other:?}"),
    }
}

impl World {
    fn asks(&mut self, ask: AskWake) -> (ServerWakeView, bool) {
        answered(self.command("1002", LineCommand::AskWake(Box::new(ask))))
    }

    fn pbx(&mut self, call: &str) -> ServerWakeView {
        let (wake, created) = self.asks(question("pbx", call));
        assert!(created);
        wake
    }

    fn says(&mut self, wake: &WakeId, event: ServerEvent) -> ServerWakeView {
        let command = LineCommand::ServerEvent {
            wake: wake.clone(),
            server: "pbx".into(),
            event,
        };
        answered(self.command("1002", command)).0
    }

    fn stands(&mut self, wake: &WakeId) -> ServerWakeView {
        let command = LineCommand::ServerWake {
            wake: wake.clone(),
            server: "pbx".into(),
        };
        answered(self.command("1002", command)).0
    }
}

fn failed(status: u16) -> ServerEvent {
    ServerEvent::Failed(Failure {
        status,
        reason: "said the server".into(),
    })
}

/// 1002 with one device that sleeps, and a wake of the call server that was pushed.
fn asleep() -> (World, usize, ServerWakeView) {
    let mut world = World::new();
    let page = world.page("1002", "phone", true);
    let wake = world.pbx("call-1");
    world.settle();
    (world, page, wake)
}

fn ready(world: &mut World, page: usize, wake: &WakeId) {
    world.report(page, wake, "opened").unwrap();
    world.report(page, wake, "ready").unwrap();
}

#[test]
fn a_page_is_woken_and_the_server_learns_of_each_state() {
    let (mut world, page, wake) = asleep();
    assert_eq!((wake.version, &wake.state), (1, &WakeState::Targeted));
    assert_eq!(wake.id.line(), Some(Number::parse("1002").unwrap()));
    let push = &world.pushes[0].1;
    assert_eq!(
        (push.kind, push.caller.display_name.as_str()),
        (PushKind::Invitation, "Ada")
    );
    let mut last = wake.version;
    let mut grown = |view: &ServerWakeView| {
        assert!(view.version > last, "{} > {last}", view.version);
        last = view.version;
        view.state.to_string()
    };
    assert_eq!(grown(&world.stands(&wake.id)), "pushed");
    world.report(page, &wake.id, "shown").unwrap();
    assert_eq!(grown(&world.stands(&wake.id)), "shown");
    world.report(page, &wake.id, "opened").unwrap();
    assert_eq!(grown(&world.stands(&wake.id)), "opened");
    // It is registered with the call server; no flow of the edge is in the way.
    world.report(page, &wake.id, "ready").unwrap();
    assert_eq!(grown(&world.stands(&wake.id)), "ready");
    assert_eq!(
        grown(&world.says(&wake.id, ServerEvent::Invited)),
        "invited"
    );
    assert_eq!(
        grown(&world.says(&wake.id, ServerEvent::Ringing)),
        "ringing"
    );
    let end = world.says(&wake.id, ServerEvent::Answered);
    assert_eq!(grown(&end), "answered");
    assert_eq!(end.sip, Some((200, "answered".into())));
    assert!(world.records.is_empty(), "they talk");
    world.run_for(60_000);
    world.says(&wake.id, ServerEvent::Ended);
    world.settle();
    let record = &world.records[0];
    assert_eq!(record.outcome, WakeState::Answered);
    assert!(record.ringing_at.is_some() && record.ended_at > record.answered_at.unwrap());
    assert_eq!(record.device.as_ref(), Some(&world.pages[page].device));
    assert!(world.missed("1002").is_empty());
    assert_eq!(
        world.pushed(PushKind::Missed) + world.pushed(PushKind::Elsewhere),
        0
    );
    assert!(world.changes.len() >= 7, "whoever waits is roused");
}

#[test]
fn a_second_page_that_is_ready_while_the_first_rings_is_told_once() {
    let (mut world, first, wake) = asleep();
    let second = world.page("1002", "tablet", true);
    ready(&mut world, first, &wake.id);
    world.says(&wake.id, ServerEvent::Invited);
    let rings = world.says(&wake.id, ServerEvent::Ringing);
    assert_eq!((rings.ready, &rings.state), (1, &WakeState::Ringing));
    ready(&mut world, second, &wake.id);
    let both = world.stands(&wake.id);
    assert_eq!((both.ready, &both.state), (2, &WakeState::Ringing));
    assert_eq!(both.version, rings.version + 1);
    // Said again it is no further page.
    ready(&mut world, second, &wake.id);
    assert_eq!(world.stands(&wake.id), both);
}

#[test]
fn asked_again_it_is_the_same_wake_and_of_another_server_another() {
    let (mut world, page, wake) = asleep();
    for _ in 0..3 {
        let (again, created) = world.asks(question("pbx", "call-1"));
        assert_eq!((&again.id, created), (&wake.id, false));
    }
    let mut of_another = question("gw", "call-1");
    of_another.caller = caller("13800138001");
    let (other, created) = world.asks(of_another);
    assert!(created && other.id != wake.id);
    let stolen = LineCommand::ServerWake {
        wake: other.id.clone(),
        server: "pbx".into(),
    };
    let refused = world.command("1002", stolen);
    assert!(
        matches!(
            refused,
            LineReply::Refused {
                error: LineError::UnknownWake
            }
        ),
        "{refused:?}"
    );
    ready(&mut world, page, &wake.id);
    let (again, _) = world.asks(question("pbx", "call-1"));
    assert_eq!(again.state, WakeState::Ready);
    // Also after the end, as long as it is remembered.
    world.says(&wake.id, ServerEvent::Cancelled);
    assert_eq!(
        world.asks(question("pbx", "call-1")).0.state,
        WakeState::Cancelled
    );
    // A signed question is good for as long as the clocks may differ: by then it must not wake anybody anew.
    world.run_for(600_000);
    assert_eq!(world.asks(question("pbx", "call-1")).0.id, wake.id);
    world.run_for(6_000);
    assert_ne!(world.asks(question("pbx", "call-1")).0.id, wake.id);
}

#[test]
fn events_may_come_twice_late_and_in_any_order() {
    use ServerEvent::{Answered, Cancelled, Invited, Ringing};
    let orders: [(&[ServerEvent], WakeState); 6] = [
        (
            &[Ringing, Invited, Answered, Ringing, Invited],
            WakeState::Answered,
        ),
        (
            &[Answered, Ringing, Cancelled, failed(486)],
            WakeState::Answered,
        ),
        (
            &[Invited, Invited, Cancelled, Answered],
            WakeState::Cancelled,
        ),
        (&[Ringing, failed(603), Answered], WakeState::Declined),
        (&[failed(486), Ringing, failed(603)], WakeState::Busy),
        (&[Ringing, failed(480), Cancelled], WakeState::Unanswered),
    ];
    for (events, end) in orders {
        for first_ready in [true, false] {
            let (mut world, page, wake) = asleep();
            if first_ready {
                ready(&mut world, page, &wake.id);
            }
            let mut seen = 0;
            for event in events {
                for _ in 0..2 {
                    let view = world.says(&wake.id, event.clone());
                    assert!(view.version >= seen, "never backwards");
                    seen = view.version;
                }
            }
            let view = world.stands(&wake.id);
            assert_eq!(view.state, end, "{events:?}");
            world.settle();
            world.says(&wake.id, ServerEvent::Ended);
            world.settle();
            assert_eq!(world.records.len(), 1, "{events:?}: one end, one record");
            assert_eq!(world.records[0].outcome, end);
        }
    }
}

#[test]
fn what_the_page_answered_means_is_read_from_the_status() {
    let ends = [
        (486, false, "busy"),
        (600, false, "busy"),
        (603, false, "declined"),
        (487, false, "cancelled"),
        (480, true, "unanswered"),
        (408, true, "unanswered"),
        (480, false, "failed"),
        (500, true, "failed"),
    ];
    for (status, rings, end) in ends {
        let (mut world, page, wake) = asleep();
        ready(&mut world, page, &wake.id);
        if rings {
            world.says(&wake.id, ServerEvent::Ringing);
        }
        let view = world.says(&wake.id, failed(status));
        assert_eq!(view.state.as_str(), end, "{status}");
        let sip = view.sip.unwrap().0;
        let told = match end {
            "failed" => status,
            "busy" => 486,
            "declined" => 603,
            "cancelled" => 487,
            _ => 480,
        };
        assert_eq!(sip, told);
        assert_eq!(
            world.missed("1002").len(),
            usize::from(end != "declined"),
            "{status}"
        );
    }
}

#[test]
fn the_caller_hangs_up_and_the_invitation_becomes_a_missed_call() {
    let (mut world, _, wake) = asleep();
    let before = world.now;
    let view = world.says(&wake.id, ServerEvent::Cancelled);
    assert_eq!(
        (view.state, view.sip.unwrap().0),
        (WakeState::Cancelled, 487)
    );
    world.settle();
    let (at, push) = world.pushes.last().unwrap();
    assert_eq!(push.kind, PushKind::Cancelled);
    assert!(at.since(before) < Duration::from_secs(2));
    assert_eq!(world.missed("1002").len(), 1);
}

#[test]
fn a_decline_on_the_device_is_told_to_the_server() {
    let (mut world, page, wake) = asleep();
    world.report(page, &wake.id, "decline").unwrap();
    let view = world.stands(&wake.id);
    assert_eq!(
        (view.state, view.sip.unwrap().0),
        (WakeState::Declined, 603)
    );
    assert_eq!(
        world.says(&wake.id, ServerEvent::Cancelled).state,
        WakeState::Declined
    );
}

#[test]
fn nobody_taps_and_the_limit_of_the_question_ends_it() {
    let mut world = World::new();
    world.page("1002", "phone", true);
    let mut ask = question("pbx", "call-1");
    ask.ready = Some(Duration::from_secs(20));
    let (wake, _) = world.asks(ask);
    world.run_for(19_000);
    assert!(!world.stands(&wake.id).state.is_final());
    world.run_for(2_000);
    let view = world.stands(&wake.id);
    assert_eq!(
        (view.state, view.why.map(|w| w.as_str())),
        (WakeState::Expired, Some("unopened"))
    );
    assert_eq!(view.sip.unwrap().0, 480);
    world.settle();
    assert_eq!(world.pushed(PushKind::Missed), 1);
}

#[test]
fn a_server_that_falls_silent_after_ready_or_while_it_rings_keeps_nothing_alive() {
    for (event, end) in [
        (None, WakeState::Expired),
        (Some(ServerEvent::Invited), WakeState::Expired),
        (Some(ServerEvent::Ringing), WakeState::Unanswered),
    ] {
        let mut world = World::new();
        let page = world.page("1002", "phone", true);
        let mut ask = question("pbx", "call-1");
        ask.ring = Some(Duration::from_secs(30));
        let (wake, _) = world.asks(ask);
        world.settle();
        ready(&mut world, page, &wake.id);
        if let Some(event) = event {
            world.says(&wake.id, event);
        }
        world.run_for(29_000);
        assert!(!world.stands(&wake.id).state.is_final());
        world.run_for(2_000);
        assert_eq!(world.stands(&wake.id).state, end);
    }
}

#[test]
fn an_answered_call_that_is_never_ended_is_closed_after_half_a_day() {
    let (mut world, page, wake) = asleep();
    ready(&mut world, page, &wake.id);
    world.says(&wake.id, ServerEvent::Answered);
    world.run_for(12 * 3_600_000 - 1_000);
    assert!(world.records.is_empty());
    world.run_for(2_000);
    assert_eq!(world.records.len(), 1);
    world.run_for(606_000);
    let gone = LineCommand::ServerWake {
        wake: wake.id,
        server: "pbx".into(),
    };
    assert!(matches!(
        world.command("1002", gone),
        LineReply::Refused { .. }
    ));
}

#[test]
fn of_two_pages_that_are_ready_none_is_told_elsewhere_and_the_others_are() {
    let mut world = World::new();
    let phone = world.page("1002", "phone", true);
    let laptop = world.page("1002", "laptop", true);
    let asleep = world.page("1002", "asleep", true);
    let wake = world.pbx("call-1");
    world.settle();
    ready(&mut world, phone, &wake.id);
    world.says(&wake.id, ServerEvent::Invited);
    // One that comes later is ready beside the one that was called already.
    ready(&mut world, laptop, &wake.id);
    world.says(&wake.id, ServerEvent::Ringing);
    assert_eq!(world.stands(&wake.id).state, WakeState::Ringing);
    world.says(&wake.id, ServerEvent::Answered);
    world.settle();
    assert_eq!(world.pushed(PushKind::Elsewhere), 1);
    assert_eq!(
        world.pushes.last().unwrap().1.device,
        world.pages[asleep].device
    );
}

#[test]
fn two_servers_call_the_same_line_at_once_and_each_call_ends_by_itself() {
    let (mut world, page, first) = asleep();
    let mut ask = question("gw", "call-1");
    ask.caller = caller("13900139000");
    let (second, _) = world.asks(ask);
    world.settle();
    ready(&mut world, page, &first.id);
    world.report(page, &second.id, "decline").unwrap();
    assert_eq!(world.stands(&first.id).state, WakeState::Ready);
    let view = world.says(&first.id, ServerEvent::Answered);
    assert_eq!(view.state, WakeState::Answered);
    assert_eq!(world.wake_state("1002", &second.id), "declined");
}

#[test]
fn unknown_lines_have_no_wake_and_lines_without_a_device_end_at_once() {
    let mut world = World::new();
    let nobody = world.command("1002", LineCommand::AskWake(Box::new(question("pbx", "c"))));
    assert!(matches!(
        nobody,
        LineReply::Refused {
            error: LineError::UnknownLine
        }
    ));
    world.line("1002");
    let wake = world.pbx("call-1");
    assert_eq!((&wake.state, wake.version), (&WakeState::Unbound, 1));
    assert_eq!(wake.sip.as_ref().unwrap().0, 480);
    assert_eq!(world.stands(&wake.id), wake);
}

#[test]
fn a_page_that_is_registered_at_the_edge_is_pushed_all_the_same_and_gets_no_invite() {
    let mut world = World::new();
    let page = world.page("1002", "phone", true);
    world.open(page);
    let foreign = world.foreign("1002", "desk");
    world.open(foreign);
    world.settle();
    let wake = world.pbx("call-1");
    world.settle();
    assert_eq!(world.pushed(PushKind::Invitation), 1);
    ready(&mut world, page, &wake.id);
    world.open(foreign);
    world.settle();
    assert!(world.pages[page].ringing.is_empty() && world.pages[foreign].ringing.is_empty());
    assert_eq!(world.stands(&wake.id).state, WakeState::Ready);
}

#[test]
fn blocked_callers_and_do_not_disturb_are_as_for_any_call() {
    let mut world = World::new();
    world.page("1002", "phone", true);
    let number = Number::parse("13800138000").unwrap();
    let block = LineCommand::Block {
        number: number.clone(),
        display_name: String::new(),
    };
    world.command("1002", block);
    let wake = world.pbx("call-1");
    world.run_for(1_000);
    assert_eq!(
        world.stands(&wake.id).state,
        WakeState::Pushed,
        "a phone that nobody looks at"
    );
    assert!(world.pushes.is_empty());
    world.run_for(60_000);
    assert_eq!(world.stands(&wake.id).state, WakeState::Expired);
    assert!(world.missed("1002").is_empty());
    world.command("1002", LineCommand::Unblock { number });
    world.command("1002", LineCommand::SetDoNotDisturb { on: true });
    let wake = world.pbx("call-2");
    assert_eq!(wake.sip, Some((480, "failed: do not disturb".into())));
    assert!(world.pushes.is_empty());
    assert_eq!(world.missed("1002").len(), 1);
}

#[test]
fn limits_of_calls_hold_for_call_servers_as_well() {
    let mut world = World::new();
    world.page("1002", "phone", true);
    world.pbx("call-1");
    world.pbx("call-2");
    let third = world.command(
        "1002",
        LineCommand::AskWake(Box::new(question("pbx", "call-3"))),
    );
    let LineReply::Refused {
        error: LineError::Limited(limited),
    } = third
    else {
        panic!("{third:?}");
    };
    assert_eq!((limited.status, limited.retry_after_s), (429, 10));
}

#[test]
fn the_device_is_revoked_or_the_user_deleted_while_the_call_is_parked() {
    let (mut world, page, wake) = asleep();
    let device = world.pages[page].device.clone();
    world.command("1002", LineCommand::RevokeDevice { device });
    assert_eq!(world.stands(&wake.id).state, WakeState::Unreachable);

    let (mut world, page, wake) = asleep();
    ready(&mut world, page, &wake.id);
    world.says(&wake.id, ServerEvent::Answered);
    world.command("1002", LineCommand::DeleteUser);
    world.run_for(400_000);
    assert_eq!(world.records.len(), 1);
    assert!(
        world
            .noted
            .iter()
            .any(|record| matches!(record, Record::Deleted(_)))
    );
}

#[test]
fn callbacks_tell_the_newest_state_one_at_a_time_until_they_are_taken() {
    let mut world = World::new();
    let page = world.page("1002", "phone", true);
    let mut ask = question("pbx", "call-1");
    ask.callback = Some("https://pbx.example/wakes".into());
    // The first is lost on its way, the second refused.
    world.callback_answers.extend([None, Some(false)]);
    let (wake, _) = world.asks(ask);
    world.settle();
    assert_eq!(world.callbacks.len(), 1, "pushed");
    ready(&mut world, page, &wake.id);
    assert_eq!(world.callbacks.len(), 1, "the first is still under way");
    world.run_for(15_000);
    assert_eq!(world.callbacks.len(), 2);
    world.run_for(3_000);
    assert_eq!(world.callbacks.len(), 3);
    world.says(&wake.id, ServerEvent::Invited);
    world.says(&wake.id, ServerEvent::Ringing);
    world.says(&wake.id, ServerEvent::Cancelled);
    world.settle();
    let told: Vec<_> = world
        .callbacks
        .iter()
        .map(|(_, job)| job.wake.version)
        .collect();
    assert!(
        told.windows(2).all(|pair| pair[0] <= pair[1]),
        "in order: {told:?}"
    );
    let (_, last) = world.callbacks.last().unwrap();
    assert_eq!(
        (last.server.as_str(), &last.wake.state),
        ("pbx", &WakeState::Cancelled)
    );
    let sent = world.callbacks.len();
    world.run_for(400_000);
    assert_eq!(world.callbacks.len(), sent, "taken is taken");
}

#[test]
fn a_receiver_that_is_down_is_not_called_for_ever() {
    let mut world = World::new();
    world.page("1002", "phone", true);
    let mut ask = question("pbx", "call-1");
    ask.callback = Some("https://pbx.example/wakes".into());
    world.callback_answers.extend([Some(false); 100]);
    world.asks(ask);
    world.run_until(START + Duration::from_secs(3600));
    assert!(
        (5..=25).contains(&world.callbacks.len()),
        "{}",
        world.callbacks.len()
    );
    assert!(world.next_due().is_none(), "nothing is left to do");
}

#[test]
fn a_device_state_follows_the_servers_words() {
    let (mut world, page, wake) = asleep();
    ready(&mut world, page, &wake.id);
    let of = |world: &mut World| {
        let LineReply::Wake { wake } = world.command(
            "1002",
            LineCommand::Wake {
                wake: wake.id.clone(),
                device: None,
            },
        ) else {
            panic!("a wake");
        };
        wake.devices[0].1
    };
    assert_eq!(of(&mut world), DeviceState::Ready);
    world.says(&wake.id, ServerEvent::Ringing);
    assert_eq!(of(&mut world), DeviceState::Ringing);
    world.says(&wake.id, ServerEvent::Answered);
    assert_eq!(of(&mut world), DeviceState::Answered);
}

#[test]
fn a_gateway_learns_whether_a_line_can_be_woken_and_from_which_signal_on_its_mobile_is_tried() {
    let mut world = World::new();
    assert!(matches!(
        world.command("1002", LineCommand::Reach),
        LineReply::Refused {
            error: LineError::UnknownLine
        }
    ));
    world.line("1002");
    let reach = |world: &mut World, command| match world.command("1002", command) {
        LineReply::Reach {
            wakeable,
            threshold,
            ..
        } => (wakeable, threshold),
        other => panic!("unexpected {other:?}"),
    };
    assert_eq!(reach(&mut world, LineCommand::Reach), (false, None));
    let page = world.page("1002", "phone", true);
    let set = LineCommand::SetThreshold { dbm: Some(-90) };
    assert_eq!(reach(&mut world, set), (true, Some(-90)));
    assert_eq!(reach(&mut world, LineCommand::Reach), (true, Some(-90)));
    let device = world.pages[page].device.clone();
    world.command("1002", LineCommand::RevokeDevice { device });
    let set = LineCommand::SetThreshold { dbm: None };
    assert_eq!(reach(&mut world, set), (false, None));
}
