//! `test`: every stage is run even when an earlier one failed, each is bounded in time, and a table
//! at the end says what was checked, what was left out, and why what failed did: a reader may see nothing but the end.

mod count;
mod failure;
mod order;
mod proxy;
mod scripts;
mod stages;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::house::House;
use count::Count;
use failure::Failure;
use scripts::keep_log;

/// How one stage went.
#[derive(Debug)]
pub struct Report {
    /// What the table calls it.
    pub name: &'static str,
    /// Its tests.
    pub count: Count,
    /// How long it took.
    pub took: Duration,
    /// What was not run, and why.
    pub left_out: Vec<String>,
}

/// Runs all stages, or those whose name has the words `only`, and prints the table; `full` adds the long tests.
pub fn test(house: &House, full: bool, only: Option<&str>) -> Result<ExitCode> {
    let wanted = |name: &str| only.is_none_or(|words| name.contains(words));
    let (run, not_run): (Vec<_>, Vec<_>) = stages::ALL.iter().partition(|stage| wanted(stage.name));
    if run.is_empty() {
        let names: Vec<_> = not_run.iter().map(|stage| stage.name).collect();
        bail!("no stage is named so; they are:\n  {}", names.join("\n  "));
    }
    let mut reports = Vec::new();
    for stage in run {
        let started = Instant::now();
        println!("\n== {}", stage.name);
        let mut left_out = Vec::new();
        let count = (stage.run)(house, full, &mut left_out).unwrap_or_else(|error| {
            eprintln!("{}: {error:#}", stage.name);
            // A stage that could not be run is a failure, never an absence.
            Count {
                failed: 1,
                failures: vec![Failure::of_error(stage.name, &error)],
                ..Count::default()
            }
        });
        reports.push(Report {
            name: stage.name,
            count,
            took: started.elapsed(),
            left_out,
        });
    }
    keep_log(
        house,
        "summary",
        &table::draw(&reports, full, &table::WHOLE),
    )?;
    print!("{}", table::draw(&reports, full, &table::SCREEN));
    if !not_run.is_empty() {
        println!("{} other stages were not asked for", not_run.len());
    }
    let failed = reports.iter().any(|report| report.count.failed > 0);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
