//! What failed, and why: from the end of what a test runner printed to what the closing part says of it.

use std::error::Error;

use crate::process::{Finished, Unfinished};

/// Lines that are shown of a run which says nothing better than its end.
const TAIL: usize = 25;
/// What the lines of a cancelled test say: the failure is its parent's.
const CANCELLED: &str = "'test did not finish before its parent and was cancelled'";

/// A test that did not hold, or a run that did not end as it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// Its file, or its binary; empty where neither is known.
    pub place: String,
    /// The test, or how the run ended.
    pub name: String,
    /// In which of two runs; empty where there was one.
    pub run: &'static str,
    /// What it said.
    pub text: Vec<String>,
}

impl Failure {
    fn new(place: &str, name: &str) -> Self {
        Self {
            place: place.to_owned(),
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// A run that failed without naming a test: it did not compile, or was stopped.
    pub fn of_run(place: &str, finished: &Finished) -> Self {
        let mut failure = Self::new(place, &finished.ending());
        failure.text = what_went_wrong(&finished.lines);
        failure
    }

    /// A stage that could not be run.
    pub fn of_error(place: &str, error: &anyhow::Error) -> Self {
        let mut failure = Self::new(place, "could not be run");
        failure.text = format!("{error:#}").lines().map(str::to_owned).collect();
        let causes: Vec<&(dyn Error + 'static)> = error.chain().collect();
        if let Some(run) = causes.iter().find_map(|error| error.downcast_ref()) {
            let run: &Unfinished = run;
            failure.text.extend(what_went_wrong(&run.lines));
        }
        failure
    }

    /// The same, of one run among several.
    pub fn of(mut self, run: &'static str) -> Self {
        self.run = run;
        self
    }
}

/// From the compiler's first error, or the end.
fn what_went_wrong(lines: &[String]) -> Vec<String> {
    let error = |line: &String| line.starts_with("error[") || line.starts_with("error:");
    let from = lines
        .iter()
        .position(error)
        .unwrap_or(lines.len().saturating_sub(TAIL));
    lines[from..].to_vec()
}

/// The tests of a Node file that failed, from the list at its run's end (reporter `spec`).
pub fn node<'a>(place: &str, lines: impl IntoIterator<Item = &'a str>) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut listed = lines
        .into_iter()
        .skip_while(|line| line.trim() != "✖ failing tests:")
        .skip(1);
    let mut repeats = false;
    while let Some(line) = listed.next() {
        if line.starts_with("test at ") {
            if let Some(name) = listed.next().and_then(|line| line.strip_prefix("✖ ")) {
                let name = name.rsplit_once(" (").map_or(name, |(name, _)| name);
                failures.push(Failure::new(place, name));
                repeats = false;
            }
        } else if let Some(failure) = failures.last_mut() {
            // What follows says in JavaScript what the message has said.
            repeats |= line.trim() == "generatedMessage: true,";
            if !repeats && let Some(line) = worth_reading(line) {
                failure.text.push(line.to_owned());
            }
        }
    }
    let cancelled = |failure: &Failure| failure.text.first().is_some_and(|line| line == CANCELLED);
    if !failures.iter().all(cancelled) {
        failures.retain(|failure| !cancelled(failure));
    }
    for failure in &mut failures {
        trim(&mut failure.text);
    }
    failures
}

/// A line of an error as Node prints it, unless it is a frame of Node's own or says nothing.
fn worth_reading(line: &str) -> Option<&str> {
    const EMPTY: [&str; 6] = [
        "generatedMessage: ",
        "code: 'ERR_ASSERTION'",
        "actual: undefined",
        "expected: undefined",
        "operator: ",
        "diff: ",
    ];
    let line = line.strip_prefix("  ").unwrap_or(line);
    let said = line.trim();
    let frame = said.starts_with("at ") && line.starts_with("    ");
    if frame {
        return said
            .contains("file://")
            .then(|| line.strip_suffix(" {").unwrap_or(line));
    }
    let empty = line == "}" || EMPTY.iter().any(|start| said.starts_with(start));
    (!empty).then_some(line)
}

/// The tests that failed under `cargo test`, natively or by wasm-bindgen's runner.
pub fn cargo<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    let (mut binary, mut told) = (String::new(), false);
    for line in lines {
        let title = line.trim().strip_prefix("---- ");
        let title = title.and_then(|line| line.strip_suffix(" ----"));
        if let Some(title) = title {
            let name = title.rsplit_once(' ').map_or(title, |(name, _)| name);
            failures.push(Failure::new(&binary, name));
            told = true;
        } else if let Some(of) = binary_of(line) {
            (binary, told) = (of, false);
        } else if line.trim() == "failures:" || line.starts_with("test result: ") {
            told = false;
        } else if told
            && !line.starts_with("note: run with ")
            && let Some(failure) = failures.last_mut()
        {
            failure.text.push(line.trim_end().to_owned());
        }
    }
    for failure in &mut failures {
        trim(&mut failure.text);
    }
    failures
}

