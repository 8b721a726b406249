//! The platform modules in a real browser. `CHROMEDRIVER=/usr/bin/chromedriver`, flags in `webdriver.json`.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test fails by panicking"
)]

use std::{cell::Cell, cell::RefCell, rc::Rc};

use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt;
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wakeline_client::page::sleep;
use wakeline_client::{
    channel::{Action, Channel, News},
    device,
    leader::{Claim, Waiting, claim},
    media::{Media, MediaEvent},
    once,
    problem::{Problem, settled},
    store::{self, Record},
    timer::Alarm,
    types::PhonePort,
};
use wakeline_edge_api::Account;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use wasm_bindgen_test::*;
use web_sys::{CryptoKey, MediaStream, MediaStreamTrack, MediaStreamTrackState, RtcStatsReport};

wasm_bindgen_test_configure!(run_in_browser);

fn member(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

#[wasm_bindgen_test]
async fn a_session_comes_back_from_storage_with_a_key_that_signs_and_cannot_leave() {
    let key = device::new_key().await.unwrap();
    let record = Record {
        account: Account {
            uid: "u1".into(),
            number: "1001".into(),
            display_name: "Ada".into(),
            address_of_record: "sip:1001@wakeline.test".into(),
            sip: None,
        },
        device: device::new_id().unwrap(),
        token: "t".into(),
        expires_at: 1_900_000_000_000,
        key,
    };
    store::save("https://edge.test", &record).await.unwrap();
    assert!(store::load("https://other.test").await.unwrap().is_none());
    let stored = store::load("https://edge.test").await.unwrap().unwrap();
    assert_eq!(stored.account, record.account);
    assert_eq!(
        (&stored.device, stored.expires_at),
        (&record.device, record.expires_at)
    );

    let private: CryptoKey = member(&stored.key, "privateKey").unchecked_into();
    assert!(!private.extractable());
    let signature = device::sign(&stored.key, "wakeline-renew\nx")
        .await
        .unwrap();
    assert_eq!(signature.len(), 86, "64 octets in base64url");
    assert!(verified(&record.key, &signature, "wakeline-renew\nx").await);
    assert!(!verified(&record.key, &signature, "wakeline-renew\ny").await);
    let public = device::public_key(&stored.key).await.unwrap();
    assert_eq!((public.kty.as_str(), public.crv.as_str()), ("EC", "P-256"));

    store::forget("https://edge.test").await.unwrap();
    assert!(store::load("https://edge.test").await.unwrap().is_none());
}

async fn verified(key: &JsValue, signature: &str, message: &str) -> bool {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public: CryptoKey = member(key, "publicKey").unchecked_into();
    let subtle = web_sys::window().unwrap().crypto().unwrap().subtle();
    let algorithm = web_sys::EcdsaParams::new("ECDSA", &"SHA-256".into());
    let message = Uint8Array::from(message.as_bytes());
    let promise = subtle
        .verify_with_object_and_js_u8_array_and_js_u8_array(
            &algorithm,
            &public,
            &Uint8Array::from(&signature[..]),
            &message,
        )
        .unwrap();
    JsFuture::from(promise).await.unwrap().is_truthy()
}

#[wasm_bindgen_test]
fn device_ids_are_lower_case_uuids() {
    let id = device::new_id().unwrap();
    let parts: Vec<_> = id.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
    assert_eq!(id, id.to_lowercase());
    assert_eq!(id.as_bytes()[14], b'4');
}

#[wasm_bindgen_test]
async fn the_alarm_rings_in_a_worker_once_it_was_far_away_and_setting_it_anew_moves_it() {
    let rings = Rc::new(Cell::new(0));
    let (tell, rang) = oneshot::channel();
    let tell = RefCell::new(Some(tell));
    let counted = rings.clone();
    let alarm = Alarm::new(move || {
        counted.set(counted.get() + 1);
        if let Some(tell) = tell.take() {
            tell.send(js_sys::Date::now()).unwrap();
        }
    });
    alarm.set(Some(1_000));
    assert!(!alarm.in_worker(), "what is near needs none");
    alarm.set(Some(60_000));
    assert!(alarm.in_worker());
    let start = js_sys::Date::now();
    alarm.set(Some(1));
    alarm.set(Some(60));
    let at = rang.await.unwrap();
    assert!(at - start >= 59.0, "the first setting was replaced");
    alarm.set(Some(20));
    alarm.set(None);
    sleep(60).await;
    assert_eq!(rings.get(), 1);
}

#[wasm_bindgen_test]
async fn one_leads_and_who_waits_leads_when_the_leader_is_gone() {
    let never = || panic!("nobody took it away");
    let first = claim("test-lead", Claim::IfFree, None, never)
        .await
        .unwrap();
    assert!(first.is_some());
    let second = claim("test-lead", Claim::IfFree, None, never)
        .await
        .unwrap();
    assert!(second.is_none());

    let (tell, leads) = oneshot::channel();
    spawn_local(async move {
        let lead = claim("test-lead", Claim::Wait, None, never).await.unwrap();
        // A dropped receiver would drop the lead, too.
        assert!(tell.send(lead).is_ok());
    });
    sleep(10).await;
    drop(first);
    assert!(leads.await.unwrap().is_some());
}

#[wasm_bindgen_test]
async fn a_lead_that_is_stolen_is_told() {
    let (tell, stolen) = oneshot::channel::<()>();
    let lead = claim("test-steal", Claim::IfFree, None, || tell.send(()).unwrap())
        .await
        .unwrap();
    let thief = claim("test-steal", Claim::Steal, None, || ())
        .await
        .unwrap();
    stolen.await.unwrap();
    assert!(lead.is_some() && thief.is_some());
}

#[wasm_bindgen_test]
async fn a_claim_can_be_given_up() {
    let lead = claim("test-give-up", Claim::IfFree, None, || ())
        .await
        .unwrap();
    let waiting = Waiting::new().unwrap();
    let given_up = waiting.clone();
    spawn_local(async move { given_up.give_up() });
    let claimed = claim("test-give-up", Claim::Wait, Some(&waiting), || ()).await;
    assert!(matches!(claimed, Err(Problem::Browser { name, .. }) if name == "AbortError"));
    drop(lead);
}

#[wasm_bindgen_test]
async fn tabs_hear_each_other_and_not_themselves() {
    let (tell, heard) = oneshot::channel();
    let tell = RefCell::new(Some(tell));
    let _other = Channel::join("test-tabs", move |news| {
        tell.take().unwrap().send(news).unwrap()
    })
    .unwrap();
    let us = Channel::join("test-tabs", |_| panic!("a tab hears itself")).unwrap();
    let news = News::Do {
        call: "7".into(),
        what: Action::Reject,
    };
    us.tell(&news);
    assert_eq!(heard.await.unwrap(), news);
}

#[wasm_bindgen_test]
async fn two_pages_hear_each_other_by_opus_and_let_the_microphone_go() {
    let microphones = watch_microphones();
    let (tell, mut events) = mpsc::unbounded();
    let side = |name: &'static str| {
        let tell = tell.clone();
        Media::new(&JsValue::UNDEFINED, false, page(), move |event| {
            tell.unbounded_send((name, event)).unwrap();
        })
    };
    let (caller, callee) = (side("caller"), side("callee"));
    let offer = described(caller.offer(Some(false))).await.unwrap();
    assert!(
        offer.contains("a=candidate") && offer.contains("a=fingerprint"),
        "{offer}"
    );
    let answer = described(callee.answer(&offer, Some(false))).await.unwrap();
    settled(caller.accept(&answer)).await.unwrap();
    connected(&mut events).await;
    assert!(callee.remote().is_some() && caller.remote().is_some());
    while received(&callee).await < 10.0 || received(&caller).await < 10.0 {
        sleep(50).await;
    }

    assert!(live_tracks(&microphones, true) == 2);
    caller.mute(true);
    assert!(caller.sound().muted);
    assert!(live_tracks(&microphones, true) == 1, "silence is sent");
    caller.mute(false);
    assert!(live_tracks(&microphones, true) == 2);

    // The caller's page was reloaded: another certificate, answered from a fresh connection with the same microphone.
    caller.close();
    let reloaded = side("caller");
    let offer = described(reloaded.offer(Some(false))).await.unwrap();
    let answer = described(callee.answer(&offer, Some(false))).await.unwrap();
    settled(reloaded.accept(&answer)).await.unwrap();
    connected(&mut events).await;

    assert!(live_tracks(&microphones, true) == 2);
    callee.close();
    reloaded.close();
    assert!(live_tracks(&microphones, true) == 0, "the light goes out");
    assert!(reloaded.peer().is_none());
}

