//! Byte-level helpers of the grammar: classes, white space, quoted strings, lists.

use super::ParseError;

const TOKEN: u8 = 1;
const HOST: u8 = 2;
const URI_BAD: u8 = 4;

/// One table for the classes that are asked for per byte.
static CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        if b.is_ascii_alphanumeric() {
            table[i] |= TOKEN | HOST;
        }
        if matches!(
            b,
            b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        ) {
            table[i] |= TOKEN;
        }
        if matches!(b, b'-' | b'.' | b'_') {
            table[i] |= HOST;
        }
        if b <= b' ' || b == 0x7f || matches!(b, b'<' | b'>' | b'"') {
            table[i] |= URI_BAD;
        }
        i += 1;
    }
    table
};

/// A character of a `token` (RFC 3261 §25.1).
pub(super) const fn is_token(b: u8) -> bool {
    CLASS[b as usize] & TOKEN != 0
}

/// Is it a token, not empty?
pub(super) fn all_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| is_token(*b))
}

/// Can it be a host name or IPv4 address? (An underscore is no host character, but is seen.)
pub(super) fn all_host(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| CLASS[*b as usize] & HOST != 0)
}

/// May it stand in a URI at all: no white space, control, quote or angle bracket?
pub(super) fn all_uri(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| CLASS[*b as usize] & URI_BAD == 0)
}

/// White space of a header value, where folds still stand in it.
pub(super) const fn is_lws(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without white space at both ends.
pub(super) fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    let (mut begin, mut end) = (0, bytes.len());
    while begin < end && is_lws(bytes[begin]) {
        begin += 1;
    }
    while begin < end && is_lws(bytes[end - 1]) {
        end -= 1;
    }
    &text[begin..end]
}

/// Without white space at both ends, for bytes.
pub(super) fn trim_bytes(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_lws(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_lws(*last)
    {
        text = rest;
    }
    text
}

/// A text at the first of a byte, which is left out.
pub(super) fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let index = memchr::memchr(at, text.as_bytes())?;
    Some((&text[..index], &text[index + 1..]))
}

/// A header value as text; everything typed is UTF-8 (RFC 3261 §7.3.1).
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, ParseError> {
    core::str::from_utf8(bytes).map_err(|_| ParseError::Value)
}

/// `at` is an opening quote: the index behind the closing one.
pub(super) fn skip_quoted(text: &[u8], at: usize) -> Result<usize, ParseError> {
    let mut i = at + 1;
    while let Some(b) = text.get(i) {
        match b {
            b'"' => return Ok(i + 1),
            b'\\' => i += 2,
            _ => i += 1,
        }
    }
    Err(ParseError::Value)
}

/// The index of the first `wanted` outside of quotes and angle brackets; the end if there is none.
pub(super) fn find_outside(text: &[u8], wanted: u8) -> Result<usize, ParseError> {
    let mut i = 0;
    while let Some(&b) = text.get(i) {
        if b == wanted {
            return Ok(i);
        }
        match b {
            b'"' => i = skip_quoted(text, i)?,
            b'<' => i += memchr::memchr(b'>', &text[i..]).ok_or(ParseError::Value)?,
            _ => i += 1,
        }
    }
    Ok(i)
}

/// The values of a comma-separated list, trimmed; commas in quotes and angle brackets divide nothing.
pub fn split_list(text: &str) -> impl Iterator<Item = Result<&str, ParseError>> {
    let mut rest = (!trim(text).is_empty()).then_some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        match find_outside(text.as_bytes(), b',') {
            Ok(at) => {
                rest = text.get(at + 1..);
                let item = trim(&text[..at]);
                Some(if item.is_empty() {
                    Err(ParseError::Value)
                } else {
                    Ok(item)
                })
            }
            Err(error) => {
                rest = None;
                Some(Err(error))
            }
        }
    })
}

/// A decimal number, leading zeros allowed.
pub(super) fn number<T: core::str::FromStr>(text: &str) -> Result<T, ParseError> {
    if text.is_empty() || text.len() > 32 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParseError::Value);
    }
    text.parse().map_err(|_| ParseError::Value)
}

