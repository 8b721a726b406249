//! The corpora again, on any toolchain; and each of their inputs bent a little, with a seed.
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

use std::fs;
use std::path::{Path, PathBuf};

use wakeline_fuzz_doors::{ALL, Door};
use wakeline_sip::entropy::Entropy;

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../corpus")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    };
    files.into_iter().map(read).collect()
}

/// Says which input it was when the door panics.
fn open(door: Door, what: &str, bytes: &[u8]) {
    let result = std::panic::catch_unwind(|| door(bytes));
    assert!(result.is_ok(), "{what} breaks a promise: {bytes:02x?}");
}

/// With so many bent inputs beside the corpus.
fn replay(name: &str, bent: usize) {
    let (_, door) = ALL.iter().find(|(n, _)| *n == name).unwrap();
    let files = corpus(name);
    assert!(files.len() >= 8, "{name} has a corpus");
    for (path, bytes) in &files {
        open(*door, &path.display().to_string(), bytes);
    }
    let mut entropy = Entropy::for_tests(4475);
    for _ in 0..bent {
        let chosen = usize::try_from(entropy.below(files.len() as u64)).unwrap();
        let (path, bytes) = &files[chosen];
        let changed = bend(&mut entropy, bytes.clone());
        open(*door, &format!("{} bent", path.display()), &changed);
    }
}

fn bend(entropy: &mut Entropy, mut bytes: Vec<u8>) -> Vec<u8> {
    let interesting = b"\r\n \t:;,<>\"\\@[]()=%?/\x00\xff\xc3z0";
    let mut below = |bound: usize| usize::try_from(entropy.below(bound as u64)).unwrap();
    for _ in 0..=below(4) {
        let at = below(bytes.len() + 1);
        let octet = interesting[below(interesting.len())];
        match below(6) {
            0 if at < bytes.len() => bytes[at] = octet,
            1 if at < bytes.len() => bytes[at] ^= 1 << below(8),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 if !bytes.is_empty() => {
                let from = below(bytes.len());
                let piece = bytes[from..(from + below(24)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at),
            _ => bytes.insert(at, octet),
        }
    }
    bytes
}

#[test]
fn wire() {
    replay("wire", 4000);
}

#[test]
fn agent() {
    replay("agent", 600);
}

#[test]
fn edge() {
    replay("edge", 150);
}

#[test]
fn push() {
    replay("push", 600);
}

#[test]
fn rest() {
    replay("rest", 1500);
}

/// The torture messages are frames as well.
#[test]
fn torture() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sip-core/tests/torture");
    for rfc in ["rfc4475", "rfc5118"] {
        for entry in fs::read_dir(folder.join(rfc)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            open(
                wakeline_fuzz_doors::wire,
                &path.display().to_string(),
                &bytes,
            );
        }
    }
}