#[wasm_bindgen_test]
async fn a_microphone_that_is_granted_too_late_is_let_go_at_once() {
    let microphones = watch_microphones();
    let media = Media::new(&JsValue::UNDEFINED, false, page_where("false"), |_| ());
    let asking = media.clone();
    let (tell, asked) = oneshot::channel();
    spawn_local(async move {
        tell.send(described(asking.offer(Some(false))).await)
            .unwrap()
    });
    sleep(0).await;
    media.close();
    assert_eq!(asked.await.unwrap(), Err(Problem::Gone));
    assert!(live_tracks(&microphones, true) == 0);
}

#[wasm_bindgen_test]
async fn who_waits_for_a_description_of_a_closed_connection_hears_that_it_is_gone() {
    let media = Media::new(&JsValue::UNDEFINED, false, page(), |_| ());
    let asking = media.clone();
    let (tell, asked) = oneshot::channel();
    spawn_local(async move {
        tell.send(described(asking.offer(Some(false))).await)
            .unwrap()
    });
    while media.peer().is_none() {
        sleep(0).await;
    }
    media.close();
    assert_eq!(asked.await.unwrap(), Err(Problem::Gone));
}

async fn described(made: Promise) -> Result<String, Problem> {
    settled(made).await.map(|sdp| sdp.as_string().unwrap())
}

