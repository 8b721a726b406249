//! What a line shows to the site's call server when its page registers there, and to a TURN server: never a secret of ours, but
//! what both sides can work out from one.
//!
//! - *ephemeral* (`draft-uberti-behave-turn-rest`; coturn's `use-auth-secret`, Kamailio's `auth_ephemeral`): the user is
//!   `<unix seconds of its end>:<name>`, the password the base64 of HMAC-SHA-1 over that user;
//! - *derived*, for servers with a table of users: the user is the number, the password HMAC-SHA-1 over it. It does not end; a new
//!   secret ends all of them.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// A user and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// Its password.
    pub password: String,
}

/// Good until `expires_s`.
pub fn ephemeral(secret: &str, expires_s: u64, name: &str) -> Credentials {
    of(secret, format!("{expires_s}:{name}"))
}

/// Good as long as the secret.
pub fn derived(secret: &str, name: &str) -> Credentials {
    of(secret, name.to_owned())
}

fn of(secret: &str, username: String) -> Credentials {
    // HMAC takes a key of any length.
    let password = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).map_or_else(
        |_| String::new(),
        |mac| {
            STANDARD.encode(
                mac.chain_update(username.as_bytes())
                    .finalize()
                    .into_bytes(),
            )
        },
    );
    Credentials { username, password }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_implementations_make_of_the_same() {
        // printf %s 1800000000:1001 | openssl dgst -sha1 -hmac north -binary | base64
        let it = ephemeral("north", 1_800_000_000, "1001");
        assert_eq!(it.username, "1800000000:1001");
        assert_eq!(it.password, "K/tYwiqjdMbs1No1Wh6wcHX8S3Q=");
        assert_eq!(derived("north", "1001").username, "1001");
        // printf %s 1001 | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(
            derived("north", "1001").password,
            "EbT1LByoPL5y4wJMRehom7FxNGA="
        );
    }
}
