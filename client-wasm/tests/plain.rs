//! What `plain` and `bodies` write by hand is what serde writes by the types' own attributes, and is read back the same.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test fails by panicking"
)]

use js_sys::JSON;
use serde::Serialize;
use wakeline_client::{
    bodies::OpenWake,
    channel::{Action, News},
    plain::{FromPlain, ToPlain},
    problem::Refusal,
    types::{
        By, CallChange, CallEnd, CallState, CallView, Direction, Hindrance, Outcome, Registration,
        RegistrationState, Remote, Role, WakeProgress, WakeStage, WakingState,
    },
};
use wakeline_edge_api as api;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_browser);

fn text(value: &JsValue) -> String {
    JSON::stringify(value).unwrap().into()
}

fn json(text: &str) -> JsValue {
    JSON::parse(text).unwrap()
}

fn by_serde(value: &impl Serialize) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).unwrap()
}

#[track_caller]
fn writes<T: Serialize + ToPlain>(value: &T) {
    assert_eq!(text(&value.to_plain()), text(&by_serde(value)));
}

#[track_caller]
fn same<T: Serialize + ToPlain + FromPlain + PartialEq>(value: &T) {
    writes(value);
    assert!(
        T::from_plain(&by_serde(value)).as_ref() == Some(value),
        "read back"
    );
}

#[wasm_bindgen_test]
fn words_are_those_of_serde() {
    use {CallState as C, Outcome as O, RegistrationState as R, api::WakeState as W, api::Why};
    for it in [
        R::Connecting,
        R::Registered,
        R::Reconnecting,
        R::Refused,
        R::Offline,
        R::Closed,
    ] {
        same(&it);
    }
    for it in [
        C::New,
        C::Calling,
        C::Waking,
        C::Ringing,
        C::Incoming,
        C::Connecting,
        C::Active,
        C::Ended,
    ] {
        same(&it);
    }
    for it in [
        O::Hungup,
        O::Declined,
        O::Busy,
        O::Unanswered,
        O::Expired,
        O::Refused,
        O::Unregistered,
        O::Unready,
        O::Unrung,
        O::Cancelled,
        O::Elsewhere,
        O::Unbound,
        O::Unknown,
        O::Unreachable,
        O::Quiet,
        O::Limited,
        O::Lost,
        O::Failed,
    ] {
        same(&it);
    }
    for it in [
        W::Targeted,
        W::Pushed,
        W::Shown,
        W::Opened,
        W::Registered,
        W::Ready,
        W::Invited,
        W::Ringing,
        W::Answered,
        W::Declined,
        W::Busy,
        W::Unanswered,
        W::Expired,
        W::Cancelled,
        W::Unbound,
        W::Unreachable,
        W::Failed,
    ] {
        same(&it);
    }
    for it in [
        Why::Unopened,
        Why::Refused,
        Why::Unregistered,
        Why::Unready,
        Why::Unrung,
    ] {
        same(&it);
    }
    for it in [
        Hindrance::Refused,
        Hindrance::Unregistered,
        Hindrance::Unready,
        Hindrance::Unreachable,
    ] {
        same(&it);
    }
    for it in [
        CallChange::Added,
        CallChange::State,
        CallChange::Media,
        CallChange::Ended,
    ] {
        same(&it);
    }
    for it in [
        WakingState::Registering,
        WakingState::Ready,
        WakingState::Over,
    ] {
        same(&it);
    }
    for it in [WakeStage::Pushed, WakeStage::Shown, WakeStage::Opened] {
        same(&it);
    }
    same(&Role::Leading);
    same(&Role::Following);
    same(&Direction::In);
    same(&Direction::Out);
    same(&By::Local);
    same(&By::Remote);
    assert!(Role::from_plain(&"nobody".into()).is_none());
    assert!(Role::from_plain(&JsValue::from(1)).is_none());
}

fn call() -> CallView {
    CallView {
        id: "7".into(),
        wake: None,
        direction: Direction::In,
        remote: Remote {
            number: "1002".into(),
            display_name: "Ada 爱达".into(),
        },
        state: CallState::Incoming,
        stage: None,
        end: None,
        muted: true,
        held: false,
        remote_held: true,
        video: false,
        recorded: false,
        recording_told: false,
        replaces: None,
        silent: false,
        broken: true,
        lost: false,
        answered_at: None,
    }
}

fn ended() -> CallView {
    CallView {
        wake: Some("w".into()),
        stage: Some(WakeStage::Shown),
        end: Some(CallEnd {
            outcome: Outcome::Limited,
            status: 503,
            reason: "later".into(),
            by: By::Remote,
            retry_after: Some(30),
        }),
        recorded: true,
        recording_told: true,
        replaces: Some("6".into()),
        answered_at: Some(1_900_000_000_123),
        ..call()
    }
}

#[wasm_bindgen_test]
fn views_are_those_of_serde() {
    same(&call());
    same(&ended());
    same(&CallEnd {
        outcome: Outcome::Failed,
        status: 0,
        reason: String::new(),
        by: By::Local,
        retry_after: None,
    });
    let registration = Registration {
        state: RegistrationState::Refused,
        reason: None,
        retry_at: None,
    };
    same(&registration);
    same(&Registration {
        reason: Some("403".into()),
        retry_at: Some(1_900_000_000_000),
        ..registration
    });
    let progress = WakeProgress {
        wake: "w".into(),
        state: WakingState::Ready,
        outcome: None,
        why: None,
        hindered: None,
    };
    same(&progress);
    same(&WakeProgress {
        outcome: Some("expired".into()),
        why: Some("unready".into()),
        hindered: Some(Hindrance::Unready),
        ..progress
    });
}

