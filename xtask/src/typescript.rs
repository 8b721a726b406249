//! TypeScript is checked wherever a tsconfig.json stands: generated types, the client's API, the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::house::House;
use crate::process::Task;

const FOLDERS: [&str; 4] = ["client-wasm", "client-wasm/js", "client-wasm/tests", "www"];

/// The projects there are: every `tsconfig*.json` that is not a mere base of others.
pub fn projects(house: &House) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = FOLDERS
        .iter()
        .flat_map(|folder| fs::read_dir(house.path(folder)))
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("tsconfig") && name.ends_with(".json") && !name.contains("base")
        })
        .collect();
    found.sort_unstable();
    found
}

/// Checks one.
pub fn check(house: &House, project: &Path) -> Result<()> {
    let name = project
        .strip_prefix(house.root())
        .unwrap_or(project)
        .display();
    Task::new(house, house.node_bin("tsc"))
        .args(["--noEmit", "--project"])
        .arg(project)
        .limit(Duration::from_secs(300))
        .run_quietly(&format!("checking types by {name}"))?;
    Ok(())
}
