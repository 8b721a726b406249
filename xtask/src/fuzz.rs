//! `fuzz`: libFuzzer on the doors of `fuzz/doors`, guided by coverage, with the pinned stable toolchain.
//!
//! cargo-fuzz wants nightly for its address sanitizer. Our crates hold no `unsafe`, so what counts is the guidance, and that
//! is LLVM's own pass: it is asked for by flags that stable has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::house::{House, on_path};
use crate::process::{Finished, Task};
use crate::progress::Progress;

/// What cargo-fuzz passes, but for the sanitizer.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares";
/// Frames and bodies longer than this are for other tests: the caps come first.
const MAX_LEN: u32 = 4096;
/// More memory than this is growth without bound.
const MEMORY_MB: u32 = 1024;
/// One input that takes longer hangs.
const SLOWEST_S: u32 = 10;

/// What is asked for.
pub struct Options {
    /// One target; all of them otherwise.
    pub target: Option<String>,
    /// How long each runs.
    pub seconds: u64,
    /// Inputs to run once instead, for example one that failed.
    pub files: Vec<PathBuf>,
}

/// Runs the targets one after another.
pub fn fuzz(house: &House, options: &Options) -> Result<ExitCode> {
    let known = targets(house)?;
    let wanted = match &options.target {
        None => known,
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => bail!("no target {name}; there are {}", known.join(", ")),
    };
    let folder = build(house)?;
    let mut failed = Vec::new();
    for target in &wanted {
        let program = folder.join(target);
        let good = if options.files.is_empty() {
            run(house, target, &program, options.seconds)?
        } else {
            once(house, &program, &options.files)?
        };
        if !good {
            failed.push(target.as_str());
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("fuzz: found something in {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn targets(house: &House) -> Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(house.path("fuzz/fuzz_targets"))?
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

/// Builds every target and gives the folder they are in.
fn build(house: &House) -> Result<PathBuf> {
    if on_path("c++").is_none() {
        bail!(
            "libFuzzer is built from its sources and wants a C++ compiler: install one (on Debian: apt-get install g++)"
        );
    }
    let rustc = Task::new(house, "rustc").args(["-vV"]).ask();
    let rustc = rustc.context("rustc does not answer")?;
    let host = rustc
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc does not name its host")?;
    if !host.contains("linux") && !host.contains("apple") {
        bail!("libFuzzer runs on Linux and macOS, not on {host}");
    }
    let target_dir = house.target().join("fuzz");
    Task::new(house, house.cargo())
        // Its lock follows that of the house, whose crates it is made of.
        .args(["build", "--release", "--manifest-path"])
        .arg(house.path("fuzz/Cargo.toml"))
        // Named, so that build scripts and macros are built without the flags.
        .args(["--target", host])
        .env("CARGO_TARGET_DIR", &target_dir)
        .env("RUSTFLAGS", COVERAGE)
        .limit(Duration::from_secs(3600))
        .run_quietly("building the fuzz targets")?;
    Ok(target_dir.join(host).join("release"))
}

fn run(house: &House, target: &str, program: &Path, seconds: u64) -> Result<bool> {
    let own = house.target().join("fuzz/corpus").join(target);
    let artifacts = house.target().join("fuzz/artifacts").join(target);
    fs::create_dir_all(&own)?;
    fs::create_dir_all(&artifacts)?;
    let committed = house.path("fuzz/corpus").join(target);
    let mut task = Task::new(house, program)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MAX_LEN}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB}"))
        .arg(format!("-timeout={SLOWEST_S}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-dict={}", house.path("fuzz/sip.dict").display()))
        // Weighing each input anew costs more than running it: a story of the edge touches thousands of edges of code.
        .args(["-print_final_stats=1", "-reload=0", "-entropic=0"])
        // What is found is kept here, so that the next run goes on from it.
        .arg(&own)
        .limit(Duration::from_secs(seconds + 600));
    if committed.is_dir() {
        task = task.arg(committed);
    }
    let mut progress = Progress::start(&format!("fuzz {target}, {seconds} s"));
    let finished = task.run(|line| progress.tick(line))?;
    if finished.success() {
        progress.done();
    } else {
        progress.failed();
        tell(&finished);
    }
    println!("  {target}: {}", summary(&finished.lines));
    Ok(finished.success())
}

fn once(house: &House, program: &Path, files: &[PathBuf]) -> Result<bool> {
    let here = std::env::current_dir()?;
    let finished = Task::new(house, program)
        .arg(format!("-timeout={SLOWEST_S}"))
        .args(files.iter().map(|file| here.join(file)))
        .limit(Duration::from_secs(600))
        .run_shown()?;
    Ok(finished.success())
}

/// What a finding says: its panic, and where its input is.
fn tell(finished: &Finished) {
    let from = finished
        .lines
        .iter()
        .position(|line| line.contains("panicked at") || line.contains("ERROR: libFuzzer"))
        .unwrap_or(finished.lines.len().saturating_sub(20));
    for line in finished.lines[from..].iter().filter(|line| {
        !line.trim_start().starts_with("at ") && !line.trim_start().starts_with("0x")
    }) {
        println!("    {line}");
    }
}

/// Executions, coverage and memory, out of what libFuzzer prints.
fn summary(lines: &[String]) -> String {
    let stat = |name: &str| {
        lines.iter().rev().find_map(|line| {
            let rest = line.strip_prefix(name)?;
            rest.trim_start_matches(':').trim().parse::<u64>().ok()
        })
    };
    let coverage = lines.iter().rev().find_map(|line| {
        let (_, rest) = line.split_once(" cov: ")?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    });
    let known = |value: Option<u64>| value.map_or_else(|| "?".to_owned(), |n| n.to_string());
    format!(
        "{} executions, {} edges of code seen, {} MB at most, {} inputs kept",
        known(stat("stat::number_of_executed_units")),
        known(coverage),
        known(stat("stat::peak_rss_mb")),
        known(stat("stat::new_units_added")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_run_are_found() {
        let lines = [
            "#65536	pulse  cov: 1234 ft: 99 corp: 3/4b lim: 4096 exec/s: 21845 rss: 50Mb",
            "stat::number_of_executed_units: 100000",
            "stat::new_units_added:          17",
            "stat::peak_rss_mb:              88",
        ]
        .map(str::to_owned);
        assert_eq!(
            summary(&lines),
            "100000 executions, 1234 edges of code seen, 88 MB at most, 17 inputs kept"
        );
        assert!(summary(&[]).starts_with("? executions"));
    }
}
