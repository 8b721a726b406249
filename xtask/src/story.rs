//! `story`: how one call went, step by step, told by its edge without anybody's name.

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::edge::secrets;
use crate::house::House;
use crate::process::Task;
use crate::setup::node;

/// Asks over TLS and prints; Node is there anyway.
const TELL: &str = include_str!("story.mjs");
/// Where the site's key is found, so that it stands in no command line.
const KEY: &str = "WAKELINE_SITE_KEY";

/// What the command line asked for.
#[derive(Debug, Default)]
pub struct Options {
    /// The call.
    pub id: String,
    /// The edge's origin.
    pub edge: String,
}

/// Prints the story.
pub fn story(house: &House, options: &Options) -> Result<ExitCode> {
    node::packages(house)?;
    let key = match env::var(KEY) {
        Ok(key) => key,
        Err(_) => secrets::api_key(house).with_context(|| {
            format!("set {KEY} to one of the site's API keys; there is no development edge here whose key could be used")
        })?,
    };
    let finished = Task::new(house, "node")
        .args(["--input-type=module", "--eval", TELL, "--"])
        .args([&options.id, &options.edge])
        .env(KEY, key)
        .limit(Duration::from_secs(60))
        .run_shown()?;
    Ok(if finished.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
