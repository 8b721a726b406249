//! Envelopes between objects: handed over by a method call of the platform, which costs half of a request over `fetch`.

use super::driver::{post, stub};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wakeline_sip::edge::Envelope;
use worker::js_sys::Promise;
use worker::wasm_bindgen::prelude::*;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Env, Result};

/// What became of an envelope.
pub enum Delivery<A> {
    /// Nobody says that it was stored: its sender's outbox brings it again.
    Lost,
    /// It is stored.
    Taken,
    /// It is stored, and this is the answer.
    Answered(A),
}

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
extern "C" {
    /// Another object, as its namespace hands it out.
    type Peer;

    #[wasm_bindgen(method, catch)]
    fn deliver(this: &Peer, envelope: &str) -> std::result::Result<Promise, JsValue>;
}

/// Hands an envelope to the object that it is for.
pub async fn hand_over<M: Serialize, A: DeserializeOwned>(
    env: &Env,
    envelope: &Envelope<M>,
) -> Delivery<A> {
    let said = try_hand_over(env, envelope).await.and_then(|said| {
        Ok(match said.as_deref() {
            None => Delivery::Lost,
            Some("") => Delivery::Taken,
            Some(answer) => Delivery::Answered(serde_json::from_str(answer)?),
        })
    });
    said.unwrap_or_else(|error| {
        worker::console_warn!("event=undelivered error={error}");
        Delivery::Lost
    })
}

async fn try_hand_over<M: Serialize>(env: &Env, envelope: &Envelope<M>) -> Result<Option<String>> {
    let text = serde_json::to_string(envelope)?;
    let peer: Peer = stub(env, &envelope.to)?.into_rpc();
    match JsFuture::from(peer.deliver(&text)?).await {
        Ok(said) => Ok(said.as_string()),
        Err(error) if is_of_before(&error) => {
            let request = format!("{{\"Deliver\":{text}}}");
            let mut response = post(env, &envelope.to, &request).await?;
            Ok(match response.status_code() {
                200..300 => Some(response.text().await?),
                _ => None,
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// While a new version is rolled out the other object may still be one that takes envelopes as requests only.
fn is_of_before(error: &JsValue) -> bool {
    error
        .dyn_ref::<js_sys::Error>()
        .and_then(|error| error.message().as_string())
        .is_some_and(|message| message.contains("does not implement the method"))
}

/// What an object says to an envelope: nothing when it was not taken, no words when it was, or its answer.
pub fn reply<A: Serialize>(
    taken: bool,
    answer: Option<A>,
) -> std::result::Result<JsValue, JsValue> {
    match answer {
        Some(answer) => serde_json::to_string(&answer)
            .map(|text| JsValue::from_str(&text))
            .map_err(|error| JsError::new(&error.to_string()).into()),
        None if taken => Ok(JsValue::from_str("")),
        None => Ok(JsValue::UNDEFINED),
    }
}
