//! Children: started in a process group of their own, bounded in time, ended as a group.
//!
//! Whatever ends xtask (its work, an error, Ctrl-C), [`end_all`] leaves no child behind: groups are
//! kept in one table by id and never looked up by name.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::house::House;
use crate::progress::Progress;

/// How long a group may take to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(4);
/// How long output is awaited after the leader of a group has ended.
const DRAIN: Duration = Duration::from_secs(1);
/// Lines shown of a child that failed quietly.
const TAIL: usize = 60;

/// The groups that run, and whether xtask is ending: then no new one starts.
static GROUPS: Mutex<Groups> = Mutex::new(Groups {
    running: Vec::new(),
    stopping: false,
});

struct Groups {
    running: Vec<Pid>,
    stopping: bool,
}

fn groups() -> MutexGuard<'static, Groups> {
    GROUPS.lock().expect("no holder of the table panics")
}

/// What to run, where, and for how long at most.
#[derive(Clone, Debug)]
pub struct Task {
    program: PathBuf,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    dir: PathBuf,
    limit: Duration,
}

/// How a task ended, and every line it wrote.
#[derive(Debug)]
pub struct Finished {
    /// `None` when the time limit ended it.
    pub status: Option<ExitStatus>,
    /// Standard output and error, in the order they came.
    pub lines: Vec<String>,
    /// From start to end.
    pub took: Duration,
}

impl Finished {
    /// Whether it ended by itself, with success.
    pub fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// How it ended, in words.
    pub fn ending(&self) -> String {
        match self.status {
            None => format!("stopped after its limit of {} s", self.took.as_secs()),
            Some(status) => status.to_string(),
        }
    }
}

/// A task that should have succeeded, and what it wrote.
#[derive(Debug)]
pub struct Unfinished {
    /// What it was to do.
    pub what: String,
    /// How it ended, in words.
    pub ending: String,
    /// What [`Finished`] has.
    pub lines: Vec<String>,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.what, self.ending)
    }
}

impl Error for Unfinished {}

impl Task {
    /// A task in the house's root, with the house's `PATH`.
    pub fn new(house: &House, program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            envs: vec![("PATH".into(), house.search_path().into())],
            dir: house.root().to_owned(),
            limit: Duration::from_secs(3600),
        }
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.envs
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the longest it may take.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .envs(self.envs.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .process_group(0);
        command
    }

    /// Starts it; the returned [`Group`] ends it when dropped.
    pub fn spawn(&self, output: Stdio, errors: Stdio) -> Result<Group> {
        // Held while starting, so that a child is either seen by `end_all` or never started.
        let mut groups = groups();
        if groups.stopping {
            drop(groups);
            await_the_end();
        }
        let child = self
            .command()
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let id = Pid::from_child(&child);
        groups.running.push(id);
        Ok(Group {
            child,
            id: Some(id),
        })
    }

    /// Runs to the end, giving each line to `each` as it comes, and `None` whenever a moment passed
    /// without one.
    pub fn run(&self, mut each: impl FnMut(Option<&str>)) -> Result<Finished> {
        let started = Instant::now();
        let mut group = self.spawn(Stdio::piped(), Stdio::piped())?;
        let (sender, receiver) = mpsc::channel();
        if let Some(output) = group.child.stdout.take() {
            read_lines(output, sender.clone());
        }
        if let Some(errors) = group.child.stderr.take() {
            read_lines(errors, sender);
        } else {
            drop(sender);
        }
        let mut lines = Vec::new();
        let mut ended: Option<(ExitStatus, Instant)> = None;
        let status = loop {
            match receiver.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => {
                    each(Some(&line));
                    lines.push(line);
                }
                Err(RecvTimeoutError::Timeout) => each(None),
                Err(RecvTimeoutError::Disconnected) => {
                    if let Some((status, _)) = ended {
                        break Some(status);
                    }
                    // Both ends are closed; what remains is the exit.
                    thread::sleep(Duration::from_millis(20));
                }
            }
            if ended.is_none() {
                ended = group
                    .child
                    .try_wait()?
                    .map(|status| (status, Instant::now()));
            }
            if let Some((status, at)) = ended
                && at.elapsed() > DRAIN
            {
                break Some(status);
            }
            if ended.is_none() && started.elapsed() > self.limit {
                break None;
            }
        };
        group.end();
        leave_to_signals();
        Ok(Finished {
            status,
            lines,
            took: started.elapsed(),
        })
    }

    /// Runs behind a progress line; only a failure shows what it wrote.
    pub fn run_quietly(&self, label: &str) -> Result<Finished> {
        let mut progress = Progress::start(label);
        let finished = self.run(|line| progress.tick(line))?;
        if finished.success() {
            progress.done();
            return Ok(finished);
        }
        progress.failed();
        let from = finished.lines.len().saturating_sub(TAIL);
        for line in &finished.lines[from..] {
            eprintln!("    {line}");
        }
        Err(Unfinished {
            what: label.to_owned(),
            ending: finished.ending(),
            lines: finished.lines,
        }
        .into())
    }

    /// Runs with its lines shown as they come.
    pub fn run_shown(&self) -> Result<Finished> {
        self.run(|line| {
            if let Some(line) = line {
                println!("{line}");
            }
        })
    }

    /// Its standard output, for short questions; `None` when it failed.
    pub fn ask(&self) -> Option<String> {
        let output = self.command().stderr(Stdio::null()).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

fn read_lines(from: impl Read + Send + 'static, to: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches('\r')
                .to_owned();
            if to.send(text).is_err() {
                return;
            }
        }
    });
}

