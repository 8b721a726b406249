//! The words of a notification, and the cleaning of names that strangers choose.

use crate::notice::{Kind, Lang};

/// Title and body of a notification.
pub(crate) struct Text {
    pub title: String,
    pub body: String,
}

/// What a notification of this kind says about a caller known as `name` with `number`.
///
/// A cancelled call is a missed call to the person who did not see it ring.
pub(crate) fn text(lang: Lang, kind: Kind, name: &str, number: &str) -> Text {
    let who = if name.is_empty() { number } else { name };
    let (title, hint) = match (lang, kind) {
        (Lang::En, Kind::Invitation) => (format!("{who} is calling"), "Tap to answer"),
        (Lang::En, Kind::Missed) => (format!("Missed call from {who}"), "Tap to call back"),
        (Lang::En, Kind::Cancelled) => (format!("Missed call from {who}"), "The caller hung up"),
        (Lang::En, Kind::Elsewhere) => (format!("Call from {who}"), "Answered on another device"),
        (Lang::En, Kind::Declined) => (format!("Call from {who}"), "Declined on another device"),
        (Lang::Zh, Kind::Invitation) => (format!("{who} 来电"), "点按接听"),
        (Lang::Zh, Kind::Missed) => (format!("未接来电:{who}"), "点按回拨"),
        (Lang::Zh, Kind::Cancelled) => (format!("未接来电:{who}"), "对方已挂断"),
        (Lang::Zh, Kind::Elsewhere) => (format!("{who} 的来电"), "已在其他设备接听"),
        (Lang::Zh, Kind::Declined) => (format!("{who} 的来电"), "已在其他设备拒接"),
    };
    let body = if name.is_empty() || name == number {
        hint.to_owned()
    } else {
        format!("{number} · {hint}")
    };
    Text { title, body }
}

/// A name as it may be shown: no control characters, no marks that turn the reading direction
/// (they could make one number look like another), runs of white space as one space.
pub(crate) fn clean(name: &str) -> String {
    let mut out = String::with_capacity(name.len().min(256));
    for word in name.split(|c: char| c.is_whitespace() || c.is_control()) {
        let from = out.len();
        if from > 0 {
            out.push(' ');
        }
        let start = out.len();
        out.extend(word.chars().filter(|c| !is_hidden(*c)));
        if out.len() == start {
            out.truncate(from);
        }
    }
    out
}

/// Bidirectional controls, line and paragraph separators, tags, and other marks without a shape.
/// U+200D joins emoji and Indic letters and stays.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200C}' | '\u{200E}' | '\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}')
}

/// At most `max` characters of a name, with an ellipsis where it was cut.
pub(crate) fn truncate(name: &str, max: usize) -> String {
    if name.chars().nth(max).is_none() {
        return name.to_owned();
    }
    let Some(keep) = max.checked_sub(1) else {
        return String::new();
    };
    let cut: String = name.chars().take(keep).collect();
    format!(
        "{}…",
        cut.trim_end_matches(|c: char| c.is_whitespace() || c == '\u{200D}')
    )
}
