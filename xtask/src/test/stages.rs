//! The stages of `test`, in the order they run.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use super::count::{self, Count};
use super::failure::{self, Failure};
use super::proxy;
use super::scripts::{FULL, Scripts, keep_log, test_files};
use crate::build::{Part, build};
use crate::dist;
use crate::house::{House, on_path};
use crate::process::{Finished, Task};
use crate::progress::Progress;
use crate::setup::rust::{WASM, wasm_target, wasm_tool};
use crate::setup::{apt, asterisk, python};
use crate::typescript;

/// Lines of a failed stage that are shown; all are in its log.
const SHOWN: usize = 200;

/// One row of the closing table.
pub struct Stage {
    /// What the table calls it.
    pub name: &'static str,
    /// Runs it; what it does not run goes into the list.
    pub run: fn(&House, bool, &mut Vec<String>) -> Result<Count>,
}

/// Every stage.
pub const ALL: &[Stage] = &[
    Stage {
        name: "crates (cargo test)",
        run: crates,
    },
    Stage {
        name: "edge against its model (random sequences)",
        run: model,
    },
    Stage {
        name: "build of worker, client and page",
        run: shipped,
    },
    Stage {
        name: "types (tsc over generated .d.ts and page)",
        run: types,
    },
    Stage {
        name: "page (node --test)",
        run: page,
    },
    Stage {
        name: "client in Chromium, WebCrypto in Node (wasm-bindgen-test)",
        run: client,
    },
    Stage {
        name: "npm package installed by others (Vite, webpack, no tool; the examples)",
        run: package,
    },
    Stage {
        name: "edge on workerd (scripted devices)",
        run: edge,
    },
    Stage {
        name: "edge against its OpenAPI document (schemathesis)",
        run: openapi,
    },
    Stage {
        name: "other servers and clients (Kamailio, Asterisk, baresip, sipp, JsSIP)",
        run: servers,
    },
    Stage {
        name: "end to end in real browsers",
        run: end_to_end,
    },
];

/// Crates without a test that could run natively: what is for browsers and Node, and the tool.
const NOT_NATIVE: [&str; 5] = [
    "wakeline-client",
    "wakeline-push-bench",
    "wakeline-sip-bench",
    "wakeline-sip-floor",
    "wasm-tool",
];

/// Tests of the crates that are tested natively. Who asks for these, and not for one of them, finds what was compiled for the others.
fn native(house: &House) -> Task {
    let excluded = NOT_NATIVE.into_iter().flat_map(|name| ["--exclude", name]);
    Task::new(house, house.cargo())
        .args(["test", "--locked", "--workspace"])
        .args(excluded)
        .env("CARGO_TARGET_DIR", house.target())
        // What is kept for the next time costs a first one more than it gives back.
        .env("CARGO_INCREMENTAL", "0")
}

fn crates(house: &House, full: bool, _: &mut Vec<String>) -> Result<Count> {
    let mut task = native(house)
        // All but examples in documentation, of which there are none: for these each crate would be read once more.
        .args(["--tests", "--no-fail-fast"])
        // The next stage plays the model's sequences.
        .env(SEQUENCES, "30")
        .limit(Duration::from_secs(40 * 60));
    if full {
        task = task.env(FULL, "1");
    }
    let finished = quietly(house, "crates", &task, "compiling and testing the crates")?;
    Ok(judge_cargo(&finished))
}

/// How many sequences are played against the model.
const SEQUENCES: &str = "WAKELINE_SEQUENCES";

/// In the profile of the other tests, so that everything else is there already.
const OPTIMISED_CORE: &str = "profile.dev.package.wakeline-sip.opt-level=3";

/// Random sequences against the model, optimised: each is many turns of many objects. For a hundred thousand all that they use is worth
/// compiling anew; for a few the core is.
fn model(house: &House, full: bool, _: &mut Vec<String>) -> Result<Count> {
    let sequences = if full { 100_000 } else { 3_000 };
    let task = if full {
        Task::new(house, house.cargo())
            .args(["test", "--locked", "--package", "wakeline-sip"])
            .args(["--profile", "model"])
            .env("CARGO_TARGET_DIR", house.target())
    } else {
        native(house).args(["--config", OPTIMISED_CORE])
    };
    let mut task = task
        .args(["--test", "model"])
        .env(SEQUENCES, sequences.to_string())
        .limit(Duration::from_secs(60 * 60));
    if full && std::env::var_os("WAKELINE_SEED").is_none() {
        // Others each time; a failure names its seed.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        task = task.env("WAKELINE_SEED", now.as_secs().to_string());
    }
    let label = format!("playing {sequences} sequences");
    let finished = quietly(house, "model", &task, &label)?;
    Ok(judge_cargo(&finished))
}

