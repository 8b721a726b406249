//! From a crate to optimised wasm with its JavaScript.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use super::{names, order};
use crate::house::House;
use crate::process::Task;
use crate::setup::rust::{WASM, wasm_target, wasm_tool};

/// What every engine that we name as supported can run.
const FEATURES: [&str; 7] = [
    "mutable-globals",
    "sign-ext",
    "nontrapping-float-to-int",
    "bulk-memory",
    "multivalue",
    "reference-types",
    "exception-handling",
];

/// wasm-bindgen's form of import, which only some engines know, and the one that bundlers know.
const SOURCE_IMPORT: &str = "import source wasmModule from";
const PLAIN_IMPORT: &str = "import wasmModule from";

/// Builds `build/worker`: our entry module, bundled with wasm-bindgen's glue, and the wasm beside it.
pub fn worker(house: &House) -> Result<()> {
    let stage = house.state("stage/worker");
    let wasm = compile(
        house,
        BESIDE_RLIB,
        "wakeline-edge",
        "wakeline_edge",
        "the worker",
        &[],
    )?;
    bindgen(
        house,
        &wasm,
        &stage,
        &[
            "--target",
            "module",
            "--out-name",
            "index",
            "--no-typescript",
            // The entry module replaces an instance that trapped by a fresh one.
            "--experimental-reset-state-function",
            "--force-enable-abort-handler",
        ],
    )?;
    let glue = stage.join("index.js");
    let text = fs::read_to_string(&glue)?;
    if !text.contains(SOURCE_IMPORT) {
        bail!("wasm-bindgen's glue no longer imports its module as expected");
    }
    fs::write(&glue, text.replace(SOURCE_IMPORT, PLAIN_IMPORT))?;
    fs::copy(
        house.path("edge-worker/js/entry.js"),
        stage.join("entry.js"),
    )
    .context("edge-worker/js/entry.js is missing")?;

    let out = house.path("build/worker");
    empty_folder(&out)?;
    optimise(
        house,
        FOR_WORKERS,
        &stage.join("index_bg.wasm"),
        &out.join("index_bg.wasm"),
    )?;
    Task::new(house, house.node_bin("esbuild"))
        .arg(stage.join("entry.js"))
        .args([
            "--bundle",
            "--format=esm",
            "--target=es2022",
            "--external:./index_bg.wasm",
            "--external:cloudflare:*",
            "--log-level=warning",
        ])
        .arg(format!("--outfile={}", out.join("index.js").display()))
        .limit(Duration::from_secs(600))
        .run_quietly("bundling the worker")?;
    Ok(())
}

/// How everything in the client is compiled. SHA-256 is a loop: it hashes a digest's answer, not a stream. What one branch has loaded
/// is not loaded in the others beforehand, so that all find it (`load-pre`), a loop counts in what it has, not also in addresses
/// (`lsr`), and what is copied is copied by one instruction, not word by word (`max-store-memcpy`): all three make what is to be
/// downloaded larger.
const SMALL: [&str; 2] = [
    "--config",
    r#"target.wasm32-unknown-unknown.rustflags = [
        "--cfg=sha2_backend_soft=\"compact\"", "-Cllvm-args=-enable-load-pre=false", "-Cllvm-args=-disable-lsr",
        "-Cllvm-args=-max-store-memcpy=1",
    ]"#,
];

/// Builds `build/client`: wasm, JavaScript and types for the page of the product, which only calls.
pub fn client(house: &House) -> Result<()> {
    let calls_only = [&SMALL[..], &["--no-default-features"]].concat();
    web(
        house,
        "wakeline-client",
        "the client",
        "client",
        &calls_only,
    )
}

/// Builds `build/package`: the client with everything, for the pages of others.
pub fn package(house: &House) -> Result<()> {
    web(
        house,
        "wakeline-client",
        "the whole client",
        "package",
        &SMALL,
    )
}

/// Builds `build/push-bench`, by the same steps as what is shipped.
pub fn push_bench(house: &House) -> Result<()> {
    web(
        house,
        "wakeline-push-bench",
        "the push room's bench",
        "push-bench",
        &[],
    )
}

/// Builds `build/sip-bench`, by the same steps as what is shipped.
pub fn sip_bench(house: &House) -> Result<()> {
    web(
        house,
        "wakeline-sip-bench",
        "the wire room's bench",
        "sip-bench",
        &[],
    )
}

/// Builds `build/sip-floor`, as the client is built.
pub fn sip_floor(house: &House) -> Result<()> {
    web(
        house,
        "wakeline-sip-floor",
        "the agent alone",
        "sip-floor",
        &SMALL,
    )
}

