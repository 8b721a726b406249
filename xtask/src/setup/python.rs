//! Python tools of the tests, in a virtual environment of this clone.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::house::{House, on_path};
use crate::process::Task;
use crate::stamp::Stamp;

/// Installs what `tests/rest/requirements.txt` pins unless it is there, and answers where schemathesis is.
pub fn schemathesis(house: &House) -> Result<PathBuf> {
    let pinned = house.path("tests/rest/requirements.txt");
    let folder = house.state("python");
    let tool = folder.join("bin/schemathesis");
    let stamp = Stamp::of(
        house.state("stamps/python"),
        "pip",
        std::slice::from_ref(&pinned),
        std::slice::from_ref(&tool),
    )?;
    if stamp.is_fresh() {
        return Ok(tool);
    }
    stamp.clear();
    if on_path("python3").is_none() {
        bail!(
            "python3 is missing: install it (3.10 or newer, with venv) to ask the edge all that its OpenAPI document allows"
        );
    }
    Task::new(house, "python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder)
        .limit(Duration::from_secs(120))
        .run_quietly("making a Python environment")
        .context("python3 could not make a virtual environment (on Debian: `apt-get install python3-venv`)")?;
    Task::new(house, folder.join("bin/pip"))
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
            "--requirement",
        ])
        .arg(&pinned)
        .limit(Duration::from_secs(300))
        .run_quietly("installing schemathesis")
        .context("pip could not install schemathesis from PyPI")?;
    stamp.write()?;
    Ok(tool)
}