fn shipped(house: &House, _: bool, _: &mut Vec<String>) -> Result<Count> {
    build(house, &Part::ALL)?;
    Ok(Count::default())
}

fn types(house: &House, _: bool, _: &mut Vec<String>) -> Result<Count> {
    let mut count = Count::default();
    for project in typescript::projects(house) {
        match typescript::check(house, &project) {
            Ok(()) => count.passed += 1,
            Err(error) => {
                eprintln!("{error:#}");
                count.failed += 1;
                let place = project.strip_prefix(house.root()).unwrap_or(&project);
                let failure = Failure::of_error(&place.display().to_string(), &error);
                count.failures.push(failure);
            }
        }
    }
    Ok(count)
}

fn page(house: &House, full: bool, left_out: &mut Vec<String>) -> Result<Count> {
    scripts(house, "www/tests", full, Duration::from_secs(300), left_out)
}

fn client(house: &House, _: bool, left_out: &mut Vec<String>) -> Result<Count> {
    if let Err(error) = apt::ensure(house, apt::CHROMIUM) {
        left_out.push(format!("{error:#}"));
        return Ok(Count::default());
    }
    let Some(driver) = on_path("chromedriver") else {
        bail!("chromedriver was installed but is not on PATH");
    };
    wasm_target(house)?;
    let tool = wasm_tool(house)?;
    let task = Task::new(house, house.cargo())
        .args([
            "test",
            "--locked",
            "--package",
            "wakeline-client",
            "--package",
            "wakeline-push-bench",
            "--target",
            WASM,
        ])
        .env("CARGO_TARGET_DIR", house.target())
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            format!("{} test-runner", tool.display()),
        )
        .env("CHROMEDRIVER", driver)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities(house)?)
        // Nothing in the browser reads it, and it is nine times as long as the code.
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_INCREMENTAL", "0")
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180")
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60")
        .limit(Duration::from_secs(30 * 60));
    let finished = quietly(house, "client", &task, "testing the client in Chromium")?;
    Ok(judge_cargo(&finished))
}

/// What is asked of Chromium by the runner of wasm-bindgen's tests, in a file: what the crate says, and a proxy of ours.
fn capabilities(house: &House) -> Result<PathBuf> {
    let given = fs::read(house.path("client-wasm/webdriver.json"))?;
    let mut given: serde_json::Value = serde_json::from_slice(&given)?;
    let Some(args) = given["goog:chromeOptions"]["args"].as_array_mut() else {
        bail!("client-wasm/webdriver.json names no arguments of Chromium");
    };
    let proxy = proxy::start()?;
    args.push(format!("--proxy-server=127.0.0.1:{proxy}").into());
    // Chromium asks this machine without a proxy otherwise.
    args.push("--proxy-bypass-list=<-loopback>".into());
    let path = house.state("stage/webdriver.json");
    fs::create_dir_all(house.state("stage"))?;
    fs::write(&path, given.to_string())?;
    Ok(path)
}

fn package(house: &House, full: bool, left_out: &mut Vec<String>) -> Result<Count> {
    build(house, &Part::ALL)?;
    if let Err(error) = apt::ensure(house, apt::CHROMIUM) {
        left_out.push(format!("{error:#}"));
        return Ok(Count::default());
    }
    let out = house.state("stage/packed");
    fs::create_dir_all(&out)?;
    let packed = dist::npm_package(house, &out)?;
    Scripts::of("tests/package", full, Duration::from_secs(600))
        .env("WAKELINE_PACKAGE", packed)
        .run(house)
}

fn edge(house: &House, full: bool, left_out: &mut Vec<String>) -> Result<Count> {
    build(house, &Part::ALL)?;
    let minutes = if full { 60 } else { 30 };
    scripts(
        house,
        "tests/edge",
        full,
        Duration::from_secs(minutes * 60),
        left_out,
    )
}

