//! [`DigestClient`]: answers challenges.

use serde::{Deserialize, Serialize};

use super::digest::DigestChallenge;
use crate::entropy::Entropy;
use crate::pii::Pii;
use crate::wire::{Credentials, Method, Params, quote};

/// A user name and password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The user name.
    pub username: Pii<String>,
    /// The password.
    pub password: Pii<String>,
}

/// What answers one challenge, again and again: it counts how often the nonce was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestClient {
    challenge: DigestChallenge,
    count: u32,
}

impl DigestClient {
    /// A challenge arrived.
    pub const fn new(challenge: DigestChallenge) -> Self {
        Self {
            challenge,
            count: 0,
        }
    }

    /// The challenge.
    pub const fn challenge(&self) -> &DigestChallenge {
        &self.challenge
    }

    /// Is trying again of use after this new challenge? After an answer was refused only if the nonce was stale, or is
    /// for another realm: the same password would be refused again.
    pub fn may_retry(&self, new: &DigestChallenge) -> bool {
        self.count == 0 || new.stale || new.realm != self.challenge.realm
    }

    /// The credentials for a request; `uri` is its Request-URI as written.
    pub fn answer(
        &mut self,
        login: &Login,
        method: &Method,
        uri: &str,
        entropy: &mut Entropy,
    ) -> Credentials {
        let cnonce = entropy.text(22);
        self.answer_with(login, method, uri, &cnonce)
    }

    pub(super) fn answer_with(
        &mut self,
        login: &Login,
        method: &Method,
        uri: &str,
        cnonce: &str,
    ) -> Credentials {
        self.count = self.count.saturating_add(1);
        let DigestChallenge {
            realm,
            nonce,
            opaque,
            algorithm,
            qop_auth,
            ..
        } = &self.challenge;
        let ha1 = algorithm.ha1(login.username.expose(), realm, login.password.expose());
        let ha2 = algorithm.hash(&[method.as_str(), uri]);
        let nc = format!("{:08x}", self.count);
        let response = match qop_auth {
            true => algorithm.hash(&[&ha1, nonce, &nc, cnonce, "auth", &ha2]),
            false => algorithm.hash(&[&ha1, nonce, &ha2]),
        };
        let mut params = Params::new()
            .with("username", quote(login.username.expose()))
            .with("realm", quote(realm))
            .with("nonce", quote(nonce))
            .with("uri", quote(uri))
            .with("response", quote(&response))
            .with("algorithm", algorithm.as_str());
        if *qop_auth {
            params.set("qop", "auth");
            params.set("nc", nc);
            params.set("cnonce", quote(cnonce));
        }
        if let Some(opaque) = opaque {
            params.set("opaque", quote(opaque));
        }
        Credentials {
            scheme: "Digest".to_owned(),
            token: None,
            params,
        }
    }
}
