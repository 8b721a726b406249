//! Whole requests: headers of RFC 8030, VAPID of RFC 8292, and what is never sent.
#![allow(clippy::unwrap_used, reason = "tests")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use pollster::block_on;
use serde_json::Value;
use wakeline_push::crypto::PrivateKey;
use wakeline_push::{
    AllowList, Bare, Caller, CryptoError, EndpointError, Kind, Lang, Notice, Request, RequestError,
    RustCrypto, Subscription, Target, Tokens, Topic, Vapid, VapidError, VapidKeys, decrypt,
    payload, request,
};

const NOW: u64 = 1_800_000_000_000;
const HOUR: u64 = 60 * 60 * 1000;
const SUBJECT: &str = "mailto:operator@phone.example";

struct Site {
    vapid: Vapid<RustCrypto>,
    public: String,
    allow: AllowList,
    browser: PrivateKey,
    target: Target,
}

impl Site {
    fn new() -> Self {
        let (public, private) = key_pair();
        let vapid = block_on(Vapid::new(
            &RustCrypto,
            &VapidKeys::parse(&public, &private).unwrap(),
            SUBJECT,
        ))
        .unwrap();
        let browser = PrivateKey::generate().unwrap();
        let target = target("https://fcm.googleapis.com/fcm/send/x", &browser);
        Self {
            vapid,
            public,
            allow: AllowList::default(),
            browser,
            target,
        }
    }

    fn push(&self, now: u64, notice: &Notice) -> Result<Request, RequestError> {
        block_on(request(
            &RustCrypto,
            &self.vapid,
            &self.allow,
            now,
            &self.target,
            notice,
        ))
    }
}

fn target(endpoint: &str, browser: &PrivateKey) -> Target {
    let p256dh = B64.encode(browser.public().as_octets());
    let allow = AllowList::default().with_loopback(true);
    Target::WebPush(Subscription::parse(endpoint, &p256dh, &B64.encode([7; 16]), &allow).unwrap())
}

fn key_pair() -> (String, String) {
    let key = PrivateKey::generate().unwrap();
    (
        B64.encode(key.public().as_octets()),
        B64.encode(key.to_octets()),
    )
}

fn notice(kind: Kind, now: u64) -> Notice {
    Notice {
        kind,
        wake: "pZ5zF0nEoCL3y1aB9QmXdw".into(),
        number: "1002".into(),
        caller: Caller {
            number: "1001".into(),
            display_name: "Alice".into(),
        },
        issued_at: now,
        expires_at: now + 60_000,
        capability: "cap".into(),
        attempt: 1,
        lang: Lang::En,
        origin: "https://phone.example".into(),
    }
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let mut found = request.headers.iter().filter(|(n, _)| *n == name);
    let value = &found.next().unwrap().1;
    assert!(found.next().is_none(), "{name} twice");
    value
}

#[test]
fn a_request_carries_the_headers_of_rfc_8030_and_a_body_that_the_browser_reads() {
    let site = Site::new();
    let invitation = notice(Kind::Invitation, NOW);
    let made = site.push(NOW + 15_000, &invitation).unwrap();
    assert_eq!(
        (made.method, made.url.as_str()),
        ("POST", "https://fcm.googleapis.com/fcm/send/x")
    );
    assert_eq!(header(&made, "ttl"), "45");
    assert_eq!(header(&made, "urgency"), "high");
    assert_eq!(header(&made, "topic"), Topic::of(&invitation.wake).as_str());
    assert_eq!(header(&made, "content-encoding"), "aes128gcm");
    assert_eq!(header(&made, "content-type"), "application/octet-stream");
    assert_eq!(
        decrypt(&site.browser, &[7; 16], &made.body),
        Some(payload(&invitation).unwrap())
    );
}

