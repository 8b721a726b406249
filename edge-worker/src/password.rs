//! Passwords: a verifier for sign-in, and the digest secrets of the line (RFC 8760).
//!
//! The verifier is PBKDF2-HMAC-SHA-256 with the most iterations that Workers allow. An unknown number costs the same work as a
//! wrong password, so that neither answer nor time tells them apart.

use crate::secret::{Secret, same};
use crate::webcrypto;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use wakeline_sip::auth::Algorithm;
use wakeline_sip::edge::command::DigestSecret;
use worker::Result;

/// Workers refuse more.
const ITERATIONS: u32 = 100_000;
const SCHEME: &str = "pbkdf2-sha256";

/// Passwords are 8–256 octets.
pub fn is_acceptable(password: &str) -> bool {
    (8..=256).contains(&password.len())
}

/// `pbkdf2-sha256$iterations$salt$hash`.
pub async fn verifier(password: &Secret<String>) -> Result<String> {
    let salt = webcrypto::random::<16>()?;
    let hash = webcrypto::pbkdf2(password, &salt, ITERATIONS).await?;
    Ok(format!(
        "{SCHEME}${ITERATIONS}${}${}",
        B64.encode(salt),
        B64.encode(hash)
    ))
}

/// Whether `password` is the one of `verifier`; `None` (no such account) takes as long.
pub async fn verify(verifier: Option<&str>, password: &Secret<String>) -> Result<bool> {
    let parsed = verifier.and_then(parse);
    let (iterations, salt, hash) = parsed
        .clone()
        .unwrap_or((ITERATIONS, vec![0; 16], vec![0; 32]));
    let tried = webcrypto::pbkdf2(password, &salt, iterations).await?;
    Ok(same(&tried, &hash) & parsed.is_some())
}

fn parse(verifier: &str) -> Option<(u32, Vec<u8>, Vec<u8>)> {
    let mut parts = verifier.split('$');
    if parts.next()? != SCHEME {
        return None;
    }
    let iterations = parts
        .next()?
        .parse()
        .ok()
        .filter(|n| (1..=ITERATIONS).contains(n))?;
    Some((
        iterations,
        B64.decode(parts.next()?).ok()?,
        B64.decode(parts.next()?).ok()?,
    ))
}

/// H(number:realm:password) in both algorithms.
pub fn digest_secret(number: &str, realm: &str, password: &Secret<String>) -> DigestSecret {
    let ha1 = |algorithm: Algorithm| algorithm.ha1(number, realm, password.expose());
    DigestSecret {
        sha256: ha1(Algorithm::Sha256),
        md5: Some(ha1(Algorithm::Md5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_secrets_are_those_of_rfc_2617_and_8760() {
        let secret = digest_secret(
            "Mufasa",
            "testrealm@host.com",
            &Secret::new("Circle Of Life".into()),
        );
        assert_eq!(
            secret.md5.as_deref(),
            Some("939e7578ed9e3c518a452acee763bce9")
        );
        let secret = digest_secret(
            "Mufasa",
            "http-auth@example.org",
            &Secret::new("Circle of Life".into()),
        );
        assert_eq!(
            secret.sha256,
            "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
        );
    }

    #[test]
    fn a_verifier_comes_apart_again_and_junk_does_not() {
        assert_eq!(
            parse("pbkdf2-sha256$1000$AAAA$AQID"),
            Some((1000, vec![0; 3], vec![1, 2, 3]))
        );
        for junk in [
            "",
            "plain$1$AAAA$AAAA",
            "pbkdf2-sha256$0$AAAA$AAAA",
            "pbkdf2-sha256$999999999$AAAA$AAAA",
        ] {
            assert_eq!(parse(junk), None, "{junk}");
        }
    }
}
