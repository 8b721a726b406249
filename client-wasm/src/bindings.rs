//! What the TypeScript entry sees of the core: newtypes, no logic.

use crate::{
    phone::{Options, Phone},
    problem::Problem,
    rest::parse,
    session::{Session, segment},
    types::{PhonePort, Registration, Role, js},
};
use js_sys::Reflect;
use serde::Deserialize;
use tsify::Ts;
use wakeline_edge_api as api;
use wasm_bindgen::prelude::*;
use web_sys::{MediaStream, PushSubscription};

type Answer<T> = Result<T, JsValue>;

/// A signed-in line.
#[wasm_bindgen]
pub struct SessionCore(Session);

#[wasm_bindgen]
impl SessionCore {
    /// Signs in by password.
    #[wasm_bindgen(js_name = signIn)]
    pub async fn sign_in(edge: String, number: String, password: String) -> Answer<SessionCore> {
        Ok(Self(Session::sign_in(&edge, &number, &password).await?))
    }

    /// The stored session of this edge.
    pub async fn restore(edge: String) -> Answer<Option<SessionCore>> {
        Ok(Session::restore(&edge).await?.map(Self))
    }

    /// A session by a token that the site's backend signed.
    #[wasm_bindgen(js_name = withToken)]
    pub async fn with_token(edge: String, token: String) -> Answer<SessionCore> {
        Ok(Self(Session::with_token(&edge, &token).await?))
    }

    /// Whose line it is.
    pub fn account(&self) -> Answer<Ts<api::Account>> {
        Ok(Ts::new_unchecked(js(&self.0.account()?)))
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
    pub async fn token(&self) -> Answer<String> {
        Ok(self.0.token().await?)
    }

    /// Binds this device.
    pub async fn bind(
        &self,
        subscription: Option<PushSubscription>,
        label: Option<String>,
        lang: Option<String>,
    ) -> Answer<()> {
        let push = match subscription {
            Some(subscription) => Some(target(&subscription)?),
            None => None,
        };
        Ok(self.0.bind(push, label, lang).await?)
    }

    /// The devices of the line.
    pub async fn devices(&self) -> Answer<Ts<api::DeviceList>> {
        Ok(Ts::new_unchecked(self.get("/v1/devices").await?))
    }

    /// Revokes a device.
    pub async fn revoke(&self, device: String) -> Answer<()> {
        let path = format!("/v1/devices/{}", segment(&device));
        Ok(self.0.ask("DELETE", &path, None::<&()>).await.map(drop)?)
    }

    /// The site's key for push subscriptions.
    pub async fn vapid(&self) -> Answer<Ts<api::VapidKey>> {
        Ok(Ts::new_unchecked(self.get("/v1/vapid").await?))
    }

    /// What waits for this line.
    pub async fn waiting(&self) -> Answer<Ts<api::Waiting>> {
        Ok(Ts::new_unchecked(self.get("/v1/waiting").await?))
    }

    /// A wake as it stands.
    pub async fn wake(&self, id: String) -> Answer<Ts<api::Wake>> {
        Ok(Ts::new_unchecked(
            self.get(&format!("/v1/wakes/{}", segment(&id))).await?,
        ))
    }

    /// Says that the invitation was opened.
    pub async fn opened(&self, id: String) -> Answer<()> {
        Ok(self.0.report(&id, "opened").await.map(drop)?)
    }

    /// Declines a wake.
    pub async fn decline(&self, id: String) -> Answer<Ts<api::Wake>> {
        Ok(Ts::new_unchecked(self.0.report(&id, "decline").await?))
    }

    /// The calls that were missed.
    pub async fn missed(&self) -> Answer<Ts<api::MissedList>> {
        Ok(Ts::new_unchecked(self.get("/v1/missed").await?))
    }

    /// Says that the user has seen these.
    #[wasm_bindgen(js_name = missedSeen)]
    pub async fn missed_seen(&self, ids: Vec<String>) -> Answer<()> {
        let body = api::MissedSeen { ids };
        Ok(self
            .0
            .ask("POST", "/v1/missed/seen", Some(&body))
            .await
            .map(drop)?)
    }

    /// Unbinds this device and forgets everything here.
    #[wasm_bindgen(js_name = signOut)]
    pub async fn sign_out(&self) -> Answer<()> {
        Ok(self.0.sign_out().await?)
    }

    async fn get(&self, path: &str) -> Result<JsValue, Problem> {
        self.0.ask("GET", path, None::<&()>).await
    }
}

/// The phone of a tab.
#[wasm_bindgen]
pub struct PhoneCore(Phone);

#[wasm_bindgen]
impl PhoneCore {
    /// Opens the phone of this tab.
    pub async fn open(
        session: &SessionCore,
        #[wasm_bindgen(unchecked_param_type = "RTCIceServer[] | undefined")] ice_servers: JsValue,
        #[wasm_bindgen(unchecked_param_type = "MediaTrackConstraints | boolean")] audio: JsValue,
        wake: Option<String>,
        port: PhonePort,
    ) -> Answer<PhoneCore> {
        let options = Options {
            ice_servers,
            audio,
            wake,
        };
        Ok(Self(Phone::open(session.0.clone(), options, port).await?))
    }

