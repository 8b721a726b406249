//! Where a push may go, and what a subscription must look like.
#![allow(clippy::unwrap_used, reason = "tests")]

use wakeline_push::{AllowList, EndpointError, Subscription, SubscriptionError, Target};

const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const FCM: &str = "https://fcm.googleapis.com/fcm/send/abc:def";

#[test]
fn the_push_services_of_the_browsers_may_be_called() {
    for endpoint in [
        FCM,
        "https://fcm.googleapis.com:443/wp/x",
        "https://FCM.googleapis.com/wp/x",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://autopush.prod.push.services.mozilla.com/wpush/v2/x",
        "https://wns2-par02p.notify.windows.com/w/?token=x",
        "https://web.push.apple.com/x",
        "https://api.push.apple.com/x",
    ] {
        assert!(AllowList::default().check(endpoint).is_ok(), "{endpoint}");
    }
}

#[test]
fn nothing_else_may_be_called() {
    use EndpointError::{Address, Host, NotAUrl, Port, Scheme, Userinfo};
    for (endpoint, why) in [
        // other hosts, and names that only look like one on the list
        ("https://example.com/", Host),
        ("https://fcm.googleapis.com.evil.example/", Host),
        ("https://evilfcm.googleapis.com/", Host),
        ("https://x.fcm.googleapis.com/", Host),
        ("https://fcm.googleapis.com./", Host),
        ("https://notify.windows.com/", Host),
        ("https://evilnotify.windows.com/", Host),
        ("https://evil.example/fcm.googleapis.com", Host),
        ("https://evil.example?fcm.googleapis.com", Host),
        ("https://evil.example#fcm.googleapis.com", Host),
        ("https://evil.example\\fcm.googleapis.com", Host),
        ("https://localhost/", Host),
        ("https://metadata.google.internal/", Host),
        // credentials that hide the host
        ("https://fcm.googleapis.com@evil.example/", Userinfo),
        ("https://u:p@fcm.googleapis.com/", Userinfo),
        ("https://:p@fcm.googleapis.com/", Userinfo),
        // addresses in every spelling
        ("https://127.0.0.1/", Address),
        ("https://2130706433/", Address),
        ("https://0x7f.1/", Address),
        ("https://017700000001/", Address),
        ("https://169.254.169.254/latest/meta-data", Address),
        ("https://[::1]/", Address),
        ("https://[::ffff:127.0.0.1]/", Address),
        ("https://①②⑦.0.0.1/", Address),
        // ports and schemes
        ("https://fcm.googleapis.com:8443/", Port),
        ("https://fcm.googleapis.com:22/", Port),
        ("http://fcm.googleapis.com/", Scheme),
        ("ws://fcm.googleapis.com/", Scheme),
        ("file:///etc/passwd", Scheme),
        ("javascript:alert(1)", Scheme),
        ("data:text/plain,fcm.googleapis.com", Scheme),
        // no URL
        ("", NotAUrl),
        ("fcm.googleapis.com/fcm/send/x", NotAUrl),
        ("//fcm.googleapis.com/", NotAUrl),
        ("https://", NotAUrl),
        ("https://fcm.googleapis.com:99999/", NotAUrl),
    ] {
        assert_eq!(AllowList::default().check(endpoint), Err(why), "{endpoint}");
    }
    let long = format!("{FCM}{}", "x".repeat(2048));
    assert_eq!(
        AllowList::default().check(&long),
        Err(EndpointError::TooLong)
    );
}

#[test]
fn what_is_called_is_what_was_checked() {
    let tricky = "https://fcm.googleapis.com\t/a/../b\n?x";
    assert_eq!(
        AllowList::default().check(tricky).unwrap().as_str(),
        "https://fcm.googleapis.com/b?x"
    );
}

