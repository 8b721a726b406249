//! [`Algorithm`]: the hash below a digest.

use alloc::string::String;
use core::fmt;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::AuthError;

/// A digest algorithm. MD5 is there for old peers only (RFC 8760 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// `SHA-256`
    #[serde(rename = "SHA-256")]
    Sha256,
    /// `MD5`
    #[serde(rename = "MD5")]
    Md5,
}

impl Algorithm {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    /// How long a hash is in hexadecimal.
    pub const fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Md5 => 32,
        }
    }

    /// From the parameter; MD5 where there is none (RFC 7616 §3.3).
    pub fn parse(text: Option<&str>) -> Result<Self, AuthError> {
        match text {
            None => Ok(Self::Md5),
            Some(text) if text.eq_ignore_ascii_case("MD5") => Ok(Self::Md5),
            Some(text) if text.eq_ignore_ascii_case("SHA-256") => Ok(Self::Sha256),
            Some(_) => Err(AuthError::UnknownAlgorithm),
        }
    }

    /// The hash of parts joined by colons, in lower-case hexadecimal.
    pub fn hash(self, parts: &[&str]) -> String {
        match self {
            Self::Sha256 => joined::<Sha256>(parts),
            Self::Md5 => joined::<Md5>(parts),
        }
    }

    /// The hash of a body, as `auth-int` covers it.
    pub fn hash_body(self, body: &[u8]) -> String {
        match self {
            Self::Sha256 => hex(&Sha256::digest(body)),
            Self::Md5 => hex(&Md5::digest(body)),
        }
    }

    /// H(A1): what a server stores instead of the password.
    pub fn ha1(self, username: &str, realm: &str, password: &str) -> String {
        self.hash(&[username, realm, password])
    }
}

fn joined<D: Digest>(parts: &[&str]) -> String {
    let mut hash = D::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            hash.update(b":");
        }
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(64);
    for byte in bytes {
        out.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        out.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
    }
    out
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
