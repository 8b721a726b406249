//! Counters without identities: what a call adds to them, and how they are shown (Prometheus text format 0.0.4).

use std::collections::BTreeMap;
use wakeline_sip::edge::CallRecord;

/// The upper ends of the buckets that times are counted in, seconds.
const BUCKETS: [&str; 11] = [
    "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "+Inf",
];

/// One counter of a site: name, labels, value.
pub type Count = (String, String, f64);

/// What one call that is over adds.
pub fn of_call(call: &CallRecord) -> Vec<Count> {
    let mut counts = vec![(
        "wakes".to_owned(),
        format!("outcome=\"{}\"", word(call.outcome.as_str())),
        1.0,
    )];
    for push in &call.pushes {
        counts.push((
            "push_answers".to_owned(),
            format!(
                "provider=\"{}\",answer=\"{}\"",
                word(&push.provider),
                word(&push.answer)
            ),
            1.0,
        ));
    }
    let mut first = BTreeMap::new();
    for step in &call.steps {
        let at = first.entry(step.state.as_str()).or_insert(step.at);
        *at = (*at).min(step.at);
    }
    for (state, at) in first {
        let seconds = at.since(call.started_at).as_millis() as f64 / 1000.0;
        let below = |le: &&&str| le.parse::<f64>().is_ok_and(|le| seconds <= le);
        let bucket = BUCKETS.iter().find(below).unwrap_or(&"+Inf");
        let step = word(state);
        counts.push((
            "step".to_owned(),
            format!("step=\"{step}\",le=\"{bucket}\""),
            1.0,
        ));
        counts.push(("step_sum".to_owned(), format!("step=\"{step}\""), seconds));
    }
    // One row is one statement's conflict: the same counter twice is one with the sum.
    let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
    for (name, labels, value) in counts {
        *sums.entry((name, labels)).or_default() += value;
    }
    sums.into_iter()
        .map(|((name, labels), value)| (name, labels, value))
        .collect()
}

/// A label's value: a word of ours, whatever it was made of.
fn word(text: &str) -> String {
    let ours = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-';
    text.chars().filter(ours).take(32).collect()
}

/// A counter of a site as it is stored, or a gauge as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The site.
    pub site: String,
    /// See [`of_call`].
    pub name: String,
    /// Label pairs as they are shown.
    pub labels: String,
    /// The value.
    pub value: f64,
}

/// The text that a scraper reads.
pub fn render(rows: &[Stored], online: &[(String, u64)], asked: &[(String, u64)]) -> String {
    let mut out = String::new();
    let mut family = |name: &str, kind: &str, help: &str, lines: Vec<String>| {
        out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        for line in lines {
            out.push_str(&line);
            out.push('\n');
        }
    };
    let simple = |stored: &str, name: &str| -> Vec<String> {
        let rows = rows.iter().filter(|row| row.name == stored);
        rows.map(|r| {
            format!(
                "{name}{{site=\"{}\",{}}} {}",
                word(&r.site),
                r.labels,
                r.value
            )
        })
        .collect()
    };
    family(
        "wakeline_wakes_total",
        "counter",
        "Calls that are over, by how their wake ended.",
        simple("wakes", "wakeline_wakes_total"),
    );
    family(
        "wakeline_push_answers_total",
        "counter",
        "Answers of push services.",
        simple("push_answers", "wakeline_push_answers_total"),
    );
    family(
        "wakeline_wake_step_seconds",
        "histogram",
        "Time from the INVITE until the first device reached this step.",
        histogram(rows),
    );
    let gauge = |name: &str, values: &[(String, u64)]| {
        let line = |(site, n): &(String, u64)| format!("{name}{{site=\"{}\"}} {n}", word(site));
        values.iter().map(line).collect()
    };
    family(
        "wakeline_users_online",
        "gauge",
        "Lines with a live registration.",
        gauge("wakeline_users_online", online),
    );
    family(
        "wakeline_calls_open",
        "gauge",
        "Calls that were asked for in the last day and are not over.",
        gauge("wakeline_calls_open", asked),
    );
    out
}

