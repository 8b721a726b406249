//! RFC 4475 §3.1.1: valid messages, however strange, with every value that they hold.

use wakeline_sip::wire::{CSeq, Contacts, HeaderName, Limits, Message, Method, Request, Response};

use crate::message;

pub fn parsed(name: &str) -> Message {
    let message = Message::parse(message(name), &Limits::DEFAULT);
    let message = message.unwrap_or_else(|error| panic!("{name}: {error}"));
    let again = Message::parse(&message.to_bytes(), &Limits::DEFAULT);
    assert_eq!(
        again.as_ref(),
        Ok(&message),
        "{name} is written as it was read"
    );
    message
}

pub fn request(name: &str) -> Request {
    parsed(name).into_request().unwrap()
}

pub fn response(name: &str) -> Response {
    parsed(name).into_response().unwrap()
}

fn contacts(request: &Request) -> Vec<String> {
    match request.headers.contacts().unwrap() {
        Contacts::Star => panic!("a star"),
        Contacts::List(list) => list.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn wsinv_white_space_and_folds_everywhere() {
    let invite = request("wsinv");
    let headers = &invite.headers;
    assert_eq!(invite.method, Method::Invite);
    assert_eq!(
        invite.uri.to_string(),
        "sip:vivekg@chair-dnrc.example.com;unknownparam"
    );
    let to = headers.to().unwrap();
    assert_eq!(to.uri.to_string(), "sip:vivekg@chair-dnrc.example.com");
    assert_eq!(
        (to.tag(), to.display.as_deref()),
        (Some("1918181833n"), None)
    );
    let from = headers.from().unwrap();
    assert_eq!(from.display.as_deref(), Some(r#"J Rosenberg \""#));
    assert_eq!(from.tag(), Some("98asjd8"));
    assert_eq!(from.uri.to_string(), "sip:jdrosen@example.com");
    assert_eq!(headers.max_forwards(), Ok(Some(68)));
    assert_eq!(headers.call_id(), Ok("wsinv.ndaksdj@192.0.2.1"));
    assert_eq!(headers.cseq(), Ok(CSeq::new(9, Method::Invite)));
    let vias = headers.vias().unwrap();
    let seen: Vec<_> = vias
        .iter()
        .map(|v| (v.transport.as_str(), v.host.as_str(), v.branch()))
        .collect();
    assert_eq!(
        seen,
        [
            ("UDP", "192.0.2.2", Some("390skdjuw")),
            ("TCP", "spindle.example.com", Some("z9hG4bK9ikj8")),
            ("UDP", "192.168.255.111", Some("z9hG4bK30239")),
        ]
    );
    assert_eq!(headers.get(HeaderName::Subject), Some(""));
    assert_eq!(
        headers.get("newfangledheader"),
        Some("newfangled value continued newfangled value")
    );
    assert_eq!(
        headers.get("UnknownHeaderWithUnusualValue"),
        Some(";;,,;;,;")
    );
    let routes = headers.routes().unwrap();
    assert_eq!(routes.len(), 1);
    assert!(routes[0].uri.is_loose_router());
    assert_eq!(
        routes[0].uri.to_string(),
        "sip:services.example.com;lr;unknownwith=value;unknown-no-value"
    );
    let contact = headers.contact().unwrap().unwrap();
    assert_eq!(contact.display.as_deref(), Some(r#"Quoted string """#));
    assert_eq!(contact.params.get("newparam"), Some("newvalue"));
    assert_eq!(contact.params.get("secondparam"), Some(""));
    assert_eq!(contact.q(), Some(330));
    assert_eq!(headers.content_type().as_deref(), Some("application/sdp"));
    assert_eq!(invite.body.len(), 150);
    assert!(invite.body.ends_with(b"a=rtpmap:31 LPC\r\n"));
}

#[test]
fn intmeth_every_character_that_is_allowed() {
    let strange = request("intmeth");
    let method = "!interesting-Method0123456789_*+`.%indeed'~";
    assert_eq!(strange.method.as_str(), method);
    assert_eq!(
        strange.headers.cseq().unwrap(),
        CSeq::new(139_122_385, Method::Other(method.into()))
    );
    assert_eq!(
        strange.uri.user.as_deref(),
        Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
    );
    assert_eq!(
        strange.uri.password.as_deref(),
        Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
    );
    assert_eq!(strange.uri.host, "example.com");
    assert_eq!(
        strange.headers.top_via().unwrap().branch(),
        Some("z9hG4bK-.!%66*_+`'~")
    );
    let to = strange.headers.to().unwrap();
    assert_eq!(to.display.as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));
    let from = strange.headers.from().unwrap();
    assert_eq!(
        from.display.as_deref(),
        Some("token1~` token2'+_ token3*%!.-")
    );
    assert_eq!(from.params.get("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(
        strange.headers.call_id(),
        Ok("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{")
    );
    assert_eq!(strange.headers.max_forwards(), Ok(Some(255)));
    assert_eq!(
        strange.headers.get("extensionHeader-!.%*+_`'~"),
        Some("\u{feff}大停電")
    );
}

#[test]
fn esc01_escapes_are_resolved_where_they_are_escapes() {
    let invite = request("esc01");
    assert_eq!(
        invite.uri.username().as_deref(),
        Some("sips:user@example.com")
    );
    assert_eq!(invite.uri.host, "example.net");
    let to = invite.headers.to().unwrap().uri;
    assert_eq!(to.username().as_deref(), Some("user"));
    assert!(to.equivalent(&"sip:user@example.com".parse().unwrap()));
    let from = invite.headers.from().unwrap().uri;
    assert_eq!(from.username().as_deref(), Some("I have spaces"));
    let contact = invite.headers.contact().unwrap().unwrap().uri;
    assert_eq!(contact.username().as_deref(), Some("caller"));
    assert!(contact.is_loose_router());
    assert!(
        contact.equivalent(
            &"sip:caller@host5.example.net;lr;name=value%2541"
                .parse()
                .unwrap()
        )
    );
    assert_eq!(invite.body.len(), 150);
}

#[test]
fn escnull_an_escaped_null_ends_nothing() {
    let register = request("escnull");
    let to = register.headers.to().unwrap().uri;
    assert_eq!(to.username().as_deref(), Some("null-\0-null"));
    assert_eq!(to.host, "example.com");
    assert_eq!(
        contacts(&register),
        [
            "<sip:%00@host5.example.com>",
            "<sip:%00%00@host5.example.com>"
        ]
    );
}

#[test]
fn esc02_a_percent_sign_that_is_no_escape() {
    let request = request("esc02");
    assert_eq!(request.method.as_str(), "RE%47IST%45R");
    assert_eq!(
        request.headers.to().unwrap().display.as_deref(),
        Some("%Z%45")
    );
    assert_eq!(request.headers.get("C%6Fntact").unwrap().len(), 30);
    assert_eq!(
        contacts(&request),
        [
            "<sip:alias1@host1.example.com>",
            "<sip:alias3@host3.example.com>"
        ],
        "the one between is another header"
    );
    assert_eq!(
        request.headers.top_via().unwrap().branch(),
        Some("z9hG4bK209%fzsnel234")
    );
}

#[test]
fn lwsdisp_no_space_before_the_bracket() {
    let from = request("lwsdisp").headers.from().unwrap();
    assert_eq!(from.display.as_deref(), Some("caller"));
    assert_eq!(from.uri.to_string(), "sip:caller@example.com");
    assert_eq!(from.tag(), Some("323"));
}

#[test]
fn longreq_long_values_are_kept_whole() {
    let invite = request("longreq");
    let headers = &invite.headers;
    let to = headers.to().unwrap();
    assert_eq!(
        to.display,
        Some(format!(
            "I have a user name of {} proportion",
            "extreme".repeat(10)
        ))
    );
    assert_eq!((to.uri.port, to.uri.params.iter().count()), (Some(6000), 3));
    let from = headers.from().unwrap();
    assert_eq!(from.uri.user, Some("amazinglylongcallername".repeat(5)));
    assert_eq!(from.tag(), Some(&*format!("12{}424", "982".repeat(50))));
    assert_eq!(
        headers.call_id(),
        Ok(&*format!("longreq.one{}longcallid", "really".repeat(20)))
    );
    let vias = headers.vias().unwrap();
    assert_eq!(vias.len(), 34);
    for (n, via) in vias[..33].iter().enumerate() {
        assert_eq!(via.host, format!("sip{}.example.com", 33 - n));
    }
    assert_eq!(vias[33].params.get("received"), Some("192.0.2.5"));
    assert_eq!(
        vias[33].branch(),
        Some(&*format!("very{}branchvalue", "long".repeat(50)))
    );
    let unknown = format!("Unknown-{}-Name", "Long".repeat(20));
    assert!(headers.get(&unknown).unwrap().contains("-parameter-name ="));
    assert_eq!(invite.body.len(), 150);
}

#[test]
fn dblreq_what_follows_the_message_is_left() {
    let register = request("dblreq");
    assert_eq!(register.method, Method::Register);
    assert_eq!(
        register.headers.call_id(),
        Ok("dblreq.0ha0isndaksdj99sdfafnl3lk233412")
    );
    assert_eq!(contacts(&register), ["<sip:j.user@host.example.com>"]);
    assert!(register.body.is_empty());
}

#[test]
fn semiuri_semicolons_in_the_user_part() {
    let options = request("semiuri");
    assert_eq!(
        options.uri.username().as_deref(),
        Some("user;par=u@example.net")
    );
    assert!(options.uri.params.is_empty());
    assert_eq!(
        options.headers.get_all(HeaderName::Accept),
        [
            "application/sdp",
            "application/pkcs7-mime",
            "multipart/mixed",
            "multipart/signed",
            "message/sip",
            "message/sipfrag"
        ]
    );
}

#[test]
fn transports_known_and_unknown() {
    let vias = request("transports").headers.vias().unwrap();
    let transports: Vec<_> = vias.iter().map(|v| v.transport.as_str()).collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    assert_eq!(vias[3].branch(), Some("z9hG4bKasd0f3en"));
}

#[test]
fn mpart01_a_binary_body_is_kept_octet_by_octet() {
    let message = request("mpart01");
    assert_eq!(message.method, Method::Message);
    assert_eq!(message.body.len(), 553);
    assert!(message.body.contains(&0), "with its nulls");
    assert!(message.body.starts_with(b"--7a9cbec02ceef655\r\n"));
    assert!(message.body.ends_with(b"\r\n--7a9cbec02ceef655--\r\n"));
    assert_eq!(
        message.headers.content_type().as_deref(),
        Some("multipart/mixed")
    );
    let via = message.headers.top_via().unwrap();
    assert_eq!((via.port, via.params.get("rport")), (Some(5070), Some("")));
    assert!(message.headers.has(HeaderName::Identity));
}

#[test]
fn unreason_a_reason_phrase_in_another_script() {
    let ok = response("unreason");
    assert_eq!(ok.status, 200);
    assert_eq!(ok.reason, "= 2**3 * 5**2 но сто девяносто девять - простое");
    assert_eq!(ok.headers.to().unwrap().tag(), Some("2229"));
    assert_eq!(ok.body.len(), 154);
}

#[test]
fn noreason_an_empty_reason_phrase() {
    let trying = response("noreason");
    assert_eq!((trying.status, trying.reason.as_str()), (100, ""));
    assert_eq!(
        trying.headers.cseq().unwrap(),
        CSeq::new(35, Method::Invite)
    );
}
