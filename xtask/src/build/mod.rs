//! What is shipped, from source: the worker, the client's bindings, the page.
//!
//! Each part is skipped while its inputs are unchanged ([`Stamp`]); a lock file keeps two xtasks
//! from building the same clone at once.

mod names;
mod order;
mod wasm;

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::house::House;
use crate::process::Task;
use crate::setup;
use crate::stamp::Stamp;

/// A thing that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `build/worker`: the edge for the Workers runtime.
    Worker,
    /// `build/client`: the client's wasm with its JavaScript and types, as the page needs it.
    Client,
    /// `build/package`: the same with everything, for the npm package.
    Package,
    /// `www/dist`: the page; needs the client.
    Www,
    /// `build/push-bench`: the push room alone, for its bench. Not shipped.
    PushBench,
    /// `build/sip-bench`: the wire room alone, for its bench. Not shipped.
    SipBench,
    /// `build/sip-floor`: the agent behind an empty driver, to be weighed. Not shipped.
    SipFloor,
}

impl Part {
    /// What a deployment and its tests need, in an order in which they can be built.
    pub const ALL: [Self; 3] = [Self::Worker, Self::Client, Self::Www];

    /// The parts that a word on the command line means.
    pub fn parse(word: &str) -> Result<Vec<Self>> {
        Ok(match word {
            "worker" => vec![Self::Worker],
            "client" => vec![Self::Client],
            "package" => vec![Self::Package],
            "www" => vec![Self::Client, Self::Www],
            "all" => Self::ALL.to_vec(),
            _ => bail!("there is no part named {word}: worker, client, package, www or all"),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Client => "client",
            Self::Package => "package",
            Self::Www => "page",
            Self::PushBench => "push bench",
            Self::SipBench => "sip bench",
            Self::SipFloor => "sip floor",
        }
    }

    fn inputs(self, house: &House) -> Vec<PathBuf> {
        let names: &[&str] = match self {
            Self::Worker => &["sip-core", "push", "edge-api", "edge-worker"],
            Self::Client | Self::Package => &[
                "sip-core",
                "edge-api",
                "client-wasm/src",
                "client-wasm/js/core",
                "client-wasm/Cargo.toml",
            ],
            Self::Www => &["www", "client-wasm/js", "build/client"],
            Self::PushBench => &["push"],
            Self::SipBench | Self::SipFloor => &["sip-core"],
        };
        let shared: &[&str] = match self {
            Self::Worker
            | Self::Client
            | Self::Package
            | Self::PushBench
            | Self::SipBench
            | Self::SipFloor => &[
                "Cargo.toml",
                "Cargo.lock",
                "rust-toolchain.toml",
                "package-lock.json",
                ".cargo/config.toml",
                "xtask/src/build",
            ],
            Self::Www => &["package-lock.json", "xtask/src/build"],
        };
        names
            .iter()
            .chain(shared)
            .map(|name| house.path(name))
            .collect()
    }

    fn outputs(self, house: &House) -> Vec<PathBuf> {
        let names: &[&str] = match self {
            Self::Worker => &["build/worker/index.js", "build/worker/index_bg.wasm"],
            Self::Client => &[
                "build/client/wakeline_client.js",
                "build/client/wakeline_client_bg.wasm",
            ],
            Self::Package => &[
                "build/package/wakeline_client.js",
                "build/package/wakeline_client_bg.wasm",
            ],
            Self::Www => &["www/dist/index.html"],
            Self::PushBench => &["build/push-bench/wakeline_push_bench_bg.wasm"],
            Self::SipBench => &["build/sip-bench/wakeline_sip_bench_bg.wasm"],
            Self::SipFloor => &["build/sip-floor/wakeline_sip_floor_bg.wasm"],
        };
        names.iter().map(|name| house.path(name)).collect()
    }

    fn build(self, house: &House) -> Result<()> {
        match self {
            Self::Worker => wasm::worker(house),
            Self::Client => wasm::client(house),
            Self::Package => wasm::package(house),
            Self::Www => page(house),
            Self::PushBench => wasm::push_bench(house),
            Self::SipBench => wasm::sip_bench(house),
            Self::SipFloor => wasm::sip_floor(house),
        }
    }
}

/// Builds the parts whose inputs have changed.
pub fn build(house: &House, parts: &[Part]) -> Result<()> {
    let _alone = alone(house)?;
    setup::node::packages(house)?;
    for part in parts {
        let stamp = Stamp::of(
            house.state(&format!("stamps/{}", part.name())),
            &wasm::optimisation().unwrap_or_default(),
            &part.inputs(house),
            &part.outputs(house),
        )?;
        if stamp.is_fresh() {
            continue;
        }
        stamp.clear();
        part.build(house)
            .with_context(|| format!("the {} could not be built", part.name()))?;
        stamp.write()?;
    }
    Ok(())
}

fn page(house: &House) -> Result<()> {
    Task::new(house, house.node_bin("vite"))
        .args(["build", "www", "--logLevel", "warn"])
        .limit(Duration::from_secs(300))
        .run_quietly("bundling the page")?;
    Ok(())
}

fn alone(house: &House) -> Result<File> {
    fs::create_dir_all(house.state(""))?;
    let file = File::create(house.state("build.lock"))?;
    if file.try_lock().is_err() {
        println!("  waiting for another xtask that builds this clone …");
        file.lock()?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_built_after_its_client() {
        assert_eq!(Part::parse("www").ok(), Some(vec![Part::Client, Part::Www]));
        assert!(Part::parse("nonsense").is_err());
    }
}
