//! Who is typing (RFC 3994), on both sides.

use super::super::event::Party;
use super::message::TEXT;
use super::{BesideEvent, Errand, Returned, tell};
use crate::agent::post::{Post, Purpose};
use crate::time::{Duration, Time};
use crate::wire::{Method, Uri};
use alloc::{string::String, vec::Vec};

pub const ISCOMPOSING: &str = "application/im-iscomposing+xml";
/// Who presses no key for this long types no more (§3.2).
const IDLE: Duration = Duration::from_secs(15);
/// "Still typing" is said this often at most (§3.2).
const REFRESH: Duration = Duration::from_secs(90);
/// What holds where the other side does not say for how long (§3.3).
const UNSAID: u32 = 120;
const LONGEST: u32 = 3_600;
/// Sides that are kept in mind.
const MOST: usize = 64;

/// What such a document says.
#[derive(Debug, PartialEq, Eq)]
pub struct Composing {
    active: bool,
    refresh: u32,
}

impl Composing {
    /// Reads one. Only two of its elements matter, and both are plain text; whatever cannot be read is none.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(body).ok()?;
        // A state that is not known counts as idle (§5).
        let active = element(text, "state")? == "active";
        let refresh = element(text, "refresh").and_then(|t| t.parse().ok());
        Some(Self {
            active,
            refresh: refresh.unwrap_or(UNSAID).clamp(60, LONGEST),
        })
    }

    fn write(active: bool) -> String {
        let mut text = String::from(concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>"#
        ));
        text.push_str(if active { "active" } else { "idle" });
        text.push_str("</state><contenttype>");
        text.push_str(TEXT);
        text.push_str("</contenttype>");
        if active {
            text.push_str("<refresh>120</refresh>");
        }
        text.push_str("</isComposing>");
        text
    }
}

/// The text of the first element of this local name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>')?;
        let (tag, behind) = (&rest[..end], &rest[end + 1..]);
        let tag = tag.split_ascii_whitespace().next().unwrap_or_default();
        if tag.rsplit(':').next() == Some(name) && !tag.starts_with('/') {
            return behind.split('<').next().map(str::trim);
        }
        rest = behind;
    }
    None
}

/// Those who type to us.
#[derive(Debug, Default)]
pub struct Typists(Vec<(String, Party, Time)>);

impl Typists {
    /// One says that it types, or no more.
    pub fn heard(&mut self, post: &mut Post, key: String, from: Party, said: Composing) {
        if !said.active {
            return self.wrote(post, &key);
        }
        let until = post.now + Duration::from_secs(said.refresh.into());
        if let Some(known) = self.0.iter_mut().find(|(k, ..)| *k == key) {
            known.2 = until;
        } else if self.0.len() < MOST {
            self.0.push((key, from.clone(), until));
            tell(post, BesideEvent::Composing { from, active: true });
        }
    }

    /// One has sent what it typed, or gave up.
    pub fn wrote(&mut self, post: &mut Post, key: &str) {
        if let Some(at) = self.0.iter().position(|(k, ..)| k == key) {
            let (_, from, _) = self.0.remove(at);
            let active = false;
            tell(post, BesideEvent::Composing { from, active });
        }
    }

    pub fn deadline(&self) -> Option<Time> {
        self.0.iter().map(|t| t.2).min()
    }

    /// Nothing was heard of one for too long.
    pub fn timeout(&mut self, post: &mut Post) {
        let now = post.now;
        while let Some(at) = self.0.iter().position(|t| t.2 <= now) {
            let (_, from, _) = self.0.remove(at);
            let active = false;
            tell(post, BesideEvent::Composing { from, active });
        }
    }
}

/// One to whom we type.
#[derive(Debug)]
struct Listener {
    to: Uri,
    idle_at: Time,
    again_at: Time,
}

/// Those to whom we type.
#[derive(Debug, Default)]
pub struct Listeners {
    typed: Vec<Listener>,
    /// Who does not want to know.
    deaf: Vec<Uri>,
    last: u64,
    /// What was sent, to whom, as long as no answer came.
    sent: Vec<(u64, Uri)>,
}

impl Listeners {
    /// A key was pressed.
    pub fn typing(&mut self, post: &mut Post, to: &str) {
        let Ok(to) = post.me.target(to) else { return };
        if self.deaf.contains(&to) || !post.registered() {
            return;
        }
        let now = post.now;
        if let Some(known) = self.typed.iter_mut().find(|l| l.to == to) {
            known.idle_at = now + IDLE;
            if known.again_at <= now {
                known.again_at = now + REFRESH;
                self.say(post, to, true);
            }
        } else if self.typed.len() < MOST {
            self.typed.push(Listener {
                to: to.clone(),
                idle_at: now + IDLE,
                again_at: now + REFRESH,
            });
            self.say(post, to, true);
        }
    }

    /// What was typed is on its way: that says enough.
    pub fn stop(&mut self, to: &Uri) {
        self.typed.retain(|l| l.to != *to);
    }

    fn say(&mut self, post: &mut Post, to: Uri, active: bool) {
        self.last += 1;
        let message = post
            .me
            .outside(&mut post.entropy, Method::Message, &to)
            .with_body(ISCOMPOSING, Composing::write(active));
        if self.sent.len() == MOST {
            self.sent.remove(0);
        }
        self.sent.push((self.last, to));
        post.ask(message, Purpose::Beside(Errand::Composing(self.last)));
    }

    /// An answer to it: who does not want to know is not told again.
    pub fn returned(&mut self, post: &mut Post, key: u64, returned: Returned) {
        if let Some(again) = returned.again {
            return post.start(again, Purpose::Beside(returned.errand));
        }
        let Some(at) = self.sent.iter().position(|(k, _)| *k == key) else {
            return;
        };
        let (_, to) = self.sent.remove(at);
        let status = returned.response.map_or(0, |r| r.status);
        if matches!(status, 405 | 415 | 488 | 501) {
            self.typed.retain(|l| l.to != to);
            if self.deaf.len() == MOST {
                self.deaf.remove(0);
            }
            self.deaf.push(to);
        }
    }

    pub fn deadline(&self) -> Option<Time> {
        self.typed.iter().map(|l| l.idle_at).min()
    }

    /// The user pauses.
    pub fn timeout(&mut self, post: &mut Post) {
        let now = post.now;
        while let Some(at) = self.typed.iter().position(|l| l.idle_at <= now) {
            let to = self.typed.remove(at).to;
            if post.registered() {
                self.say(post, to, false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Composing;

    #[test]
    fn both_spellings_are_read_and_nonsense_is_none() {
        let said = |text: &str| Composing::parse(text.as_bytes()).map(|c| (c.active, c.refresh));
        assert_eq!(said(&Composing::write(true)), Some((true, 120)));
        assert_eq!(said(&Composing::write(false)), Some((false, 120)));
        let prefixed = "<x:isComposing xmlns:x='urn:ietf:params:xml:ns:im-iscomposing'><x:state >active</x:state>\
                        <x:refresh>90</x:refresh></x:isComposing>";
        assert_eq!(said(prefixed), Some((true, 90)));
        assert_eq!(
            said("<isComposing><state>dancing</state></isComposing>"),
            Some((false, 120))
        );
        for nonsense in [
            "",
            "<",
            "state",
            "<a>active</a>",
            "</state>active",
            "<state",
        ] {
            assert_eq!(said(nonsense), None, "{nonsense}");
        }
        assert_eq!(
            said("<state>active</state><refresh>99999999</refresh>"),
            Some((true, 3600))
        );
    }
}
