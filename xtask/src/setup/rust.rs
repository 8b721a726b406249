//! The WebAssembly target of the pinned toolchain, and `wasm-tool`.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::house::{House, on_path};
use crate::process::Task;

/// The target that pages and workers are built for.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Where a prebuilt `wasm-tool` may be named, to save the minutes it takes to build
/// (a cache in CI, a second clone): it must be of the version that Cargo.lock pins.
pub const WASM_TOOL_OVERRIDE: &str = "WAKELINE_WASM_TOOL";

/// Makes sure that rustc can build for WebAssembly.
pub fn wasm_target(house: &House) -> Result<()> {
    let installed = Task::new(house, "rustc")
        .args(["--print", "target-libdir", "--target", WASM])
        .ask()
        .is_some_and(|folder| Path::new(&folder).is_dir());
    if installed {
        return Ok(());
    }
    if on_path("rustup").is_none() {
        bail!(
            "rustc cannot build for {WASM} and there is no rustup to add it: \
             install the target with your package manager, or Rust by rustup"
        );
    }
    Task::new(house, "rustup")
        .args(["target", "add", WASM])
        .limit(Duration::from_secs(600))
        .run_quietly(&format!("adding the Rust target {WASM}"))
        .with_context(|| format!("run `rustup target add {WASM}` yourself to see why"))?;
    Ok(())
}

/// `wasm-bindgen` and its test runner as one program: the override, or built here once.
pub fn wasm_tool(house: &House) -> Result<PathBuf> {
    if let Some(path) = env::var_os(WASM_TOOL_OVERRIDE).map(PathBuf::from) {
        if path.is_file() {
            return Ok(path);
        }
        bail!("{WASM_TOOL_OVERRIDE} names no file: {}", path.display());
    }
    let tool = house.target().join("xtask/wasm-tool");
    let label = if tool.is_file() {
        "checking wasm-tool"
    } else {
        "building wasm-tool (once, some minutes)"
    };
    Task::new(house, house.cargo())
        .args(["build", "--profile", "xtask", "--package", "wasm-tool"])
        .env("CARGO_TARGET_DIR", house.target())
        .run_quietly(label)?;
    Ok(tool)
}
