//! Rows that an older worker wrote: read, brought to the present version, and what was under way goes on.
//!
//! `fixtures/rows-v1.json` was written by the worker of version 1: 1002 talks, 1004 rings, 1006 sleeps with a call parked,
//! 1008 has just declined and its record is not stored yet.

use crate::sim::START;
use serde_json::Value;
use wakeline_sip::edge::{
    Line, LineCommand, LineInput, LineOutput, LineReply, Number, Record, Row, RowChange,
    SiteConfig, SiteId, schema,
};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::time::Duration;

fn fixture(object: &str) -> Vec<Row> {
    let all: Value = serde_json::from_str(include_str!("fixtures/rows-v1.json")).unwrap();
    let found = all.as_array().unwrap().iter();
    let mut found = found.filter(|entry| entry["object"] == object);
    let rows = found.next().unwrap()["rows"].as_array().unwrap();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| Row {
            table: text(&row[0]),
            key: text(&row[1]),
            value: text(&row[2]),
        })
        .collect()
}

fn line(number: &str) -> Line {
    let (rows, _) = schema::migrate("1", fixture(&format!("line:demo:{number}"))).unwrap();
    let config = SiteConfig::new(SiteId::parse("demo").unwrap(), "example.test");
    let number = Number::parse(number).unwrap();
    Line::restore(config, number, Entropy::for_tests(1), rows).unwrap()
}

fn outputs(line: &mut Line, after_ms: u64, input: LineInput) -> Vec<LineOutput> {
    line.handle_input(START + Duration::from_millis(after_ms), input);
    std::iter::from_fn(|| line.poll_output()).collect()
}

#[test]
fn every_call_of_the_old_worker_is_still_there() {
    for (number, state) in [
        ("1002", "answered"),
        ("1004", "ringing"),
        ("1006", "pushed"),
    ] {
        let rows = fixture(&format!("line:demo:{number}"));
        let call = rows.iter().find(|row| row.table == "calls").unwrap();
        let mut line = line(number);
        let story = LineCommand::Story {
            wake: wakeline_sip::edge::WakeId::parse(&call.key).unwrap(),
        };
        let said = outputs(
            &mut line,
            1000,
            LineInput::Command {
                request: 1,
                command: story,
            },
        );
        let reply = said.into_iter().find_map(|output| match output {
            LineOutput::Reply { reply, .. } => Some(reply),
            _ => None,
        });
        match reply.unwrap() {
            LineReply::Story { state: found, .. } => assert_eq!(found.as_str(), state),
            other => panic!("{number}: {other:?}"),
        }
        assert!(line.deadline().is_some());
    }
}

#[test]
fn a_record_that_was_not_stored_yet_is_stored_by_the_new_worker() {
    let rows = fixture("line:demo:1008");
    assert!(
        rows.iter().any(|r| r.table == "records"),
        "there is one to migrate"
    );
    let (migrated, changes) = schema::migrate("1", rows).unwrap();
    assert_eq!(changes.len(), 2, "one row leaves, one comes: {changes:?}");
    let [RowChange::Delete { key: old, .. }, RowChange::Store(new)] = &changes[..] else {
        panic!("{changes:?}");
    };
    assert_eq!(new.key, format!("call:{old}"));
    assert!(
        !migrated
            .iter()
            .any(|r| r.table == "records" && r.key == *old)
    );
    // The old worker's next try was due 5 s after the call.
    let mut line = line("1008");
    let left = outputs(&mut line, 10_000, LineInput::Timeout);
    let record = left.iter().find_map(|output| match output {
        LineOutput::Record(record) => match &**record {
            Record::Call(call) => Some(call),
            _ => None,
        },
        _ => None,
    });
    let record = record.expect("the record leaves");
    assert_eq!(record.outcome.as_str(), "declined");
    assert_eq!(record.wake.as_str(), old);
}

#[test]
fn steps_done_twice_change_nothing_more() {
    let (rows, _) = schema::migrate("1", fixture("line:demo:1008")).unwrap();
    let (again, changes) = schema::migrate("2", rows.clone()).unwrap();
    assert_eq!(rows, again);
    assert!(changes.is_empty());
}
