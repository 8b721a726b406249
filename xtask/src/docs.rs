//! `docs`: what is generated from the code and committed; the test run asserts that it is fresh.

use std::fs;

use anyhow::Result;

use crate::dist;
use crate::house::House;
use crate::process::Task;

/// The tests that compare write instead.
const WRITE: &str = "WAKELINE_WRITE_DOCS";

/// Writes all of it anew.
pub fn docs(house: &House) -> Result<()> {
    Task::new(house, house.cargo())
        .args(["test", "--locked", "--package", "wakeline-edge", "is_fresh"])
        .env("CARGO_TARGET_DIR", house.target())
        .env(WRITE, "1")
        .run_quietly("writing what is generated")?;
    // The package's declarations, staged beside it.
    let out = house.state("stage/packed");
    fs::create_dir_all(&out)?;
    dist::npm_package(house, &out)?;
    Task::new(house, "node")
        .arg(house.path("xtask/src/reference.mjs"))
        .arg(house.state("stage/npm/types"))
        .arg(house.path("docs/api.md"))
        .run_quietly("writing the reference of the TypeScript API")?;
    Ok(())
}
