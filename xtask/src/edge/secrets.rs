//! Secrets of the development edge: `.dev.vars`, written once, git-ignored, never replaced.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::house::House;
use crate::process::Task;

/// The site that the development edge serves.
pub const SITE: &str = "demo";

/// Draws the secrets; Node is there anyway, and its WebCrypto is not ours to write.
const GENERATE: &str = include_str!("secrets.mjs");

/// New secrets, in the shape of [`GENERATE`]'s answer.
pub fn generate(house: &House) -> Result<Value> {
    let text = Task::new(house, "node")
        .args(["--input-type=module", "--eval", GENERATE])
        .ask()
        .context("node could not generate keys")?;
    serde_json::from_str(&text).context("the key generator answered with something else")
}

/// Writes `.dev.vars` unless there is one: subscriptions hang on its VAPID key.
pub fn ensure(house: &House) -> Result<()> {
    let file = house.path(".dev.vars");
    if file.exists() {
        return Ok(());
    }
    let made = generate(house)?;
    let site_secrets = serde_json::json!({ SITE: made["site"] });
    let edge_secret = made["edge_secret"].as_str().unwrap_or_default();
    let operator_key = made["operator_key"].as_str().unwrap_or_default();
    write_private(
        &file,
        &format!(
            "# Secrets of the development edge. Removing this file makes new ones: every device must then subscribe anew.\n\
             SITE_SECRETS='{site_secrets}'\nEDGE_SECRET='{edge_secret}'\nOPERATOR_KEY='{operator_key}'\n"
        ),
    )?;
    println!("  wrote .dev.vars: keys of the development edge, kept from now on");
    Ok(())
}

/// Writes a file that nobody else on this machine may read.
pub fn write_private(file: &Path, text: &str) -> Result<()> {
    let mut open = OpenOptions::new();
    open.write(true).create(true).truncate(true).mode(0o600);
    open.open(file)?.write_all(text.as_bytes())?;
    Ok(())
}

/// The key with which accounts are made on the development edge.
pub fn api_key(house: &House) -> Result<String> {
    let text = fs::read_to_string(house.path(".dev.vars"))?;
    api_key_in(&text)
        .context(".dev.vars holds no api key for the demo site; remove it to have one written")
}

/// A short random password for a demo line.
pub fn password(house: &House) -> Result<String> {
    let made = generate(house)?;
    Ok(made["password"].as_str().unwrap_or_default().to_owned())
}

fn api_key_in(text: &str) -> Option<String> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("SITE_SECRETS="))?;
    let secrets: Value = serde_json::from_str(line.trim().trim_matches('\'')).ok()?;
    Some(secrets[SITE]["api_keys"][0].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_key_is_read_from_the_file_that_wrangler_reads() {
        let text =
            "# words\nSITE_SECRETS='{\"demo\":{\"api_keys\":[\"k1\",\"k2\"]}}'\nEDGE_SECRET='x'\n";
        assert_eq!(api_key_in(text).as_deref(), Some("k1"));
        assert_eq!(api_key_in("EDGE_SECRET='x'"), None);
    }
}