#[test]
fn this_machine_may_be_called_only_in_development() {
    let dev = AllowList::default().with_loopback(true);
    for endpoint in [
        "http://127.0.0.1:8080/push/x",
        "http://localhost:1/",
        "https://[::1]:9/",
        "http://127.8.9.1/",
    ] {
        assert!(AllowList::default().check(endpoint).is_err(), "{endpoint}");
        assert!(dev.check(endpoint).is_ok(), "{endpoint}");
    }
    for endpoint in [
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://localhost.evil.example/",
        "http://fcm.googleapis.com/",
        "ftp://localhost/",
        "http://u@localhost/",
        "http://0.0.0.0/",
    ] {
        assert!(dev.check(endpoint).is_err(), "{endpoint}");
    }
}

#[test]
fn a_site_may_set_its_own_list() {
    let own = AllowList::new(["push.corp.example", "*.PUSH.example"]).unwrap();
    assert!(own.check("https://push.corp.example/x").is_ok());
    assert!(own.check("https://a.b.push.example/x").is_ok());
    assert_eq!(
        own.check("https://push.example/x"),
        Err(EndpointError::Host)
    );
    assert_eq!(own.check(FCM), Err(EndpointError::Host));
    assert_eq!(
        AllowList::new([""; 0]).unwrap().check(FCM),
        Err(EndpointError::Host)
    );
}

#[test]
fn a_pattern_that_allows_too_much_or_means_nothing_is_refused() {
    for pattern in [
        "",
        "*",
        "*.",
        "*.com",
        "com",
        "**.example.com",
        "a.*.example",
        "*.*.example.com",
        "https://push.example",
        "push.example:443",
        "push.example/",
        "10.0.0.1",
        "[::1]",
        ".example.com",
        "a..example",
        "a b.example",
    ] {
        assert!(AllowList::new([pattern]).is_err(), "{pattern}");
    }
}

#[test]
fn a_subscription_is_read_in_either_base64_with_or_without_padding() {
    let allow = AllowList::default();
    let usual = Subscription::parse(FCM, P256DH, AUTH, &allow).unwrap();
    let plain = |text: &str| text.replace('-', "+").replace('_', "/");
    let padded = Subscription::parse(
        FCM,
        &format!("{}=", plain(P256DH)),
        &format!("{}==", plain(AUTH)),
        &allow,
    )
    .unwrap();
    assert!(usual == padded);
    assert_eq!(
        (
            usual.endpoint(),
            usual.p256dh().as_octets()[0],
            usual.auth()[0]
        ),
        (FCM, 4, 5)
    );
}

#[test]
fn keys_of_another_form_are_refused() {
    let parse = |p256dh: &str, auth: &str| {
        Subscription::parse(FCM, p256dh, auth, &AllowList::default()).err()
    };
    let compressed = "AiVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx";
    for p256dh in [
        "",
        "!",
        compressed,
        &P256DH[..80],
        &format!("A{}", &P256DH[1..]),
        &"A".repeat(10_000),
    ] {
        assert_eq!(
            parse(p256dh, AUTH),
            Some(SubscriptionError::P256dh),
            "{p256dh:.20}"
        );
    }
    for auth in [
        "",
        "AAAA",
        &P256DH[..24],
        &"A".repeat(10_000),
        "BTBZMqHH6r4Tts7J_aSIg ~",
    ] {
        assert_eq!(
            parse(P256DH, auth),
            Some(SubscriptionError::Auth),
            "{auth:.20}"
        );
    }
}

#[test]
fn a_target_is_stored_with_its_kind_and_never_shown_in_a_log() {
    let target =
        Target::WebPush(Subscription::parse(FCM, P256DH, AUTH, &AllowList::default()).unwrap());
    let json = serde_json::to_value(&target).unwrap();
    assert_eq!(
        json,
        serde_json::json!({ "kind": "webpush", "endpoint": FCM, "p256dh": P256DH, "auth": AUTH })
    );
    assert!(serde_json::from_value::<Target>(json).unwrap() == target);
    assert!(
        serde_json::from_str::<Target>(
            r#"{"kind":"webpush","endpoint":"x","p256dh":"x","auth":"x"}"#
        )
        .is_err()
    );
    let log = format!("{target:?}");
    assert!(
        ![FCM, P256DH, AUTH]
            .iter()
            .any(|secret| log.contains(secret)),
        "{log}"
    );
}

