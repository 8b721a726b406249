//! Programs from the system's packages: browsers and a desktop for plays and tests, never for the demo.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::house::{House, on_path};
use crate::process::Task;

/// A program that must be on `PATH` (or a file that must be there), and the Debian package that brings it.
pub type Need = (&'static str, &'static str);

/// What the wasm-bindgen tests in a real browser need.
pub const CHROMIUM: &[Need] = &[
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
];

/// What a play in real browsers on a virtual desktop needs: browsers, a display with a window
/// manager, notifications that can be clicked, and a sound server without a sound card.
pub const DESKTOP: &[Need] = &[
    ("chromium", "chromium"),
    ("firefox-esr", "firefox-esr"),
    ("Xvfb", "xvfb"),
    ("jwm", "jwm"),
    ("dunst", "dunst"),
    ("dunstctl", "dunst"),
    ("dbus-daemon", "dbus"),
    ("dbus-launch", "dbus-x11"),
    ("xdotool", "xdotool"),
    ("import", "imagemagick"),
    ("openssl", "openssl"),
    ("pulseaudio", "pulseaudio"),
    ("pactl", "pulseaudio-utils"),
];

/// Real SIP servers and phones: what a page's calls are tried against.
pub const SERVERS: &[Need] = &[
    ("kamailio", "kamailio"),
    (
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/websocket.so",
        "kamailio-websocket-modules",
    ),
    (
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/http_client.so",
        "kamailio-utils-modules",
    ),
    (
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/json.so",
        "kamailio-json-modules",
    ),
    (
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/auth_ephemeral.so",
        "kamailio-autheph-modules",
    ),
    (
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/presence.so",
        "kamailio-presence-modules",
    ),
    ("rtpengine", "rtpengine-daemon"),
    ("baresip", "baresip"),
    ("sipp", "sip-tester"),
    ("turnserver", "coturn"),
    // What is shipped for FreeSWITCH, which cannot be had, is read by these.
    ("lua5.3", "lua5.3"),
    ("xmllint", "libxml2-utils"),
    ("chromium", "chromium"),
    ("firefox-esr", "firefox-esr"),
];

/// Chinese letters for screenshots; a font has no program, its file stands for it.
pub const FONTS: &str = "fonts-noto-cjk";
const FONTS_FILE: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";

/// The packages among `needs` whose programs are missing.
pub fn missing(needs: &[Need]) -> Vec<&'static str> {
    let mut packages: Vec<&str> = needs
        .iter()
        .filter(|(program, _)| on_path(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// Makes sure that the programs are there; says exactly what to type where it may not install.
pub fn ensure(house: &House, needs: &[Need]) -> Result<()> {
    install(house, &missing(needs))
}

/// Makes sure that Chinese can be drawn.
pub fn ensure_fonts(house: &House) -> Result<()> {
    if fs::metadata(FONTS_FILE).is_ok() {
        return Ok(());
    }
    install(house, &[FONTS])
}

fn install(house: &House, packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let by_hand = format!(
        "apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    if on_path("apt-get").is_none() {
        bail!(
            "missing on this machine: {}; install them with your package manager (on Debian: `{by_hand}`)",
            packages.join(", ")
        );
    }
    let Some(prefix) = privilege(house) else {
        bail!(
            "missing on this machine: {}; run `sudo {by_hand}`",
            packages.join(", ")
        );
    };
    let apt = |args: &[&str]| {
        let mut words: Vec<&str> = prefix.to_vec();
        words.push("apt-get");
        words.extend(args);
        Task::new(house, words[0])
            .args(&words[1..])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .limit(Duration::from_secs(1200))
    };
    if lists_are_empty() {
        apt(&["update"]).run_quietly("reading the package lists")?;
    }
    let mut args = vec!["install", "--yes", "--no-install-recommends"];
    args.extend(packages);
    let label = format!("installing {}", packages.join(", "));
    if apt(&args).run_quietly(&label).is_err() {
        // Stale lists name files that the mirror no longer has.
        apt(&["update"]).run_quietly("reading the package lists anew")?;
        apt(&args).run_quietly(&label)?;
    }
    Ok(())
}

/// How to become root without asking: already root, or sudo without a password.
fn privilege(house: &House) -> Option<&'static [&'static str]> {
    if rustix::process::geteuid().is_root() {
        return Some(&[]);
    }
    let asked = Task::new(house, "sudo").args(["-n", "true"]);
    let mut group = asked.spawn(Stdio::null(), Stdio::null()).ok()?;
    group
        .child
        .wait()
        .ok()?
        .success()
        .then_some(&["sudo", "-n"])
}

fn lists_are_empty() -> bool {
    fs::read_dir("/var/lib/apt/lists").map_or(true, |entries| {
        !entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_packages_of_missing_programs_are_named_once() {
        let needs: &[Need] = &[
            ("sh", "dash"),
            ("no-such-program-1", "ghost"),
            ("no-such-program-2", "ghost"),
        ];
        assert_eq!(missing(needs), ["ghost"]);
    }
}
