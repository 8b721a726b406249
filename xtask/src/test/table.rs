//! The closing table: stages, counts, times, what was left out, what failed and why, and one line with the sum.

use std::fmt::Write;

use super::Report;
use super::count::Count;
use super::failure::Failure;
use crate::progress::{in_words, shorten};

/// Names shown of the tests that one stage skipped.
const NAMED: usize = 12;

/// How much is told of what failed.
#[derive(Debug)]
pub struct Room {
    /// Failures, each with its text.
    failures: usize,
    /// Lines of all those texts, and of one.
    lines: usize,
    most: usize,
    /// Characters of a line.
    width: usize,
}

/// Where only the end of the output may be seen.
pub const SCREEN: Room = Room {
    failures: 20,
    lines: 160,
    most: 25,
    width: 200,
};
/// Where all of it is kept.
pub const WHOLE: Room = Room {
    failures: usize::MAX,
    lines: usize::MAX,
    most: usize::MAX,
    width: usize::MAX,
};
/// Lines that each failure has, however many there are.
const LEAST: usize = 6;

/// Draws the table; its last line is the sum.
pub fn draw(reports: &[Report], full: bool, room: &Room) -> String {
    let mut text = String::from("\nWhat was checked\n");
    let width = reports
        .iter()
        .map(|report| report.name.len())
        .max()
        .unwrap_or_default();
    let _ = writeln!(text, "  {:<width$}  passed  failed  skipped  time", "");
    let mut sum = Count::default();
    for report in reports {
        let count = &report.count;
        sum += count;
        let _ = writeln!(
            text,
            "  {:<width$}{:>8}{:>8}{:>9}  {}",
            report.name,
            count.passed,
            count.failed,
            count.skipped,
            in_words(report.took)
        );
    }
    if !sum.held_late.is_empty() {
        text.push_str("\nFailed, and held when run again alone: a fault to be found\n");
        tell(&mut text, &sum.held_late, LEAST, room);
    }
    let left_out = left_out(reports, full);
    if left_out.is_empty() {
        text.push_str("\nNothing was left out.\n");
    } else {
        text.push_str("\nLeft out\n");
        for line in left_out {
            let _ = writeln!(text, "  - {line}");
        }
    }
    if !sum.failures.is_empty() {
        text.push_str("\nFailed\n");
        let each = room.lines / sum.failures.len();
        tell(&mut text, &sum.failures, each.clamp(LEAST, room.most), room);
    }
    let _ = write!(text, "\n{} passed, {} failed", sum.passed, sum.failed);
    if sum.skipped > 0 {
        let _ = write!(text, ", {} skipped", sum.skipped);
    }
    text.push('\n');
    text
}

/// Failures, each with at most so many lines of its text.
fn tell(text: &mut String, failures: &[Failure], lines: usize, room: &Room) {
    for failure in failures.iter().take(room.failures) {
        let parts = [&failure.place, &failure.name, failure.run].map(String::from);
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let title = format!("  - {}", parts.join(": "));
        let _ = writeln!(text, "{}", shorten(&title, room.width));
        for line in failure.text.iter().take(lines) {
            let line = format!("      {line}");
            let _ = writeln!(text, "{}", shorten(line.trim_end(), room.width));
        }
        if failure.text.len() > lines {
            let _ = writeln!(text, "      … {} lines more", failure.text.len() - lines);
        }
    }
    if failures.len() > room.failures {
        let _ = writeln!(text, "  - {} more", failures.len() - room.failures);
    }
}

fn left_out(reports: &[Report], full: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for report in reports {
        for what in &report.left_out {
            lines.push(format!("{}: {what}", report.name));
        }
        let names = &report.count.skipped_names;
        for name in names.iter().take(NAMED) {
            lines.push(format!("{}: {name}", report.name));
        }
        if names.len() > NAMED {
            lines.push(format!("{}: {} more", report.name, names.len() - NAMED));
        }
    }
    if !full {
        lines.push("the long tests: `cargo xtask test --full` runs them too".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn report(passed: usize, failed: usize, skipped: usize) -> Report {
        Report {
            name: "a stage",
            count: Count {
                passed,
                failed,
                skipped,
                ..Count::default()
            },
            took: Duration::from_secs(3),
            left_out: Vec::new(),
        }
    }

    #[test]
    fn the_last_line_is_the_sum_alone() {
        let text = draw(&[report(3, 0, 0), report(4, 1, 0)], true, &SCREEN);
        assert_eq!(text.lines().last(), Some("7 passed, 1 failed"));
        let text = draw(&[report(3, 0, 2)], true, &SCREEN);
        assert_eq!(text.lines().last(), Some("3 passed, 0 failed, 2 skipped"));
    }

    fn failure(lines: usize) -> Failure {
        Failure {
            place: "tests/e2e/ends.test.mjs".to_owned(),
            name: "it rings".to_owned(),
            run: "again, alone",
            text: (0..lines).map(|line| format!("line {line}.")).collect(),
        }
    }

    #[test]
    fn what_held_only_when_run_again_is_named_with_its_error_in_brief() {
        let mut shaky = report(2, 0, 0);
        shaky.count.held_late.push(failure(30));
        let text = draw(&[shaky], false, &SCREEN);
        assert!(text.contains("tests/e2e/ends.test.mjs: it rings"));
        assert!(text.contains("line 5.") && !text.contains("line 6."));
        assert_eq!(text.lines().last(), Some("2 passed, 0 failed"));
    }

    #[test]
    fn what_failed_is_told_with_its_error_right_before_the_sum() {
        let mut broken = report(2, 1, 0);
        broken.count.failures.push(failure(30));
        let text = draw(&[broken], false, &SCREEN);
        let told = text.split("\nFailed\n").nth(1).expect("a section says it");
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(
            lines[0],
            "  - tests/e2e/ends.test.mjs: it rings: again, alone"
        );
        assert_eq!(lines[25..27], ["      line 24.", "      … 5 lines more"]);
        assert_eq!(lines[27..], ["", "2 passed, 1 failed"]);
    }

    #[test]
    fn many_failures_share_the_room_and_the_log_has_all() {
        let mut broken = report(0, 30, 0);
        broken.count.failures = vec![failure(30); 30];
        let reports = [broken];
        let text = draw(&reports, false, &SCREEN);
        assert!(text.lines().count() < 200, "{}", text.lines().count());
        assert!(text.contains("  - 10 more\n"));
        let whole = draw(&reports, false, &WHOLE);
        assert_eq!(whole.matches("line 29.").count(), 30);
    }

    #[test]
    fn what_was_left_out_is_named() {
        let mut missing = report(0, 0, 0);
        missing.left_out.push("no browser".to_owned());
        let text = draw(&[missing], false, &SCREEN);
        assert!(text.contains("a stage: no browser"));
        assert!(text.contains("--full"));
        assert!(draw(&[report(1, 0, 0)], true, &SCREEN).contains("Nothing was left out"));
    }
}
