//! Scenarios in real browsers: `play`, `bench`, `shots`; and on workerd alone: `soak`.
//!
//! The scenarios are scripts of tests/, so that tests, plays and benches run the same code; here they
//! only get what they need.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::build::{Part, build};
use crate::house::House;
use crate::process::Task;
use crate::setup::{apt, asterisk, node};

const LIMIT: Duration = Duration::from_secs(45 * 60);

/// A folder of scripts that the command line can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// `tests/plays`.
    Plays,
    /// `tests/bench`.
    Benches,
    /// `tests/soak`.
    Soaks,
}

impl Shelf {
    fn folder(self) -> &'static str {
        match self {
            Self::Plays => "tests/plays",
            Self::Benches => "tests/bench",
            Self::Soaks => "tests/soak",
        }
    }
}

/// What the command line asked for.
#[derive(Debug, Default)]
pub struct Options {
    /// `firefox` or `chromium`; the script's own choice without.
    pub browser: Option<String>,
    /// Where the figures go.
    pub json: Option<PathBuf>,
    /// Everything after `--`, for the script.
    pub rest: Vec<OsString>,
}

/// Runs one script of a shelf; its exit status says whether every point held.
pub fn run(house: &House, shelf: Shelf, name: &str, options: &Options) -> Result<ExitCode> {
    let script = find(house, shelf, name)?;
    // The bench of wakes ends with what a push costs.
    if shelf == Shelf::Benches && matches!(name, "push" | "wake") {
        build(house, &[Part::PushBench])?;
    }
    let mut task = Task::new(house, "node").arg(script).limit(LIMIT);
    match (shelf, name) {
        (Shelf::Benches, "push") => {}
        (Shelf::Plays, "phone") => {
            build(house, &[Part::Client])?;
            apt::ensure(house, apt::SERVERS)?;
            if options.browser.as_deref() == Some("firefox") {
                apt::ensure(house, apt::DESKTOP)?;
            }
            task = task.env(asterisk::TREE, asterisk::ensure(house)?);
        }
        (Shelf::Benches, "client") => {
            build(house, &[Part::Client, Part::SipBench, Part::SipFloor])?;
            apt::ensure(house, apt::SERVERS)?;
        }
        (Shelf::Plays, "gateway") => {
            ready(house)?;
            apt::ensure(house, apt::SERVERS)?;
            if options.rest.iter().any(|word| word == "asterisk") {
                task = task.env(asterisk::TREE, asterisk::ensure(house)?);
            }
        }
        (Shelf::Benches, "servers") => {
            build(house, &[Part::Worker])?;
            apt::ensure(house, apt::SERVERS)?;
            task = task.env(asterisk::TREE, asterisk::ensure(house)?);
        }
        (Shelf::Benches, "edge") => {
            build(house, &[Part::Worker])?;
            apt::ensure(house, apt::SERVERS)?;
        }
        (Shelf::Soaks, _) => build(house, &[Part::Worker])?,
        _ => ready(house)?,
    }
    if let Some(browser) = &options.browser {
        if !matches!(browser.as_str(), "firefox" | "chromium") {
            bail!("--browser is firefox or chromium, not {browser}");
        }
        task = task.args(["--browser", browser]);
    }
    if let Some(json) = &options.json {
        task = task.arg("--json").arg(from_here(json)?);
    }
    shown(&task.args(&options.rest))
}

/// Writes a screenshot of every state of the page to `folder`.
pub fn shots(house: &House, folder: &Path, rest: &[OsString]) -> Result<ExitCode> {
    // The pictures are taken of the page's sources with states put in: no edge, no client.
    node::packages(house)?;
    apt::ensure(house, &[("chromium", "chromium")])?;
    apt::ensure_fonts(house)?;
    let folder = from_here(folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let task = Task::new(house, "node")
        .arg(house.path("tests/shots/shots.mjs"))
        .arg(folder)
        .args(rest);
    shown(&task.limit(LIMIT))
}

/// Everything a script in real browsers stands on: what is shipped, and a desktop.
pub fn ready(house: &House) -> Result<()> {
    build(house, &Part::ALL)?;
    apt::ensure(house, apt::DESKTOP)
}

fn shown(task: &Task) -> Result<ExitCode> {
    let finished = task.run_shown()?;
    if finished.status.is_none() {
        bail!("the script was {}", finished.ending());
    }
    Ok(if finished.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn find(house: &House, shelf: Shelf, name: &str) -> Result<PathBuf> {
    let folder = house.path(shelf.folder());
    let names = names_in(&folder);
    if names.iter().any(|known| known == name) {
        return Ok(folder.join(format!("{name}.mjs")));
    }
    bail!(
        "there is no {name} in {}: {}",
        shelf.folder(),
        names.join(", ")
    )
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .into_string()
                .ok()?
                .strip_suffix(".mjs")
                .map(str::to_owned)
        })
        .collect();
    names.sort_unstable();
    names
}

/// A path as the person meant it: from where they stand, not from the root.
fn from_here(path: &Path) -> Result<PathBuf> {
    Ok(env::current_dir()?.join(path))
}
