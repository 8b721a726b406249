//! What `docs/deploy` says to write into `SITES` is taken as it stands there.

use crate::config::{Config, Source};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde_json::{Value, json};
use std::path::Path;

/// The blocks of JSON of a document that are for `SITES`; those of an app's manifest are not.
fn blocks(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for block in text.split("```json\n").skip(1) {
        let (block, _) = block.split_once("```").expect("a block ends");
        let block = block.trim();
        let whole = if block.starts_with('[') {
            block.to_owned()
        } else {
            format!("[{{{block}}}]")
        };
        let sites: Value =
            serde_json::from_str(&whole).unwrap_or_else(|e| panic!("{e} in {block}"));
        if sites[0].get("app-plus").is_none() {
            found.push(sites);
        }
    }
    found
}

/// What stands in a table's cell, between backticks: `"push": {…}`. An ellipsis is for the reader to fill in.
fn cells(text: &str, start: &str) -> Vec<Value> {
    let text = text.replace("//…", "//functions.example").replace('…', "x");
    let inside = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|t| t.starts_with(start));
    inside
        .map(|t| {
            serde_json::from_str(&format!("[{{{t}}}]")).unwrap_or_else(|e| panic!("{e} in {t}"))
        })
        .collect()
}

/// The secrets that such a site needs; what they are is not the documents' business.
fn secrets_for(site: &Value) -> Value {
    let mut secrets = json!({});
    for server in site["call_servers"].as_array().into_iter().flatten() {
        let id = server["id"].as_str().expect("an id");
        secrets["call_servers"][id] = json!(["s".repeat(32)]);
    }
    for (named, secret) in [("sip", "sip_secret"), ("turn", "turn_secret")] {
        if !site[named].is_null() {
            secrets[secret] = json!("s".repeat(32));
        }
    }
    if !site["push"]["getui"].is_null() {
        secrets["getui"] = json!({ "master_secret": "M".repeat(22) });
    }
    if !site["push"]["unicloud"].is_null() {
        secrets["unicloud"] = json!({ "key": "k".repeat(32) });
    }
    secrets
}

/// What every site has, where the document leaves it to another one.
fn completed(mut site: Value) -> Value {
    for (name, value) in [("id", "example"), ("domain", "phone.example.com")] {
        if site[name].is_null() {
            site[name] = json!(value);
        }
    }
    if site["push"]["subject"].is_null() {
        site["push"]["subject"] = json!("mailto:ops@example.com");
    }
    site
}

#[test]
fn what_the_documents_say_to_write_is_taken() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).expect(file);
    let keys = json!({
        "api_keys": ["0123456789abcdef"],
        "signing_keys": [{ "kid": "a", "secret": "k".repeat(32) }],
        "vapid": {
            "public_key": B64.encode([4u8; 65]),
            "private_key": B64.encode([0xABu8; 32]),
        },
    })
    .to_string();
    let mut seen = 0;
    for file in [
        "docs/deploy/edge-alone.md",
        "docs/deploy/kamailio.md",
        "docs/deploy/asterisk.md",
        "docs/deploy/turn.md",
        "docs/deploy/uni-app.md",
        "deploy/uni-app/README.md",
    ] {
        let text = read(file);
        for sites in blocks(&text).into_iter().chain(cells(&text, "\"push\": {")) {
            let sites: Vec<Value> = sites
                .as_array()
                .expect("a list")
                .iter()
                .cloned()
                .map(completed)
                .collect();
            let mut secrets = json!({});
            for site in &sites {
                secrets[site["id"].as_str().expect("an id")] = secrets_for(site);
            }
            let taken = Config::parse(&Source {
                sites: &json!(sites).to_string(),
                site_secrets: Some(&secrets.to_string()),
                secret: &|_| Some(keys.clone()),
                edge_secret: &"e".repeat(32),
            });
            if let Err(error) = taken {
                panic!("{file}: {error} in {}", json!(sites));
            }
            seen += 1;
        }
    }
    assert!(seen >= 7, "only {seen} were found");
}