#[test]
fn a_replacement_takes_the_place_of_its_invitation_with_a_life_of_its_own() {
    let site = Site::new();
    let invitation = site.push(NOW, &notice(Kind::Invitation, NOW)).unwrap();
    for (kind, ttl) in [
        (Kind::Missed, "86400"),
        (Kind::Cancelled, "86400"),
        (Kind::Elsewhere, "60"),
        (Kind::Declined, "60"),
    ] {
        let made = site.push(NOW + 90_000, &notice(kind, NOW)).unwrap();
        assert_eq!(header(&made, "topic"), header(&invitation, "topic"));
        assert_eq!(
            (header(&made, "ttl"), header(&made, "urgency")),
            (ttl, "high")
        );
    }
}

#[test]
fn an_expired_invitation_is_not_sent() {
    assert_eq!(
        Site::new().push(NOW + 60_000, &notice(Kind::Invitation, NOW)),
        Err(RequestError::Expired)
    );
}

#[test]
fn an_endpoint_that_left_the_list_is_not_called_and_not_forgotten() {
    let mut site = Site::new();
    site.allow = AllowList::new(["push.example.net"]).unwrap();
    let refused = site.push(NOW, &notice(Kind::Invitation, NOW)).unwrap_err();
    assert_eq!(refused, RequestError::Endpoint(EndpointError::Host));
    assert!(!refused.drops_subscription());
}

#[test]
fn a_subscription_whose_key_is_no_point_is_forgotten() {
    let mut site = Site::new();
    let Target::WebPush(subscription) = &site.target else {
        panic!("it has keys");
    };
    let mut point = *subscription.p256dh().as_octets();
    point[64] ^= 1;
    let auth = B64.encode(subscription.auth());
    let off = Subscription::parse(
        subscription.endpoint(),
        &B64.encode(point),
        &auth,
        &site.allow,
    );
    site.target = Target::WebPush(off.unwrap());
    assert!(
        site.push(NOW, &notice(Kind::Invitation, NOW))
            .unwrap_err()
            .drops_subscription()
    );
}

#[test]
fn the_vapid_token_says_what_rfc_8292_asks_and_is_signed_by_the_key_beside_it() {
    let site = Site::new();
    let made = site.push(NOW, &notice(Kind::Invitation, NOW)).unwrap();
    let (token, key) = header(&made, "authorization")
        .strip_prefix("vapid t=")
        .unwrap()
        .split_once(", k=")
        .unwrap();
    assert_eq!(key, site.public);
    let [head, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let json = |part: &str| serde_json::from_slice::<Value>(&B64.decode(part).unwrap()).unwrap();
    assert_eq!(
        json(head),
        serde_json::json!({ "typ": "JWT", "alg": "ES256" })
    );
    let claims = json(claims);
    assert_eq!(claims["aud"], "https://fcm.googleapis.com");
    assert_eq!(claims["sub"], SUBJECT);
    let exp = claims["exp"].as_u64().unwrap();
    assert!(exp > NOW / 1000 && exp <= NOW / 1000 + 24 * 60 * 60);

    let verifier = VerifyingKey::from_sec1_bytes(&B64.decode(key).unwrap()).unwrap();
    let signed = token.rsplit_once('.').unwrap().0;
    let signature = Signature::from_slice(&B64.decode(signature).unwrap()).unwrap();
    verifier.verify(signed.as_bytes(), &signature).unwrap();
}

#[test]
fn a_token_is_signed_once_per_push_service_and_renewed_well_before_it_ends() {
    let mut site = Site::new();
    let at = |site: &Site, now| {
        header(
            &site.push(now, &notice(Kind::Invitation, now)).unwrap(),
            "authorization",
        )
        .to_owned()
    };
    let first = at(&site, NOW);
    assert_eq!(at(&site, NOW + 5 * HOUR), first);
    let second = at(&site, NOW + 7 * HOUR);
    assert_ne!(second, first);
    assert_eq!(at(&site, NOW + 8 * HOUR), second);

    let Target::WebPush(subscription) = &site.target else {
        panic!("it has keys");
    };
    site.vapid
        .forget(&site.allow.check(subscription.endpoint()).unwrap());
    assert_ne!(at(&site, NOW + 8 * HOUR), second);

    site.target = target("https://web.push.apple.com/x", &site.browser);
    assert!(at(&site, NOW + 8 * HOUR).contains("vapid t="));
}

#[test]
fn an_audience_is_the_endpoints_origin_with_its_port() {
    let mut site = Site::new();
    site.allow = AllowList::default().with_loopback(true);
    site.target = target("http://127.0.0.1:8123/push/x?y#z", &site.browser);
    let made = site.push(NOW, &notice(Kind::Invitation, NOW)).unwrap();
    let claims = header(&made, "authorization").split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&B64.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["aud"], "http://127.0.0.1:8123");
}

