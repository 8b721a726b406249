//! What the TypeScript entry sees of the core: newtypes, no logic.
//!
//! Promises are made by one function for all of them: an `async fn` of its own costs 2 kB of wasm each.

use crate::{
    opening::Early,
    phone::{Options, Phone},
    plain::{member, read},
    problem::Problem,
    server::Server,
    session::Session,
    types::{PhonePort, js},
};
use alloc::{boxed::Box, string::String};
use core::{future::Future, pin::Pin};
use js_sys::Promise;
use wakeline_edge_api as api;
use wakeline_sip::agent;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use web_sys::{MediaStream, PushSubscription, RtcPeerConnection};

type Answer<T> = Result<T, JsValue>;
type Work = Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>>;

fn promise(work: impl Future<Output = Result<JsValue, Problem>> + 'static) -> Promise {
    let work: Work = Box::pin(async move { work.await.map_err(JsValue::from) });
    future_to_promise(work)
}

fn done(work: impl Future<Output = Result<(), Problem>> + 'static) -> Promise {
    promise(async move { work.await.map(|()| JsValue::UNDEFINED) })
}

/// Goes through so many steps of a call that nobody makes, so that the first one finds the core compiled. Answers whether there are no more.
#[wasm_bindgen]
pub fn rehearse(steps: usize) -> bool {
    agent::rehearse(steps)
}

/// A signed-in line.
#[wasm_bindgen]
pub struct SessionCore(Session);

#[wasm_bindgen]
impl SessionCore {
    /// Signs in by password.
    #[wasm_bindgen(js_name = signIn, unchecked_return_type = "Promise<SessionCore>")]
    pub fn sign_in(edge: String, number: String, password: String) -> Promise {
        promise(async move { Ok(Self(Session::sign_in(&edge, &number, &password).await?).into()) })
    }

    /// The stored session of this edge; `record` is what the page has already read of it.
    #[wasm_bindgen(unchecked_return_type = "Promise<SessionCore | undefined>")]
    pub fn restore(
        edge: String,
        #[wasm_bindgen(unchecked_optional_param_type = "Promise<unknown>")] record: Option<Promise>,
    ) -> Promise {
        promise(async move { Ok(Session::restore(&edge, record).await?.map(Self).into()) })
    }

    /// A session by a token that the site's backend signed.
    #[wasm_bindgen(js_name = withToken, unchecked_return_type = "Promise<SessionCore>")]
    pub fn with_token(edge: String, token: String) -> Promise {
        promise(async move { Ok(Self(Session::with_token(&edge, &token).await?).into()) })
    }

    /// A line at a SIP server that is not our edge.
    #[wasm_bindgen(js_name = atServer)]
    pub fn at_server(
        #[wasm_bindgen(unchecked_param_type = "object")] line: JsValue,
    ) -> Answer<SessionCore> {
        let server = Server::new(&line)?;
        #[cfg(feature = "beside")]
        let server = crate::ways::on(server, member(&line, "ways"))?;
        Ok(Self(Session::at_server(server)))
    }

    /// Whose line it is.
    #[wasm_bindgen(unchecked_return_type = "Account")]
    pub fn account(&self) -> Answer<JsValue> {
        Ok(js(&self.0.account()?))
    }

    /// The edge's origin.
    pub fn edge(&self) -> String {
        self.0.edge().into()
    }

    /// This device's id.
    pub fn device(&self) -> Answer<String> {
        Ok(self.0.device()?)
    }

    /// The line's token, renewed when near its end.
    #[wasm_bindgen(unchecked_return_type = "Promise<string>")]
    pub fn token(&self) -> Promise {
        let session = self.0.clone();
        promise(async move { session.token().await.map(JsValue::from) })
    }

