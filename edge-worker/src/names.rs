//! Identifiers, parsed once where they come in, and the names of objects made of them.

/// `[a-z0-9-]{1,32}`.
pub fn is_site(s: &str) -> bool {
    (1..=32).contains(&s.len())
        && s.bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// `[0-9A-Za-z+*#._-]{1,64}`: numbers and UIDs. Holds no `:`, so that object names cannot be confused.
pub fn is_number(s: &str) -> bool {
    (1..=64).contains(&s.len())
        && s.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'+' | b'*' | b'#' | b'.' | b'_' | b'-')
        })
}

/// A lower-case UUID.
pub fn is_device(s: &str) -> bool {
    s.len() == 36
        && s.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// A wake id or a flow token: 16 octets as base64url.
pub fn is_token_id(s: &str) -> bool {
    s.len() == 22 && is_base64url(s)
}

fn is_base64url(s: &str) -> bool {
    s.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// A wake's id: as [`is_token_id`], and what follows it names the line (`WakeId::line`).
pub fn is_wake(s: &str) -> bool {
    let parts = s.get(..22).zip(s.get(22..));
    parts
        .is_some_and(|(random, line)| is_token_id(random) && line.len() <= 86 && is_base64url(line))
}

/// Text for people: no control characters, at most `max` octets.
pub fn is_text(s: &str, max: usize) -> bool {
    s.len() <= max && !s.chars().any(char::is_control)
}

/// A path segment as it was meant: `%2B` is `+`. Nothing for what is not UTF-8 or ends in the middle.
pub fn decoded(segment: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let digit = |b: u8| char::from(b).to_digit(16);
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        octets.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(octets).ok()
}

/// The object that owns `number`.
pub fn line_object(site: &str, number: &str) -> String {
    format!("line:{site}:{number}")
}

/// The object that owns the connection `token`.
pub fn flow_object(site: &str, token: &str) -> String {
    format!("flow:{site}:{token}")
}

/// Kind (`line` or `flow`), site and the rest of an object's name.
pub fn split_object(name: &str) -> Option<(&str, &str, &str)> {
    let mut parts = name.splitn(3, ':');
    Some((parts.next()?, parts.next()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_what_the_contract_says() {
        assert!(is_site("demo-1") && !is_site("") && !is_site("Demo") && !is_site(&"a".repeat(33)));
        assert!(
            is_number("+49*30#1.a_b-c") && !is_number("a:b") && !is_number("a b") && !is_number("")
        );
        assert!(is_device("0189d2c4-7a1b-4c3d-8e9f-0123456789ab"));
        assert!(!is_device("0189D2C4-7A1B-4C3D-8E9F-0123456789AB"));
        assert!(!is_device("0189d2c47a1b4c3d8e9f0123456789ab0000"));
        assert!(is_token_id("AAAAAAAAAAAAAAAAAAAA_-") && !is_token_id("AAAA"));
        assert!(is_wake("AAAAAAAAAAAAAAAAAAAA_-") && is_wake("AAAAAAAAAAAAAAAAAAAA_-MTAwMg"));
        assert!(
            !is_wake("AAAAAAAAAAAAAAAAAAAA_-MTAwMg=")
                && !is_wake("AAAA")
                && !is_wake(&"A".repeat(109))
        );
        assert!(is_text("王小明", 64) && !is_text("a\nb", 64));
    }

    #[test]
    fn a_path_segment_is_read_as_it_was_meant() {
        assert_eq!(decoded("%2B49*%231").as_deref(), Some("+49*#1"));
        for bad in ["%", "%4", "%zz", "%FF"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }

    #[test]
    fn object_names_come_apart_again() {
        assert_eq!(
            split_object(&line_object("demo", "1.0_0*1")),
            Some(("line", "demo", "1.0_0*1"))
        );
        assert_eq!(split_object("flow"), None);
    }
}