#[test]
fn the_token_cache_lets_go_of_old_stale_and_surplus_tokens() {
    let mut tokens = Tokens::default();
    tokens.keep("a".into(), "one".into(), NOW, NOW + 12 * HOUR);
    assert_eq!(tokens.current("a", NOW), Some("one"));
    assert_eq!(tokens.current("a", NOW + 6 * HOUR - 1), Some("one"));
    assert_eq!(tokens.current("a", NOW + 6 * HOUR), None);
    assert_eq!(tokens.current("a", NOW - 1), None, "a clock that was ahead");
    assert_eq!(tokens.current("b", NOW), None);
    for n in 1..=64 {
        tokens.keep(format!("https://{n}"), "x".into(), NOW + n, NOW + 12 * HOUR);
    }
    assert_eq!(tokens.current("a", NOW + 64), None, "the oldest makes room");
    assert_eq!(tokens.current("https://1", NOW + 64), Some("x"));
}

#[test]
fn keys_that_do_not_belong_together_and_subjects_without_a_contact_are_refused() {
    let ((public, private), (other, _)) = (key_pair(), key_pair());
    let open = |public: &str, private: &str, subject: &str| {
        VapidKeys::parse(public, private)
            .and_then(|keys| block_on(Vapid::new(&RustCrypto, &keys, subject)))
            .err()
    };
    assert_eq!(open(&public, &private, SUBJECT), None);
    assert_eq!(
        open(&public, &private, "https://phone.example/contact"),
        None
    );
    assert_eq!(
        open(&other, &private, SUBJECT),
        Some(VapidError::Crypto(CryptoError::SigningKey))
    );
    assert_eq!(
        open(&public, &B64.encode([0; 32]), SUBJECT),
        Some(VapidError::Crypto(CryptoError::SigningKey))
    );
    assert_eq!(open("AAAA", &private, SUBJECT), Some(VapidError::PublicKey));
    assert_eq!(open(&public, "AAAA", SUBJECT), Some(VapidError::PrivateKey));
    for subject in [
        "",
        "operator@phone.example",
        "mailto:",
        "mailto:nobody",
        "http://phone.example",
        "javascript:alert(1)",
    ] {
        assert_eq!(
            open(&public, &private, subject),
            Some(VapidError::Subject),
            "{subject}"
        );
    }
}

#[test]
fn keys_stay_out_of_logs() {
    let (public, private) = key_pair();
    let log = format!("{:?}", VapidKeys::parse(&public, &private).unwrap());
    assert!(!log.contains(&private));
}

#[test]
fn a_bare_endpoint_gets_an_empty_push_that_says_nothing() {
    let mut site = Site::new();
    let allow = AllowList::default();
    let bare = Bare::parse(
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        &allow,
    )
    .unwrap();
    assert!(!format!("{bare:?}").contains("wpush"), "a secret");
    site.target = Target::Bare(bare);
    let request = site.push(NOW, &notice(Kind::Invitation, NOW)).unwrap();
    assert!(request.body.is_empty());
    let names: Vec<_> = request.headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["authorization", "ttl", "topic", "urgency"]);
    site.allow = AllowList::new(["push.example.net"]).unwrap();
    let refused = site.push(NOW, &notice(Kind::Invitation, NOW)).unwrap_err();
    assert_eq!(refused, RequestError::Endpoint(EndpointError::Host));
    assert_eq!(
        Bare::parse("https://10.0.0.1/", &allow),
        Err(EndpointError::Address)
    );
}