    /// Binds this device; answers it as the edge has it.
    #[wasm_bindgen(unchecked_return_type = "Promise<Device>")]
    pub fn bind(
        &self,
        subscription: Option<PushSubscription>,
        label: Option<String>,
        lang: Option<String>,
    ) -> Promise {
        let session = self.0.clone();
        promise(async move {
            let push = subscription.as_ref().map(target).transpose()?;
            session.bind(push, label, lang).await
        })
    }

    /// A request under `/v1` with the line's token; its answer as it came.
    #[wasm_bindgen(unchecked_return_type = "Promise<any>")]
    pub fn ask(
        &self,
        method: String,
        path: String,
        #[wasm_bindgen(unchecked_optional_param_type = "object")] body: JsValue,
    ) -> Promise {
        let session = self.0.clone();
        promise(async move { session.ask(&method, &path, &body).await })
    }

    /// Unbinds this device and forgets everything here.
    #[wasm_bindgen(js_name = signOut, unchecked_return_type = "Promise<void>")]
    pub fn sign_out(&self) -> Promise {
        let session = self.0.clone();
        done(async move { session.sign_out().await })
    }
}

/// The phone of a tab.
#[wasm_bindgen]
pub struct PhoneCore(Phone);

#[wasm_bindgen]
impl PhoneCore {
    /// Opens the phone of this tab.
    #[wasm_bindgen(unchecked_return_type = "Promise<PhoneCore>")]
    pub fn open(
        session: &SessionCore,
        #[wasm_bindgen(unchecked_param_type = "RTCIceServer[] | undefined")] ice_servers: JsValue,
        wake: Option<String>,
        port: PhonePort,
        #[wasm_bindgen(unchecked_param_type = "object | null")] early: Option<Early>,
    ) -> Promise {
        let session = session.0.clone();
        let options = Options {
            ice_servers,
            wake,
            early,
        };
        promise(async move { Ok(Self(Phone::open(session, options, port).await?).into()) })
    }

    /// Which part this tab plays.
    #[wasm_bindgen(unchecked_return_type = "Role")]
    pub fn role(&self) -> JsValue {
        js(&self.0.role())
    }

    /// The true registration.
    #[wasm_bindgen(unchecked_return_type = "Registration")]
    pub fn registration(&self) -> JsValue {
        js(&self.0.registration())
    }

    /// Makes this tab lead.
    #[wasm_bindgen(js_name = takeOver, unchecked_return_type = "Promise<void>")]
    pub fn take_over(&self) -> Promise {
        let phone = self.0.clone();
        done(async move { phone.take_over().await })
    }

    /// Calls a number and gives the call's id.
    #[wasm_bindgen(unchecked_return_type = "Promise<string>")]
    pub fn call(
        &self,
        number: String,
        #[wasm_bindgen(unchecked_param_type = "[string, string][] | undefined")] headers: JsValue,
    ) -> Promise {
        let phone = self.0.clone();
        let text = |pair: &js_sys::Array, at| pair.get(at).as_string().unwrap_or_default();
        let headers = js_sys::Array::from(&headers)
            .iter()
            .map(|pair| {
                let pair = js_sys::Array::from(&pair);
                (text(&pair, 0), text(&pair, 1))
            })
            .collect();
        promise(async move { phone.call(number, headers).await.map(JsValue::from) })
    }

