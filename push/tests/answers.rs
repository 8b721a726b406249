//! Every answer a push service can give.
#![allow(clippy::unwrap_used, reason = "tests")]

use wakeline_push::{Answer, Fault};

/// Sun, 06 Nov 1994 08:49:37 GMT
const NOW: u64 = 784_111_777_000;

#[test]
fn each_status_has_one_meaning() {
    use Answer::{Accepted, Gone, Refused, Retry, SlowDown, TooLarge};
    for (status, meaning) in [
        (200, Accepted),
        (201, Accepted),
        (202, Accepted),
        (204, Accepted),
        (404, Gone),
        (410, Gone),
        (413, TooLarge),
        (429, SlowDown { after: None }),
        (406, SlowDown { after: None }),
        (400, Refused(Fault::Malformed)),
        (401, Refused(Fault::Unauthorised)),
        (403, Refused(Fault::WrongKey)),
        (405, Refused(Fault::Unexpected(405))),
        (301, Refused(Fault::Unexpected(301))),
        (307, Refused(Fault::Unexpected(307))),
        (101, Refused(Fault::Unexpected(101))),
        (0, Refused(Fault::Unexpected(0))),
        (408, Retry { after: None }),
        (500, Retry { after: None }),
        (502, Retry { after: None }),
        (503, Retry { after: None }),
        (504, Retry { after: None }),
    ] {
        assert_eq!(Answer::of(status, None, NOW), meaning, "{status}");
    }
    assert_eq!(Answer::unreachable(), Retry { after: None });
}

#[test]
fn a_pause_is_read_in_seconds_or_as_a_date() {
    for (text, after) in [
        ("0", Some(0)),
        ("30", Some(30_000)),
        (" 30 ", Some(30_000)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000)),
        ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60_000)),
        ("Sun Nov  6 08:50:37 1994", Some(60_000)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400_000)),
        ("99999999999999999999999", Some(86_400_000)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Sun, 99 Nov 1994 08:50:37 GMT", None),
        ("\u{0}ü", None),
    ] {
        assert_eq!(
            Answer::of(429, Some(text), NOW),
            Answer::SlowDown { after },
            "{text}"
        );
        assert_eq!(
            Answer::of(503, Some(text), NOW),
            Answer::Retry { after },
            "{text}"
        );
    }
}

#[test]
fn only_a_gone_subscription_is_dropped_and_only_our_faults_alarm() {
    for status in 0..=999 {
        let answer = Answer::of(status, None, NOW);
        assert_eq!(
            answer.drops_subscription(),
            matches!(status, 404 | 410),
            "{status}"
        );
        assert!(
            !(answer.is_retryable() && answer.fault().is_some()),
            "{status}"
        );
    }
    assert_eq!(
        Answer::of(403, None, NOW).fault().unwrap().to_string(),
        "the subscription belongs to another VAPID key (403)"
    );
}