/// An IPv6 address as RFC 4291 §2.2 writes it; also with the colon too many before an IPv4 part that the grammar of
/// RFC 3261 has (RFC 5118 §4.10). Only its form is asked for: the library's parser, which gives a value, is 1 kB in the page.
pub(super) fn is_ipv6(text: &str) -> bool {
    let Some(gap) = text.as_bytes().windows(2).position(|pair| pair == b"::") else {
        return groups(text, true) == Some(8);
    };
    let (head, mut tail) = (&text[..gap], &text[gap + 2..]);
    if text.contains('.') {
        tail = tail.strip_prefix(':').unwrap_or(tail);
    }
    // The gap is one group at least.
    let around = groups(head, false).zip(groups(tail, true));
    around.is_some_and(|(before, after)| before + after < 8)
}

/// How many groups these are; an IPv4 address is two, and may only be the last.
fn groups(text: &str, may_end_in_ipv4: bool) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let mut count = 0;
    let mut left = text.split(':');
    while let Some(group) = left.next() {
        let hexadecimal = group.bytes().all(|b| b.is_ascii_hexdigit());
        count += match group.len() {
            1..=4 if hexadecimal => 1,
            _ if may_end_in_ipv4 && is_ipv4(group) && left.next().is_none() => 2,
            _ => return None,
        };
    }
    Some(count)
}

fn is_ipv4(text: &str) -> bool {
    let octet = |part: &str| {
        let zero_before = part.len() > 1 && part.starts_with('0');
        part.len() <= 3 && !zero_before && number::<u16>(part).is_ok_and(|octet| octet < 256)
    };
    text.split('.').count() == 4 && text.split('.').all(octet)
}

/// How deep the comments of a value nest (RFC 3261 §25.1); quotes are not special inside of one, escapes are.
pub(super) fn comment_depth(text: &[u8], cap: usize) -> Result<(), ParseError> {
    let mut depth = 0usize;
    let mut i = 0;
    while let Some(&b) = text.get(i) {
        match b {
            b'(' => {
                depth += 1;
                if depth > cap {
                    return Err(ParseError::TooDeep);
                }
            }
            b')' => depth = depth.saturating_sub(1),
            b'\\' => i += 1,
            _ => {}
        }
        i += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec::Vec};

    #[test]
    fn commas_divide_outside_of_quotes_and_brackets_only() {
        let items: Result<Vec<_>, _> =
            split_list(r#""a, \"b" <sip:x@h;p="1,2">, <sip:y,z@h> ,c"#).collect();
        assert_eq!(
            items.as_deref(),
            Ok(&[r#""a, \"b" <sip:x@h;p="1,2">"#, "<sip:y,z@h>", "c"][..])
        );
        assert_eq!(split_list("").count(), 0);
        assert!(split_list("a,,b").any(|r| r.is_err()));
        assert!(split_list("a,").any(|r| r.is_err()));
        assert!(split_list("\"open").any(|r| r.is_err()));
    }

    #[test]
    fn an_ipv6_address_is_what_the_library_says_it_is() {
        let known = |text: &str| text.parse::<core::net::Ipv6Addr>().is_ok();
        let alike = |text: &str| {
            let spare = text.contains('.') && known(&text.replacen(":::", "::", 1));
            assert_eq!(is_ipv6(text), known(text) || spare, "{text}");
        };
        // Every address of up to nine of these, in which an empty one makes a gap.
        let groups = ["", "0", "12aB", "1.2.3.4"];
        for count in 1..=9 {
            for all in 0..4usize.pow(count) {
                let group = |at| groups[all / 4usize.pow(at) % 4];
                alike(&(0..count).map(group).collect::<Vec<_>>().join(":"));
            }
        }
        for odd in [
            "12345",
            "g",
            "+1",
            "é",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "0.0.0.0",
            "00.0.0.0",
            "255.1.1.256",
            "1.2.3.+4",
            "1.2..4",
            "1.2.3.0004",
            "1.2.3.4 ",
            "1.2.3.4:",
            ":1.2.3.4",
        ] {
            for before in ["::", ":::", "::::", "1::", "1:2:3:4:5:6:", "1:2:3:4:5:6:7:"] {
                alike(&format!("{before}{odd}"));
                alike(&format!("{odd}{before}"));
            }
        }
        assert!(is_ipv6("2001:db8::9:1") && is_ipv6("::ffff:192.0.2.10") && !is_ipv6(""));
    }
}
