//! Every command of the house: set-up, build, dev, demo, play, test, bench, soak, lint, dist, deploy.
//!
//! README, CI and people call only this. Each command finds or installs what it needs, says what it
//! does, and leaves no process behind.

mod build;
mod demo;
mod deploy;
mod dist;
mod docs;
mod edge;
mod fuzz;
mod house;
mod lint;
mod play;
mod process;
mod progress;
mod setup;
mod stamp;
mod story;
mod test;
mod typescript;

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use lexopt::prelude::*;

use crate::build::Part;
use crate::house::House;
use crate::play::Shelf;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo [--port N] [--no-open]            everything on this machine, for two browser tabs
  play NAME [--browser firefox|chromium] [--json FILE]
                                         a scenario in real browsers: `play wake`; `play phone
                                         [--server kamailio|asterisk]` with a real phone and PBX;
                                         `play gateway [--server kamailio|asterisk]`: from a mobile network
  test [--full] [--only WORDS]           all tests, and a table of what was checked; or the stages so named
  docs                                   docs/authorization.md, docs/api.md and the OpenAPI document anew
  fuzz [TARGET [FILE…]] [--seconds N]    strangers' input by libFuzzer, a minute a target; or these inputs once
  lint                                   formatting, clippy, types, licences, house rules
  bench NAME [--browser B] [--json FILE] figures: `bench wake`, `edge`, `push`, `client`, `servers`
  soak NAME [--count N] [--seed N] [--json FILE]
                                         `soak wakes`: wakes by the hundred, faults and restarts in between
  shots DIR                              a screenshot of every state of the page
  dev [--port N]                         edge and page for developers
  build [worker|client|www|all]          what is shipped, unless unchanged
  dist                                   what others install, in build/dist
  deploy [--dry-run] [--sites FILE] [--secrets FILE]
                                         edge and page to a Cloudflare account; what only an operator knows, with them
  story ID --edge URL                    how a call went, by the site's key in WAKELINE_SITE_KEY
";

fn main() -> ExitCode {
    let result = run();
    // What a stopped child made fail is no failure to report.
    process::leave_to_signals();
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let house = House::find()?;
    process::end_children_on_signals()?;
    let mut args = lexopt::Parser::from_env();
    let command = match args.next()? {
        Some(Value(word)) => word.string()?,
        Some(Short('h') | Long("help")) => {
            print!("{USAGE}");
            return Ok(ExitCode::SUCCESS);
        }
        _ => {
            eprint!("{USAGE}");
            return Ok(ExitCode::from(2));
        }
    };
    match command.as_str() {
        "build" => {
            let word = optional_word(&mut args)?.unwrap_or_else(|| "all".to_owned());
            build::build(&house, &Part::parse(&word)?)?;
        }
        "demo" => demo::demo(&house, &demo_options(args)?)?,
        "dev" => demo::dev(&house, &demo_options(args)?)?,
        "play" => return scenario(&house, Shelf::Plays, args),
        "bench" => return scenario(&house, Shelf::Benches, args),
        "soak" => return scenario(&house, Shelf::Soaks, args),
        "shots" => {
            let mut words = rest(args)?.into_iter();
            let Some(folder) = words.next() else {
                bail!("shots wants a folder to write to");
            };
            return play::shots(&house, &PathBuf::from(folder), words.as_slice());
        }
        "test" => {
            let (mut full, mut only) = (false, None);
            while let Some(arg) = args.next()? {
                match arg {
                    Long("full") => full = true,
                    Long("only") => only = Some(args.value()?.string()?),
                    other => return Err(other.unexpected().into()),
                }
            }
            return test::test(&house, full, only.as_deref());
        }
        "docs" => docs::docs(&house)?,
        "fuzz" => {
            let mut options = fuzz::Options {
                target: None,
                seconds: 60,
                files: Vec::new(),
            };
            while let Some(arg) = args.next()? {
                match arg {
                    Long("seconds") => options.seconds = args.value()?.parse()?,
                    Value(word) if options.target.is_none() => {
                        options.target = Some(word.string()?);
                    }
                    Value(file) => options.files.push(file.into()),
                    other => return Err(other.unexpected().into()),
                }
            }
            return fuzz::fuzz(&house, &options);
        }
        "lint" => return lint::lint(&house),
        "dist" => dist::dist(&house)?,
        "deploy" => {
            let mut options = deploy::Options::default();
            while let Some(arg) = args.next()? {
                match arg {
                    Long("dry-run") => options.dry_run = true,
                    Long("sites") => options.sites = Some(args.value()?.into()),
                    Long("secrets") => options.secrets = Some(args.value()?.into()),
                    other => return Err(other.unexpected().into()),
                }
            }
            deploy::deploy(&house, &options)?;
        }
        "story" => {
            let mut options = story::Options::default();
            while let Some(arg) = args.next()? {
                match arg {
                    Long("edge") => options.edge = args.value()?.string()?,
                    Value(id) if options.id.is_empty() => options.id = id.string()?,
                    other => return Err(other.unexpected().into()),
                }
            }
            if options.id.is_empty() || options.edge.is_empty() {
                bail!(
                    "story wants the id of a call and its edge: story ID --edge https://edge.example.com"
                );
            }
            return story::story(&house, &options);
        }
        "wasm-test-runner" => return wasm_test_runner(&house),
        other => bail!("no command {other}\n{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn demo_options(mut args: lexopt::Parser) -> Result<demo::Options> {
    let mut options = demo::Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("port") => options.port = Some(args.value()?.parse()?),
            Long("no-open") => options.no_open = true,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(options)
}

fn scenario(house: &House, shelf: Shelf, mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut options = play::Options::default();
    let mut name = None;
    while let Some(arg) = args.next()? {
        match arg {
            Long("browser") => options.browser = Some(args.value()?.string()?),
            Long("json") => options.json = Some(args.value()?.into()),
            Value(word) if name.is_none() => name = Some(word.string()?),
            Value(word) => options.rest.push(word),
            Long(other) => options.rest.push(format!("--{other}").into()),
            other => return Err(other.unexpected().into()),
        }
    }
    let usual = match shelf {
        Shelf::Soaks => "wakes",
        _ => "wake",
    };
    play::run(house, shelf, name.as_deref().unwrap_or(usual), &options)
}

fn optional_word(args: &mut lexopt::Parser) -> Result<Option<String>> {
    match args.next()? {
        None => Ok(None),
        Some(Value(word)) => Ok(Some(word.string()?)),
        Some(other) => Err(other.unexpected().into()),
    }
}

fn rest(mut args: lexopt::Parser) -> Result<Vec<OsString>> {
    Ok(args.raw_args()?.collect())
}

/// What .cargo/config.toml names as the runner of wasm tests, so that a plain
/// `cargo test --target wasm32-unknown-unknown` works.
fn wasm_test_runner(house: &House) -> Result<ExitCode> {
    let mut runner = Command::new(setup::rust::wasm_tool(house)?);
    runner.arg("test-runner").args(env::args_os().skip(2));
    if env::var_os("CHROMEDRIVER").is_none()
        && let Some(driver) = house::on_path("chromedriver")
    {
        runner.env("CHROMEDRIVER", driver);
    }
    Err(runner.exec().into())
}
