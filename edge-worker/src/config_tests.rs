use super::*;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};

pub const SITES: &str = r#"[
 {"id":"demo","domain":"demo.example","hosts":["edge.demo.example"],"origins":["https://app.example"],
  "push":{"subject":"mailto:ops@demo.example"},"limits":{"ready_s":5}},
 {"id":"other","domain":"other.example","hosts":["*"],"push":{"subject":"mailto:ops@other.example"}}]"#;

fn secrets() -> String {
    let one = format!(
        r#"{{"api_keys":["0123456789abcdef"],"signing_keys":[{{"kid":"a","secret":"{}"}}],
            "vapid":{{"public_key":"{}","private_key":"{}"}}}}"#,
        "k".repeat(32),
        B64.encode([4u8; 65]),
        B64.encode([0xABu8; 32]),
    );
    format!(r#"{{"demo":{one},"other":{one}}}"#)
}

/// With `SITE_SECRETS` alone.
fn parse(sites: &str, secrets: &str, edge_secret: &str) -> Result<Config, ConfigError> {
    Config::parse(&Source {
        sites,
        site_secrets: Some(secrets),
        secret: &|_| None,
        edge_secret,
    })
}

fn config(sites: &str) -> Result<Config, ConfigError> {
    parse(sites, &secrets(), &"e".repeat(32))
}

#[test]
fn a_host_chooses_its_site_and_the_star_takes_the_rest() {
    let c = config(SITES).unwrap();
    let id = |host| c.site_for_host(host).map(|s| s.id.as_str());
    assert_eq!(id("edge.demo.example"), Some("demo"));
    assert_eq!(id("EDGE.demo.example:443"), Some("demo"));
    assert_eq!(id("127.0.0.1:8787"), Some("other"));
    assert_eq!(c.site("demo").unwrap().limits.ready_s, 5);
    assert_eq!(c.site("demo").unwrap().limits.ring_s, 60);
}

#[test]
fn what_is_wrong_is_said() {
    let with = |from: &str, to: &str| config(&SITES.replacen(from, to, 1)).unwrap_err();
    assert_eq!(with("\"demo\"", "\"Demo\""), ConfigError::Id("Demo".into()));
    assert_eq!(
        with("\"*\"", "\"edge.demo.example\""),
        ConfigError::Host("edge.demo.example".into())
    );
    assert_eq!(
        with("demo.example\",\"hosts", "a/b\",\"hosts"),
        ConfigError::Domain("demo".into())
    );
    assert!(matches!(
        with("https://app.example", "https://app.example/"),
        ConfigError::Origin { .. }
    ));
    assert!(matches!(
        with("\"ready_s\":5", "\"ready_s\":0"),
        ConfigError::Range { .. }
    ));
    assert!(matches!(
        with("\"ready_s\"", "\"raedy_s\""),
        ConfigError::Json { name: "SITES", .. }
    ));
    assert!(matches!(
        with("mailto:ops@demo", "ops@demo"),
        ConfigError::Key { .. }
    ));
    assert_eq!(config("[]").unwrap_err(), ConfigError::NoSite);
    assert_eq!(
        parse(SITES, "{}", &"e".repeat(32)).unwrap_err(),
        ConfigError::NoSecrets("demo".into())
    );
    assert_eq!(
        parse(SITES, &secrets(), "short").unwrap_err(),
        ConfigError::EdgeSecret
    );
}

