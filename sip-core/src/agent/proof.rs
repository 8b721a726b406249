//! What the agent proves itself with when a server challenges one of its requests (RFC 3261 §22). REGISTER has its own
//! business with the registrar; here is every other request.

use alloc::string::String;
use alloc::{borrow::ToOwned, collections::VecDeque};

use super::config::Config;
use crate::auth::{DigestClient, Login};
use crate::entropy::Entropy;
use crate::wire::{CSeq, HeaderName, Headers, Request, Response, Text, Via};

/// Challenges of one request that are answered: of the server, of a proxy, and each once more for a nonce that has aged.
const CHALLENGES: u8 = 4;
/// So many requests are remembered for that.
const REQUESTS: usize = 64;

/// A login, and what the servers on the way have asked for so far: the one that answers, and a proxy before it.
#[derive(Debug, Default)]
pub struct Proof {
    login: Option<Login>,
    /// For `Authorization`.
    server: Option<DigestClient>,
    /// For `Proxy-Authorization`.
    proxy: Option<DigestClient>,
    /// Requests that went out again: Call-ID and number of the last one, and how often.
    repeated: VecDeque<(String, u32, u8)>,
}

impl Proof {
    /// With the login that the agent was given.
    pub fn new(config: &Config) -> Self {
        Self {
            login: config.login.clone(),
            ..Self::default()
        }
    }

    /// Another login from now on. What servers have asked of the former one says nothing of this one.
    pub fn set_login(&mut self, login: Login) {
        *self = Self {
            login: Some(login),
            ..Self::default()
        };
    }

    /// Proves it before anyone asks, where it is known what will be asked: that saves a round trip.
    pub fn authorize(&mut self, request: &mut Request, entropy: &mut Entropy) {
        let Some(login) = &self.login else { return };
        for (name, client) in [
            (HeaderName::Authorization, &mut self.server),
            (HeaderName::ProxyAuthorization, &mut self.proxy),
        ] {
            if let Some(credentials) = client
                .as_mut()
                .map(|c| c.answer_request(login, request, entropy))
            {
                request.headers.set(name, credentials.to_text());
            }
        }
    }

    /// A response: the server may have named the nonce that it wants next.
    pub fn told(&mut self, headers: &Headers) {
        let of = |client: &mut Option<DigestClient>, text: Option<&str>| {
            if let (Some(client), Some(text)) = (client, text) {
                client.follow(text);
            }
        };
        of(
            &mut self.server,
            headers.get(HeaderName::AuthenticationInfo),
        );
        of(&mut self.proxy, headers.get("Proxy-Authentication-Info"));
    }

    /// The request as it goes out again after this response; none when it is no challenge, or one that has been
    /// answered in vain.
    pub fn challenged(
        &mut self,
        request: &Request,
        response: &Response,
        via: &Via,
        entropy: &mut Entropy,
    ) -> Option<Request> {
        let (asked, answered, client) = match response.status {
            401 => (
                HeaderName::WwwAuthenticate,
                HeaderName::Authorization,
                &mut self.server,
            ),
            407 => (
                HeaderName::ProxyAuthenticate,
                HeaderName::ProxyAuthorization,
                &mut self.proxy,
            ),
            _ => return None,
        };
        let login = self.login.as_ref()?;
        let challenges = response.headers.challenges(asked).ok()?;
        let challenge = login.choose(&challenges)?;
        // An answer to a fresh nonce that was refused would be refused again, whatever the server calls it. One given
        // ahead of time only shows that its nonce has aged.
        let in_vain = client
            .as_ref()
            .is_some_and(|c| request.headers.has(answered) && c.is_fresh());
        let cseq = request.headers.cseq().ok()?;
        let next = cseq.number.checked_add(1)?;
        let call_id = request.headers.call_id().ok()?;
        let of = |(id, number, _): &(String, u32, u8)| id == call_id && *number == cseq.number;
        let before = self.repeated.iter().position(of);
        let times = before.and_then(|at| self.repeated.remove(at));
        let times = times.map_or(0, |(.., times)| times);
        // Two who ask in turn, each for what the other has made stale, never end.
        if in_vain || times >= CHALLENGES {
            *client = None;
            return None;
        }
        if self.repeated.len() >= REQUESTS {
            self.repeated.pop_front();
        }
        self.repeated
            .push_back((call_id.to_owned(), next, times + 1));
        *client = Some(DigestClient::new(challenge));
        let mut again = request.clone();
        again.headers.remove_first_value(HeaderName::Via);
        again.headers.prepend(HeaderName::Via, via.to_text());
        let next = CSeq::new(next, cseq.method);
        again.headers.set(HeaderName::CSeq, next.to_text());
        self.authorize(&mut again, entropy);
        Some(again)
    }
}
