//! A real edge on this machine: wrangler with workerd, its storage kept in this clone.

pub mod accounts;
mod http;
pub mod secrets;

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::house::House;
use crate::process::{Group, Task};
use crate::progress::Progress;
use crate::stamp::Stamp;

/// Where STUN and TURN servers may be given to the local edge, as the JSON of `RTCIceServer[]`.
pub const ICE_SERVERS: &str = "WAKELINE_ICE_SERVERS";
/// Ports tried when none is asked for, or the one asked for is taken.
const PORTS: std::ops::Range<u16> = 8787..8887;
const START_LIMIT: Duration = Duration::from_secs(120);

/// A running edge; dropped, it is stopped.
#[derive(Debug)]
pub struct Edge {
    group: Group,
    port: u16,
    log: PathBuf,
}

/// What the local edge is told about STUN and TURN.
pub fn ice_servers() -> Result<Vec<Value>> {
    let Ok(text) = std::env::var(ICE_SERVERS) else {
        return Ok(Vec::new());
    };
    serde_json::from_str(&text).with_context(|| {
        format!(r#"{ICE_SERVERS} is not a JSON list like [{{"urls":["stun:stun.example.com"]}}]"#)
    })
}

impl Edge {
    /// Starts it on `port` or, when that is taken, on the next free one.
    pub fn start(house: &House, port: Option<u16>) -> Result<Self> {
        secrets::ensure(house)?;
        migrate(house)?;
        let port = free_port(port)?;
        let log = house.state("logs/edge.log");
        fs::create_dir_all(house.state("logs"))?;
        let output = File::create(&log)?;
        let progress = Progress::start("starting the edge");
        let group = wrangler(house)
            .arg("dev")
            .args(["--local", "--ip", "127.0.0.1", "--inspector-port", "0"])
            .args(["--port", &port.to_string()])
            .arg("--persist-to")
            .arg(storage(house))
            .args(["--var", &format!("SITES:{}", sites()?)])
            .spawn(Stdio::from(output.try_clone()?), Stdio::from(output))?;
        let mut edge = Self { group, port, log };
        match edge.await_ready() {
            Ok(()) => {
                progress.done();
                Ok(edge)
            }
            Err(error) => {
                progress.failed();
                eprintln!("{}", edge.tail());
                Err(error)
            }
        }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it writes what happens.
    pub fn log(&self) -> &PathBuf {
        &self.log
    }

    /// Blocks until it ends by itself, which it should not.
    pub fn wait(&mut self) -> Result<()> {
        let status = self.group.child.wait()?;
        bail!("the edge ended by itself ({status}):\n{}", self.tail());
    }

    fn await_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.group.child.try_wait()? {
                bail!("the edge ended while starting: {status}");
            }
            if http::get(self.port, "/healthz").is_ok_and(|answer| answer.status < 500) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("the edge did not answer within {} s", START_LIMIT.as_secs());
    }

    fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

/// wrangler, kept from asking, reporting and looking outside.
pub fn wrangler(house: &House) -> Task {
    Task::new(house, house.node_bin("wrangler"))
        .env("CI", "1")
        .env("NO_COLOR", "1")
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_LOG_PATH", house.state("logs"))
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
}

fn storage(house: &House) -> PathBuf {
    house.state("edge")
}

fn migrate(house: &House) -> Result<()> {
    // The stamp lives in the storage that it describes: removed together, redone together.
    let stamp = Stamp::of(
        storage(house).join("migrations.stamp"),
        "",
        &[house.path("edge-worker/migrations")],
        &[],
    )?;
    if stamp.is_fresh() {
        return Ok(());
    }
    fs::create_dir_all(storage(house))?;
    wrangler(house)
        .args(["d1", "migrations", "apply", "DB", "--local", "--persist-to"])
        .arg(storage(house))
        .limit(Duration::from_secs(60))
        .run_quietly("preparing the database")?;
    stamp.write()
}

fn sites() -> Result<Value> {
    Ok(json!([{
        "id": secrets::SITE,
        "domain": "wakeline.localhost",
        "hosts": ["*"],
        "push": { "loopback": true, "subject": "mailto:demo@example.com" },
        "ice_servers": ice_servers()?,
    }]))
}

fn free_port(wanted: Option<u16>) -> Result<u16> {
    // Browsers try both families for "localhost": a port is free only when it is in both.
    let free = |port: u16| {
        TcpListener::bind(("127.0.0.1", port)).is_ok()
            && TcpListener::bind(("::1", port))
                .map_or_else(|e| e.kind() != std::io::ErrorKind::AddrInUse, |_| true)
    };
    if let Some(port) = wanted {
        if free(port) {
            return Ok(port);
        }
        println!("  port {port} is taken, looking for another");
    }
    PORTS
        .into_iter()
        .find(|port| free(*port))
        .with_context(|| format!("no port from {} to {} is free", PORTS.start, PORTS.end - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).expect("some port is free");
        let port = taken.local_addr().expect("it is bound").port();
        let chosen = free_port(Some(port)).expect("another is free");
        assert_ne!(chosen, port);
    }
}
