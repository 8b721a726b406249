//! The two who may challenge one request, each by its own header and with its own nonce (RFC 3261 §22.2, §22.3).

use crate::auth::{DigestChallenge, DigestClient, Login};
use crate::entropy::Entropy;
use crate::wire::{Credentials, HeaderName, Headers, Request, Response, Text};

/// Where each reads what is proven to it.
const PROVEN: [HeaderName; 2] = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
/// Where each asks for it.
const ASKED: [HeaderName; 2] = [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate];

/// What one response asks for, by who asks.
pub type Challenges = [Option<DigestChallenge>; 2];

/// What answers them: the one that answers the request (401) first, then a proxy before it (407).
#[derive(Clone, Debug, Default)]
pub struct Digests(pub [Option<DigestClient>; 2]);

impl Digests {
    /// Who asks by this status, if it is one of a challenge.
    pub const fn side(response: &Response) -> Option<usize> {
        match response.status {
            401 => Some(0),
            407 => Some(1),
            _ => None,
        }
    }

    /// What can be answered of this response: what it asks for by its status, and what the other one asks for beside that, which a proxy may have
    /// added (RFC 3261 §16.7). The other one is heard there only until it is answered: whoever has taken its answer sent this on, and
    /// what stands there may be for a proxy further on.
    pub fn challenges(&self, login: &Login, response: &Response) -> Option<(usize, Challenges)> {
        let side = Self::side(response)?;
        let mut found = ASKED.map(|name| {
            let challenges = response.headers.challenges(name).unwrap_or_default();
            login.choose(&challenges)
        });
        if self.0[1 - side].is_some() {
            found[1 - side] = None;
        }
        found[side].is_some().then_some((side, found))
    }

    /// From now on these are answered.
    pub fn answer(&mut self, challenges: Challenges) {
        for (client, challenge) in self.0.iter_mut().zip(challenges) {
            if let Some(challenge) = challenge {
                *client = Some(DigestClient::new(challenge));
            }
        }
    }

    /// Each client that is asked anew, what it has proven in this request, and what it is asked for.
    pub fn asked_again<'a>(
        &'a self,
        challenges: &'a Challenges,
    ) -> impl Iterator<Item = (HeaderName, &'a DigestClient, &'a DigestChallenge)> {
        let sides = PROVEN.into_iter().zip(self.0.iter().zip(challenges));
        sides.filter_map(|(name, (client, challenge))| {
            Some((name, client.as_ref()?, challenge.as_ref()?))
        })
    }

    /// Whoever asks by these is not answered any more.
    pub fn forget(&mut self, challenges: &Challenges) {
        for (client, _) in self
            .0
            .iter_mut()
            .zip(challenges)
            .filter(|(_, c)| c.is_some())
        {
            *client = None;
        }
    }

    /// Proves the request to whoever has asked. A use of the nonce that is `lent` is counted once, whoever uses it.
    pub fn prove(
        &mut self,
        login: &Login,
        request: &mut Request,
        lent: &mut Option<DigestClient>,
        entropy: &mut Entropy,
    ) {
        for (name, client) in PROVEN.into_iter().zip(&mut self.0) {
            if let Some(client) = client {
                let credentials = in_step(lent, client, login, request, entropy);
                request.headers.set(name, credentials.to_text());
            }
        }
    }

    /// A response: each may have named the nonce that it wants next.
    pub fn told(&mut self, headers: &Headers) {
        let said = [
            headers.get(HeaderName::AuthenticationInfo),
            headers.get("Proxy-Authentication-Info"),
        ];
        for (client, text) in self.0.iter_mut().zip(said) {
            if let (Some(client), Some(text)) = (client, text) {
                client.follow(text);
            }
        }
    }
}

fn in_step(
    lent: &mut Option<DigestClient>,
    client: &mut DigestClient,
    login: &Login,
    request: &Request,
    entropy: &mut Entropy,
) -> Credentials {
    if let Some(lent) = lent {
        lent.keep_pace(client);
    }
    let credentials = client.answer_request(login, request, entropy);
    if let Some(lent) = lent {
        lent.keep_pace(client);
    }
    credentials
}
