//! What the agent reads in a description: may we be heard (RFC 3264 §5.1, §8.4), is there anything to see, and are we recorded?

/// Does whoever wrote this hold the other side: it sends at most, and does not listen?
pub fn holds(sdp: &[u8]) -> bool {
    let (mut holds, mut media, mut ice, mut nowhere) = (false, 0, false, false);
    for line in sdp.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end) {
        if line.starts_with(b"m=") {
            media += 1;
            if media == 2 {
                break;
            }
        }
        match line {
            b"a=sendonly" | b"a=inactive" => holds = true,
            b"a=sendrecv" | b"a=recvonly" => holds = false,
            // The form of RFC 2543; where ICE is spoken it only says that no candidate is known yet.
            b"c=IN IP4 0.0.0.0" => nowhere = true,
            _ => ice |= line.starts_with(b"a=ice-ufrag:"),
        }
    }
    holds || (nowhere && !ice)
}

/// Does whoever wrote this send video, or offer to?
pub fn shows(sdp: &[u8]) -> bool {
    let (mut session, mut sends, mut video) = (true, true, None);
    for line in sdp.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end) {
        if line.starts_with(b"m=") {
            if video == Some(true) {
                return true;
            }
            session = false;
            // Port 0: refused, or taken away.
            let is_on = line.starts_with(b"m=video ") && !line.starts_with(b"m=video 0 ");
            video = is_on.then_some(sends);
        }
        let sent = match line {
            b"a=sendrecv" | b"a=sendonly" => true,
            b"a=recvonly" | b"a=inactive" => false,
            _ => continue,
        };
        if session {
            sends = sent;
        } else if video.is_some() {
            video = Some(sent);
        }
    }
    video == Some(true)
}

/// Does whoever wrote this record, all of it or one stream (RFC 7866 §7.1)?
pub fn records(sdp: &[u8]) -> bool {
    sdp.split(|b| *b == b'\n')
        .any(|line| line.trim_ascii_end() == b"a=record:on")
}

#[cfg(test)]
mod tests {
    use super::{holds, records, shows};

    #[test]
    fn a_recording_is_one_that_runs() {
        for (sdp, on) in [
            ("v=0\r\na=record:on\r\nm=audio 9 RTP/AVP 0\r\n", true),
            ("v=0\nm=audio 9 RTP/AVP 0\na=record:on\n", true),
            ("v=0\r\na=record:off\r\nm=audio 9 RTP/AVP 0\r\n", false),
            ("v=0\r\nm=audio 9 RTP/AVP 0\r\na=record:paused", false),
            ("v=0\r\na=recordpref:on\r\na=record:only\r\n", false),
            ("", false),
        ] {
            assert_eq!(records(sdp.as_bytes()), on, "{sdp}");
        }
    }

    #[test]
    fn video_is_shown_where_a_stream_of_it_is_sent() {
        for (sdp, shown) in [
            ("v=0\r\nm=audio 9 RTP/AVP 0\r\n", false),
            (
                "v=0\r\nm=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 96\r\n",
                true,
            ),
            (
                "v=0\r\nm=video 9 RTP/AVP 96\r\na=sendonly\r\nm=audio 9 RTP/AVP 0\r\na=inactive\r\n",
                true,
            ),
            (
                "v=0\r\nm=audio 9 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\na=sendrecv\r\n",
                false,
            ),
            (
                "v=0\r\nm=audio 9 RTP/AVP 0\r\na=sendrecv\r\nm=video 9 RTP/AVP 96\r\na=recvonly\r\n",
                false,
            ),
            (
                "v=0\r\na=inactive\r\nm=audio 9 RTP/AVP 0\r\na=sendrecv\r\nm=video 9 RTP/AVP 96\r\n",
                false,
            ),
            (
                "v=0\r\nm=video 0 RTP/AVP 96\r\nm=video 9 RTP/AVP 96\r\na=sendonly\r\nm=application 9 x y\r\n",
                true,
            ),
            ("", false),
        ] {
            assert_eq!(shows(sdp.as_bytes()), shown, "{sdp}");
        }
    }

    #[test]
    fn the_first_stream_decides_and_the_session_where_it_says_nothing() {
        for (sdp, held) in [
            ("v=0\r\nm=audio 9 RTP/AVP 0\r\n", false),
            ("v=0\r\nm=audio 9 RTP/AVP 0\r\na=sendonly\r\n", true),
            ("v=0\r\nm=audio 9 RTP/AVP 0\r\na=inactive\r\n", true),
            ("v=0\r\nm=audio 9 RTP/AVP 0\r\na=recvonly\r\n", false),
            ("v=0\r\na=sendonly\r\nm=audio 9 RTP/AVP 0\r\n", true),
            (
                "v=0\r\na=sendonly\r\nm=audio 9 RTP/AVP 0\r\na=sendrecv\r\n",
                false,
            ),
            (
                "v=0\r\nm=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 96\r\na=inactive\r\n",
                false,
            ),
            ("v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 9 RTP/AVP 0\r\n", true),
            (
                "v=0\r\nm=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:x\r\n",
                false,
            ),
            ("", false),
        ] {
            assert_eq!(holds(sdp.as_bytes()), held, "{sdp}");
        }
    }
}
