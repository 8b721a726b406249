//! The vendor object: keeps the token that a site's account at a push vendor was given, for all lines of the site.
//!
//! Named `vendor:{site}:{vendor}`. It alone signs in: a line that needs a token, or whose token was refused, asks here and says which
//! one that was. Who asks while a sign-in is under way waits for it and gets its token, and a refused token that has been
//! replaced meanwhile costs no other sign-in: a vendor counts them (Getui: 100 a minute). The token is a row, so that an
//! object that was forgotten does not sign in anew; lines keep it for the life of their isolate, so that a push costs no
//! question here.

#![allow(
    missing_docs,
    reason = "the durable_object macro generates glue without documentation"
)]

use super::driver::asked;
use super::push::{outcome, post};
use crate::call;
use crate::outgoing::MAX_BODY;
use futures_util::lock::Mutex;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use wakeline_push::{Answer, Token};
use wakeline_sip::edge::PushOutcome;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// Where the token is kept.
const TOKEN: &str = "token";
/// After a sign-in, or one that failed for a reason that may pass, no other for this long.
const PAUSE_MS: u64 = 1_000;
/// After one that was refused: until somebody has set the account right.
const REFUSED_PAUSE_MS: u64 = 30_000;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
struct Ask {
    /// The token that the vendor no longer takes.
    refused: Option<Token>,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
struct Given {
    token: std::result::Result<Token, PushOutcome>,
}

/// The Durable Object.
#[durable_object]
pub struct VendorObject {
    state: State,
    env: Env,
    /// Held by whoever signs in.
    signing: Mutex<()>,
    /// Until when nobody signs in, and what is said meanwhile.
    pause: Cell<Option<(u64, PushOutcome)>>,
}

impl DurableObject for VendorObject {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            signing: Mutex::new(()),
            pause: Cell::new(None),
        }
    }

    async fn fetch(&self, mut req: Request) -> Result<Response> {
        let Ask { refused } = serde_json::from_str(&req.text().await?)?;
        let token = self.token(refused.as_ref()).await?;
        Response::from_json(&Given { token })
    }
}

impl VendorObject {
    async fn token(
        &self,
        refused: Option<&Token>,
    ) -> Result<std::result::Result<Token, PushOutcome>> {
        let _mine = self.signing.lock().await;
        let kept = self.state.storage().get::<Token>(TOKEN).await?;
        let now = call::now();
        if let Some(token) = kept.filter(|t| t.is_good(now) && Some(t) != refused) {
            return Ok(Ok(token));
        }
        if let Some((until, said)) = self.pause.get()
            && now < until
        {
            return Ok(Err(said));
        }
        let answer = match self.sign_in(now).await? {
            Ok(token) => {
                self.state.storage().put(TOKEN, &token).await?;
                let again = Answer::Retry {
                    after: Some(PAUSE_MS),
                };
                self.pause.set(Some((now + PAUSE_MS, outcome(again))));
                return Ok(Ok(token));
            }
            Err(answer) => answer,
        };
        let pause = match answer {
            Answer::Retry { after } => after.unwrap_or(PAUSE_MS),
            Answer::SlowDown { after } => after.unwrap_or(REFUSED_PAUSE_MS),
            _ => REFUSED_PAUSE_MS,
        };
        let said = outcome(answer);
        self.pause.set(Some((now + pause, said)));
        Ok(Err(said))
    }

    async fn sign_in(&self, now: u64) -> Result<std::result::Result<Token, Answer>> {
        let (site, vendor) = super::driver::named(&self.state, &self.env)?;
        let Some(provider) = site.vendors.named(&vendor) else {
            return Err("the site has no such vendor".into());
        };
        let Some(request) = provider.sign_in(now) else {
            return Err("the vendor wants no sign-in".into());
        };
        let answer = match post(request, MAX_BODY).await {
            Ok(came) => match provider.signed_in(&came.reply(), now) {
                Ok(token) => return Ok(Ok(token)),
                Err(answer) => answer,
            },
            Err(error) => {
                worker::console_warn!(
                    "event=sign_in_unanswered site={} vendor={vendor} reason=\"{error}\"",
                    site.id
                );
                Answer::unreachable()
            }
        };
        if let Some(fault) = answer.fault() {
            worker::console_error!(
                "event=sign_in_refused site={} vendor={vendor} reason=\"{fault}\"",
                site.id
            );
        }
        Ok(Err(answer))
    }
}

thread_local! {
    /// Tokens by object name, for the life of the isolate.
    static TOKENS: RefCell<HashMap<String, Token>> = RefCell::default();
}

/// A token for a site's account that is not the one that was `refused`; or what stands in the way.
pub async fn token(
    env: &Env,
    site: &str,
    vendor: &str,
    refused: Option<Token>,
) -> std::result::Result<Token, PushOutcome> {
    let object = format!("vendor:{site}:{vendor}");
    let now = call::now();
    let kept = TOKENS.with_borrow(|tokens| tokens.get(&object).cloned());
    if let Some(token) = kept.filter(|t| t.is_good(now) && Some(t) != refused.as_ref()) {
        return Ok(token);
    }
    match asked(env, &object, &Ask { refused }).await {
        Ok(Given { token }) => token.inspect(|token| {
            TOKENS.with_borrow_mut(|tokens| tokens.insert(object, token.clone()));
        }),
        Err(error) => {
            worker::console_error!("event=failure of=vendor error={error}");
            Err(outcome(Answer::unreachable()))
        }
    }
}
