//! The one thing that the agent reads in a description: may we be heard (RFC 3264 §5.1, §8.4)?

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

#[cfg(test)]
mod tests {
    use super::holds;

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
