//! The closing table: stages, counts, times, what was left out, and one line with the sum.

use std::fmt::Write;

use super::Report;
use super::count::Count;
use crate::progress::in_words;

/// Names shown of the tests that one stage skipped.
const NAMED: usize = 12;

/// Draws the table; its last line is the sum.
pub fn draw(reports: &[Report], full: bool) -> String {
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
        for line in &sum.held_late {
            let _ = writeln!(text, "  - {line}");
        }
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
    let _ = write!(text, "\n{} passed, {} failed", sum.passed, sum.failed);
    if sum.skipped > 0 {
        let _ = write!(text, ", {} skipped", sum.skipped);
    }
    text.push('\n');
    text
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
        let text = draw(&[report(3, 0, 0), report(4, 1, 0)], true);
        assert_eq!(text.lines().last(), Some("7 passed, 1 failed"));
        let text = draw(&[report(3, 0, 2)], true);
        assert_eq!(text.lines().last(), Some("3 passed, 0 failed, 2 skipped"));
    }

    #[test]
    fn what_held_only_when_run_again_is_named() {
        let mut shaky = report(2, 0, 0);
        let name = "tests/e2e/ends.test.mjs: it rings";
        shaky.count.held_late.push(name.to_owned());
        let text = draw(&[shaky], false);
        assert!(text.contains(name));
        assert_eq!(text.lines().last(), Some("2 passed, 0 failed"));
    }

    #[test]
    fn what_was_left_out_is_named() {
        let mut missing = report(0, 0, 0);
        missing.left_out.push("no browser".to_owned());
        let text = draw(&[missing], false);
        assert!(text.contains("a stage: no browser"));
        assert!(text.contains("--full"));
        assert!(draw(&[report(1, 0, 0)], true).contains("Nothing was left out"));
    }
}
