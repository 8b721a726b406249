//! The fixtures are what they claim to be.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::messages::{Named, RFC4475, RFC5118};

/// `sha256sum` wrote it.
fn sums(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(sum, file)| (file.strip_suffix(".dat").unwrap(), sum))
        .collect()
}

fn check(messages: &[Named], text: &str) {
    let sums = sums(text);
    assert_eq!(sums.len(), messages.len());
    for (name, bytes) in messages {
        let sum: String = Sha256::digest(bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(sums.get(name), Some(&sum.as_str()), "{name}");
    }
}

/// The sums are those of the archive in the appendix of RFC 4475 (`baddn` with the line end that the archive forgot).
#[test]
fn the_forty_nine_messages_of_rfc_4475_are_exact_to_the_octet() {
    check(&RFC4475, include_str!("rfc4475/SHA256SUMS"));
}

#[test]
fn the_twelve_messages_of_rfc_5118_are_as_they_were_typed() {
    check(&RFC5118, include_str!("rfc5118/SHA256SUMS"));
}
