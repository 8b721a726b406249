//! Asterisk 22, which this Debian release does not have but its unstable one does: unpacked beside the house with a
//! dynamic loader and libraries of its own. Nothing on the machine is installed or changed, and no root is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::house::{House, on_path};
use crate::process::Task;

/// Names a tree that was unpacked before, in place of this clone's own.
pub const TREE: &str = "WAKELINE_ASTERISK";
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";
const LOADER: &str = "ld-linux-x86-64.so.2";

/// The folder with Asterisk in it, fetched when it is not there yet.
pub fn ensure(house: &House) -> Result<PathBuf> {
    if let Some(tree) = std::env::var_os(TREE) {
        return Ok(tree.into());
    }
    let tree = house.state("asterisk");
    if tree.join("bin/asterisk").is_file() {
        return Ok(tree);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64"))
        || ["apt-get", "dpkg-deb"].iter().any(|p| on_path(p).is_none())
    {
        bail!(
            "Asterisk 22: fetched from Debian's packages, on x86-64 Debian machines only; {TREE} may name a tree"
        );
    }
    let work = house.state("asterisk.fetch");
    let _ = fs::remove_dir_all(&work);
    let fetched = fetch(house, &work).and_then(|()| gather(house, &work));
    let moved = fetched.and_then(|()| {
        fs::rename(work.join("tree"), &tree).context("cannot move Asterisk to its place")
    });
    let _ = fs::remove_dir_all(&work);
    moved?;
    Ok(tree)
}

/// Downloads the packages of the unstable release from the mirror that this machine uses already, and unpacks them.
fn fetch(house: &House, work: &Path) -> Result<()> {
    for folder in [
        "lists/partial",
        "cache/archives/partial",
        "state",
        "sources",
        "root",
    ] {
        fs::create_dir_all(work.join(folder))?;
    }
    fs::write(work.join("status"), "")?;
    let source = format!(
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {} sid main\n",
        mirror(house)?
    );
    fs::write(work.join("sources.list"), source)?;
    let place = work.display();
    let configuration = format!(
        "Dir::Etc::sourcelist \"{place}/sources.list\";\n\
         Dir::Etc::sourceparts \"{place}/sources\";\n\
         Dir::Etc::preferencesparts \"{place}/sources\";\n\
         Dir::State \"{place}/state\";\n\
         Dir::State::lists \"{place}/lists\";\n\
         Dir::State::status \"{place}/status\";\n\
         Dir::Cache \"{place}/cache\";\n\
         APT::Install-Recommends \"false\";\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n"
    );
    fs::write(work.join("apt.conf"), configuration)?;
    let apt = |args: &[&str]| {
        Task::new(house, "apt-get")
            .args(args)
            .env("APT_CONFIG", work.join("apt.conf"))
            .limit(Duration::from_secs(900))
    };
    apt(&["--quiet", "update"]).run_quietly("reading the package lists of Debian unstable")?;
    let all = ["--quiet", "install", "--yes", "--download-only", "asterisk"];
    apt(&all).run_quietly("downloading Asterisk 22")?;
    Task::new(house, "find")
        .arg(work.join("cache/archives"))
        .args(["-name", "*.deb", "-exec", "dpkg-deb", "-x", "{}"])
        .arg(work.join("root"))
        .arg(";")
        .limit(Duration::from_secs(300))
        .run_quietly("unpacking Asterisk")?;
    Ok(())
}

fn mirror(house: &House) -> Result<String> {
    let finished = Task::new(house, "apt-get")
        .args([
            "indextargets",
            "--format",
            "$(REPO_URI) $(ORIGIN) $(LABEL)",
            "Created-By: Packages",
        ])
        .run(|_| {})?;
    finished
        .lines
        .iter()
        .find_map(|line| line.strip_suffix(" Debian Debian"))
        .map(str::to_owned)
        .context("Asterisk 22: this machine knows no Debian mirror (run `apt-get update`)")
}

/// Takes what Asterisk and its modules need out of all that was unpacked.
fn gather(house: &House, work: &Path) -> Result<()> {
    let (root, tree) = (work.join("root"), work.join("tree"));
    let modules = root.join(LIBRARIES).join("asterisk/modules");
    for folder in ["bin", "lib/asterisk/modules", "share"] {
        fs::create_dir_all(tree.join(folder))?;
    }
    fs::copy(root.join("usr/sbin/asterisk"), tree.join("bin/asterisk"))?;
    let mut wanting = vec![tree.join("bin/asterisk")];
    for entry in fs::read_dir(&modules)?.flatten() {
        // Modules for telephone hardware and other people's databases bring most of the libraries; nobody here loads them.
        let name = entry.file_name().to_string_lossy().into_owned();
        let kinds = [
            "app_", "bridge_", "chan_", "codec_", "format_", "func_", "pbx_", "res_",
        ];
        let foreign = [
            "dahdi",
            "pgsql",
            "odbc",
            "snmp",
            "ldap",
            "radius",
            "tds",
            "corosync",
            "lua",
            "ooh323",
            "jack",
            "fax",
            "calendar",
            "xmpp",
            "motif",
            "unistim",
            "portaudio",
            "codec2",
            "phoneprov",
        ];
        if kinds.iter().any(|kind| name.starts_with(kind))
            && !foreign.iter().any(|word| name.contains(word))
        {
            let module = tree.join("lib/asterisk/modules").join(&name);
            fs::copy(entry.path(), &module)?;
            wanting.push(module);
        }
    }
    let loader = root.join(LIBRARIES).join(LOADER);
    fs::copy(&loader, tree.join("lib").join(LOADER))?;
    for file in wanting {
        let listed = Task::new(house, &loader)
            .arg("--library-path")
            .arg(root.join(LIBRARIES))
            .arg("--list")
            .arg(&file)
            .run(|_| {})?;
        for library in listed.lines.iter().filter_map(|line| library(line)) {
            let library = Path::new(library);
            let (true, Some(name)) = (library.starts_with(&root), library.file_name()) else {
                continue;
            };
            let to = tree.join("lib").join(name);
            if !to.exists() {
                fs::copy(library, to)?;
            }
        }
    }
    let copied = Task::new(house, "cp")
        .arg("-a")
        .arg(root.join("usr/share/asterisk"))
        .arg(tree.join("share/asterisk"));
    copied
        .run_quietly("keeping Asterisk's own documentation, which it reads at start")
        .map(drop)
}

/// The file in a line like `libssl.so.3 => /path/libssl.so.3 (0x00007f…)`.
fn library(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("=> ")?;
    let file = rest.split(" (").next()?;
    file.starts_with('/').then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_read_from_its_line() {
        let line = "\tlibssl.so.3 => /x/libssl.so.3 (0x00007f)";
        assert_eq!(library(line), Some("/x/libssl.so.3"));
        assert_eq!(library("\tlinux-vdso.so.1 (0x00007f)"), None);
        assert_eq!(library("\tlibgone.so => not found"), None);
    }
}