#[test]
fn nothing_secret_shows_in_debug() {
    let text = format!("{:?}", config(SITES).unwrap());
    for secret in [
        "kkkk",
        "0123456789abcdef",
        "eeee",
        &B64.encode([0xABu8; 32])[..8],
    ] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[test]
fn only_the_sites_key_is_its_key() {
    let c = config(SITES).unwrap();
    let site = c.site("demo").unwrap();
    assert!(site.is_api_key("0123456789abcdef"));
    assert!(!site.is_api_key("0123456789abcdeF") && !site.is_api_key(""));
}

#[test]
fn origins_are_the_sites_and_the_edges_own() {
    let c = config(SITES).unwrap();
    let site = c.site("demo").unwrap();
    assert!(site.allows_origin("https://app.example", "https://edge.demo.example"));
    assert!(site.allows_origin("https://edge.demo.example", "https://edge.demo.example"));
    assert!(!site.allows_origin("https://evil.example", "https://edge.demo.example"));
    assert!(!site.allows_origin("null", "https://edge.demo.example"));
}

#[test]
fn a_former_vapid_key_stays_for_its_subscriptions() {
    let key = |octet: u8| B64.encode([[4u8; 1].as_slice(), &[octet; 64]].concat());
    let pair = |octet| {
        format!(
            r#"{{"public_key":"{}","private_key":"{}"}}"#,
            key(octet),
            B64.encode([octet; 32])
        )
    };
    let secrets = |previous: &str| {
        format!(
            r#"{{"signing_keys":[{{"kid":"a","secret":"{}"}}],"vapid":{},"vapid_previous":[{previous}]}}"#,
            "k".repeat(32),
            pair(1)
        )
    };
    let read = |previous: &str| {
        let one = secrets(previous);
        parse(
            SITES,
            &format!(r#"{{"demo":{one},"other":{one}}}"#),
            &"e".repeat(32),
        )
    };
    let config = read(&format!("{},{}", pair(2), pair(3))).unwrap();
    let site = config.site("demo").unwrap();
    let order = |subscribed: Option<&str>| -> Vec<_> {
        let keys = site.vapid_keys_for(subscribed).unwrap();
        keys.iter()
            .map(wakeline_push::VapidKeys::public_key)
            .collect()
    };
    assert_eq!(site.vapid_keys().unwrap().public_key(), key(1));
    assert_eq!(order(None), [key(1), key(2), key(3)]);
    assert_eq!(order(Some(&key(1))), [key(1), key(2), key(3)]);
    assert_eq!(order(Some(&key(3))), [key(3), key(1), key(2)]);
    assert_eq!(order(Some(&key(9))), [key(1), key(2), key(3)]);
    assert!(matches!(
        read(r#"{"public_key":"x","private_key":"x"}"#),
        Err(ConfigError::Key { .. })
    ));
    assert!(matches!(
        read(&vec![pair(2); 5].join(",")),
        Err(ConfigError::Range { .. })
    ));
}

#[test]
fn keys_of_a_deploy_stand_where_an_operator_has_written_none() {
    let pair = |octet: u8| {
        format!(
            r#"{{"public_key":"{}","private_key":"{}"}}"#,
            B64.encode([[4u8; 1].as_slice(), &[octet; 64]].concat()),
            B64.encode([octet; 32])
        )
    };
    let made = |octet: u8| {
        format!(
            r#"{{"api_keys":["made-made-made-made-{octet}"],"signing_keys":[{{"kid":"m","secret":"{}"}}],"vapid":{}}}"#,
            "m".repeat(32),
            pair(octet)
        )
    };
    let secret = |name: &str| match name {
        "SITE_KEYS_DEMO" => Some(made(1)),
        "SITE_KEYS_OTHER_2" => Some(made(2)),
        _ => None,
    };
    let sites = SITES.replace("\"other\"", "\"other-2\"");
    let read = |site_secrets, secret: &dyn Fn(&str) -> Option<String>| {
        Config::parse(&Source {
            sites: &sites,
            site_secrets,
            secret,
            edge_secret: &"e".repeat(32),
        })
    };
    let vapid = |config: &Config, id| config.site(id).unwrap().vapid.public_key.clone();
    let config = read(None, &secret).unwrap();
    assert!(vapid(&config, "demo") != vapid(&config, "other-2"));
    assert!(
        config
            .site("demo")
            .unwrap()
            .is_api_key("made-made-made-made-1")
    );

    // What an operator writes is added, and stands in the place of what was made.
    let written = format!(
        r#"{{"demo":{{"vapid":{},"vapid_previous":[{}]}}}}"#,
        pair(9),
        pair(1)
    );
    let changed = read(Some(&written), &secret).unwrap();
    assert_ne!(vapid(&changed, "demo"), vapid(&config, "demo"));
    assert_eq!(vapid(&changed, "other-2"), vapid(&config, "other-2"));
    assert!(
        changed
            .site("demo")
            .unwrap()
            .is_api_key("made-made-made-made-1")
    );

    // A site that has none is named; nothing is made up for it.
    let one = |name: &str| (name == "SITE_KEYS_DEMO").then(|| made(1));
    assert_eq!(
        read(None, &one).unwrap_err(),
        ConfigError::NoSecrets("other-2".into())
    );
    let broken = |_: &str| Some("{}".to_owned());
    assert_eq!(
        read(None, &broken).unwrap_err(),
        ConfigError::Keys("demo".into())
    );
}
