//! How the server of a line asks for proof of calls ([`Asked`]), remembered from one page to the next by the line's name.

use alloc::string::String;
use wakeline_sip::agent::Asked;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/core/memory.js")]
extern "C" {
    #[wasm_bindgen(js_name = recallLately)]
    fn kept(line: &str) -> Option<String>;
    #[wasm_bindgen(js_name = keepLately)]
    fn set(line: &str, asked: Option<&str>);
}

/// A realm that is longer is not remembered, octets.
const LONGEST: usize = 256;
const PROXY: &str = "407 ";
const SERVER: &str = "401 ";

/// What is remembered of this line.
pub fn recall(line: &str) -> Option<Asked> {
    let kept = kept(line)?;
    let by_proxy = kept.starts_with(PROXY);
    let realm = kept.strip_prefix(if by_proxy { PROXY } else { SERVER })?;
    Some(Asked {
        by_proxy,
        realm: realm.into(),
    })
}

/// Remembers it.
pub fn keep(line: &str, asked: &Asked) {
    if asked.realm.len() <= LONGEST {
        let status = if asked.by_proxy { PROXY } else { SERVER };
        set(line, Some(&[status, &asked.realm].concat()));
    }
}

/// Nobody is signed in here any more.
pub fn forget(line: &str) {
    set(line, None);
}
