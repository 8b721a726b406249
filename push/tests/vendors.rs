//! Requests to vendors and what their answers mean, by the documentation of Getui's REST API v2 and of uni-push 2.0.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wakeline_push::{
    AllowList, Answer, Caller, Cid, EndpointError, Fault, Getui, GetuiMessage, Kind, Lang, Notice,
    Provider, Reply, Request, RequestError, SIGNATURE, Said, Target, Token, Unicloud,
};

const NOW: u64 = 1_800_000_000_000;
const DAY: u64 = 24 * 60 * 60 * 1000;
const CID: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const KEY: &str = "0123456789abcdef0123456789abcdef";

fn getui() -> Getui {
    let (key, secret) = ("appkey1".to_owned(), "master1".to_owned());
    Getui::new(Getui::API, &Getui::hosts(), "appid1", key, secret).unwrap()
}

fn unicloud() -> Unicloud {
    let allow = AllowList::new(["fc.example.com"]).unwrap();
    Unicloud::new(
        "https://fc.example.com/wakeline-push",
        &allow,
        KEY.to_owned(),
    )
    .unwrap()
}

fn cid() -> Cid {
    Cid::parse(CID).unwrap()
}

fn notice(kind: Kind) -> Notice {
    Notice {
        kind,
        wake: "AAAAAAAAAAAAAAAAAAAAAA".into(),
        number: "1002".into(),
        caller: Caller {
            number: "13800138000".into(),
            display_name: "王小明".into(),
        },
        issued_at: NOW,
        expires_at: NOW + 60_000,
        capability: "a-capability".into(),
        attempt: 1,
        lang: Lang::Zh,
        origin: "https://phone.example".into(),
    }
}

fn reply(status: u16, body: &[u8]) -> Reply<'_> {
    Reply {
        status,
        retry_after: None,
        body,
    }
}

fn token(expires_at: u64) -> Token {
    let body = json!({"code": 0, "msg": "success", "data": {"token": "t-1", "expire_time": expires_at.to_string()}});
    getui()
        .signed_in(&reply(200, body.to_string().as_bytes()), NOW)
        .unwrap()
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let found = request.headers.iter().find(|(n, _)| *n == name);
    found.map(|(_, value)| value.as_str())
}

fn push(kind: Kind, now: u64) -> Request {
    getui()
        .request(Some(&token(NOW + DAY)), &cid(), &notice(kind), now)
        .unwrap()
}

#[test]
fn getui_is_signed_in_to_by_the_digest_of_key_time_and_secret() {
    let request = getui().sign_in(NOW).unwrap();
    assert_eq!(request.url, "https://restapi.getui.com/v2/appid1/auth");
    let said = body(&request);
    let wanted: String = Sha256::digest(format!("appkey1{NOW}master1"))
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(
        said,
        json!({"sign": wanted, "timestamp": NOW.to_string(), "appkey": "appkey1"})
    );
    assert!(!String::from_utf8(request.body).unwrap().contains("master1"));
}

#[test]
fn a_token_is_renewed_before_its_end() {
    let token = token(NOW + DAY);
    assert!(token.is_good(NOW));
    assert!(token.is_good(NOW + DAY - 11 * 60_000));
    assert!(!token.is_good(NOW + DAY - 10 * 60_000));
    assert_eq!(token.expose(), "t-1");
    assert!(!format!("{token:?}").contains("t-1"));
}

#[test]
fn a_refused_sign_in_says_why() {
    let said = |status, code: i64| {
        let body = json!({"code": code, "msg": "no"}).to_string();
        getui().signed_in(&reply(status, body.as_bytes()), NOW)
    };
    assert_eq!(
        said(401, 10003),
        Err(Answer::SlowDown {
            after: Some(60_000)
        })
    );
    for code in [10001, 10002, 20001, 301] {
        assert_eq!(said(400, code), Err(Answer::Refused(Fault::Vendor(code))));
    }
    assert_eq!(said(200, 2), Err(Answer::Retry { after: None }));
    assert_eq!(
        getui().signed_in(&reply(502, b"<html>"), NOW),
        Err(Answer::Retry { after: None })
    );
    // A token that could not stand in a header is none.
    let bad = json!({"code": 0, "data": {"token": "a\nb", "expire_time": "1"}}).to_string();
    assert_eq!(
        getui().signed_in(&reply(200, bad.as_bytes()), NOW),
        Err(Answer::Refused(Fault::Unexpected(200)))
    );
}