#[wasm_bindgen_test]
fn bodies_are_those_of_serde() {
    let account = api::Account {
        uid: "u1".into(),
        number: "1001".into(),
        display_name: "Ada".into(),
        address_of_record: "sip:1001@wakeline.test".into(),
        sip: None,
    };
    same(&account);
    let sip = api::SipAccount {
        servers: vec!["wss://a.test".into(), "wss://b.test".into()],
        domain: "wakeline.test".into(),
        username: "1".into(),
        password: "p".into(),
        expires_at: None,
    };
    same(&sip);
    let sip = api::SipAccount {
        expires_at: Some(1_900_000_000_000),
        ..sip
    };
    same(&api::Session {
        token: "t".into(),
        expires_at: 1_900_000_000_000,
        account: api::Account {
            sip: Some(sip),
            ..account
        },
    });
    writes(&api::SignIn {
        number: "1001".into(),
        password: "p".into(),
        device: Some("d".into()),
    });
    same(&api::RenewToken {
        device: "d".into(),
        number: "1001".into(),
        nonce_at: 5,
        signature: "s".into(),
    });
    writes(&api::WakeReport {
        device: Some("d".into()),
        hindered: Some(api::Why::Unready),
    });
    writes(&api::WakeReport {
        device: Some("d".into()),
        hindered: None,
    });
    let key = api::DevicePublicKey {
        kty: "EC".into(),
        crv: "P-256".into(),
        x: "x".into(),
        y: "y".into(),
    };
    same(&key);
    writes(&api::BindDevice::default());
    writes(&api::BindDevice {
        push: Some(api::PushTarget::WebPush(api::WebPushTarget {
            kind: api::WebPushKind::WebPush,
            endpoint: "https://push.test/1".into(),
            p256dh: "p".into(),
            auth: "a".into(),
        })),
        public_key: Some(key),
        label: Some("desk".into()),
        lang: Some("zh".into()),
    });
}

#[wasm_bindgen_test]
fn tabs_of_the_version_before_are_understood_and_understand() {
    let registration = Registration {
        state: RegistrationState::Registered,
        reason: None,
        retry_at: None,
    };
    let told = [
        (News::Hello, r#""hello""#.to_owned()),
        (News::SignedOut, r#""signedout""#.to_owned()),
        (
            News::Ready { wake: "w".into() },
            r#"{"ready":{"wake":"w"}}"#.to_owned(),
        ),
        (
            News::Do {
                call: "7".into(),
                what: Action::HangUp,
            },
            r#"{"do":{"call":"7","what":"hangup"}}"#.to_owned(),
        ),
        (
            News::State {
                registration: registration.clone(),
                calls: vec![call(), ended()],
            },
            format!(
                r#"{{"state":{{"registration":{},"calls":[{},{}]}}}}"#,
                text(&by_serde(&registration)),
                text(&by_serde(&call())),
                text(&by_serde(&ended()))
            ),
        ),
    ];
    for (news, as_text) in told {
        assert_eq!(text(&news.to_plain()), as_text);
        assert_eq!(News::from_plain(&json(&as_text)), Some(news));
    }
    for other in [
        r#""hush""#,
        "{}",
        r#"{"do":{"call":"7","what":"sing"}}"#,
        r#"{"state":{"calls":[]}}"#,
        "7",
        "null",
    ] {
        assert_eq!(News::from_plain(&json(other)), None, "{other}");
    }
    // A tab that does not know of holding, video or lost paths yet.
    let old = r#"{"id":"7","wake":null,"direction":"in","remote":{"number":"1002","displayName":"Ada 爱达"},"state":"incoming",
        "stage":null,"end":null,"muted":true,"silent":false,"lost":false,"answeredAt":null}"#;
    let known = CallView {
        remote_held: false,
        broken: false,
        ..call()
    };
    assert_eq!(CallView::from_plain(&json(old)), Some(known));
}

#[wasm_bindgen_test]
fn numbers_are_whole_and_answers_may_be_garbled() {
    for odd in [r#"1.5"#, "-1", r#""1""#, "null"] {
        assert_eq!(u64::from_plain(&json(odd)), None, "{odd}");
    }
    assert_eq!(u16::from_plain(&json("65536")), None);
    assert_eq!(
        u64::from_plain(&json("1900000000123")),
        Some(1_900_000_000_123)
    );
    for odd in [
        "null",
        "7",
        "[]",
        r#""text""#,
        r#"{"token":"t","expires_at":1,"account":null}"#,
    ] {
        assert!(api::Session::from_plain(&json(odd)).is_none(), "{odd}");
        assert!(Refusal::from_plain(&json(odd)).is_none(), "{odd}");
        assert!(OpenWake::from_plain(&json(odd)).is_none(), "{odd}");
    }
    let refusal = r#"{"type":"/problems/wake-over","title":"Over","status":410,"now":5,"retry_after_s":3,"wake":{"id":"w"}}"#;
    let refusal = Refusal::from_plain(&json(refusal)).unwrap();
    assert_eq!(
        (refusal.status, refusal.now, refusal.retry_after_s),
        (410, Some(5), Some(3))
    );
    assert!(refusal.detail.is_empty() && refusal.wake.is_object());
    let wake = OpenWake::from_plain(&json(r#"{"id":"w","state":"ringing","caller":{}}"#)).unwrap();
    assert!(wake.id == "w" && wake.state == api::WakeState::Ringing);
}
