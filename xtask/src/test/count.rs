//! Counting what test runners print: cargo's, wasm-bindgen's and Node's.

use std::ops::AddAssign;

use super::failure::Failure;

/// Tests by how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Tests that held.
    pub passed: usize,
    /// Tests that did not, and stages that could not run.
    pub failed: usize,
    /// Tests that were not run.
    pub skipped: usize,
    /// The names of those, with reasons where given.
    pub skipped_names: Vec<String>,
    /// Why what failed did, where it was said.
    pub failures: Vec<Failure>,
    /// Tests that failed in files that held when they were run again.
    pub held_late: Vec<Failure>,
}

impl AddAssign<&Self> for Count {
    fn add_assign(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.skipped_names
            .extend(other.skipped_names.iter().cloned());
        self.failures.extend(other.failures.iter().cloned());
        self.held_late.extend(other.held_late.iter().cloned());
    }
}

/// Counts the summaries of `cargo test`, one for each binary, and of wasm-bindgen's runner.
pub fn cargo<'a>(lines: impl IntoIterator<Item = &'a str>) -> Count {
    let mut count = Count::default();
    for line in lines {
        let line = line.trim();
        if let Some(result) = line.strip_prefix("test result: ") {
            for part in result.split([';', '.']) {
                let mut words = part.split_whitespace();
                let Some(number) = words.next().and_then(|word| word.parse::<usize>().ok()) else {
                    continue;
                };
                match words.next() {
                    Some("passed") => count.passed += number,
                    Some("failed") => count.failed += number,
                    Some("ignored") => count.skipped += number,
                    _ => {}
                }
            }
        } else if let Some((name, rest)) = line
            .strip_prefix("test ")
            .and_then(|line| line.split_once(" ... ignored"))
        {
            let reason = rest.trim_start_matches([',', ' ']);
            count.skipped_names.push(named(name, reason));
        }
    }
    count
}

/// Counts the summary of `node --test` with the reporter `spec`.
pub fn node<'a>(lines: impl IntoIterator<Item = &'a str>) -> Count {
    let mut count = Count::default();
    for line in lines {
        let line = line.trim();
        if let Some((what, number)) = node_summary(line) {
            match what {
                "pass" => count.passed += number,
                "fail" | "cancelled" => count.failed += number,
                "skipped" | "todo" => count.skipped += number,
                _ => {}
            }
        } else if let Some(test) = line.strip_prefix('﹣') {
            let (name, reason) = test.split_once(" # ").unwrap_or((test, ""));
            let name = name.rsplit_once(" (").map_or(name, |(name, _)| name);
            let reason = reason.trim();
            count.skipped_names.push(named(
                name.trim(),
                if reason == "SKIP" { "" } else { reason },
            ));
        }
    }
    count
}

/// `ℹ pass 3`: what, and how many.
fn node_summary(line: &str) -> Option<(&str, usize)> {
    let mut words = line.strip_prefix('ℹ')?.split_whitespace();
    let (what, number) = (words.next()?, words.next()?);
    let number = number.split('.').next()?.parse().ok()?;
    words.next().is_none().then_some((what, number))
}

/// Whether a line belongs to the summary at a run's end.
pub fn is_node_summary(line: &str) -> bool {
    const KEYS: [&str; 8] = [
        "tests",
        "suites",
        "pass",
        "fail",
        "cancelled",
        "skipped",
        "todo",
        "duration_ms",
    ];
    node_summary(line.trim()).is_some_and(|(what, _)| KEYS.contains(&what))
}

fn named(name: &str, reason: &str) -> String {
    if reason.is_empty() {
        name.to_owned()
    } else {
        format!("{name}: {reason}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_summaries_of_all_binaries_add_up() {
        let text = "\
test wire::long ... ok
test wire::slow ... ignored, takes an hour
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.21s";
        let count = cargo(text.lines());
        assert_eq!((count.passed, count.failed, count.skipped), (15, 2, 1));
        assert_eq!(count.skipped_names, ["wire::slow: takes an hour"]);
    }

    #[test]
    fn the_summary_of_wasm_bindgen_is_read_as_well() {
        let count = cargo(["test result: ok. 7 passed; 0 failed; 0 ignored; 0 filtered out"]);
        assert_eq!((count.passed, count.failed, count.skipped), (7, 0, 0));
    }

    #[test]
    fn node_counts_and_the_names_of_what_it_skipped_are_read() {
        let text = "\
✔ rings (12.5ms)
﹣ stored push rings (0.2ms) # long, only with --full
﹣ quiet one (0.1ms) # SKIP
ℹ tests 4
ℹ suites 0
ℹ pass 1
ℹ fail 0
ℹ cancelled 1
ℹ skipped 2
ℹ todo 0
ℹ duration_ms 120.5
ℹ a note of 3 words";
        let count = node(text.lines());
        assert_eq!((count.passed, count.failed, count.skipped), (1, 1, 2));
        assert_eq!(
            count.skipped_names,
            ["stored push rings: long, only with --full", "quiet one"]
        );
    }

    #[test]
    fn a_note_is_no_summary() {
        assert!(is_node_summary("ℹ duration_ms 120.5"));
        assert!(!is_node_summary("ℹ 1002 is set up in chromium"));
    }
}