/// Buckets are stored one by one and shown added up.
fn histogram(rows: &[Stored]) -> Vec<String> {
    let mut sums: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.name == "step_sum") {
        sums.insert((&row.site, &row.labels), row.value);
    }
    let mut lines = Vec::new();
    for ((site, step), sum) in sums {
        let shown = word(site);
        let mut total = 0.0;
        for le in BUCKETS {
            let labels = format!("{step},le=\"{le}\"");
            let own = |r: &&Stored| r.name == "step" && r.site == site && r.labels == labels;
            total += rows.iter().find(own).map_or(0.0, |row| row.value);
            lines.push(format!(
                "wakeline_wake_step_seconds_bucket{{site=\"{shown}\",{labels}}} {total}"
            ));
        }
        lines.push(format!(
            "wakeline_wake_step_seconds_sum{{site=\"{shown}\",{step}}} {sum}"
        ));
        lines.push(format!(
            "wakeline_wake_step_seconds_count{{site=\"{shown}\",{step}}} {total}"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use wakeline_sip::edge::{Number, Party, PushNote, Step, Uid, WakeId};
    use wakeline_sip::time::{Duration, Time};
    use wakeline_sip::wake::{DeviceState, WakeState};

    fn call() -> CallRecord {
        let party = |number: &str| Party {
            number: Number::parse(number).expect("a number"),
            uid: Uid::parse(number).expect("a uid"),
            display_name: "Ada".into(),
        };
        let start = Time(1_000_000);
        let step = |device, state, ms| Step {
            device,
            state,
            at: start + Duration::from_millis(ms),
        };
        CallRecord {
            wake: WakeId::parse("w").expect("an id"),
            caller: party("1001"),
            callee: party("1002"),
            started_at: start,
            ringing_at: None,
            answered_at: None,
            ended_at: start,
            outcome: WakeState::Answered,
            device: None,
            ended_by: None,
            withheld: None,
            why: None,
            steps: vec![
                step(1, DeviceState::Pushed, 80),
                step(2, DeviceState::Pushed, 40),
                step(1, DeviceState::Answered, 90_000),
            ],
            pushes: vec![
                PushNote {
                    device: 1,
                    provider: "mozilla".into(),
                    answer: "accepted".into(),
                    at: start,
                };
                2
            ],
        }
    }

    #[test]
    fn a_call_adds_its_outcome_its_pushes_and_the_first_of_each_step() {
        let counts = of_call(&call());
        let of = |name: &str, labels: &str| {
            let found = counts.iter().find(|(n, l, _)| n == name && l == labels);
            found.map(|(_, _, value)| *value)
        };
        assert_eq!(of("wakes", "outcome=\"answered\""), Some(1.0));
        let pushes = of("push_answers", "provider=\"mozilla\",answer=\"accepted\"");
        assert_eq!(pushes, Some(2.0));
        assert_eq!(of("step", "step=\"pushed\",le=\"0.05\""), Some(1.0));
        assert_eq!(of("step_sum", "step=\"pushed\""), Some(0.04));
        assert_eq!(of("step", "step=\"answered\",le=\"+Inf\""), Some(1.0));
    }

    #[test]
    fn the_text_has_cumulative_buckets_and_no_identity() {
        let rows: Vec<_> = of_call(&call())
            .into_iter()
            .map(|(name, labels, value)| Stored {
                site: "demo".into(),
                name,
                labels,
                value,
            })
            .collect();
        let text = render(&rows, &[("demo".into(), 3)], &[]);
        for line in [
            "# TYPE wakeline_wakes_total counter",
            "wakeline_wakes_total{site=\"demo\",outcome=\"answered\"} 1",
            "wakeline_wake_step_seconds_bucket{site=\"demo\",step=\"pushed\",le=\"0.05\"} 1",
            "wakeline_wake_step_seconds_bucket{site=\"demo\",step=\"pushed\",le=\"+Inf\"} 1",
            "wakeline_wake_step_seconds_bucket{site=\"demo\",step=\"answered\",le=\"60\"} 0",
            "wakeline_wake_step_seconds_count{site=\"demo\",step=\"answered\"} 1",
            "wakeline_users_online{site=\"demo\"} 3",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(!text.contains("1001") && !text.contains("Ada"));
    }

    #[test]
    fn a_label_is_never_more_than_a_word() {
        assert_eq!(word("a\"} 1\nevil{"), "a1evil");
    }
}
