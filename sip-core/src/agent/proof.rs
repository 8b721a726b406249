//! What the agent proves itself with when a server challenges one of its requests (RFC 3261 §22). REGISTER has its own
//! business with the registrar; here is every other request.

use alloc::string::String;
use alloc::{borrow::ToOwned, collections::VecDeque, vec::Vec};

use super::config::Config;
use super::digests::Digests;
use super::identity::Identity;
use super::post::push;
use crate::auth::{DigestClient, Login};
use crate::entropy::Entropy;
use crate::wire::{CSeq, HeaderName, Headers, Request, Response, Text};

/// Challenges of one request that are answered: of the server, of a proxy, and each once more for a nonce that has aged.
const CHALLENGES: u8 = 4;
/// So many requests are remembered for that.
const REQUESTS: usize = 64;

/// How our own server asks for proof of a call. Worth remembering from one page to the next: [`super::Agent::expecting`].
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
    /// How ours asked for a call last, in this page or one before.
    asked: Option<Asked>,
    /// The registrar's challenge, lent to calls, with each use of its nonce there and here: kept as long as the registrar has it, also when
    /// calls are asked for another one.
    lent: Option<DigestClient>,
    /// A proof by what is lent was refused: what calls are asked for is kept apart, or ages sooner. None is given any more.
    apart: bool,
    /// What answers those who have asked.
    digests: Digests,
    /// For what realms our own servers have asked.
    realms: Vec<String>,
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

    /// It is known from an earlier page how calls are asked.
    pub fn expect(&mut self, asked: Asked) {
        self.asked = Some(asked);
    }

    /// The registrar has taken these. Where it is known that calls are asked for the same realm they are proven by the same nonce, before
    /// anyone asks: most often it is one server that wants both. Never without having been asked once: who has not asked does
    /// not take the proof out, and sends it on to whoever is called.
    pub fn registered(&mut self, digests: &Digests) {
        for client in digests.0.iter().flatten() {
            self.trust(&client.challenge().realm);
        }
        let Some(asked) = &self.asked else { return };
        let side = usize::from(asked.by_proxy);
        let alike = |d: &&DigestClient| d.challenge().realm == asked.realm;
        let mut taken = [side, 1 - side]
            .into_iter()
            .filter_map(|side| digests.0[side].as_ref());
        if !self.apart
            && let Some(digest) = taken.find(alike)
        {
            self.digests.0[side] = Some(digest.clone());
            self.lent = Some(digest.clone());
        }
    }

    fn trust(&mut self, realm: &str) {
        if !self.is_ours(realm) {
            push(&mut self.realms, realm.to_owned());
        }
    }

    /// One of our own servers has asked for this realm.
    fn is_ours(&self, realm: &str) -> bool {
        self.realms.iter().any(|ours| ours == realm)
            || self
                .asked
                .as_ref()
                .is_some_and(|asked| asked.realm == realm)
    }

    /// Proves a REGISTER, by what the registrar and a proxy before it have asked.
    pub fn prove_register(
        &mut self,
        digests: &mut Digests,
        login: &Login,
        register: &mut Request,
        entropy: &mut Entropy,
    ) {
        digests.prove(login, register, &mut self.lent, entropy);
    }

    /// Proves it before anyone asks, where it is known what will be asked: that saves a round trip.
    pub fn authorize(&mut self, request: &mut Request, entropy: &mut Entropy) {
        if let Some(login) = &self.login {
            self.digests.prove(login, request, &mut self.lent, entropy);
        }
    }

    /// A response: the server may have named the nonce that it wants next.
    pub fn told(&mut self, headers: &Headers) {
        self.digests.told(headers);
    }

    /// The request as it goes out again after this response; none when it is no challenge, or one that has been
    /// answered in vain. With it how calls are asked, if that is news, and comes from our own server (`near`). What is asked behind that is answered
    /// for our realms alone: by an answer to theirs, whoever we talk to could guess at the password.
    pub fn challenged(
        &mut self,
        request: &Request,
        response: &Response,
        near: bool,
        me: &Identity,
        entropy: &mut Entropy,
    ) -> Option<(Request, Option<Asked>)> {
        let (side, mut challenges) = self.digests.challenges(self.login.as_ref()?, response)?;
        for asked in &mut challenges {
            if near && let Some(asked) = asked {
                self.trust(&asked.realm);
            }
            let own = &me.address_of_record.host;
            asked.take_if(|asked| asked.realm != *own && !self.is_ours(&asked.realm));
        }
        let realm = challenges[side].as_ref()?.realm.clone();
        let mut in_vain = false;
        for (name, client, challenge) in self.digests.asked_again(&challenges) {
            let given = request.headers.credentials(name).unwrap_or_default();
            let nonce = given.first().and_then(|given| given.params.text("nonce"));
            let gave = |client: &DigestClient| nonce.as_deref() == Some(&client.challenge().nonce);
            let by_lent = self.lent.as_ref().is_some_and(gave);
            self.apart |= near && by_lent && !challenge.stale;
            // An answer to a fresh nonce that was refused would be refused again, whatever the server calls it. One given
            // ahead of time only shows that its nonce has aged; so does one to a nonce that another request has found aged meanwhile.
            in_vain |= !by_lent && gave(client) && client.is_fresh();
        }
        let cseq = request.headers.cseq().ok()?;
        let next = cseq.number.checked_add(1)?;
        let call_id = request.headers.call_id().ok()?;
        let of = |(id, number, _): &(String, u32, u8)| id == call_id && *number == cseq.number;
        let before = self.repeated.iter().position(of);
        let times = before.and_then(|at| self.repeated.remove(at));
        let times = times.map_or(0, |(.., times)| times);
        // Two who ask in turn, each for what the other has made stale, never end.
        if in_vain || times >= CHALLENGES {
            self.digests.forget(&challenges);
            return None;
        }
        if self.repeated.len() >= REQUESTS {
            self.repeated.pop_front();
        }
        self.repeated
            .push_back((call_id.to_owned(), next, times + 1));
        let how = Asked {
            by_proxy: side == 1,
            realm,
        };
        // Whoever asks second stands behind the first.
        let news = (near && times == 0 && self.asked.as_ref() != Some(&how)).then_some(how);
        if news.is_some() {
            self.asked = news.clone();
        }
        self.digests.answer(challenges);
        let mut again = request.clone();
        again.headers.remove_first_value(HeaderName::Via);
        again
            .headers
            .prepend(HeaderName::Via, me.via(entropy).to_text());
        let next = CSeq::new(next, cseq.method);
        again.headers.set(HeaderName::CSeq, next.to_text());
        self.authorize(&mut again, entropy);
        Some((again, news))
    }
}
