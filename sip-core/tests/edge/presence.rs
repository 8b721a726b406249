//! Who may look up whether somebody is there, and what they are told.

use crate::sim::World;
use wakeline_sip::edge::{Availability, LineCommand, LineError, LineReply, Number, Visibility};

fn look(world: &mut World, at: &str, viewer: &str) -> Result<Availability, LineError> {
    let viewer = Some(Number::parse(viewer).unwrap());
    match world.command(at, LineCommand::Presence { viewer }) {
        LineReply::Presence { availability, .. } => Ok(availability),
        LineReply::Refused { error } => Err(error),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn online_asleep_and_offline_are_three_things() {
    let (mut world, _, callee) = World::caller_and_sleeper();
    world.page("1003", "no push", false);
    assert_eq!(look(&mut world, "1001", "1002"), Ok(Availability::Online));
    assert_eq!(look(&mut world, "1002", "1001"), Ok(Availability::Asleep));
    assert_eq!(look(&mut world, "1003", "1001"), Ok(Availability::Offline));
    world.open(callee);
    world.settle();
    assert_eq!(look(&mut world, "1002", "1001"), Ok(Availability::Online));
    world.cut(callee);
    world.settle();
    assert_eq!(look(&mut world, "1002", "1001"), Ok(Availability::Asleep));
    let device = world.pages[callee].device.clone();
    world.command("1002", LineCommand::RevokeDevice { device });
    assert_eq!(look(&mut world, "1002", "1001"), Ok(Availability::Offline));
}

#[test]
fn a_hidden_line_and_an_unknown_one_look_the_same() {
    let (mut world, _, _) = World::caller_and_sleeper();
    let hide = LineCommand::SetVisibility {
        visibility: Visibility::Nobody,
    };
    assert!(matches!(
        world.command("1002", hide),
        LineReply::Presence {
            visibility: Visibility::Nobody,
            ..
        }
    ));
    let hidden = look(&mut world, "1002", "1001");
    assert_eq!(hidden, Err(LineError::UnknownLine));
    assert_eq!(hidden, look(&mut world, "4040", "1001"));
    assert!(world.all_rows("line:demo:4040").is_empty());
    assert_eq!(look(&mut world, "1002", "1002"), Ok(Availability::Asleep));
    let show = LineCommand::SetVisibility {
        visibility: Visibility::Everyone,
    };
    world.command("1002", show);
    assert_eq!(look(&mut world, "1002", "1001"), Ok(Availability::Asleep));
}
