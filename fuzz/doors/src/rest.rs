//! REST bodies: the types of the contract, and what the routes ask of their members.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wakeline_edge::access::check_public_key;
use wakeline_edge::config::{Config, ConfigError, Source};
use wakeline_edge::names;
use wakeline_edge::token::{self, Capability};
use wakeline_edge_api as api;
use wakeline_push::{AllowList, Cid, Subscription};
use wakeline_sip::edge::{DeviceId, Number, Uid, WakeId};

const NOW: u64 = 1_800_000_000_000;

/// The first octet chooses what the rest is.
pub fn rest(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else {
        return;
    };
    let Ok(body) = std::str::from_utf8(body) else {
        return;
    };
    if body.len() > api::BODY_LIMIT {
        return;
    }
    match kind % 12 {
        0 => with(body, |b: api::CreateAccount| {
            number(&b.number);
            number(b.uid.as_deref().unwrap_or(&b.number));
            let _ = names::is_text(b.display_name.as_deref().unwrap_or_default(), 128);
        }),
        1 => with(body, |b: api::SignIn| {
            number(&b.number);
            device(b.device.as_deref());
        }),
        2 => with(body, |b: api::MintToken| number(&b.number)),
        3 => with(body, |b: api::RenewToken| {
            number(&b.number);
            device(Some(&b.device));
            let message = api::renew_message("https://e.example", &b.number, &b.device, b.nonce_at);
            assert!(message.starts_with("wakeline-renew\n"));
        }),
        4 => with(body, |b: api::BindDevice| {
            if let Some(push) = &b.push {
                target(push);
            }
            let key = b.public_key.as_ref();
            if let Some(key) = key.filter(|key| check_public_key(key).is_ok()) {
                assert!(
                    key.x.len() == 43 && key.y.len() == 43,
                    "32 octets each: {key:?}"
                );
            }
            let _ = (b.label.map(|l| names::is_text(&l, 128)), b.lang);
        }),
        5 => with(body, |b: api::PushTarget| target(&b)),
        6 => with(body, |b: api::WakeReport| device(b.device.as_deref())),
        7 => with(body, |b: api::MissedSeen| {
            b.ids.iter().for_each(|id| wake(id))
        }),
        8 => {
            with(body, |_: api::Problem| {});
            with(body, |b: api::AskWake| {
                number(b.number.as_deref().unwrap_or(&b.caller.number));
                let named = AllowList::new(["*.example.com"]).expect("a pattern");
                if let Ok(url) = named.check_callback(b.callback.as_deref().unwrap_or_default()) {
                    let host = url.domain().expect("a name");
                    let host = host.strip_suffix('.').unwrap_or(host);
                    assert!(url.scheme() == "https" && host.ends_with(".example.com"));
                }
            });
            with(body, |_: api::ServerEvent| {});
        }
        9 => with(body, |_: api::Waiting| {}),
        10 => {
            let config = config();
            let site = config.site("demo").expect("the site is there");
            assert!(
                token::verify(site, NOW, body).is_err(),
                "nobody guesses a signature"
            );
            assert!(Capability::open(config.edge_secret(), "demo", NOW, body).is_err());
        }
        _ => {
            // Sites, what an operator adds, and what a deploy made.
            let _ = read(body, &secrets(), None);
            let _ = read(SITES, body, None);
            let _ = read(SITES, "{}", Some(body));
        }
    }
}

/// What is read is written, and reads the same again.
fn with<T: DeserializeOwned + Serialize>(body: &str, check: impl FnOnce(T)) {
    let Ok(value) = serde_json::from_str::<T>(body) else {
        return;
    };
    let written = serde_json::to_string(&value).expect("it came from JSON");
    let again: T = serde_json::from_str(&written).expect("what we write we read");
    assert_eq!(
        serde_json::to_string(&again).expect("it came from JSON"),
        written
    );
    check(value);
}

/// The routes' check and the machine's are one.
fn number(text: &str) {
    assert_eq!(names::is_number(text), Number::parse(text).is_ok());
    assert_eq!(names::is_number(text), Uid::parse(text).is_ok());
    if names::is_number(text) {
        let name = names::line_object("demo", text);
        assert_eq!(names::split_object(&name), Some(("line", "demo", text)));
    }
}

fn device(text: Option<&str>) {
    if let Some(text) = text.filter(|t| names::is_device(t)) {
        assert!(DeviceId::parse(text).is_ok());
    }
}

fn wake(text: &str) {
    if names::is_token_id(text) {
        assert!(WakeId::parse(text).is_ok());
    }
}

fn target(target: &api::PushTarget) {
    let api::WebPushTarget {
        endpoint,
        p256dh,
        auth,
        ..
    } = match target {
        api::PushTarget::WebPush(target) => target,
        api::PushTarget::App(app) => {
            if let Ok(cid) = Cid::parse(&app.cid) {
                assert_eq!(cid.as_str(), app.cid);
                assert!(
                    !format!("{cid:?}").contains(&app.cid),
                    "it stays out of logs"
                );
            }
            return;
        }
    };
    if let Ok(subscription) = Subscription::parse(endpoint, p256dh, auth, &AllowList::default()) {
        assert!(subscription.endpoint().starts_with("https://"));
        let stored = serde_json::to_string(&subscription).expect("it can be stored");
        let again: Subscription = serde_json::from_str(&stored).expect("and read");
        assert_eq!(again, subscription);
    }
}

fn secrets() -> String {
    let signing = "k".repeat(32);
    // 65 octets of 4 and 32 of 0xAB in base64url.
    let (public, private) = ("BAQE".repeat(21), "q6ur".repeat(10));
    format!(
        r#"{{"demo":{{"api_keys":["0123456789abcdef"],"signing_keys":[{{"kid":"a","secret":"{signing}"}}],
            "vapid":{{"public_key":"{public}BAQ","private_key":"{private}q6s"}}}}}}"#
    )
}

fn config() -> Config {
    read(SITES, &secrets(), None).expect("a good configuration")
}

const SITES: &str =
    r#"[{"id":"demo","domain":"demo.example","hosts":["*"],"push":{"subject":"mailto:a@b.c"}}]"#;

fn read(sites: &str, added: &str, made: Option<&str>) -> Result<Config, ConfigError> {
    Config::parse(&Source {
        sites,
        site_secrets: Some(added),
        secret: &|_| made.map(str::to_owned),
        edge_secret: &"e".repeat(32),
    })
}
