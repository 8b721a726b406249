//! What is said by way of a vendor: a title and a line for the screen, and the data that the app is handed on a tap.
//!
//! uni-push wants titles below 20 characters and lines below 50, and less than 800 of data; Getui takes more. The shorter serves both.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Cid, hex};
use crate::notice::{Kind, Lang, Notice};
use crate::payload::PayloadError;
use crate::text::{clean, truncate};

/// uni-push: "长度小于50".
const MAX_LINE: usize = 49;
/// uni-push: "长度小于800".
const MAX_DATA: usize = 799;
/// Longest name in the data.
const MAX_NAME: usize = 40;

/// Title and line of a notification.
pub(super) struct Words {
    pub title: &'static str,
    pub line: String,
}

/// What a notification of this notice says.
pub(super) fn words(notice: &Notice) -> Words {
    let title = match (notice.lang, notice.kind) {
        (Lang::En, Kind::Invitation) => "Incoming call",
        (Lang::En, Kind::Missed | Kind::Cancelled) => "Missed call",
        (Lang::En, Kind::Elsewhere) => "Answered elsewhere",
        (Lang::En, Kind::Declined) => "Declined elsewhere",
        (Lang::Zh, Kind::Invitation) => "来电",
        (Lang::Zh, Kind::Missed | Kind::Cancelled) => "未接来电",
        (Lang::Zh, Kind::Elsewhere) => "已在其他设备接听",
        (Lang::Zh, Kind::Declined) => "已在其他设备拒接",
    };
    let number = truncate(&clean(&notice.caller.number), MAX_LINE);
    let name = clean(&notice.caller.display_name);
    let line = if name.is_empty() || name == number {
        number
    } else {
        let left = MAX_LINE.saturating_sub(number.chars().count() + 3);
        match truncate(&name, left) {
            name if name.is_empty() => number,
            name => format!("{name} · {number}"),
        }
    };
    Words { title, line }
}

#[derive(Serialize)]
struct Data<'a> {
    wakeline: Wakeline<'a>,
    url: String,
}

#[derive(Serialize)]
struct Wakeline<'a> {
    kind: Kind,
    wake: &'a str,
    number: &'a str,
    caller: Who<'a>,
    issued_at: u64,
    expires_at: u64,
    attempt: u32,
}

#[derive(Serialize)]
struct Who<'a> {
    number: &'a str,
    display_name: &'a str,
}

/// The data that the app is handed, as JSON: what the page's notifications hold, but no capability, for the vendor reads it.
///
/// # Errors
/// When it is too long although nobody is named.
pub(super) fn data(notice: &Notice) -> Result<String, PayloadError> {
    let name = truncate(&clean(&notice.caller.display_name), MAX_NAME);
    let number = clean(&notice.caller.number);
    let said = |display_name: &str| {
        let data = Data {
            wakeline: Wakeline {
                kind: notice.kind,
                wake: &notice.wake,
                number: &notice.number,
                caller: Who {
                    number: &number,
                    display_name,
                },
                issued_at: notice.issued_at,
                expires_at: notice.expires_at,
                attempt: notice.attempt,
            },
            url: notice.url(),
        };
        serde_json::to_string(&data).expect("strings and integers always serialise")
    };
    let data = match said(&name) {
        data if data.len() <= MAX_DATA => data,
        _ => said(""),
    };
    if data.len() > MAX_DATA {
        return Err(PayloadError::TooLong(data.len()));
    }
    Ok(data)
}

/// The number that an Android notification is replaced by: the same for all notices of a wake, 31 bits.
pub(super) fn notify_id(wake: &str) -> u32 {
    let digest = Sha256::digest(wake.as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) & 0x7FFF_FFFF
}

/// Names one request: a repeated one would lose its message, so that each try has one of its own. 32 characters.
pub(super) fn request_id(cid: &Cid, notice: &Notice, now: u64) -> String {
    let mut hash = Sha256::new();
    for part in [cid.as_str(), &notice.wake] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update([notice.kind as u8]);
    hash.update(notice.attempt.to_be_bytes());
    hash.update(now.to_be_bytes());
    hex(&hash.finalize()[..16])
}

/// The data of a tap where little fits (Meizu takes 1,000 octets in all): what the app needs to open the page.
pub(super) fn tap(notice: &Notice) -> String {
    let url = notice.url();
    serde_json::json!({
        "wakeline": { "kind": notice.kind, "expires_at": notice.expires_at },
        "url": url,
    })
    .to_string()
}