#[test]
fn a_callback_goes_to_named_hosts_only_and_those_are_public() {
    let named = AllowList::new(["pbx.example.com", "*.calls.example.com"]).unwrap();
    for good in [
        "https://pbx.example.com/wakes",
        "https://PBX.example.com:8443/a?b=c",
        "https://pbx.example.com./",
        "https://eu.calls.example.com/",
    ] {
        assert!(named.check_callback(good).is_ok(), "{good}");
    }
    // Names that resolve inward are names like others: what stands against them is that nobody has named them.
    let bad = [
        ("https://10.0.0.1.nip.io/", EndpointError::Unnamed),
        ("https://127.0.0.1.nip.io/", EndpointError::Unnamed),
        ("https://localtest.me/", EndpointError::Unnamed),
        ("https://10-0-0-1.sslip.io/", EndpointError::Unnamed),
        ("https://rebind.attacker.example/", EndpointError::Unnamed),
        (
            "https://pbx.example.com.evil.example/",
            EndpointError::Unnamed,
        ),
        ("https://evilpbx.example.com/", EndpointError::Unnamed),
        ("https://calls.example.com/", EndpointError::Unnamed),
        ("http://pbx.example.com/", EndpointError::Scheme),
        ("ftp://pbx.example.com/", EndpointError::Scheme),
        ("https://user:pw@pbx.example.com/", EndpointError::Userinfo),
        ("https://pbx.example.com@10.0.0.1/", EndpointError::Userinfo),
        ("https://127.0.0.1/", EndpointError::Address),
        ("https://127.1/", EndpointError::Address),
        ("https://2130706433/", EndpointError::Address),
        ("https://0x7f.1/", EndpointError::Address),
        ("https://017700000001/", EndpointError::Address),
        (
            "https://169.254.169.254/latest/meta-data",
            EndpointError::Address,
        ),
        ("https://192.168.1.1/", EndpointError::Address),
        ("https://172.16.0.1/", EndpointError::Address),
        ("https://100.64.0.1/", EndpointError::Address),
        ("https://0.0.0.0/", EndpointError::Address),
        ("https://203.0.113.9/", EndpointError::Address),
        ("https://[::1]/", EndpointError::Address),
        ("https://[::]/", EndpointError::Address),
        ("https://[::ffff:10.0.0.1]/", EndpointError::Address),
        ("https://[::ffff:7f00:1]/", EndpointError::Address),
        ("https://[fd00::1]/", EndpointError::Address),
        ("https://[fe80::1]/", EndpointError::Address),
        ("https://[64:ff9b::7f00:1]/", EndpointError::Address),
        ("https://[2002:7f00:1::]/", EndpointError::Address),
        ("https://localhost/", EndpointError::Inside),
        ("https://pbx/", EndpointError::Inside),
        ("https://metadata.google.internal/", EndpointError::Inside),
        ("https://pbx.local./", EndpointError::Inside),
        ("https://a.localhost/", EndpointError::Inside),
        ("pbx.example.com", EndpointError::NotAUrl),
    ];
    for (address, why) in bad {
        assert_eq!(named.check_callback(address), Err(why), "{address}");
    }
    // Nobody named is nobody called, and a name of some network inside does not become public by being named.
    let nobody = AllowList::new([""; 0]).unwrap();
    assert_eq!(
        nobody.check_callback("https://pbx.example.com/"),
        Err(EndpointError::Unnamed)
    );
    let inside = AllowList::new(["pbx.internal", "*.localhost.local"]).unwrap();
    assert_eq!(
        inside.check_callback("https://pbx.internal/"),
        Err(EndpointError::Inside)
    );
    let development = nobody.with_loopback(true);
    assert!(
        development
            .check_callback("http://127.0.0.1:8080/cb")
            .is_ok()
    );
    assert_eq!(
        development.check_callback("http://10.0.0.1/cb"),
        Err(EndpointError::Scheme)
    );
}
