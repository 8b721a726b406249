//! The order of a turn: what a machine wants stored is stored before anything else that it wants is done.

use wakeline_sip::edge::RowChange;

/// One output of a machine.
pub enum Wanted<O> {
    /// A row to be stored.
    Row(RowChange),
    /// Anything else.
    Effect(O),
}

/// Commits the rows among a machine's outputs, and only then hands out the rest. When the rows cannot be stored there is
/// nothing to hand out: the machine is to be forgotten, and starts again from what was committed before.
pub fn committed<O, E>(
    outputs: impl Iterator<Item = Wanted<O>>,
    commit: impl FnOnce(Vec<RowChange>) -> Result<(), E>,
) -> Result<Vec<O>, E> {
    let (mut changes, mut effects) = (Vec::new(), Vec::new());
    for output in outputs {
        match output {
            Wanted::Row(change) => changes.push(change),
            Wanted::Effect(effect) => effects.push(effect),
        }
    }
    commit(changes)?;
    Ok(effects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use wakeline_sip::edge::{
        DeviceId, Envelope, FlowToLine, Line, LineCommand, LineInput, LineOutput, Number, Party,
        Row, SiteConfig, SiteId, Uid, WakeId,
    };
    use wakeline_sip::entropy::Entropy;
    use wakeline_sip::time::Time;
    use wakeline_sip::wire::{Limits, Message};

    const NOW: Time = Time(1_800_000_000_000);
    const INVITE: &str = "INVITE sip:1002@example.test SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bKa\r\n\
        From: <sip:1001@example.test>;tag=a\r\nTo: <sip:1002@example.test>\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\
        Max-Forwards: 70\r\nContact: <sip:a@a.invalid;transport=ws>\r\nContent-Length: 0\r\n\r\n";

    /// An object's storage that can fail as a disk does.
    #[derive(Default)]
    struct Disk {
        rows: BTreeMap<(String, String), String>,
        full: bool,
    }

    impl Disk {
        fn commit(&mut self, changes: Vec<RowChange>) -> Result<(), &'static str> {
            if self.full && !changes.is_empty() {
                return Err("the disk is full");
            }
            for change in changes {
                match change {
                    RowChange::Store(row) => {
                        self.rows.insert((row.table, row.key), row.value);
                    }
                    RowChange::Delete { table, key } => {
                        self.rows.remove(&(table, key));
                    }
                }
            }
            Ok(())
        }
    }

    /// A line's object: its machine, forgotten whenever a turn fails, and its disk.
    #[derive(Default)]
    struct Object {
        disk: Disk,
        line: Option<Line>,
    }

    impl Object {
        fn turn(&mut self, input: LineInput) -> Result<Vec<LineOutput>, &'static str> {
            let rows = self.disk.rows.iter();
            let rows = rows.map(|((table, key), value)| Row {
                table: table.clone(),
                key: key.clone(),
                value: value.clone(),
            });
            let mut line = self.line.take().unwrap_or_else(|| {
                let site = SiteConfig::new(SiteId::parse("demo").unwrap(), "example.test");
                let number = Number::parse("1002").unwrap();
                Line::restore(
                    site,
                    number,
                    Entropy::from_seed([7; 32]),
                    rows.collect::<Vec<_>>(),
                )
                .unwrap()
            });
            line.handle_input(NOW, input);
            let outputs = std::iter::from_fn(|| line.poll_output()).map(|output| match output {
                LineOutput::Row(change) => Wanted::Row(change),
                effect => Wanted::Effect(effect),
            });
            let effects = committed(outputs, |changes| self.disk.commit(changes))?;
            self.line = Some(line);
            Ok(effects)
        }

        fn command(&mut self, command: LineCommand) -> Result<Vec<LineOutput>, &'static str> {
            self.turn(LineInput::Command {
                request: 1,
                command,
            })
        }
    }

    fn invite() -> LineInput {
        let Ok(Message::Request(request)) = Message::parse(INVITE.as_bytes(), &Limits::DEFAULT)
        else {
            panic!("the INVITE is one");
        };
        let wake = WakeId::parse("AAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let caller = Party {
            number: Number::parse("1001").unwrap(),
            uid: Uid::parse("u1001").unwrap(),
            display_name: "Ada".to_owned(),
        };
        LineInput::Envelope(Envelope {
            from: "flow:demo:a".to_owned(),
            to: "line:demo:1002".to_owned(),
            call: wake.to_string(),
            epoch: NOW,
            seq: 0,
            base: 0,
            asks: false,
            at: NOW,
            msg: FlowToLine::Invite {
                caller,
                device: None,
                request,
            },
        })
    }

    fn pushes(effects: &[LineOutput]) -> usize {
        let push = |effect: &&LineOutput| matches!(effect, LineOutput::Push(_));
        effects.iter().filter(push).count()
    }

    #[test]
    fn nothing_leaves_a_turn_that_could_not_be_stored_and_all_of_it_when_it_comes_again() {
        let mut object = Object::default();
        object
            .command(LineCommand::Provision {
                uid: Uid::parse("u1002").unwrap(),
                display_name: "Grace".to_owned(),
                secret: None,
                replace: false,
            })
            .unwrap();
        object
            .command(LineCommand::BindDevice {
                device: DeviceId::parse("00000000-0000-4000-8000-000000000001").unwrap(),
                push: Some("somewhere".to_owned()),
                public_key: None,
                label: None,
                lang: None,
            })
            .unwrap();
        let stored = object.disk.rows.clone();

        object.disk.full = true;
        for _ in 0..2 {
            assert_eq!(
                object.turn(invite()).map(|effects| effects.len()),
                Err("the disk is full")
            );
            assert!(object.line.is_none(), "what it had in mind is forgotten");
            assert_eq!(object.disk.rows, stored, "all of a turn or none of it");
        }
        object.disk.full = false;
        let effects = object.turn(invite()).unwrap();
        assert_eq!(pushes(&effects), 1, "{effects:?}");
        assert_ne!(object.disk.rows, stored);
        // The flow that never heard of its success brings it once more.
        assert_eq!(pushes(&object.turn(invite()).unwrap()), 0);
    }
}
