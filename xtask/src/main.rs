//! Every command of the house: set-up, build, dev, demo, play, test, bench, lint, dist, deploy.

mod build;
mod demo;
mod edge;
mod house;
mod process;
mod progress;
mod setup;
mod stamp;

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;

use crate::build::Part;
use crate::house::House;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo [--port N] [--no-open]    everything on this machine, for two browser tabs
  dev [--port N]                 the same for developers
  build worker|client|www|all    build what is shipped, unless unchanged
";

fn main() -> ExitCode {
    match run() {
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
    let Some(Value(command)) = args.next()? else {
        print!("{USAGE}");
        return Ok(ExitCode::from(2));
    };
    match command.string()?.as_str() {
        "build" => {
            let word: String = match args.next()? {
                Some(Value(word)) => word.string()?,
                None => "all".to_owned(),
                Some(other) => return Err(other.unexpected().into()),
            };
            build::build(&house, &Part::parse(&word)?)?;
        }
        "demo" => demo::demo(&house, &demo_options(args)?)?,
        "dev" => demo::dev(&house, &demo_options(args)?)?,
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
