//! Every command of the house: set-up, build, dev, demo, play, test, bench, lint, dist, deploy.

mod build;
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
        other => bail!("no command {other}\n{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}
