//! Folders of `node --test` files: two files at a time, each in a process of its own.
//!
//! They drive real browsers, servers and sockets, and a busy machine can starve one of them. A file that fails is therefore run
//! once more, alone, when the others are done. What holds only then is no failure, but it is no secret either: the closing table
//! names it, for it is a fault of the product or of the test that somebody has to find. `--full` knows no second try.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::count::{self, Count};
use super::stages::judge;
use crate::house::House;
use crate::process::{Finished, Task};
use crate::progress::in_words;

/// Files that run at once: they mostly wait, each for an edge (and a desktop, a call server) of its own.
const AT_ONCE: usize = 2;
/// Set for scripts when the long tests are wanted.
pub const FULL: &str = "WAKELINE_FULL";

/// A folder's files, and what they are given.
pub struct Scripts {
    folder: String,
    envs: Vec<(String, PathBuf)>,
    full: bool,
    limit: Duration,
}

impl Scripts {
    /// All files of a folder; together they may take as long as `limit`.
    pub fn of(folder: &str, full: bool, limit: Duration) -> Self {
        Self {
            folder: folder.to_owned(),
            envs: Vec::new(),
            full,
            limit,
        }
    }

    /// Sets an environment variable to a path.
    pub fn env(mut self, name: &str, path: impl Into<PathBuf>) -> Self {
        self.envs.push((name.to_owned(), path.into()));
        self
    }

    /// Runs them and counts their tests.
    pub fn run(&self, house: &House) -> Result<Count> {
        let files = test_files(&house.path(&self.folder));
        let deadline = Instant::now() + self.limit;
        let runs = self.run_files(house, &files, AT_ONCE, deadline)?;
        let mut log = lines_of(&runs);
        let (mut total, mut failed) = (Count::default(), Vec::new());
        for run in runs {
            if run.finished.success() || self.full {
                total += &run.count();
            } else {
                failed.push(run);
            }
        }
        for first in failed {
            println!("▸ {} once more, alone", first.name);
            let again = self.run_files(house, std::slice::from_ref(&first.file), 1, deadline)?;
            log.extend(lines_of(&again));
            for run in &again {
                total += &run.count();
                if run.finished.success() {
                    total
                        .held_late
                        .push(format!("{}: {}", first.name, first.failed().join("; ")));
                }
            }
        }
        keep_log(house, &self.folder.replace('/', "-"), &log)?;
        Ok(total)
    }

    fn run_files(
        &self,
        house: &House,
        files: &[PathBuf],
        at_once: usize,
        deadline: Instant,
    ) -> Result<Vec<Run>> {
        let next = Mutex::new(files.iter());
        let work = || -> Result<Vec<Run>> {
            let mut runs = Vec::new();
            loop {
                let file = next.lock().expect("no holder panics").next();
                let Some(file) = file else { return Ok(runs) };
                let name = name_of(house, file);
                println!("▸ {name} …");
                let left = deadline.saturating_duration_since(Instant::now());
                let finished = self.task(house, file, left).run(|_| {})?;
                let run = Run {
                    file: file.clone(),
                    name,
                    finished,
                };
                println!("{}", run.told());
                runs.push(run);
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
            let mut runs = Vec::new();
            for worker in workers {
                runs.extend(worker.join().expect("a worker does not panic")?);
            }
            Ok(runs)
        })
    }

    fn task(&self, house: &House, file: &Path, left: Duration) -> Task {
        // A file that hangs must not take the rest of the stage with it.
        let patience = Duration::from_secs(if self.full { 40 } else { 12 } * 60).min(left);
        let mut task = Task::new(house, "node")
            .args(["--test", "--test-reporter=spec"])
            .arg(format!("--test-timeout={}", patience.as_millis().max(1)))
            .arg(file)
            .env("NO_COLOR", "1")
            .limit(patience + Duration::from_secs(20));
        for (name, path) in &self.envs {
            task = task.env(name, path);
        }
        if self.full { task.env(FULL, "1") } else { task }
    }
}

fn name_of(house: &House, file: &Path) -> String {
    let name = file.strip_prefix(house.root()).unwrap_or(file);
    name.display().to_string()
}

/// One file, run.
struct Run {
    file: PathBuf,
    name: String,
    finished: Finished,
}

impl Run {
    fn count(&self) -> Count {
        judge(
            &self.finished,
            count::node(self.finished.lines.iter().map(String::as_str)),
        )
    }

    /// The names of the tests that failed.
    fn failed(&self) -> Vec<String> {
        let names = count::node_failed(self.finished.lines.iter().map(String::as_str));
        if names.is_empty() {
            vec![self.finished.ending()]
        } else {
            names
        }
    }

    /// What it wrote, without the summary that the table makes of all.
    fn told(&self) -> String {
        let mut text = format!("▸ {} ({})\n", self.name, in_words(self.finished.took));
        for line in &self.finished.lines {
            if !count::is_node_summary(line) {
                text.push_str(line);
                text.push('\n');
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

fn lines_of(runs: &[Run]) -> Vec<String> {
    let lines = runs
        .iter()
        .map(|run| run.finished.lines.iter().map(String::as_str));
    let named = runs.iter().zip(lines);
    named
        .flat_map(|(run, lines)| std::iter::once(run.name.as_str()).chain(lines))
        .map(str::to_owned)
        .collect()
}

/// Keeps what a stage wrote.
pub fn keep_log(house: &House, name: &str, lines: &[String]) -> Result<()> {
    fs::create_dir_all(house.state("logs"))?;
    fs::write(
        house.state(&format!("logs/test-{name}.log")),
        lines.join("\n") + "\n",
    )?;
    Ok(())
}

/// The test files in a folder and below it.
pub fn test_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(test_files(&path));
        } else if [".test.mjs", ".test.js", ".test.ts"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            files.push(path);
        }
    }
    files.sort_unstable();
    files
}
