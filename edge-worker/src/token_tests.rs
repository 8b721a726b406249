use super::*;
use crate::config::{Config, Source};

const NOW: u64 = 1_700_000_000_000;

fn config(kids: &[(&str, &str)]) -> Config {
    let keys: Vec<_> = kids
        .iter()
        .map(|(kid, c)| format!(r#"{{"kid":"{kid}","secret":"{}"}}"#, c.repeat(32)))
        .collect();
    let secrets = format!(
        r#"{{"demo":{{"signing_keys":[{}],"vapid":{{"public_key":"{}","private_key":"{}"}}}}}}"#,
        keys.join(","),
        B64.encode([4u8; 65]),
        B64.encode([0xABu8; 32]),
    );
    let sites = r#"[{"id":"demo","domain":"demo.example","hosts":["*"],"push":{"subject":"mailto:a@b.c"}}]"#;
    Config::parse(&Source {
        sites,
        site_secrets: Some(&secrets),
        secret: &|_| None,
        edge_secret: &"e".repeat(32),
    })
    .unwrap()
}

fn claims() -> Claims {
    Claims {
        iss: "demo".into(),
        sub: "u-1".into(),
        num: "1001".into(),
        name: Some("Ada".into()),
        dev: None,
        iat: NOW / 1000,
        exp: NOW / 1000 + 3600,
        aud: AUDIENCE.into(),
    }
}

#[test]
fn a_token_is_good_until_it_ends() {
    let c = config(&[("a", "x")]);
    let site = c.site("demo").unwrap();
    let token = mint(site, &claims());
    assert_eq!(verify(site, NOW, &token), Ok(claims()));
    assert_eq!(
        verify(site, NOW + 3_600_000, &token),
        Err(TokenError::Expired)
    );
    assert_eq!(
        verify(site, NOW - 120_000, &token),
        Err(TokenError::Expired)
    );
}

#[test]
fn two_keys_are_valid_during_rotation_and_a_removed_one_is_not() {
    let (old, both, new) = (
        config(&[("a", "x")]),
        config(&[("b", "y"), ("a", "x")]),
        config(&[("b", "y")]),
    );
    let token = mint(old.site("demo").unwrap(), &claims());
    assert!(verify(both.site("demo").unwrap(), NOW, &token).is_ok());
    assert_eq!(
        verify(new.site("demo").unwrap(), NOW, &token),
        Err(TokenError::Signature)
    );
    assert!(
        verify(
            both.site("demo").unwrap(),
            NOW,
            &mint(new.site("demo").unwrap(), &claims())
        )
        .is_ok()
    );
}

#[test]
fn forged_and_foreign_tokens_are_refused() {
    let c = config(&[("a", "x")]);
    let site = c.site("demo").unwrap();
    let token = mint(site, &claims());
    let (data, tag) = token.rsplit_once('.').unwrap();
    let (header, _) = data.split_once('.').unwrap();
    let other = B64.encode(
        serde_json::to_vec(&Claims {
            num: "1002".into(),
            ..claims()
        })
        .unwrap(),
    );
    assert_eq!(
        verify(site, NOW, &format!("{header}.{other}.{tag}")),
        Err(TokenError::Signature)
    );
    let none = B64.encode(r#"{"alg":"none"}"#);
    assert_eq!(
        verify(site, NOW, &format!("{none}.{other}.")),
        Err(TokenError::Malformed)
    );
    for (change, error) in [
        (
            Claims {
                iss: "other".into(),
                ..claims()
            },
            TokenError::Foreign,
        ),
        (
            Claims {
                aud: "somebody".into(),
                ..claims()
            },
            TokenError::Foreign,
        ),
        (
            Claims {
                num: "1001:x".into(),
                ..claims()
            },
            TokenError::Malformed,
        ),
        (
            Claims {
                dev: Some("x".into()),
                ..claims()
            },
            TokenError::Malformed,
        ),
    ] {
        assert_eq!(verify(site, NOW, &mint(site, &change)), Err(error));
    }
    for junk in ["", ".", "..", "a.b.c", &"a".repeat(5000)] {
        assert_eq!(
            verify(site, NOW, junk),
            Err(TokenError::Malformed),
            "{junk:.8}"
        );
    }
}

#[test]
fn a_capability_speaks_for_one_device_in_one_wake() {
    let cap = Capability {
        site: "demo".into(),
        number: "1002".into(),
        wake: "AAAAAAAAAAAAAAAAAAAAAA".into(),
        device: "0189d2c4-7a1b-4c3d-8e9f-0123456789ab".into(),
        expires_at: NOW + 1000,
    };
    let sealed = cap.seal(b"edge");
    assert_eq!(
        Capability::open(b"edge", "demo", NOW, &sealed),
        Ok(cap.clone())
    );
    assert_eq!(
        Capability::open(b"edge", "demo", NOW + 1000, &sealed),
        Err(TokenError::Expired)
    );
    assert_eq!(
        Capability::open(b"edge", "other", NOW, &sealed),
        Err(TokenError::Foreign)
    );
    assert_eq!(
        Capability::open(b"other", "demo", NOW, &sealed),
        Err(TokenError::Signature)
    );
    let tag = sealed.split_once('.').unwrap().1;
    let changed = B64.encode(format!(
        "demo:1003:{}:{}:{}",
        cap.wake, cap.device, cap.expires_at
    ));
    assert_eq!(
        Capability::open(b"edge", "demo", NOW, &format!("{changed}.{tag}")),
        Err(TokenError::Signature)
    );
    assert_eq!(
        Capability::open(b"edge", "demo", NOW, ""),
        Err(TokenError::Malformed)
    );
}