#[test]
fn getui_is_asked_as_its_documentation_says() {
    let request = push(Kind::Invitation, NOW);
    assert_eq!(
        request.url,
        "https://restapi.getui.com/v2/appid1/push/single/cid"
    );
    assert_eq!(header(&request, "token"), Some("t-1"));
    assert_eq!(
        header(&request, "content-type"),
        Some("application/json;charset=utf-8")
    );
    let said = body(&request);
    assert_eq!(said["audience"], json!({"cid": [CID]}));
    assert_eq!(said["settings"]["ttl"], 60_000);
    let id = said["request_id"].as_str().unwrap();
    assert!((10..=32).contains(&id.len()), "{id}");
    let shown = &said["push_message"]["notification"];
    assert_eq!(shown["title"], "来电");
    assert_eq!(shown["body"], "王小明 · 13800138000");
    assert_eq!(shown["click_type"], "payload");
    let data: Value = serde_json::from_str(shown["payload"].as_str().unwrap()).unwrap();
    assert_eq!(
        data["url"],
        "https://phone.example/?wake=AAAAAAAAAAAAAAAAAAAAAA"
    );
    assert_eq!(data["wakeline"]["kind"], "invitation");
    let android = &said["push_channel"]["android"]["ups"]["notification"];
    assert_eq!(android["click_type"], "startapp");
    assert_eq!(said["push_channel"]["ios"]["aps"]["sound"], "default");
    // The vendor reads it all: what opens a wake is not in it.
    assert!(
        !String::from_utf8(request.body.clone())
            .unwrap()
            .contains("a-capability")
    );
}

#[test]
fn each_request_has_an_id_of_its_own() {
    let id = |kind, now| body(&push(kind, now))["request_id"].clone();
    let first = id(Kind::Invitation, NOW);
    assert_ne!(first, id(Kind::Invitation, NOW + 1));
    assert_ne!(first, id(Kind::Missed, NOW));
}

#[test]
fn a_replacement_takes_the_invitations_place_and_is_silent() {
    let (invitation, missed) = (
        body(&push(Kind::Invitation, NOW)),
        body(&push(Kind::Missed, NOW + 70_000)),
    );
    for at in [
        "/push_message/notification/notify_id",
        "/push_channel/android/ups/notification/notify_id",
        "/push_channel/ios/apns-collapse-id",
    ] {
        assert!(!invitation.pointer(at).unwrap().is_null(), "{at}");
        assert_eq!(invitation.pointer(at), missed.pointer(at), "{at}");
    }
    let id = invitation["push_message"]["notification"]["notify_id"].as_u64();
    assert!(id.unwrap() <= 2_147_483_647);
    assert_eq!(missed["push_message"]["notification"]["title"], "未接来电");
    assert_eq!(missed["push_message"]["notification"]["channel_level"], 2);
    assert_eq!(missed["push_channel"]["ios"]["aps"].get("sound"), None);
    assert_eq!(missed["settings"]["ttl"], DAY);
}

#[test]
fn an_invitation_that_is_over_is_not_sent() {
    let late = notice(Kind::Invitation);
    let over = getui().request(Some(&token(NOW + DAY)), &cid(), &late, NOW + 60_000);
    assert_eq!(over, Err(RequestError::Expired));
}

#[test]
fn a_site_may_have_its_own_screen_channels_and_android_package() {
    let options = json!({"XM": {"/extra.channel_id": "calls"}});
    let by_call_server = Notice {
        wake: "A".repeat(108),
        ..notice(Kind::Invitation)
    };
    let getui = getui()
        .with_message(GetuiMessage::Transmission)
        .with_android_package(Some("com.example.app".into()))
        .with_options(options.as_object().unwrap().clone());
    let said = body(
        &getui
            .request(Some(&token(NOW + DAY)), &cid(), &by_call_server, NOW)
            .unwrap(),
    );
    // "notification、transmission、revoke参数只能使用一个".
    assert_eq!(said["push_message"].as_object().unwrap().len(), 1);
    let data: Value =
        serde_json::from_str(said["push_message"]["transmission"].as_str().unwrap()).unwrap();
    assert_eq!(data["title"], "来电");
    let ups = &said["push_channel"]["android"]["ups"];
    assert_eq!(ups["options"], options);
    assert_eq!(ups["notification"]["click_type"], "intent");
    let intent = ups["notification"]["intent"].as_str().unwrap();
    assert!(intent.contains("wake%3DAAAAAAAAAAAAAAAAAAAAAA"), "{intent}");
    assert!(intent.starts_with("intent:#Intent;") && intent.ends_with(";end"));
    assert!(intent.contains("component=com.example.app/io.dcloud.PandoraEntry;S.UP-OL-SU=true;"));
    // Meizu takes 1,000 octets.
    assert!(intent.len() <= 1000, "{} octets", intent.len());
    let extra = intent.split(";S.payload=").nth(1).unwrap();
    assert!(!extra.trim_end_matches(";end").contains(';'), "{extra}");
}