async fn connected(events: &mut mpsc::UnboundedReceiver<(&'static str, MediaEvent)>) {
    let (mut connected, mut streams) = (0, 0);
    while connected < 2 || streams < 2 {
        match events.next().await.unwrap() {
            (_, MediaEvent::Connected) => connected += 1,
            (_, MediaEvent::Stream) => streams += 1,
            (name, MediaEvent::Silent) => panic!("{name} lost its microphone"),
            // Of the page that is gone.
            (_, MediaEvent::Faltering) => {}
            (name, MediaEvent::Failed) => panic!("{name} found no path"),
        }
    }
}

/// Packets that have arrived.
/// What a page does for the connections of a call, as far as it matters here.
fn page() -> (PhonePort, String) {
    page_where("true")
}

/// The same where the microphone is `granted` for good, or not.
fn page_where(granted: &str) -> (PhonePort, String) {
    let script = "return {
        connect: (configuration) => new RTCPeerConnection(configuration),
        direct() {},
        granted: async () => granted,
        microphone: async () => navigator.mediaDevices.getUserMedia({ audio: true }),
        voice: (it) => { it.addTransceiver('audio', { streams: [new MediaStream()] }); },
        gathered: (it) => new Promise((done) => {
            const look = () => { if (it.iceGatheringState === 'complete') done(); };
            it.onicegatheringstatechange = look;
            look();
        }),
    }";
    let granted = js_sys::JSON::parse(granted).unwrap();
    let port = Function::new_with_args("granted", script).call1(&JsValue::UNDEFINED, &granted);
    (port.unwrap().unchecked_into(), "1".into())
}

async fn received(media: &Media) -> f64 {
    let report = JsFuture::from(media.peer().unwrap().get_stats()).await;
    let report: RtcStatsReport = report.unwrap().unchecked_into();
    let inbound = report
        .values()
        .into_iter()
        .map(Result::unwrap)
        .find(|entry| member(entry, "type").as_string().as_deref() == Some("inbound-rtp"));
    inbound
        .and_then(|entry| member(&entry, "packetsReceived").as_f64())
        .unwrap_or_default()
}

/// The streams that the browser hands out from now on.
fn watch_microphones() -> Array {
    let script = "const streams = [], devices = navigator.mediaDevices, ask = MediaDevices.prototype.getUserMedia.bind(devices);
        devices.getUserMedia = async (wanted) => { const s = await ask(wanted); streams.push(s); return s; };
        return streams;";
    Function::new_no_args(script)
        .call0(&JsValue::UNDEFINED)
        .unwrap()
        .unchecked_into()
}

fn live_tracks(streams: &Array, enabled: bool) -> usize {
    let tracks = streams.iter().flat_map(|stream| {
        let stream: MediaStream = stream.unchecked_into();
        stream
            .get_audio_tracks()
            .iter()
            .map(JsCast::unchecked_into::<MediaStreamTrack>)
            .collect::<Vec<_>>()
    });
    tracks
        .filter(|t| t.ready_state() == MediaStreamTrackState::Live && t.enabled() == enabled)
        .count()
}

#[wasm_bindgen_test]
async fn what_is_told_once_arrives_and_silence_is_told_too() {
    let (teller, told) = once::channel();
    spawn_local(async move {
        sleep(1).await;
        teller.tell(1);
    });
    assert_eq!(told.await, Some(1), "it is waited for");
    let (teller, told) = once::channel();
    teller.tell(2);
    assert_eq!(told.await, Some(2), "it was there before");
    let (teller, told) = once::channel::<u32>();
    spawn_local(async move {
        sleep(1).await;
        drop(teller);
    });
    assert_eq!(told.await, None);
}