/// A child and everything it started, ended together.
#[derive(Debug)]
pub struct Group {
    /// The leader.
    pub child: Child,
    id: Option<Pid>,
}

impl Group {
    /// Lets it live on: it was started for the person, not for us.
    pub fn release(mut self) {
        if let Some(id) = self.id.take() {
            forget(id);
        }
    }

    /// Ends the whole group and reaps its leader.
    pub fn end(&mut self) {
        let Some(id) = self.id.take() else { return };
        let deadline = Instant::now() + GRACE;
        let mut signal = Signal::TERM;
        while kill_process_group(id, signal).is_ok() {
            // A zombie leader still counts as a member until it is reaped.
            let reaped = matches!(self.child.try_wait(), Ok(Some(_)));
            if reaped && test_kill_process_group(id).is_err() {
                break;
            }
            if Instant::now() > deadline {
                signal = Signal::KILL;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.wait();
        forget(id);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

fn forget(id: Pid) {
    groups().running.retain(|other| *other != id);
}

/// Ends every group still running, and lets no other start; their owners reap them.
fn end_all() {
    let running = {
        let mut groups = groups();
        groups.stopping = true;
        groups.running.clone()
    };
    let deadline = Instant::now() + GRACE;
    for id in &running {
        let _ = kill_process_group(*id, Signal::TERM);
    }
    while Instant::now() < deadline
        && running
            .iter()
            .any(|id| test_kill_process_group(*id).is_ok())
    {
        thread::sleep(Duration::from_millis(50));
    }
    for id in &running {
        let _ = kill_process_group(*id, Signal::KILL);
    }
}

/// Blocks when a signal is ending xtask: its thread leaves the process when the children are gone.
pub fn leave_to_signals() {
    if groups().stopping {
        await_the_end();
    }
}

fn await_the_end() -> ! {
    loop {
        thread::park();
    }
}

/// Ends children and then xtask itself when it is told to stop.
pub fn end_children_on_signals() -> Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            eprintln!("\nstopping what was started …");
            end_all();
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Task {
        let house = House::find().expect("tests run inside the repository");
        Task::new(&house, "sh").args(["-c", script])
    }

    #[test]
    fn lines_of_both_streams_and_the_status_come_back() {
        let finished = shell("echo out; echo err >&2; exit 3")
            .run(|_| ())
            .expect("sh starts");
        assert_eq!(finished.status.and_then(|status| status.code()), Some(3));
        let mut lines = finished.lines;
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
    }

    #[test]
    fn a_task_past_its_limit_is_ended_with_all_it_started() {
        let limit = Duration::from_millis(300);
        let finished = shell("sleep 60 & echo $!; wait")
            .limit(limit)
            .run(|_| ())
            .expect("sh starts");
        assert!(finished.status.is_none());
        assert!(!finished.success());
        let grandchild: i32 = finished.lines[0].parse().expect("it printed its id");
        let grandchild = Pid::from_raw(grandchild).expect("an id is not zero");
        // A killed orphan may wait a moment for init to reap it: gone or a zombie, never running.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", grandchild.as_raw_nonzero()));
        assert!(stat.map_or(true, |stat| stat.contains(") Z ")));
    }

    #[test]
    fn a_child_that_stays_behind_does_not_hold_up_its_leader() {
        let finished = shell("sleep 60 & echo started")
            .run(|_| ())
            .expect("sh starts");
        assert!(finished.success());
        assert!(finished.took < Duration::from_secs(30));
    }
}