#[test]
fn what_getui_answers_means() {
    let one =
        |status: &str| json!({"code": 0, "msg": "success", "data": {"RASS_1": {CID: status}}});
    let error = |code: i64, msg: &str| json!({"code": code, "msg": msg});
    let slow = Answer::SlowDown {
        after: Some(60_000),
    };
    for (status, said, wanted) in [
        (200, one("successed_online"), Answer::Accepted),
        (200, one("successed_offline"), Answer::Accepted),
        (200, one("successed_ignore"), Answer::Inactive),
        (
            200,
            one("new word"),
            Answer::Refused(Fault::Unexpected(200)),
        ),
        (
            200,
            json!({"code": 0, "data": {}}),
            Answer::Refused(Fault::Unexpected(200)),
        ),
        (400, error(20001, "target user is invalid"), Answer::Gone),
        (
            400,
            error(20001, "ttl is invalid"),
            Answer::Refused(Fault::Vendor(20001)),
        ),
        (401, error(10002, ""), Answer::Refused(Fault::Vendor(10002))),
        (401, error(10003, ""), slow),
        (401, error(10005, ""), slow),
        (200, error(2, ""), Answer::Retry { after: None }),
        (403, error(30001, ""), Answer::Refused(Fault::Vendor(30001))),
        // A wrong address is no device that is gone.
        (404, error(404, ""), Answer::Refused(Fault::Vendor(404))),
        (404, json!("no"), Answer::Refused(Fault::Unexpected(404))),
        (410, json!("no"), Answer::Refused(Fault::Unexpected(410))),
        (503, json!("no"), Answer::Retry { after: None }),
    ] {
        let body = said.to_string();
        let answer = getui().answer(&reply(status, body.as_bytes()), &cid(), NOW);
        assert_eq!(answer, Said::Answer(wanted), "{status} {said}");
    }
    let refused = error(10001, "token error").to_string();
    let answer = getui().answer(&reply(401, refused.as_bytes()), &cid(), NOW);
    assert_eq!(answer, Said::SignIn);
    // Whatever comes, it is an answer.
    for rubbish in [
        &b""[..],
        b"{",
        b"[]",
        b"{\"code\":\"0\"}",
        b"{\"code\":0,\"data\":[1]}",
    ] {
        let answer = getui().answer(&reply(200, rubbish), &cid(), NOW);
        assert!(matches!(answer, Said::Answer(Answer::Refused(_))));
    }
}

#[test]
fn a_cloud_function_gets_a_signed_message() {
    use hmac::{Hmac, KeyInit, Mac};
    let unicloud = unicloud();
    assert!(unicloud.sign_in(NOW).is_none());
    let request = unicloud
        .request(None, &cid(), &notice(Kind::Invitation), NOW)
        .unwrap();
    assert_eq!(request.url, "https://fc.example.com/wakeline-push");
    let said = body(&request);
    assert_eq!(said["push_clientid"], CID);
    assert_eq!(said["settings"]["ttl"], 60_000);
    assert_eq!(
        said["payload"]["wakeline"]["wake"],
        "AAAAAAAAAAAAAAAAAAAAAA"
    );
    let id = said["request_id"].as_str().unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(format!("{NOW}.{id}.").as_bytes());
    mac.update(&request.body);
    let wanted: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let signature = header(&request, SIGNATURE).unwrap();
    assert_eq!(signature, format!("at={NOW},id={id},sig={wanted}"));
    assert!(
        request
            .headers
            .iter()
            .all(|(_, value)| !value.contains(KEY))
    );
}

