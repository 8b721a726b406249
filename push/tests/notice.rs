//! What a device is told: shapes, words, sizes and lives of notices.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};
use wakeline_push::{Caller, Kind, Lang, MAX_PLAINTEXT, Notice, PayloadError, Topic, payload};

const WAKE: &str = "pZ5zF0nEoCL3y1aB9QmXdw";
const NOW: u64 = 1_800_000_000_000;

fn notice(kind: Kind, lang: Lang) -> Notice {
    Notice {
        kind,
        wake: WAKE.into(),
        number: "1002".into(),
        caller: Caller {
            number: "1001".into(),
            display_name: "Alice".into(),
        },
        issued_at: NOW,
        expires_at: NOW + 60_000,
        capability: "cap".into(),
        attempt: 1,
        lang,
        origin: "https://phone.example".into(),
    }
}

fn said(notice: &Notice) -> Value {
    serde_json::from_slice(&payload(notice).unwrap()).unwrap()
}

#[test]
fn an_invitation_has_the_shape_of_declarative_web_push_and_our_own_part() {
    assert_eq!(
        said(&notice(Kind::Invitation, Lang::En)),
        json!({
            "web_push": 8030,
            "notification": {
                "title": "Alice is calling",
                "body": "1001 · Tap to answer",
                "navigate": format!("https://phone.example/?wake={WAKE}"),
                "tag": Topic::of(WAKE).as_str(),
                "silent": false,
                "lang": "en",
            },
            "mutable": true,
            "wakeline": {
                "kind": "invitation",
                "wake": WAKE,
                "caller": { "number": "1001", "display_name": "Alice" },
                "issued_at": NOW,
                "expires_at": NOW + 60_000,
                "capability": "cap",
                "attempt": 1,
                "number": "1002",
            },
        })
    );
}

#[test]
fn each_kind_has_its_words_in_both_languages() {
    let words = |kind, lang| {
        let said = said(&notice(kind, lang));
        assert_eq!(
            said["wakeline"]["kind"],
            serde_json::to_value(kind).unwrap()
        );
        [
            said["notification"]["title"].as_str().unwrap().to_owned(),
            said["notification"]["body"].as_str().unwrap().to_owned(),
        ]
    };
    for (kind, en, zh) in [
        (
            Kind::Invitation,
            ["Alice is calling", "1001 · Tap to answer"],
            ["Alice 来电", "1001 · 点按接听"],
        ),
        (
            Kind::Missed,
            ["Missed call from Alice", "1001 · Tap to call back"],
            ["未接来电:Alice", "1001 · 点按回拨"],
        ),
        (
            Kind::Cancelled,
            ["Missed call from Alice", "1001 · The caller hung up"],
            ["未接来电:Alice", "1001 · 对方已挂断"],
        ),
        (
            Kind::Elsewhere,
            ["Call from Alice", "1001 · Answered on another device"],
            ["Alice 的来电", "1001 · 已在其他设备接听"],
        ),
        (
            Kind::Declined,
            ["Call from Alice", "1001 · Declined on another device"],
            ["Alice 的来电", "1001 · 已在其他设备拒接"],
        ),
    ] {
        assert_eq!(words(kind, Lang::En), en, "{kind:?}");
        assert_eq!(words(kind, Lang::Zh), zh, "{kind:?}");
    }
}

#[test]
fn only_an_invitation_makes_a_sound_and_all_share_one_tag() {
    for kind in Kind::ALL {
        let said = said(&notice(kind, Lang::Zh));
        assert_eq!(said["notification"]["silent"], kind != Kind::Invitation);
        assert_eq!(said["notification"]["tag"], Topic::of(WAKE).as_str());
        assert_eq!(said["notification"]["lang"], "zh-CN");
    }
}

#[test]
fn a_caller_without_a_name_is_called_by_number_once() {
    let mut unnamed = notice(Kind::Invitation, Lang::En);
    unnamed.caller.display_name = " \t".into();
    let said = said(&unnamed);
    assert_eq!(said["notification"]["title"], "1001 is calling");
    assert_eq!(said["notification"]["body"], "Tap to answer");
}