/// A crate as wasm, JavaScript and types in `build/<folder>`, for whoever loads it by URL.
fn web(house: &House, package: &str, what: &str, folder: &str, features: &[&str]) -> Result<()> {
    let file = package.replace('-', "_");
    let glued = format!("{file}_bg.wasm");
    let stage = house.state(&format!("stage/{folder}"));
    let wasm = compile(house, LINKED, package, &file, what, features)?;
    bindgen(
        house,
        &wasm,
        &stage,
        &["--target", "web", "--out-name", &file],
    )?;
    let out = house.path(&format!("build/{folder}"));
    empty_folder(&out)?;
    let optimised = house.state(&format!("stage/{folder}.wasm"));
    optimise(house, FOR_PAGES, &stage.join(&glued), &optimised)?;
    let named = order::named(&fs::read(&optimised)?)
        .with_context(|| format!("{} cannot be ordered", optimised.display()))?;
    fs::write(&optimised, named)?;
    let renamed = passes(
        house,
        &[&order::SORT[..], &[names::SHORTEN]].concat(),
        &optimised,
        &out.join(&glued),
    )?;
    // Says what the wasm exports by names that it no longer has; nobody's types need it.
    fs::remove_file(stage.join(format!("{glued}.d.ts")))?;
    let glue = stage.join(format!("{file}.js"));
    fs::write(
        &glue,
        names::shorten(&fs::read_to_string(&glue)?, &renamed)?,
    )?;
    copy_all_but(&stage, &out, &glued)
}

/// Cargo optimises nothing at link time where an rlib, which tests link, is made beside: a tenth of the client.
const LINKED: &[&str] = &["rustc", "--lib", "--crate-type", "cdylib"];
/// What an edge loads need not be as small, and takes minutes to link.
const BESIDE_RLIB: &[&str] = &["build"];

fn compile(
    house: &House,
    command: &[&str],
    package: &str,
    file: &str,
    what: &str,
    features: &[&str],
) -> Result<PathBuf> {
    wasm_target(house)?;
    Task::new(house, house.cargo())
        .args(command)
        .args(["--release", "--locked", "--target", WASM])
        .args(["--package", package])
        .args(features)
        .env("CARGO_TARGET_DIR", house.target())
        .run_quietly(&format!("compiling {what}"))?;
    Ok(house
        .target()
        .join(WASM)
        .join("release")
        .join(format!("{file}.wasm")))
}

fn bindgen(house: &House, wasm: &Path, out: &Path, options: &[&str]) -> Result<()> {
    let tool = wasm_tool(house)?;
    empty_folder(out)?;
    Task::new(house, tool)
        .arg("bindgen")
        .arg(wasm)
        .arg("--out-dir")
        .arg(out)
        .args(options)
        .limit(Duration::from_secs(900))
        .run_quietly("generating bindings")?;
    Ok(())
}

/// Names a lighter level of wasm-opt than what is shipped, `-O1` for example: most of a build's time, for those who build often.
pub const WASM_OPT: &str = "WAKELINE_WASM_OPT";

/// wasm-opt for what an edge loads: its limit counts octets as they are.
const FOR_WORKERS: &[&str] = &["-Oz"];
/// And for what a person waits for: what `-Oz` makes has fewer octets, but is less alike, and larger once it is compressed. That the
/// first 1,024 octets hold nothing (the stack ends there) lets a field's place be part of the instruction that reads it; what is taken
/// apart and put together anew is found alike in more places. What is alike stands side by side in the end (`order.rs`).
///
/// A browser compiles each function when it is called for the first time, and takes for a small one as long as for 100 octets of a larger one:
/// what is hardly longer than its call is part of its callers (`-aimfs`). What only one place calls, and that perhaps never, stays by
/// itself when it is long (`-ocimfs`).
const FOR_PAGES: &[&str] = &[
    "--low-memory-unused",
    "-Os",
    "--flatten",
    "--rereloop",
    "-Os",
    "-Os",
    "-aimfs",
    "5",
    "-ocimfs",
    "400",
];
/// Who made it, and what it needs: nobody reads it.
const UNREAD: [&str; 2] = ["--strip-producers", "--strip-target-features"];

/// The level of wasm-opt, if another one is wanted than what is shipped.
pub fn optimisation() -> Option<String> {
    env::var(WASM_OPT).ok()
}

/// As it is `shipped`, or at another level if one is wanted.
fn optimise(house: &House, shipped: &[&str], from: &Path, to: &Path) -> Result<()> {
    let lighter = optimisation();
    let level = lighter.as_deref().map(|level| vec![level]);
    passes(house, &level.unwrap_or(shipped.to_vec()), from, to).map(drop)
}

/// Runs these passes of wasm-opt; what it said is given back.
fn passes(house: &House, wanted: &[&str], from: &Path, to: &Path) -> Result<String> {
    let finished = Task::new(house, house.node_bin("wasm-opt"))
        .args(wanted)
        .args(UNREAD)
        .args(FEATURES.map(|feature| format!("--enable-{feature}")))
        .arg(from)
        .arg("-o")
        .arg(to)
        .limit(Duration::from_secs(1800))
        .run_quietly("optimising the wasm")?;
    Ok(finished.lines.join("\n"))
}

fn empty_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn copy_all_but(from: &Path, to: &Path, skipped: &str) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy_all_but(&entry.path(), &target, skipped)?;
        } else if entry.file_name() != skipped {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
