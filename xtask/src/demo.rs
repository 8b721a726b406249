//! `demo` and `dev`: the whole house on this machine, for a person to use or to develop against.

use std::process::Stdio;

use anyhow::Result;

use crate::build::{Part, build};
use crate::edge::accounts::{self, Line};
use crate::edge::{Edge, ICE_SERVERS, ice_servers};
use crate::house::{House, on_path};
use crate::process::Task;

/// What the command line asked for.
#[derive(Debug, Default)]
pub struct Options {
    /// The port wished for.
    pub port: Option<u16>,
    /// Whether a browser is left alone.
    pub no_open: bool,
}

/// Starts everything, says what to do, and runs until Ctrl-C.
pub fn demo(house: &House, options: &Options) -> Result<()> {
    println!("Wakeline demo: looking at what is here, building what has changed.");
    let (mut edge, lines) = start(house, options)?;
    print!(
        "{}",
        instructions(edge.port(), &lines, ice_servers()?.is_empty())
    );
    if !options.no_open {
        open_page(house, edge.port());
    }
    edge.wait()
}

/// The same for developers: one address, and where the log is.
pub fn dev(house: &House, options: &Options) -> Result<()> {
    let (mut edge, lines) = start(house, options)?;
    println!("edge and page: http://localhost:{}", edge.port());
    for line in &lines {
        println!("line {}  password {}", line.number, line.password);
    }
    println!(
        "log: {}",
        edge.log()
            .strip_prefix(house.root())
            .unwrap_or(edge.log())
            .display()
    );
    println!("`cargo xtask build all` in another terminal: the edge reloads. Ctrl-C stops.");
    edge.wait()
}

fn start(house: &House, options: &Options) -> Result<(Edge, Vec<Line>)> {
    build(house, &Part::ALL)?;
    let edge = Edge::start(house, options.port)?;
    let lines = accounts::ensure(house, &edge)?;
    Ok((edge, lines))
}

fn instructions(port: u16, lines: &[Line], no_ice: bool) -> String {
    let mut text = format!(
        "\n  Two people, two addresses (of different origin, so that each is a device of its own):\n\n\
         \x20   http://localhost:{port}\n    http://127.0.0.1:{port}\n\n"
    );
    for line in lines {
        text += &format!("    line {}   password {}\n", line.number, line.password);
    }
    text += "
  What to do: sign in with 1002 at the second address, allow microphone and notifications, and close
  that tab. Sign in with 1001 at the first address and call 1002: a notification rings; click it, answer, talk.

  The browser itself must stay open on a desktop, so that it can be pushed to.
  Without internet the browser's push service cannot be reached: a closed page will not ring then,
  an open one still does.
";
    if no_ice {
        text += &format!(
            "
  Note: no STUN or TURN server is set. Calls work on this machine and mostly inside one network; for
  more set {ICE_SERVERS}='[{{\"urls\":[\"stun:stun.example.com:3478\"]}}]' and start again.
"
        );
    }
    text + "\n  Stop with Ctrl-C: everything started here ends with it.\n"
}

fn open_page(house: &House, port: u16) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let desktop = cfg!(target_os = "macos")
        || std::env::var_os("DISPLAY").is_some()
        || std::env::var_os("WAYLAND_DISPLAY").is_some();
    if !desktop || on_path(opener).is_none() {
        return;
    }
    let opened = Task::new(house, opener)
        .arg(format!("http://localhost:{port}"))
        .spawn(Stdio::null(), Stdio::null());
    if let Ok(group) = opened {
        // The browser is the person's own: not ours to end.
        group.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Line> {
        ["1001", "1002"]
            .map(|number| Line {
                number: number.to_owned(),
                password: format!("secret{number}"),
            })
            .into()
    }

    #[test]
    fn the_instructions_name_both_origins_both_lines_and_how_to_stop() {
        let text = instructions(8787, &lines(), false);
        for word in [
            "http://localhost:8787",
            "http://127.0.0.1:8787",
            "secret1001",
            "secret1002",
            "Ctrl-C",
            "Without internet",
        ] {
            assert!(text.contains(word), "{word} is missing");
        }
        assert!(!text.contains("STUN"));
    }

    #[test]
    fn a_missing_stun_server_is_said() {
        assert!(instructions(8787, &lines(), true).contains("no STUN or TURN"));
    }
}
