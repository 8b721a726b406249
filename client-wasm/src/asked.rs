//! How the server of a line asks for proof of calls ([`Asked`]), remembered from one page to the next by the line's name.

use crate::clock::now;
use alloc::string::{String, ToString};
use wakeline_sip::agent::Asked;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/core/memory.js")]
extern "C" {
    #[wasm_bindgen(js_name = recall)]
    fn kept(line: &str) -> Option<String>;
    #[wasm_bindgen(js_name = keep)]
    fn set(line: &str, asked: Option<&str>);
}

/// A realm that is longer is not remembered, octets.
const LONGEST: usize = 256;
/// A server that asks no more is given no proof unasked for longer than this.
const DAYS: u64 = 30;
const DAY_MS: u64 = 86_400_000;
const PROXY: &str = "407";

/// What is remembered of this line: status, day, realm.
pub fn recall(line: &str) -> Option<Asked> {
    let kept = kept(line)?;
    let (status, kept) = kept.split_once(' ')?;
    let (day, realm) = kept.split_once(' ')?;
    let age = (now() / DAY_MS).checked_sub(day.parse().ok()?)?;
    (age < DAYS).then(|| Asked {
        by_proxy: status == PROXY,
        realm: realm.into(),
    })
}

/// Remembers it.
pub fn keep(line: &str, asked: &Asked) {
    if asked.realm.len() <= LONGEST {
        let status = if asked.by_proxy { PROXY } else { "401" };
        let day = (now() / DAY_MS).to_string();
        set(line, Some(&[status, " ", &day, " ", &asked.realm].concat()));
    }
}

/// Nobody is signed in here any more.
pub fn forget(line: &str) {
    set(line, None);
}