#[test]
fn a_name_cannot_carry_control_characters_or_turn_the_reading_direction() {
    let mut nasty = notice(Kind::Invitation, Lang::En);
    nasty.caller.display_name =
        "\r\n  Bank\u{202E}\u{0}\u{7f}\tof \u{200B}\u{2066} \u{85}you\n".into();
    assert_eq!(
        said(&nasty)["wakeline"]["caller"]["display_name"],
        "Bank of you"
    );
}

#[test]
fn markup_stays_text() {
    let mut bold = notice(Kind::Missed, Lang::En);
    bold.caller.display_name = "<b>\"Bob\"</b> & \\co".into();
    assert_eq!(
        said(&bold)["notification"]["title"],
        "Missed call from <b>\"Bob\"</b> & \\co"
    );
}

#[test]
fn a_long_name_ends_in_an_ellipsis() {
    let mut long = notice(Kind::Invitation, Lang::En);
    long.caller.display_name = "名".repeat(500);
    let name = said(&long)["wakeline"]["caller"]["display_name"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(name, format!("{}…", "名".repeat(95)));
}

#[test]
fn a_notice_that_is_too_long_without_any_name_is_refused() {
    let mut long = notice(Kind::Invitation, Lang::En);
    long.capability = "c".repeat(MAX_PLAINTEXT);
    assert!(matches!(payload(&long), Err(PayloadError::TooLong(_))));
}

#[test]
fn an_origin_with_a_slash_gives_the_same_address() {
    let mut slash = notice(Kind::Invitation, Lang::En);
    slash.origin.push('/');
    assert_eq!(said(&slash), said(&notice(Kind::Invitation, Lang::En)));
}

#[test]
fn an_invitation_lives_as_long_as_it_can_be_answered_and_a_replacement_by_its_own_right() {
    let invitation = notice(Kind::Invitation, Lang::En);
    assert_eq!(invitation.ttl(NOW), Some(60));
    assert_eq!(invitation.ttl(NOW + 44_600), Some(16));
    assert_eq!(invitation.ttl(NOW + 59_999), Some(1));
    assert_eq!(invitation.ttl(NOW + 60_000), None);
    assert_eq!(invitation.ttl(u64::MAX), None);
    for (kind, seconds) in [
        (Kind::Missed, 86_400),
        (Kind::Cancelled, 86_400),
        (Kind::Elsewhere, 60),
        (Kind::Declined, 60),
    ] {
        assert_eq!(
            notice(kind, Lang::En).ttl(NOW + 600_000),
            Some(seconds),
            "{kind:?}"
        );
    }
}

#[test]
fn a_topic_is_32_base64url_characters_of_the_wakes_hash() {
    // printf abc | sha256sum → ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c …
    assert_eq!(
        Topic::of("abc").as_str(),
        "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qc"
    );
    assert_ne!(Topic::of(WAKE), Topic::of("another"));
}

#[test]
fn a_language_is_found_by_its_first_part() {
    for (tag, lang) in [
        ("zh", Lang::Zh),
        ("zh-Hant-TW", Lang::Zh),
        ("ZH_cn", Lang::Zh),
        ("en-GB", Lang::En),
        ("zha", Lang::En),
        ("", Lang::En),
    ] {
        assert_eq!(Lang::of(tag), lang, "{tag}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_name_fits_and_is_shown_from_its_beginning(name in any::<String>(), repeat in 1..200_usize, capability in 0..3_400_usize, kind in 0..5_usize) {
        let mut any = notice(Kind::ALL[kind], if repeat % 2 == 0 { Lang::En } else { Lang::Zh });
        any.caller.display_name = name.repeat(repeat);
        any.capability = "c".repeat(capability);
        let octets = payload(&any).unwrap();
        prop_assert!(octets.len() <= MAX_PLAINTEXT);
        let said: Value = serde_json::from_slice(&octets).unwrap();
        let shown = said["wakeline"]["caller"]["display_name"].as_str().unwrap();
        prop_assert!(!shown.chars().any(char::is_control));
        prop_assert!(shown.chars().count() <= 96);
        prop_assert_eq!(shown.trim(), shown);
        let from = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let cut = from(shown.strip_suffix('…').unwrap_or(shown));
        let whole = from(&any.caller.display_name);
        let mut rest = whole.chars();
        prop_assert!(cut.chars().all(|c| rest.any(|r| r == c)), "{cut:?} is not in {whole:?}");
    }
}