    /// Which part this tab plays.
    pub fn role(&self) -> Ts<Role> {
        Ts::new_unchecked(js(&self.0.role()))
    }

    /// The true registration.
    pub fn registration(&self) -> Ts<Registration> {
        Ts::new_unchecked(js(&self.0.registration()))
    }

    /// Makes this tab lead.
    #[wasm_bindgen(js_name = takeOver)]
    pub async fn take_over(&self) -> Answer<()> {
        Ok(self.0.take_over().await?)
    }

    /// Calls a number and gives the call's id.
    pub async fn call(&self, number: String) -> Answer<String> {
        Ok(self.0.call(number).await?)
    }

    /// Takes an incoming call.
    pub async fn answer(&self, call: String) -> Answer<()> {
        Ok(self.0.answer(call).await?)
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

    /// The other side's stream.
    #[wasm_bindgen(js_name = remoteStream)]
    pub fn remote_stream(&self, call: &str) -> Option<MediaStream> {
        self.0.remote_stream(call)
    }

    /// The statistics of a call's connection.
    #[wasm_bindgen(unchecked_return_type = "RTCStatsReport")]
    pub async fn stats(&self, call: String) -> Answer<JsValue> {
        Ok(self.0.stats(&call).await?)
    }

    /// Registers anew, then says ready for this wake.
    pub async fn ready(&self, wake: String) -> Answer<Ts<api::Wake>> {
        Ok(Ts::new_unchecked(self.0.ready(wake).await?))
    }

    /// Hangs up, unregisters, and lets another tab lead.
    pub async fn close(&self) {
        self.0.close().await;
    }

    /// Tells the other tabs that the user signed out, and closes.
    #[wasm_bindgen(js_name = signedOut)]
    pub async fn signed_out(&self) {
        self.0.signed_out().await;
    }
}

/// A push subscription as the edge wants it.
fn target(subscription: &PushSubscription) -> Result<api::PushTarget, Problem> {
    #[derive(Deserialize)]
    struct Subscription {
        endpoint: String,
        keys: Keys,
    }
    #[derive(Deserialize)]
    struct Keys {
        p256dh: String,
        auth: String,
    }
    let to_json = Reflect::get(subscription, &"toJSON".into()).unwrap_or_default();
    let json = to_json
        .dyn_ref::<js_sys::Function>()
        .and_then(|f| f.call0(subscription).ok())
        .ok_or(Problem::Garbled)?;
    let Subscription { endpoint, keys } = parse(json)?;
    Ok(api::PushTarget::WebPush {
        endpoint,
        p256dh: keys.p256dh,
        auth: keys.auth,
    })
}
