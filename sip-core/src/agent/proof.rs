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

/// How a server asks for proof of what is no REGISTER. Worth remembering from one page to the next: [`super::Agent::expecting`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// As a proxy does, by 407; else as the one that answers, by 401.
    pub by_proxy: bool,
    /// For what realm.
    pub realm: String,
}

/// A login, and what the servers on the way have asked for so far: the one that answers, and a proxy before it.
#[derive(Debug, Default)]
pub struct Proof {
    login: Option<Login>,
    /// How they asked last, in this page or one before.
    asked: Option<Asked>,
    /// Nobody has asked for the proof that is given: it answers what the registrar has asked, which was answered so often before.
    guess: Option<u32>,
    /// A guess was refused when it was first made: these servers keep apart what they ask for.
    apart: bool,
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
            asked: self.asked.take(),
            ..Self::default()
        };
    }

    /// It is known how they ask.
    pub fn expect(&mut self, asked: Asked) {
        self.asked = Some(asked);
    }

    /// The registrar has taken this. Where it is known that calls are asked for the same realm they are proven by the same nonce, before
    /// anyone asks: most often it is one server that wants both. Never without having been asked once: who has not asked does
    /// not take the proof out, and sends it on to whoever is called.
    pub fn registered(&mut self, digest: &DigestClient) {
        let Some(asked) = &self.asked else { return };
        if self.apart || asked.realm != digest.challenge().realm {
            return;
        }
        let client = match asked.by_proxy {
            true => &mut self.proxy,
            false => &mut self.server,
        };
        *client = Some(digest.clone());
        self.guess = Some(digest.count());
    }

    /// No use of a nonce is counted twice, neither here nor at the registrar.
    pub fn keep_pace(&mut self, digest: &mut DigestClient) {
        for client in [&mut self.server, &mut self.proxy].into_iter().flatten() {
            client.keep_pace(digest);
        }
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
    /// answered in vain. With it how the server asks, if that is news.
    pub fn challenged(
        &mut self,
        request: &Request,
        response: &Response,
        via: &Via,
        entropy: &mut Entropy,
    ) -> Option<(Request, Option<Asked>)> {
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
        let given = client.as_ref().filter(|_| request.headers.has(answered));
        let guess = given.and_then(|_| self.guess.take());
        self.apart |= given
            .zip(guess)
            .is_some_and(|(c, before)| c.count() <= before + 1);
        let in_vain = guess.is_none() && given.is_some_and(DigestClient::is_fresh);
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
        let how = Asked {
            by_proxy: response.status == 407,
            realm: challenge.realm.clone(),
        };
        let news = (self.asked.as_ref() != Some(&how)).then(|| how.clone());
        self.asked = Some(how);
        *client = Some(DigestClient::new(challenge));
        let mut again = request.clone();
        again.headers.remove_first_value(HeaderName::Via);
        again.headers.prepend(HeaderName::Via, via.to_text());
        let next = CSeq::new(next, cseq.method);
        again.headers.set(HeaderName::CSeq, next.to_text());
        self.authorize(&mut again, entropy);
        Some((again, news))
    }
}
