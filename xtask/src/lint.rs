//! `lint`: formatting, clippy, types, licences and sources, and the house's own small rules.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::build::{Part, build};
use crate::house::{House, on_path};
use crate::process::Task;
use crate::setup::node;
use crate::setup::rust::{WASM, wasm_target};
use crate::typescript;

/// Pinned here, installed into the target folder when the machine has none.
const CARGO_DENY: &str = "0.20.2";
/// A file longer than this says in its head why ("Long because …").
const LONGEST: usize = 700;

type Check = fn(&House) -> Result<()>;

/// Runs every lint, also after one has failed.
pub fn lint(house: &House) -> Result<ExitCode> {
    let checks: [(&str, Check); 6] = [
        ("formatting", formatting),
        ("clippy, native", clippy_native),
        ("clippy, wasm", clippy_wasm),
        ("types", types),
        ("licences and sources", deny),
        ("house rules", house_rules),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        if let Err(error) = check(house) {
            eprintln!("  {name}: {error:#}");
            failed.push(name);
        }
    }
    if failed.is_empty() {
        println!("lint: all {} checks hold", checks.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "lint: {} of {} checks failed: {}",
        failed.len(),
        checks.len(),
        failed.join(", ")
    );
    Ok(ExitCode::FAILURE)
}

fn cargo(house: &House, label: &str, args: &[&str]) -> Result<()> {
    Task::new(house, house.cargo())
        .args(args)
        .env("CARGO_TARGET_DIR", house.target())
        .limit(Duration::from_secs(2400))
        .run_quietly(label)?;
    Ok(())
}

fn formatting(house: &House) -> Result<()> {
    cargo(house, "cargo fmt", &["fmt", "--all", "--check"])
}

fn clippy_native(house: &House) -> Result<()> {
    let args = [
        "clippy",
        "--locked",
        "--workspace",
        "--exclude",
        "wasm-tool",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    cargo(house, "clippy", &args)
}

fn clippy_wasm(house: &House) -> Result<()> {
    wasm_target(house)?;
    let args = [
        "clippy",
        "--locked",
        "--target",
        WASM,
        "--package",
        "wakeline-client",
        "--package",
        "wakeline-edge",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    cargo(house, "clippy for wasm", &args)
}

fn types(house: &House) -> Result<()> {
    node::packages(house)?;
    // The page's types stand on those that the client's build generates.
    build(house, &[Part::Client])?;
    for project in typescript::projects(house) {
        typescript::check(house, &project)?;
    }
    Ok(())
}

fn deny(house: &House) -> Result<()> {
    let tool = cargo_deny(house)?;
    // It reads the licences of crates for every platform: on a fresh machine those are not there yet.
    Task::new(house, "cargo")
        .args(["fetch", "--locked"])
        .limit(Duration::from_secs(600))
        .run_quietly("fetching what other platforms need")?;
    // Advisories want a database from the network; they are asked for apart, see deny.toml.
    Task::new(house, tool)
        .args([
            "--workspace",
            "--offline",
            "check",
            "bans",
            "licenses",
            "sources",
        ])
        .limit(Duration::from_secs(300))
        .run_quietly("cargo deny")?;
    Ok(())
}

fn cargo_deny(house: &House) -> Result<PathBuf> {
    if let Some(path) = on_path("cargo-deny") {
        return Ok(path);
    }
    let root = house.target().join("tools");
    let tool = root.join("bin/cargo-deny");
    if !tool.is_file() {
        Task::new(house, house.cargo())
            .args(["install", "--locked", "--no-default-features", "cargo-deny"])
            // The check takes two seconds either way; an optimised build several minutes more.
            .args(["--debug", "--config", "profile.dev.debug=false"])
            .args(["--version", CARGO_DENY, "--root"])
            .arg(&root)
            // A folder of its own: installing into the shared one would hold its lock throughout.
            .env("CARGO_TARGET_DIR", root.join("build"))
            .limit(Duration::from_secs(1800))
            .run_quietly("installing cargo-deny (once, some minutes)")?;
        let _ = fs::remove_dir_all(root.join("build"));
    }
    Ok(tool)
}

fn house_rules(house: &House) -> Result<()> {
    let list = Task::new(house, "git")
        .args(["ls-files"])
        .ask()
        .context("git cannot list the files")?;
    let mut broken = Vec::new();
    for name in list.lines() {
        let Ok(text) = fs::read_to_string(house.path(name)) else {
            continue;
        };
        broken.extend(rules_broken(name, &text));
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("{} broken\n    {}", broken.len(), broken.join("\n    "));
}

/// What a committed file must not be or hold.
fn rules_broken(name: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    if name == "package-lock.json" {
        if text.contains("\"resolved\"") {
            broken.push(format!(
                "{name} names a registry: run npm with omit-lockfile-registry-resolved"
            ));
        }
        return broken;
    }
    let code = [".rs", ".ts", ".js", ".mjs", ".css"]
        .iter()
        .any(|end| name.ends_with(end));
    let lines = text.lines().count();
    if code
        && lines > LONGEST
        && !text
            .lines()
            .take(30)
            .any(|line| line.contains("Long because"))
    {
        broken.push(format!(
            "{name} has {lines} lines: split it, or say \"Long because …\" in its head"
        ));
    }
    if code {
        let home = ["/ro", "ot/"].concat();
        if text.contains(&home) {
            broken.push(format!("{name} names a folder of one machine"));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_that_names_a_registry_is_found() {
        assert_eq!(
            rules_broken("package-lock.json", "{\"resolved\": \"x\"}").len(),
            1
        );
        assert!(rules_broken("package-lock.json", "{}").is_empty());
    }

    #[test]
    fn a_long_file_must_say_why() {
        let long = "x\n".repeat(LONGEST + 1);
        assert_eq!(rules_broken("a.rs", &long).len(), 1);
        assert!(rules_broken("a.rs", &format!("//! Long because: one table\n{long}")).is_empty());
        assert!(rules_broken("data.txt", &long).is_empty());
    }
}
