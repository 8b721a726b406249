//! `dist`: what others install. The client as an npm package, the page as an archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::build::{Part, build};
use crate::house::House;
use crate::process::Task;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Fills `build/dist` and prints what is in it.
pub fn dist(house: &House) -> Result<()> {
    build(house, &Part::ALL)?;
    let out = house.path("build/dist");
    empty_folder(&out)?;
    npm_package(house, &out)?;
    page(house, &out)?;
    for entry in fs::read_dir(&out)?.flatten() {
        let size = entry.metadata()?.len();
        println!(
            "build/dist/{}  {} kB",
            entry.file_name().to_string_lossy(),
            size / 1000
        );
    }
    Ok(())
}

/// The npm package `wakeline`, packed into `out`: ES modules (calls and what goes beside them; media settings and checks,
/// loaded by whoever wants them), the wasm beside them, and their types. Answers the tarball.
pub fn npm_package(house: &House, out: &Path) -> Result<PathBuf> {
    build(house, &[Part::Package])?;
    let folder = house.state("stage/npm");
    empty_folder(&folder)?;
    // The sources name the page's build; here the whole one lies in its place.
    let sources = house.state("stage/npm-sources");
    empty_folder(&sources)?;
    let scripts = sources.join("client-wasm/js");
    copy_ending(&house.path("client-wasm/js"), &scripts, "")?;
    copy_ending(
        &house.path("build/package"),
        &sources.join("build/client"),
        "",
    )?;
    let entries = [
        ("index", scripts.join("package.ts")),
        ("media", scripts.join("media/index.ts")),
    ];
    Task::new(house, house.node_bin("esbuild"))
        .args(
            entries
                .each_ref()
                .map(|(name, entry)| format!("{name}={}", entry.display())),
        )
        .args([
            "--bundle",
            // What two entries share is one module: they speak of the same classes.
            "--splitting",
            "--format=esm",
            "--target=es2022",
            // `new URL("…_bg.wasm", import.meta.url)` stays as it is; the file lies beside the module.
            "--log-level=warning",
        ])
        .arg(format!("--outdir={}", folder.display()))
        .limit(Duration::from_secs(120))
        .run_quietly("bundling the client")?;
    let wasm = "wakeline_client_bg.wasm";
    fs::copy(house.path("build/package").join(wasm), folder.join(wasm))?;
    Task::new(house, house.node_bin("tsc"))
        .args(["--declaration", "--emitDeclarationOnly", "--skipLibCheck"])
        // What is marked internal is nobody's outside.
        .args(["--stripInternal", "--target", "es2022"])
        .args(["--module", "esnext", "--moduleResolution", "bundler"])
        // What the core itself calls is JavaScript with types in its comments.
        .arg("--allowJs")
        .arg("--allowImportingTsExtensions")
        .arg("--rewriteRelativeImportExtensions")
        .arg("--rootDir")
        .arg(&sources)
        .arg("--outDir")
        .arg(folder.join("types"))
        .args(entries.each_ref().map(|(_, entry)| entry))
        .limit(Duration::from_secs(120))
        .run_quietly("writing the client's types")?;
    copy_ending(
        &sources.join("build/client"),
        &folder.join("types/build/client"),
        "client.d.ts",
    )?;
    let manifest = json!({
        "name": "wakeline",
        "version": VERSION,
        "description": "Softphone for web pages that rings when the page is closed",
        "license": "MIT OR Apache-2.0",
        "type": "module",
        "sideEffects": false,
        "exports": {
            ".": { "types": "./types/client-wasm/js/package.d.ts", "default": "./index.js" },
            "./media": { "types": "./types/client-wasm/js/media/index.d.ts", "default": "./media.js" },
            "./package.json": "./package.json",
        },
        "files": ["*.js", wasm, "types"],
    });
    fs::write(
        folder.join("package.json"),
        serde_json::to_string_pretty(&manifest)?,
    )?;
    fs::copy(house.path("README.md"), folder.join("README.md"))?;
    Task::new(house, "npm")
        .args(["pack", "--pack-destination"])
        .arg(out)
        .arg(&folder)
        .limit(Duration::from_secs(60))
        .run_quietly("packing the client")?;
    Ok(out.join(format!("wakeline-{VERSION}.tgz")))
}

fn empty_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(())
}

/// The files whose names end so, in folders of the same names.
fn copy_ending(from: &Path, to: &Path, end: &str) -> Result<()> {
    for entry in fs::read_dir(from)?.flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_ending(&entry.path(), &target, end)?;
        } else if entry.file_name().to_string_lossy().ends_with(end) {
            fs::create_dir_all(to)?;
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The page as it is served.
fn page(house: &House, out: &Path) -> Result<()> {
    Task::new(house, "tar")
        .arg("--create")
        .arg("--gzip")
        .arg("--file")
        .arg(out.join(format!("wakeline-page-{VERSION}.tar.gz")))
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .arg("--directory")
        .arg(house.path("www"))
        .arg("dist")
        .limit(Duration::from_secs(60))
        .run_quietly("packing the page")
        .context("tar is needed to pack the page")?;
    Ok(())
}
