//! What this browser profile has learned of a call server: that it asks, as a proxy, who we are (407), and for which realm. The first call of
//! the next page is then proven before it asks, a round trip sooner.

use crate::page;
use alloc::string::String;

/// The realm for which the first of these servers has asked.
pub fn recall(urls: &[String]) -> Option<String> {
    page::storage()?.get_item(&name(urls)?).ok()?
}

/// Keeps it. A profile that keeps nothing is asked again.
pub fn keep(urls: &[String], realm: &str) {
    if let (Some(storage), Some(name)) = (page::storage(), name(urls)) {
        let _ = storage.set_item(&name, realm);
    }
}

/// By its host: a path may hold what is secret.
fn name(urls: &[String]) -> Option<String> {
    let host = urls.first()?.split('/').nth(2)?;
    Some(["wakeline-asked:", host].concat())
}
