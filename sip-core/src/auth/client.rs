//! [`DigestClient`]: answers challenges.

use alloc::{borrow::ToOwned, string::String};
use serde::{Deserialize, Serialize};

use super::algorithm::hex;
use super::digest::DigestChallenge;
use crate::entropy::Entropy;
use crate::pii::Pii;
use crate::wire::{Challenge, Credentials, Method, Params, Request, Text, quote};

/// A user name and what proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    username: Pii<String>,
    by: Proven,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Proven {
    /// Good for every realm and algorithm.
    Password(Pii<String>),
    /// H(A1): for the realm and the algorithm that it was made for.
    Ha1(Pii<String>),
}

impl Login {
    /// By password.
    pub fn with_password(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: Pii(username.into()),
            by: Proven::Password(Pii(password.into())),
        }
    }

    /// By H(A1) in hexadecimal, where the password itself is not to be in a page. Its length tells its algorithm.
    pub fn with_ha1(username: impl Into<String>, ha1: impl Into<String>) -> Self {
        Self {
            username: Pii(username.into()),
            by: Proven::Ha1(Pii(ha1.into().to_ascii_lowercase())),
        }
    }

    /// The topmost challenge that this login can answer: servers list them by preference (RFC 8760 §2.4).
    pub fn choose(&self, challenges: &[Challenge]) -> Option<DigestChallenge> {
        challenges
            .iter()
            .filter_map(|challenge| DigestChallenge::try_from(challenge).ok())
            .find(|challenge| match &self.by {
                Proven::Password(_) => true,
                Proven::Ha1(ha1) => ha1.expose().len() == challenge.algorithm.hex_len(),
            })
    }

    fn ha1(&self, challenge: &DigestChallenge) -> String {
        match &self.by {
            Proven::Password(password) => {
                challenge
                    .algorithm
                    .ha1(self.username.expose(), &challenge.realm, password.expose())
            }
            Proven::Ha1(ha1) => ha1.expose().clone(),
        }
    }
}

/// What answers one challenge, again and again: it counts how often the nonce was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestClient {
    challenge: DigestChallenge,
    count: u32,
    /// The server has named this nonce beforehand: it may have aged before it is used.
    #[serde(default)]
    named: bool,
    /// H(A1) of the session, from its first answer on.
    #[serde(default)]
    session: Option<Pii<String>>,
}

impl DigestClient {
    /// A challenge arrived.
    pub const fn new(challenge: DigestChallenge) -> Self {
        Self {
            challenge,
            count: 0,
            named: false,
            session: None,
        }
    }

    /// The challenge.
    pub const fn challenge(&self) -> &DigestChallenge {
        &self.challenge
    }

    /// Is trying again of use after this new challenge? After the first answer to a nonce was refused only if the nonce
    /// was stale, or is for another realm: the same password would be refused again. One that served before, or was named before, has aged.
    pub fn may_retry(&self, new: &DigestChallenge) -> bool {
        self.count != 1 || self.named || new.stale || new.realm != self.challenge.realm
    }

    /// It has answered no more than the request that it was asked for.
    pub const fn is_fresh(&self) -> bool {
        self.count <= 1 && !self.named
    }

    /// Both have answered the same challenge: what one has counted, the other has.
    pub fn keep_pace(&mut self, other: &mut Self) {
        if self.challenge.nonce == other.challenge.nonce {
            self.count = self.count.max(other.count);
            other.count = self.count;
        }
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

    /// The credentials for a whole request: where the server wants it, its body is covered.
    pub fn answer_request(
        &mut self,
        login: &Login,
        request: &Request,
        entropy: &mut Entropy,
    ) -> Credentials {
        let (uri, cnonce) = (request.uri.to_text(), entropy.text(22));
        self.compute(login, &request.method, &uri, &cnonce, &request.body)
    }

    /// The server has named the nonce that it wants next (RFC 7616 §3.5): nobody is challenged for an old one.
    pub fn follow(&mut self, authentication_info: &str) {
        let info: Result<Challenge, _> = ["Digest ", authentication_info].concat().parse();
        let next = info.ok().and_then(|info| info.text("nextnonce"));
        // The same one again goes on being counted.
        if let Some(next) = next.filter(|next| *next != self.challenge.nonce) {
            self.challenge.nonce = next;
            self.count = 0;
            self.named = true;
            self.session = None;
        }
    }

    pub(super) fn answer_with(
        &mut self,
        login: &Login,
        method: &Method,
        uri: &str,
        cnonce: &str,
    ) -> Credentials {
        self.compute(login, method, uri, cnonce, b"")
    }

    fn compute(
        &mut self,
        login: &Login,
        method: &Method,
        uri: &str,
        cnonce: &str,
        body: &[u8],
    ) -> Credentials {
        self.count = self.count.saturating_add(1);
        let DigestChallenge {
            realm,
            nonce,
            opaque,
            algorithm,
            qop_auth,
            covers_body,
            session,
            ..
        } = &self.challenge;
        let mut ha1 = login.ha1(&self.challenge);
        if *session {
            let bound = || Pii(algorithm.hash(&[&ha1, nonce, cnonce]));
            let bound = self.session.get_or_insert_with(bound).expose().clone();
            ha1 = bound;
        }
        let (qop, ha2) = if *covers_body {
            let body = algorithm.hash_body(body);
            ("auth-int", algorithm.hash(&[method.as_str(), uri, &body]))
        } else {
            ("auth", algorithm.hash(&[method.as_str(), uri]))
        };
        let nc = hex(&self.count.to_be_bytes());
        let response = match qop_auth {
            true => algorithm.hash(&[&ha1, nonce, &nc, cnonce, qop, &ha2]),
            false => algorithm.hash(&[&ha1, nonce, &ha2]),
        };
        let mut params = Params::new()
            .with("username", quote(login.username.expose()))
            .with("realm", quote(realm))
            .with("nonce", quote(nonce))
            .with("uri", quote(uri))
            .with("response", quote(&response))
            .with("algorithm", algorithm.as_str());
        if *session {
            params.set("algorithm", [algorithm.as_str(), "-sess"].concat());
        }
        if *qop_auth {
            params.set("qop", qop);
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