#[test]
fn uni_push_lengths_hold_for_the_longest_names() {
    let mut long = notice(Kind::Declined);
    // A call server's wake names its line.
    long.wake = "A".repeat(108);
    long.lang = Lang::En;
    long.caller.number = "+".repeat(64);
    long.caller.display_name = "\"王".repeat(60);
    long.number = "#".repeat(64);
    long.origin = format!("https://{}.example", "a".repeat(60));
    for (kind, lang) in Kind::ALL
        .into_iter()
        .flat_map(|k| [(k, Lang::En), (k, Lang::Zh)])
    {
        let notice = Notice {
            kind,
            lang,
            ..long.clone()
        };
        let said = body(&unicloud().request(None, &cid(), &notice, NOW).unwrap());
        let chars = |name: &str| said[name].as_str().unwrap().chars().count();
        assert!(chars("title") < 20 && chars("content") < 50, "{said}");
        assert!(said["payload"].to_string().len() < 800);
    }
}

#[test]
fn what_a_cloud_function_answers_means() {
    let one = |status: &str| json!({"errCode": 0, "errMsg": "", "data": {"t": {CID: status}}});
    let error = |code: Value, msg: &str| json!({"errCode": code, "errMsg": msg});
    for (status, said, wanted) in [
        (200, one("successed_online"), Answer::Accepted),
        (200, one("successed_ignore"), Answer::Inactive),
        (
            200,
            error(json!(20001), "target user is invalid"),
            Answer::Gone,
        ),
        (
            200,
            error(json!("uni-push-x"), "target user is invalid"),
            Answer::Gone,
        ),
        (
            200,
            error(json!(10001), "token"),
            Answer::Retry { after: None },
        ),
        (
            200,
            error(json!(20001), "title"),
            Answer::Refused(Fault::Vendor(20001)),
        ),
        (200, json!({}), Answer::Refused(Fault::Unexpected(200))),
        (
            401,
            error(json!(401), ""),
            Answer::Refused(Fault::Vendor(401)),
        ),
        // No function stands there: no device is gone.
        (404, json!("no"), Answer::Refused(Fault::Vendor(404))),
        (410, json!("no"), Answer::Refused(Fault::Vendor(410))),
        (429, json!("no"), Answer::SlowDown { after: None }),
        (502, json!("no"), Answer::Retry { after: None }),
    ] {
        let body = said.to_string();
        let answer = unicloud().answer(&reply(status, body.as_bytes()), &cid(), NOW);
        assert_eq!(answer, Said::Answer(wanted), "{status} {said}");
    }
}

#[test]
fn only_the_vendors_own_hosts_are_called() {
    let at = |api: &str, allow: &AllowList| {
        Getui::new(api, allow, "a", "b".into(), "c".into()).map(|_| ())
    };
    let hosts = Getui::hosts();
    assert_eq!(at("https://restapi.getui.com/v2/", &hosts), Ok(()));
    assert_eq!(at("https://eu.getui.com/v2", &hosts), Ok(()));
    for (api, why) in [
        ("http://restapi.getui.com/v2", EndpointError::Scheme),
        ("https://getui.com.example/v2", EndpointError::Host),
        ("https://169.254.169.254/v2", EndpointError::Address),
        ("https://restapi.getui.com:8443/v2", EndpointError::Port),
        ("https://a@restapi.getui.com/v2", EndpointError::Userinfo),
        ("https://restapi.getui.com/v2?x=", EndpointError::NotAUrl),
        ("http://127.0.0.1:9/v2", EndpointError::Scheme),
    ] {
        assert_eq!(at(api, &hosts), Err(why), "{api}");
    }
    assert_eq!(
        at("http://127.0.0.1:9/v2", &hosts.with_loopback(true)),
        Ok(())
    );
}

#[test]
fn a_cid_is_of_few_characters_and_stays_out_of_logs() {
    for bad in [
        "",
        "short",
        "with space in it",
        "ümlaut-cid",
        "a\"b\",\"c\":\"d",
        &"a".repeat(129),
    ] {
        assert!(Cid::parse(bad).is_err(), "{bad}");
    }
    let stored = format!(r#"{{"kind":"getui","cid":"{CID}"}}"#);
    let target: Target = serde_json::from_str(&stored).unwrap();
    assert_eq!(serde_json::to_string(&target).unwrap(), stored);
    assert_eq!(target.kind(), "getui");
    assert_eq!(target.cid(), Some(&cid()));
    assert!(!format!("{target:?}").contains(CID));
    assert!(!format!("{:?} {:?}", getui(), unicloud()).contains("master1"));
    assert!(!format!("{:?}", unicloud()).contains(KEY));
}
