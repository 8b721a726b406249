//! What an INVITE says beside its description: who really calls (RFC 3325, 3323), for whom it was meant first (RFC 5806,
//! 7044), whether it wants to be answered by itself, and headers of one's own.

use super::call::party;
use super::event::{About, Party};
use crate::wire::{HeaderName, Headers, NameAddr};
use alloc::{borrow::ToOwned, string::String};

/// Headers of one's own are not kept beyond these.
const MOST: usize = 16;
const LONGEST: usize = 1024;

/// The known headers that a page may set on a call. Those that steer the call are the agent's.
const FREE: [HeaderName; 8] = [
    HeaderName::Subject,
    HeaderName::Priority,
    HeaderName::Organization,
    HeaderName::CallInfo,
    HeaderName::AlertInfo,
    HeaderName::UserToUser,
    HeaderName::Privacy,
    HeaderName::InReplyTo,
];

/// Who calls: the asserted identity before the From, unless it is withheld.
pub fn caller(headers: &Headers) -> Party {
    let from = headers
        .from()
        .map_or_else(|_| Party::default(), |f| party(&f));
    let asserted = headers
        .list::<NameAddr>(HeaderName::PAssertedIdentity)
        .unwrap_or_default();
    match asserted.first() {
        Some(identity) if !is_private(headers) => {
            let mut asserted = party(identity);
            if asserted.display_name.is_empty() {
                asserted.display_name = from.display_name.clone();
            }
            if asserted.number.is_empty() {
                from
            } else {
                asserted
            }
        }
        _ => from,
    }
}

/// Everything else.
pub fn about(headers: &Headers) -> About {
    let first = |name| {
        let list = headers.list::<NameAddr>(name).unwrap_or_default();
        list.first().map(party)
    };
    // The newest Diversion is the topmost; the newest entry of a history is the last, and is where we are.
    let history = headers
        .list::<NameAddr>(HeaderName::HistoryInfo)
        .unwrap_or_default();
    let before = history.iter().rev().nth(1).map(party);
    About {
        diverted: first(HeaderName::Diversion).or(before),
        private: is_private(headers),
        referred_by: first(HeaderName::ReferredBy),
        wants_answer: wants_answer(headers),
        headers: headers
            .iter()
            .filter(|f| f.known().is_none() || f.known() == Some(HeaderName::Subject))
            .filter(|f| !is_ours(f.name()) && f.bytes().len() <= LONGEST)
            .filter_map(|f| Some((f.name().to_owned(), f.text()?.to_owned())))
            .take(MOST)
            .collect(),
    }
}

/// Adds what the page wants on its call; what steers the call is left out.
pub fn add(headers: &mut Headers, wanted: &[(String, String)]) {
    for (name, value) in wanted.iter().take(MOST) {
        let known = HeaderName::lookup(name.as_bytes());
        let free = known.is_none_or(|known| FREE.contains(&known)) && !is_ours(name);
        if free && !name.is_empty() && value.len() <= LONGEST {
            headers.push(name, value.as_str());
        }
    }
}

fn is_ours(name: &str) -> bool {
    name.len() > 9 && name.as_bytes()[..9].eq_ignore_ascii_case(b"wakeline-")
}

fn is_private(headers: &Headers) -> bool {
    headers.get(HeaderName::Privacy).is_some_and(|text| {
        text.split([';', ',']).any(|word| {
            let word = word.trim();
            word.eq_ignore_ascii_case("id") || word.eq_ignore_ascii_case("user")
        })
    })
}

/// `Answer-Mode: Auto` (RFC 5373), or the older ways in Call-Info and Alert-Info.
fn wants_answer(headers: &Headers) -> bool {
    let has = |name: &str, what: &[&str]| {
        let text = headers.get(name).unwrap_or_default().as_bytes();
        let within = |word: &str| {
            let mut parts = text.windows(word.len());
            parts.any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
        };
        what.iter().any(|word| within(word))
    };
    has("Answer-Mode", &["auto"])
        || has("Priv-Answer-Mode", &["auto"])
        || has("Call-Info", &["answer-after=0", "answer-after=1"])
        || has(
            "Alert-Info",
            &["auto-answer", "alert-autoanswer", "autoanswer"],
        )
}