/// `Running unittests src/lib.rs (target/debug/deps/wakeline_sip-0f2a)` or `Doc-tests wakeline_sip`, in short.
fn binary_of(line: &str) -> Option<String> {
    let line = line.trim();
    if line.starts_with("Doc-tests ") {
        return Some(line.to_owned());
    }
    let (source, built) = line.strip_prefix("Running ")?.split_once(" (")?;
    let file = built.rsplit_once('/').map_or(built, |(_, file)| file);
    let name = file.rsplit_once('-').map_or(file, |(name, _)| name);
    Some(format!(
        "{name}, {}",
        source.trim_start_matches("unittests ")
    ))
}

/// Without empty lines at either end.
fn trim(lines: &mut Vec<String>) {
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let empty = lines.iter().take_while(|line| line.trim().is_empty());
    lines.drain(..empty.count());
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "\
✖ rings (12.5ms)
✔ is quiet (3 ms)
ℹ fail 1
ℹ duration_ms 120.5

✖ failing tests:

test at tests/e2e/ends.test.mjs:28:7
✖ rings (in time) (12.5ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:
  
  200 !== 486
  
      at TestContext.<anonymous> (file:///house/tests/e2e/ends.test.mjs:30:3)
      at Test.run (node:internal/test_runner/test:1402:25) {
    generatedMessage: true,
    code: 'ERR_ASSERTION',
    actual: 200,
    expected: 486,
    operator: 'strictEqual',
    diff: 'simple'
  }

test at tests/e2e/ends.test.mjs:40:7
✖ waits for its parent
  'test did not finish before its parent and was cancelled'

test at tests/lib/suite.mjs:51:3
✖ ends, in chromium (1.5ms)
  AssertionError [ERR_ASSERTION]: the page says so
      at async says (file:///house/tests/lib/suite.mjs:51:3) {
    generatedMessage: false,
    code: 'ERR_ASSERTION',
    actual: 'Busy',
    expected: undefined,
    operator: 'fail',
    diff: 'simple'
  }";

    #[test]
    fn a_failed_test_of_node_comes_with_its_message_and_nothing_twice() {
        let failures = node("ends.test.mjs", NODE.lines());
        let names: Vec<_> = failures.iter().map(|failure| &failure.name).collect();
        assert_eq!(names, ["rings (in time)", "ends, in chromium"]);
        assert_eq!(failures[0].place, "ends.test.mjs");
        assert_eq!(
            failures[0].text,
            [
                "AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:",
                "",
                "200 !== 486",
                "",
                "    at TestContext.<anonymous> (file:///house/tests/e2e/ends.test.mjs:30:3)",
            ]
        );
        // A message of the test's own says no values.
        assert_eq!(
            failures[1].text.last().map(String::as_str),
            Some("  actual: 'Busy',")
        );
    }

    #[test]
    fn tests_that_only_were_cancelled_are_named_all_the_same() {
        let text = "✖ failing tests:\n\ntest at a.mjs:1:1\n✖ hangs\n  ".to_owned() + CANCELLED;
        assert_eq!(node("a.mjs", text.lines()).len(), 1);
        assert_eq!(node("a.mjs", ["✔ rings (12.5ms)"]), []);
    }

    #[test]
    fn a_failed_test_of_cargo_comes_with_its_binary_and_its_panic() {
        let text = "\
     Running unittests src/lib.rs (target/debug/deps/wakeline_sip-0f2a)
test wire::short ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out
     Running tests/model/main.rs (target/debug/deps/model-1c2d)
test wakes ... FAILED

failures:

---- wakes stdout ----

thread 'wakes' (12) panicked at sip-core/tests/model/main.rs:12:5:
assertion failed: quiet
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace


failures:
    wakes

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        let failures = cargo(text.lines());
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].place, "model, tests/model/main.rs");
        assert_eq!(failures[0].name, "wakes");
        assert_eq!(
            failures[0].text,
            [
                "thread 'wakes' (12) panicked at sip-core/tests/model/main.rs:12:5:",
                "assertion failed: quiet"
            ]
        );
        let of_wasm = cargo(["---- browser::rings output ----", "    error output:"]);
        assert_eq!(of_wasm[0].name, "browser::rings");
    }

    #[test]
    fn what_did_not_compile_is_told_from_its_first_error() {
        let lines = [
            "   Compiling a",
            "error[E0308]: mismatched types",
            " --> a.rs:1",
        ];
        let lines = lines.map(str::to_owned).to_vec();
        let error = Unfinished {
            what: "compiling the worker".to_owned(),
            ending: "exit status: 101".to_owned(),
            lines,
        };
        let error = anyhow::Error::from(error).context("the worker could not be built");
        assert_eq!(
            Failure::of_error("build", &error).text,
            [
                "the worker could not be built: compiling the worker: exit status: 101",
                "error[E0308]: mismatched types",
                " --> a.rs:1"
            ]
        );
    }
}