    /// Takes an incoming call.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn answer(&self, call: String, listen: bool) -> Promise {
        let phone = self.0.clone();
        done(async move { phone.answer(call, listen).await })
    }

    /// Takes the microphone anew.
    #[wasm_bindgen(js_name = useMicrophone, unchecked_return_type = "Promise<void>")]
    pub fn use_microphone(&self, call: String) -> Promise {
        let phone = self.0.clone();
        done(async move { phone.use_microphone(call).await })
    }

    /// Declines an incoming call.
    pub fn reject(&self, call: String) -> Answer<()> {
        Ok(self.0.reject(call)?)
    }

    /// Ends a call.
    #[wasm_bindgen(js_name = hangUp)]
    pub fn hang_up(&self, call: String) -> Answer<()> {
        Ok(self.0.hang_up(call)?)
    }

    /// Sends silence, or the microphone again.
    pub fn mute(&self, call: String, on: bool) -> Answer<()> {
        Ok(self.0.mute(call, on)?)
    }

    /// Puts a call on hold, or talks again.
    pub fn hold(&self, call: String, on: bool) -> Answer<()> {
        Ok(self.0.hold(call, on)?)
    }

    /// Sends digits by INFO.
    pub fn dtmf(&self, call: String, digits: String) -> Answer<()> {
        Ok(self.0.dtmf(call, digits)?)
    }

    /// Sends the other side to a number, or to the other side of another call.
    pub fn transfer(&self, call: String, to: String, attended: bool) -> Answer<()> {
        Ok(self.0.transfer(call, to, attended)?)
    }

    /// The other side's stream.
    #[wasm_bindgen(js_name = remoteStream)]
    pub fn remote_stream(&self, call: &str) -> Option<MediaStream> {
        self.0.remote_stream(call)
    }

    /// STUN and TURN servers for the next call.
    #[wasm_bindgen(js_name = iceServers, unchecked_return_type = "Promise<RTCIceServer[] | undefined>")]
    pub fn ice_servers(&self) -> Promise {
        self.0.ice_servers()
    }

    /// The connection of a call.
    pub fn connection(&self, call: &str) -> Option<RtcPeerConnection> {
        self.0.connection(call)
    }

    /// Offers the other side what the connection sends and takes now.
    pub fn offer(&self, call: String) -> Answer<()> {
        Ok(self.0.offer(call)?)
    }

    /// Tells the other side that this page records the call, or does so no more.
    pub fn record(&self, call: String, on: bool) -> Answer<()> {
        Ok(self.0.record(call, on)?)
    }

    /// Candidates that came after a description, with those before.
    pub fn candidates(&self, call: String, fragment: String) -> Answer<()> {
        Ok(self.0.candidates(call, fragment)?)
    }

    /// Registers anew, then says ready for this wake.
    #[wasm_bindgen(unchecked_return_type = "Promise<Wake>")]
    pub fn ready(&self, wake: String) -> Promise {
        let phone = self.0.clone();
        promise(async move { phone.ready(wake).await })
    }

    /// Hangs up, unregisters, and lets another tab lead.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn close(&self) -> Promise {
        let phone = self.0.clone();
        promise(async move {
            phone.close().await;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Tells the other tabs that the user signed out, and closes.
    #[wasm_bindgen(js_name = signedOut, unchecked_return_type = "Promise<void>")]
    pub fn signed_out(&self) -> Promise {
        let phone = self.0.clone();
        promise(async move {
            phone.signed_out().await;
            Ok(JsValue::UNDEFINED)
        })
    }
}

#[cfg(feature = "beside")]
#[wasm_bindgen]
impl PhoneCore {
    /// What the page wants beside calls; gives the id of what it began.
    pub fn beside(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] want: JsValue,
    ) -> Answer<u32> {
        let want = serde_wasm_bindgen::from_value(want).map_err(|_| Problem::Garbled)?;
        Ok(self.0.beside(want)?)
    }
}

/// A push subscription as the edge wants it.
fn target(subscription: &PushSubscription) -> Result<api::PushTarget, Problem> {
    let to_json = member(subscription, "toJSON");
    let json = to_json
        .dyn_ref::<js_sys::Function>()
        .and_then(|f| f.call0(subscription).ok())
        .ok_or(Problem::Garbled)?;
    let keys = member(&json, "keys");
    let text = |value, key| read::<String>(value, key).ok_or(Problem::Garbled);
    Ok(api::PushTarget::WebPush(api::WebPushTarget {
        kind: api::WebPushKind::WebPush,
        endpoint: text(&json, "endpoint")?,
        p256dh: text(&keys, "p256dh")?,
        auth: text(&keys, "auth")?,
    }))
}
