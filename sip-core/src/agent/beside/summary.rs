//! `application/simple-message-summary` (RFC 3842 §5): whether messages wait, and how many.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// Kinds of messages that are kept.
const MOST: usize = 16;

/// So many messages of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageCount {
    /// `voice`, `fax`, `pager`, `multimedia`, `text` or another one, in lower case.
    pub kind: String,
    /// Not heard yet.
    pub new: u32,
    /// Heard.
    pub old: u32,
    /// Of the new ones these are urgent.
    pub urgent_new: u32,
    /// Of the old ones.
    pub urgent_old: u32,
}

/// What waits in a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageSummary {
    /// Something waits.
    pub waiting: bool,
    /// Whose mailbox, as a URI.
    pub account: Option<String>,
    /// How many of each kind.
    pub counts: Vec<MessageCount>,
}

impl MessageSummary {
    /// Reads one; none where the one line that it must have is not there.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(body).ok()?;
        let mut summary = Self::default();
        let mut said = false;
        // Behind the first empty line stand headers of single messages.
        for line in text.lines().take_while(|line| !line.trim().is_empty()) {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            match name.as_str() {
                "messages-waiting" => {
                    summary.waiting = value.eq_ignore_ascii_case("yes");
                    said = summary.waiting || value.eq_ignore_ascii_case("no");
                }
                "message-account" => summary.account = Some(value.to_owned()),
                _ => {
                    let kind = name
                        .strip_suffix("-message")
                        .or_else(|| name.strip_suffix("-context-class"));
                    if let Some(count) = kind.and_then(|kind| count(kind, value))
                        && summary.counts.len() < MOST
                    {
                        summary.counts.push(count);
                    }
                }
            }
        }
        said.then_some(summary)
    }
}

/// `new/old (urgent new/urgent old)`.
fn count(kind: &str, text: &str) -> Option<MessageCount> {
    let (all, urgent) = match text.split_once('(') {
        Some((all, rest)) => (all, rest.trim_end().strip_suffix(')')?),
        None => (text, "0/0"),
    };
    let pair = |text: &str| {
        let (new, old) = text.split_once('/')?;
        Some((new.trim().parse().ok()?, old.trim().parse().ok()?))
    };
    let ((new, old), (urgent_new, urgent_old)) = (pair(all)?, pair(urgent)?);
    Some(MessageCount {
        kind: kind.to_owned(),
        new,
        old,
        urgent_new,
        urgent_old,
    })
}

#[cfg(test)]
mod tests {
    use super::MessageSummary;

    #[test]
    fn counts_and_account_are_read_and_what_is_no_summary_is_none() {
        let text = "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n\
                    Voice-Message: 4/8 (1/2)\r\nFax-Message: 2/0\r\nVoice-Message: x/1\r\n\r\nTo: <a>\r\nPager-Message: 1/1\r\n";
        let summary = MessageSummary::parse(text.as_bytes()).unwrap();
        assert!(summary.waiting);
        assert_eq!(
            summary.account.as_deref(),
            Some("sip:alice@vmail.example.com")
        );
        let counts: Vec<_> = summary
            .counts
            .iter()
            .map(|c| (c.kind.as_str(), c.new, c.old, c.urgent_new, c.urgent_old))
            .collect();
        assert_eq!(counts, [("voice", 4, 8, 1, 2), ("fax", 2, 0, 0, 0)]);
        assert!(
            !MessageSummary::parse(b"messages-waiting: no")
                .unwrap()
                .waiting
        );
        for none in [
            "",
            "Voice-Message: 1/0\r\n",
            "Messages-Waiting: maybe",
            "\u{fffd}",
        ] {
            assert_eq!(MessageSummary::parse(none.as_bytes()), None, "{none}");
        }
        assert_eq!(MessageSummary::parse(b"\xff\xfe"), None);
    }
}
