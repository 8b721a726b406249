//! `test`: every stage is run even when an earlier one failed, each is bounded in time, and a table
//! at the end says what was checked and what was left out.

mod count;
mod stages;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::house::House;
use count::Count;

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

/// Runs all stages and prints the table; `full` adds the long tests.
pub fn test(house: &House, full: bool) -> Result<ExitCode> {
    let mut reports = Vec::new();
    for stage in stages::ALL {
        let started = Instant::now();
        println!("\n== {}", stage.name);
        let mut left_out = Vec::new();
        let count = (stage.run)(house, full, &mut left_out).unwrap_or_else(|error| {
            eprintln!("{}: {error:#}", stage.name);
            // A stage that could not be run is a failure, never an absence.
            Count {
                failed: 1,
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
    print!("{}", table::draw(&reports, full));
    let failed = reports.iter().any(|report| report.count.failed > 0);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
