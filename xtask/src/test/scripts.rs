//! Folders of `node --test` files: two files at a time, the longest first, each in a process of its own.
//!
//! They drive real browsers, servers and sockets, and a busy machine can starve one of them. A file that fails is therefore run
//! once more, alone, when the others are done. What holds only then is no failure, but it is no secret either: the closing table
//! names it, for it is a fault of the product or of the test that somebody has to find. `--full` knows no second try.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::count::{self, Count};
use super::failure;
use super::order::longest_first;
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
        let mut files = test_files(&house.path(&self.folder));
        longest_first(house.root(), &mut files);
        let deadline = Instant::now() + self.limit;
        let log = Mutex::new(log_file(house, &self.folder.replace('/', "-"))?);
        let runs = self.run_files(house, &files, AT_ONCE, deadline, &log)?;
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
            let failures = first.count().failures;
            let failures = failures.into_iter().map(|of| of.of("beside another file"));
            let again = self.run_files(house, &[first.file], 1, deadline, &log)?;
            if again.iter().all(|run| run.finished.success()) {
                total.held_late.extend(failures);
            } else {
                total.failures.extend(failures);
            }
            for run in &again {
                let mut count = run.count();
                for failure in &mut count.failures {
                    failure.run = "again, alone";
                }
                total += &count;
            }
        }
        Ok(total)
    }

    fn run_files(
        &self,
        house: &House,
        files: &[PathBuf],
        at_once: usize,
        deadline: Instant,
        log: &Mutex<File>,
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
                // At once: a run that is stopped has said that much.
                let mut log = log.lock().expect("no holder panics");
                log.write_all(run.logged().as_bytes())?;
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
        let lines = || self.finished.lines.iter().map(String::as_str);
        let mut count = count::node(lines());
        count.failures = failure::node(&self.name, lines());
        judge(&self.name, &self.finished, count)
    }

    /// What it wrote, without the summary that the table makes of all.
    fn told(&self) -> String {
        let mut text = self.title();
        for line in &self.finished.lines {
            if !count::is_node_summary(line) {
                text.push_str(line);
                text.push('\n');
            }
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// All that it wrote, and how it ended.
    fn logged(&self) -> String {
        let text = self.title() + &self.finished.lines.join("\n");
        format!("{text}\n{}\n\n", self.finished.ending())
    }

    fn title(&self) -> String {
        format!("▸ {} ({})\n", self.name, in_words(self.finished.took))
    }
}

/// Keeps what a stage wrote.
pub fn keep_log(house: &House, name: &str, text: &str) -> Result<()> {
    log_file(house, name)?.write_all(text.as_bytes())?;
    Ok(())
}

fn log_file(house: &House, name: &str) -> Result<File> {
    fs::create_dir_all(house.state("logs"))?;
    Ok(File::create(house.state(&format!("logs/test-{name}.log")))?)
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
