//! Stamps: a step whose inputs have not changed since it last succeeded is skipped.
//!
//! The inputs' contents are hashed, not their times, so that switching branches and coming back
//! costs nothing and a fresh clone is never taken for a built one.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that hold results, never inputs.
const SKIPPED: [&str; 6] = [
    "target",
    "node_modules",
    "dist",
    "build",
    ".wrangler",
    ".git",
];

/// The inputs of one step and what it must leave behind.
#[derive(Debug)]
pub struct Stamp {
    file: PathBuf,
    digest: String,
    outputs: Vec<PathBuf>,
}

impl Stamp {
    /// Hashes `inputs` (files or folders; a missing one counts as empty) and the step's own `recipe`.
    pub fn of(
        file: PathBuf,
        recipe: &str,
        inputs: &[PathBuf],
        outputs: &[PathBuf],
    ) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        hasher.write(recipe.as_bytes());
        for input in inputs {
            hash_path(input, &mut hasher)?;
        }
        Ok(Self {
            file,
            digest: format!("{:016x}", hasher.finish()),
            outputs: outputs.to_vec(),
        })
    }

    /// Whether the step succeeded before with these very inputs, and its outputs still stand.
    pub fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|kept| kept.trim() == self.digest)
            && self.outputs.iter().all(|output| output.exists())
    }

    /// Forgets earlier success; call before a step begins to write its outputs.
    pub fn clear(&self) {
        let _ = fs::remove_file(&self.file);
    }

    /// Remembers that the step succeeded.
    pub fn write(&self) -> Result<()> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.file, &self.digest)
            .with_context(|| format!("cannot write {}", self.file.display()))
    }
}

fn hash_path(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(path)
            .with_context(|| format!("cannot list {}", path.display()))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .collect();
        entries.sort();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().to_string_lossy();
            if !SKIPPED.contains(&name.as_ref()) {
                hash_path(&entry, hasher)?;
            }
        }
    } else if path.is_file() {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        hasher.write(path.as_os_str().as_encoded_bytes());
        hasher.write_usize(bytes.len());
        hasher.write(&bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("xtask-stamp-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(path.join("src")).expect("a temporary folder can be made");
            Self(path)
        }

        fn put(&self, name: &str, text: &str) {
            let file = self.0.join(name);
            fs::create_dir_all(file.parent().expect("names are relative")).expect("writable");
            fs::write(file, text).expect("writable");
        }

        fn stamp(&self) -> Stamp {
            Stamp::of(
                self.0.join("stamp"),
                "v1",
                &[self.0.join("src"), self.0.join("missing")],
                &[self.0.join("out")],
            )
            .expect("inputs are readable")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_step_is_fresh_only_after_it_succeeded_with_the_same_inputs() {
        let folder = Folder::new("inputs");
        folder.put("src/a.rs", "one");
        folder.put("out", "built");
        assert!(!folder.stamp().is_fresh());
        folder.stamp().write().expect("writable");
        assert!(folder.stamp().is_fresh());
        folder.put("src/a.rs", "two");
        assert!(!folder.stamp().is_fresh());
        folder.put("src/a.rs", "one");
        assert!(folder.stamp().is_fresh());
        folder.put("src/deep/b.rs", "new file");
        assert!(!folder.stamp().is_fresh());
    }

    #[test]
    fn a_missing_output_or_a_cleared_stamp_is_not_fresh() {
        let folder = Folder::new("outputs");
        folder.put("src/a.rs", "one");
        folder.put("out", "built");
        folder.stamp().write().expect("writable");
        fs::remove_file(folder.0.join("out")).expect("it was there");
        assert!(!folder.stamp().is_fresh());
        folder.put("out", "built");
        assert!(folder.stamp().is_fresh());
        folder.stamp().clear();
        assert!(!folder.stamp().is_fresh());
    }

    #[test]
    fn results_inside_an_input_folder_do_not_count() {
        let folder = Folder::new("results");
        folder.put("src/a.rs", "one");
        folder.put("out", "built");
        folder.stamp().write().expect("writable");
        folder.put("src/dist/bundle.js", "result");
        assert!(folder.stamp().is_fresh());
    }
}
