//! Node and the npm packages that package-lock.json pins.
//!
//! wrangler needs Node 22.12; on Linux x64 the pinned packages bring their own Node, elsewhere the
//! system's must be new enough.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::house::{House, on_path};
use crate::process::Task;
use crate::stamp::Stamp;

/// The oldest Node that every tool of the house runs on.
const OLDEST: (u32, u32) = (22, 12);

/// Installs the npm packages unless exactly these are there, and checks Node's version.
pub fn packages(house: &House) -> Result<()> {
    let stamp = Stamp::of(
        house.path("node_modules/.wakeline-stamp"),
        "npm ci",
        &[house.path("package.json"), house.path("package-lock.json")],
        &[house.node_bin("wrangler"), house.node_bin("esbuild")],
    )?;
    if !stamp.is_fresh() {
        if on_path("npm").is_none() {
            bail!("npm is missing: install Node.js with npm (for example `apt-get install npm`)");
        }
        Task::new(house, "npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .limit(Duration::from_secs(900))
            .run_quietly("installing npm packages")
            .context("npm could not install the packages of package-lock.json")?;
        stamp.write()?;
    }
    new_enough(house)
}

fn new_enough(house: &House) -> Result<()> {
    let answer = Task::new(house, "node").arg("--version").ask();
    let version = answer.as_deref().and_then(parse_version);
    match version {
        Some(version) if version >= OLDEST => Ok(()),
        _ => bail!(
            "Node {}.{} or newer is needed, found {}: install it and run this again",
            OLDEST.0,
            OLDEST.1,
            answer.as_deref().unwrap_or("none")
        ),
    }
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(parse_version("v24.21.0\n"), Some((24, 21)));
        assert!(parse_version("v9.0.0") < Some(OLDEST));
        assert!(parse_version("v22.9.0") < Some(OLDEST));
        assert_eq!(parse_version("garbage"), None);
    }
}