/// The run is short unless `full`: then it asks a hundred and fifty times of each route instead of five.
fn openapi(house: &House, full: bool, left_out: &mut Vec<String>) -> Result<Count> {
    build(house, &Part::ALL)?;
    let tool = match python::schemathesis(house) {
        Ok(tool) => tool,
        Err(error) => {
            left_out.push(format!("{error:#}"));
            return Ok(Count::default());
        }
    };
    if !full {
        left_out.push("150 random requests of each route (5 are made)".to_owned());
    }
    Scripts::of("tests/rest", full, Duration::from_secs(30 * 60))
        .env("WAKELINE_SCHEMATHESIS", tool)
        .run(house)
}

/// Tests beside real SIP servers and phones, and with clients of other make at the edge.
fn servers(house: &House, full: bool, left_out: &mut Vec<String>) -> Result<Count> {
    build(house, &Part::ALL)?;
    build(house, &[Part::Package])?;
    let needs = [apt::SERVERS, apt::DESKTOP].concat();
    if let Err(error) = apt::ensure(house, &needs) {
        left_out.push(format!("{error:#}"));
        return Ok(Count::default());
    }
    let minutes = Duration::from_secs(20 * 60);
    let mut tests = Scripts::of("tests/servers", full, minutes);
    match asterisk::ensure(house) {
        Ok(tree) => tests = tests.env(asterisk::TREE, tree),
        // Tests through it find none and are skipped by name.
        Err(error) => left_out.push(format!("{error:#}")),
    }
    left_out.push(
        "FreeSWITCH itself (no package registry has it; its script runs against a stub)".to_owned(),
    );
    tests.run(house)
}

fn end_to_end(house: &House, full: bool, left_out: &mut Vec<String>) -> Result<Count> {
    build(house, &Part::ALL)?;
    if let Err(error) = apt::ensure(house, apt::DESKTOP) {
        left_out.push(format!("{error:#}"));
        return Ok(Count::default());
    }
    if !full {
        left_out.push("in Firefox, what Chromium shows as well: with --full (it is woken, answers and talks in both)".to_owned());
    }
    let minutes = if full { 75 } else { 45 };
    scripts(
        house,
        "tests/e2e",
        full,
        Duration::from_secs(minutes * 60),
        left_out,
    )
}

/// Runs a folder of `node --test` files: each starts a whole edge.
fn scripts(
    house: &House,
    folder: &str,
    full: bool,
    limit: Duration,
    left_out: &mut Vec<String>,
) -> Result<Count> {
    if test_files(&house.path(folder)).is_empty() {
        left_out.push(format!("no test stands in {folder}"));
        return Ok(Count::default());
    }
    Scripts::of(folder, full, limit).run(house)
}

fn quietly(house: &House, name: &str, task: &Task, label: &str) -> Result<Finished> {
    let mut progress = Progress::start(label);
    let finished = task.run(|line| progress.tick(line))?;
    keep_log(house, name, &(finished.lines.join("\n") + "\n"))?;
    if finished.success() {
        progress.done();
    } else {
        progress.failed();
        for line in &finished.lines[finished.lines.len().saturating_sub(SHOWN)..] {
            println!("{line}");
        }
    }
    Ok(finished)
}

fn judge_cargo(finished: &Finished) -> Count {
    let lines = || finished.lines.iter().map(String::as_str);
    let mut count = count::cargo(lines());
    count.failures = failure::cargo(lines());
    judge("cargo test", finished, count)
}

/// A run that ended badly counts as a failure even when no test says so (it did not compile, or took
/// too long).
pub fn judge(place: &str, finished: &Finished, mut count: Count) -> Count {
    if !finished.success() {
        println!("  {}", finished.ending());
        count.failed = count.failed.max(1);
        if count.failures.is_empty() {
            count.failures.push(Failure::of_run(place, finished));
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(success: Option<bool>) -> Finished {
        use std::os::unix::process::ExitStatusExt;
        Finished {
            status: success.map(|ok| std::process::ExitStatus::from_raw(if ok { 0 } else { 256 })),
            lines: Vec::new(),
            took: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_run_that_did_not_compile_or_was_stopped_is_a_failure() {
        for (success, failed) in [(Some(false), 1), (None, 1), (Some(true), 0)] {
            let count = judge("a.rs", &finished(success), Count::default());
            assert_eq!((count.failed, count.failures.len()), (failed, failed));
        }
    }
}
