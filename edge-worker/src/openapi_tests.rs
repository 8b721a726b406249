//! The OpenAPI document (3.1): the router's table, the types of `wakeline-edge-api`, and here for each route what it takes and
//! answers. Written to `www/public/openapi.json`, where the edge serves it as an asset; the worker's wasm carries none of it.
//!
//! [`operation`] has one arm per route: a route that is new must be described before the crate's tests compile.
//! Long because of that: each arm holds an example of what its route takes and gives.

use super::*;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::{PartialSchema, ToSchema};
use wakeline_edge_api as api;
use wakeline_edge_api::problem::Kind;

/// Set it to write the document instead of comparing it.
const WRITE: &str = "WAKELINE_WRITE_DOCS";
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../www/public/openapi.json");
const DEVICE: &str = "0189d2c4-7a1b-4c3d-8e9f-0123456789ab";
const WAKE: &str = "q83vASNFZ4mrze8BI0VniQ";
const SERVER_WAKE: &str = "q83vASNFZ4mrze8BI0VniQMTAwMQ";
const AT: u64 = 1_793_330_000_000;

/// A type's schema, and an example of it.
struct Shape {
    schema: Value,
    example: Value,
}

/// What a route takes and answers.
struct Operation {
    summary: &'static str,
    body: Option<Shape>,
    /// An empty body stands for the defaults.
    body_optional: bool,
    status: u16,
    answer: Option<Shape>,
    /// Problems of its own, besides those that its `Access` and its body bring.
    problems: Vec<Kind>,
}

fn shape<T: ToSchema + Serialize>(example: &T) -> Shape {
    Shape {
        schema: json!({ "$ref": format!("#/components/schemas/{}", T::name()) }),
        example: serde_json::to_value(example).unwrap(),
    }
}

fn op(summary: &'static str, status: u16) -> Operation {
    Operation {
        summary,
        body: None,
        body_optional: false,
        status,
        answer: None,
        problems: Vec::new(),
    }
}

impl Operation {
    fn takes<T: ToSchema + Serialize>(mut self, example: &T) -> Self {
        self.body = Some(shape(example));
        self
    }

    fn may_take<T: ToSchema + Serialize>(mut self, example: &T) -> Self {
        self.body_optional = true;
        self.takes(example)
    }

    fn gives<T: ToSchema + Serialize>(mut self, example: &T) -> Self {
        self.answer = Some(shape(example));
        self
    }

    fn or(mut self, kinds: &[Kind]) -> Self {
        self.problems.extend_from_slice(kinds);
        self
    }
}

fn account() -> api::Account {
    api::Account {
        uid: "u-1001".into(),
        number: "1001".into(),
        display_name: "Ada".into(),
        address_of_record: "sip:1001@phone.example.com".into(),
        sip: None,
    }
}

fn session() -> api::Session {
    api::Session {
        token: "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl".into(),
        expires_at: AT + 3_600_000,
        account: account(),
    }
}

fn push() -> api::PushTarget {
    api::PushTarget::WebPush(api::WebPushTarget {
        kind: api::WebPushKind::WebPush,
        endpoint: "https://updates.push.services.mozilla.com/wpush/v2/example".into(),
        p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4".into(),
        auth: "BTBZMqHH6r4Tts7J_aSIgg".into(),
    })
}

fn device() -> api::Device {
    api::Device {
        id: DEVICE.into(),
        label: "Firefox on Linux".into(),
        lang: "en".into(),
        push: Some("webpush".into()),
        has_credential: true,
        registered: false,
        created_at: AT,
        seen_at: AT,
    }
}

fn wake() -> api::Wake {
    api::Wake {
        id: WAKE.into(),
        state: api::WakeState::Pushed,
        caller: api::Party {
            number: "1002".into(),
            display_name: "Bob".into(),
        },
        created_at: AT,
        expires_at: AT + 60_000,
        why: None,
        devices: vec![api::DeviceWake {
            device: DEVICE.into(),
            state: api::DeviceState::Pushed,
        }],
    }
}

fn missed() -> api::Missed {
    api::Missed {
        id: WAKE.into(),
        caller: wake().caller,
        at: AT,
        outcome: api::WakeState::Expired,
        caller_online: Some(true),
        seen: false,
    }
}

fn blocked() -> api::BlockedList {
    let caller = api::Blocked {
        number: "1003".into(),
        display_name: "Eve".into(),
        at: AT,
    };
    api::BlockedList {
        blocked: vec![caller],
    }
}

fn quiet() -> api::DoNotDisturb {
    api::DoNotDisturb {
        on: true,
        since: Some(AT),
    }
}

fn report() -> api::WakeReport {
    api::WakeReport {
        device: Some(DEVICE.into()),
        hindered: None,
    }
}

fn own_presence() -> api::OwnPresence {
    api::OwnPresence {
        state: api::PresenceState::Online,
        visibility: api::Visibility::Everyone,
    }
}

fn server_wake() -> api::ServerWake {
    api::ServerWake {
        id: SERVER_WAKE.into(),
        call: "1f3a9c@pbx.example.com".into(),
        number: Some("1001".into()),
        uid: Some("u-1001".into()),
        state: api::WakeState::Pushed,
        is_final: false,
        why: None,
        version: 2,
        ready: 0,
        expires_at: AT + 60_000,
        sip: None,
    }
}

fn operation(name: Name) -> Operation {
    use problem::{
        BAD_REQUEST, CALLBACK, CONFLICT, ENDPOINT, NOT_REGISTERED, SIGN_IN, SUBPROTOCOL, TOO_MANY,
        UNAVAILABLE, UPGRADE, WAKE_OVER,
    };
    let about_wake = |summary| op(summary, 200).may_take(&report()).gives(&wake());
    match name {
        Name::CreateAccount => op("Create a number with its password", 201)
            .takes(&api::CreateAccount {
                number: "1001".into(),
                password: "correct horse battery".into(),
                display_name: Some("Ada".into()),
                uid: Some("u-1001".into()),
            })
            .gives(&account())
            .or(&[CONFLICT, UNAVAILABLE]),
        Name::ShowAccount => op("Whom the token speaks for", 200).gives(&api::Account {
            sip: Some(api::SipAccount {
                servers: vec!["wss://pbx.example.com:8443/ws".into()],
                domain: "pbx.example.com".into(),
                username: format!("{}:1001", AT / 1000 + 86_400),
                password: "K/tYwiqjdMbs1No1Wh6wcHX8S3Q=".into(),
                expires_at: Some(AT + 86_400_000),
            }),
            ..account()
        }),
        Name::SignIn => op("Sign in by password", 200)
            .takes(&api::SignIn {
                number: "1001".into(),
                password: "correct horse battery".into(),
                device: Some(DEVICE.into()),
            })
            .gives(&session())
            .or(&[SIGN_IN, TOO_MANY, UNAVAILABLE]),
        Name::MintToken => op("A token for a line, for the site's backend", 201)
            .takes(&api::MintToken {
                number: "1001".into(),
                uid: Some("u-1001".into()),
                display_name: Some("Ada".into()),
                ttl_s: Some(600),
            })
            .gives(&api::Token {
                token: session().token,
                expires_at: session().expires_at,
            }),
        Name::RenewToken => op("A new token, by the device credential", 200)
            .takes(&api::RenewToken {
                device: DEVICE.into(),
                number: "1001".into(),
                nonce_at: AT,
                signature: "c2lnbmF0dXJl".into(),
            })
            .gives(&session()),
        Name::BindDevice => op("Bind a device, or change what is known of it", 200)
            .may_take(&api::BindDevice {
                push: Some(push()),
                public_key: Some(api::DevicePublicKey {
                    kty: "EC".into(),
                    crv: "P-256".into(),
                    x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4".into(),
                    y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM".into(),
                }),
                label: Some("Firefox on Linux".into()),
                lang: Some("en".into()),
            })
            .gives(&device())
            .or(&[CONFLICT, ENDPOINT]),
        Name::BindPush => op(
            "Replace a device's push subscription, by its credential",
            200,
        )
        .takes(&push())
        .gives(&device())
        .or(&[ENDPOINT]),
        Name::ListDevices => op("The line's devices", 200).gives(&api::DeviceList {
            devices: vec![device()],
        }),
        Name::RevokeDevice => op("Revoke a device for ever", 204).or(&[BAD_REQUEST]),
        Name::Waiting => op("What waits for the line", 200).gives(&api::Waiting {
            now: 1_790_000_000_000,
            wakes: vec![wake()],
            missed: vec![missed()],
        }),
        Name::ShowWake => op("How a wake stands, or ended", 200)
            .gives(&wake())
            .or(&[BAD_REQUEST]),
        Name::Shown => about_wake("The invitation is on the screen"),
        Name::Opened => about_wake("The invitation was tapped, or the page opened"),
        Name::Ready => about_wake("The page has registered and can take the call")
            .or(&[NOT_REGISTERED, WAKE_OVER]),
        Name::Decline => about_wake("The user declined").or(&[WAKE_OVER]),
        Name::Missed => op("Missed calls, newest first", 200).gives(&api::MissedList {
            missed: vec![missed()],
        }),
        Name::MissedSeen => op("Missed calls were looked at", 200)
            .takes(&api::MissedSeen {
                ids: vec![WAKE.into()],
            })
            .gives(&api::MissedList {
                missed: vec![missed()],
            }),
        Name::Presence => op("A line's state, before it is called", 200)
            .gives(&api::Presence {
                number: "1002".into(),
                state: api::PresenceState::Online,
                at: AT,
            })
            .or(&[TOO_MANY]),
        Name::OwnPresence => op("The line's own state, and who may look it up", 200)
            .gives(&own_presence()),
        Name::SetPresence => op("Who may look up the line's state", 200)
            .takes(&api::SetPresence {
                visibility: api::Visibility::Everyone,
            })
            .gives(&own_presence()),
        Name::DeleteAccount => op("Delete the user, everywhere", 204)
            .takes(&api::DeleteAccount {
                confirm: "the number of the account".into(),
            })
            .or(&[UNAVAILABLE]),
        Name::ShowUser => op("A user's state and address, for the site's backend", 200)
            .gives(&api::UserAnswer {
                user_property: vec![api::UserProperty {
                    User_id: "u-1001".into(),
                    number: "1001".into(),
                    User_ip: Some("192.0.2.1".into()),
                    User_netstate: 1.0,
                    at: AT as f64,
                }],
            })
            .or(&[UNAVAILABLE]),
        Name::UserCalls => op("The calls that a user asked for, newest first", 200)
            .gives(&api::UserCalls {
                user_call: vec![api::UserCall {
                    id: WAKE.into(),
                    User_id: "u-1001".into(),
                    Callee_id: "u-1002".into(),
                    Call_date: AT as f64,
                    Outcome: Some("answered".into()),
                }],
            })
            .or(&[UNAVAILABLE]),
        Name::DeleteUser => op("Delete a user, everywhere", 204).or(&[UNAVAILABLE]),
        Name::Story => op("How a call went, without anybody's name", 200)
            .gives(&api::Story {
                id: WAKE.into(),
                asked_at: AT,
                state: "answered".into(),
                ended_at: Some(AT + 60_000),
                ended_by: Some("caller".into()),
                why: None,
                steps: vec![api::StoryStep {
                    at: AT + 40,
                    device: 1,
                    state: "pushed".into(),
                }],
                pushes: vec![api::StoryPush {
                    at: AT + 40,
                    device: 1,
                    provider: "mozilla".into(),
                    answer: "accepted".into(),
                }],
            })
            .or(&[UNAVAILABLE]),
        Name::Metrics => op("Counters without identities, for the operator", 200)
            .or(&[UNAVAILABLE]),
        Name::ListBlocked => {
            op("The callers whom the user has blocked, newest first", 200).gives(&blocked())
        }
        Name::Block => op("Block a caller, who is not told", 200)
            .may_take(&api::BlockCaller {
                display_name: Some("Eve".into()),
            })
            .gives(&blocked())
            .or(&[CONFLICT]),
        Name::Unblock => op("Let a caller through again", 200)
            .gives(&blocked())
            .or(&[BAD_REQUEST]),
        Name::DoNotDisturb => op("Whether the user wants no calls", 200).gives(&quiet()),
        Name::SetDoNotDisturb => op("Switch do-not-disturb", 200)
            .takes(&api::SetDoNotDisturb { on: true })
            .gives(&quiet()),
        Name::Vapid => {
            op("The key to subscribe to pushes with (RFC 8292)", 200).gives(&api::VapidKey {
                public_key: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4".into(),
            })
        }
        Name::Ice => op("STUN and TURN servers", 200).gives(&api::IceAnswer {
            ice_servers: vec![api::IceServer {
                urls: vec!["stun:stun.example.com:3478".into()],
                username: None,
                credential: None,
            }],
            expires_at: None,
            warning: None,
        }),
        Name::CallServer => op("Whom the edge takes a call server for", 200).gives(
            &api::CallServer {
                id: "pbx".into(),
                site: "demo".into(),
                domain: "phone.example.com".into(),
                may: vec!["wake".into()],
                now: AT,
            },
        ),
        Name::AskWake => op("A call server parks a call and wants its callee woken", 201)
            .takes(&api::AskWake {
                call: server_wake().call,
                number: Some("1001".into()),
                uid: None,
                caller: api::ServerCaller {
                    number: "13800138000".into(),
                    name: Some("Bob".into()),
                },
                limits: Some(api::AskLimits {
                    ready_s: Some(60),
                    ring_s: Some(60),
                }),
                callback: Some("https://pbx.example.com/wakeline".into()),
            })
            .gives(&server_wake())
            .or(&[CALLBACK, TOO_MANY, UNAVAILABLE]),
        Name::ServerEvent => op("A call server says how its call goes on", 200)
            .takes(&api::ServerEvent {
                event: api::ServerEventKind::Failed,
                status: Some(486),
                cause: Some(17),
                reason: Some("Busy Here".into()),
            })
            .gives(&api::ServerWake {
                state: api::WakeState::Busy,
                is_final: true,
                version: 6,
                sip: Some(api::ServerSip {
                    status: 486,
                    reason: "busy".into(),
                }),
                ..server_wake()
            }),
        Name::GatewayCall => op("A voice gateway asks whether to dial the mobile", 200)
            .takes(&api::GatewayCall {
                call: "gw-7d41".into(),
                number: "1001".into(),
                caller: api::ServerCaller {
                    number: "13800138000".into(),
                    name: None,
                },
                signal_dbm: Some(-112),
                failed: None,
            })
            .gives(&api::GatewayRoute {
                route: api::Way::Divert,
                uid: Some("u-1001".into()),
                why: api::WayWhy::Weak,
            }),
        Name::SetThreshold => op("From which signal on a line's mobile is dialled", 200)
            .takes(&api::GatewayThreshold {
                threshold_dbm: Some(-90),
            })
            .gives(&api::GatewayThreshold {
                threshold_dbm: Some(-90),
            }),
        Name::Health => op("What was checked, and how it stands", 200).gives(&api::Health {
            status: "ok".into(),
            storage: "ok".into(),
            database: "ok".into(),
            keys: "ok".into(),
        }),
        Name::Sip => op("The page's WebSocket, subprotocol sip (RFC 7118)", 101)
            .or(&[SUBPROTOCOL, UPGRADE, TOO_MANY]),
    }
}

/// Types that a route names, with all that they name.
fn schemas() -> Map<String, Value> {
    macro_rules! all {
        ($($type:ident)*) => {{
            let mut found = Vec::new();
            $(
                found.push((api::$type::name().into_owned(), api::$type::schema()));
                api::$type::schemas(&mut found);
            )*
            found
        }};
    }
    all![
        Account BindDevice BlockCaller BlockedList CallServer CreateAccount DeleteAccount Device DeviceList DoNotDisturb Health IceAnswer MintToken MissedList MissedSeen
        OwnPresence Presence Problem PushTarget RenewToken Session SetDoNotDisturb SetPresence SignIn Story Token UserAnswer UserCalls VapidKey Waiting
        Wake WakeReport AskWake ServerEvent ServerWake
        GatewayCall GatewayRoute GatewayThreshold
    ]
    .into_iter()
    .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap()))
    .collect()
}

fn security(access: Access) -> Value {
    match access {
        Access::Anyone => json!([]),
        Access::SiteKey => json!([{ "siteKey": [] }]),
        Access::OperatorKey => json!([{ "operatorKey": [] }]),
        Access::Token => json!([{ "token": [] }]),
        Access::TokenOrCapability => json!([{ "token": [] }, { "capability": [] }]),
        Access::WakeParty => {
            json!([{ "token": [] }, { "capability": [] }, { "callServer": [] }, { "callServerSignature": [] }])
        }
        // Its proof is in the body.
        Access::RenewSignature => json!([]),
        Access::PushSignature => json!([{ "deviceSignature": [] }]),
        Access::CallServer(_) => json!([{ "callServer": [] }, { "callServerSignature": [] }]),
    }
}

fn problems_of(route: &Route, operation: &Operation) -> Vec<Kind> {
    use problem::{
        BAD_REQUEST, CLOCK, FORBIDDEN, INTERNAL, MISCONFIGURED, NOT_FOUND, TOO_LARGE, UNAUTHORIZED,
    };
    let mut kinds = vec![FORBIDDEN, NOT_FOUND, INTERNAL, MISCONFIGURED];
    if route.access != Access::Anyone {
        kinds.push(UNAUTHORIZED);
    }
    if matches!(
        route.access,
        Access::RenewSignature | Access::PushSignature | Access::CallServer(_) | Access::WakeParty
    ) {
        kinds.push(CLOCK);
    }
    if operation.body.is_some() {
        kinds.extend([BAD_REQUEST, TOO_LARGE]);
    }
    kinds.extend(&operation.problems);
    kinds
}

fn name_of(kind: &Kind) -> &'static str {
    kind.path.rsplit('/').next().unwrap()
}

/// The kinds that have the same status, by status.
fn by_status(kinds: &[Kind]) -> BTreeMap<u16, Vec<Kind>> {
    let mut sorted: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in kinds {
        sorted.entry(kind.status).or_default().push(*kind);
    }
    sorted
}

/// Responses of the same kinds are one component.
fn component(kinds: &[Kind]) -> String {
    let names: Vec<_> = kinds.iter().map(name_of).collect();
    names.join("-or-")
}

fn problem_responses(kinds: &[Kind]) -> Map<String, Value> {
    let reference =
        |kinds: &[Kind]| json!({ "$ref": format!("#/components/responses/{}", component(kinds)) });
    by_status(kinds)
        .iter()
        .map(|(status, kinds)| (status.to_string(), reference(kinds)))
        .collect()
}

/// Every response that [`problem_responses`] refers to.
fn problem_components() -> Map<String, Value> {
    let mut components = Map::new();
    for route in ROUTES {
        for (status, kinds) in by_status(&problems_of(route, &operation(route.name))) {
            let mut headers = Map::new();
            if matches!(status, 429 | 503) {
                let schema = json!({ "type": "integer", "minimum": 0 });
                headers.insert(
                    "Retry-After".into(),
                    json!({ "description": "Seconds to wait.", "schema": schema }),
                );
            }
            if status == 401 {
                headers.insert(
                    "WWW-Authenticate".into(),
                    json!({ "schema": { "type": "string" } }),
                );
            }
            let titles: Vec<_> = kinds.iter().map(|k| k.title).collect();
            let examples: Map<_, _> = kinds
                .iter()
                .map(|k| {
                    (
                        name_of(k).to_owned(),
                        json!({ "$ref": format!("#/components/examples/{}", name_of(k)) }),
                    )
                })
                .collect();
            let schema = json!({ "$ref": "#/components/schemas/Problem" });
            components.insert(
                component(&kinds),
                json!({
                    "description": titles.join("; "),
                    "headers": headers,
                    "content": { "application/problem+json": { "schema": schema, "examples": examples } },
                }),
            );
        }
    }
    components
}

/// Each problem, once.
fn problem_examples() -> Map<String, Value> {
    let example = |kind: &Kind| {
        let mut example = kind.problem("A sentence that says what to do.");
        if matches!(kind.status, 429 | 503) {
            example.retry_after_s = Some(2);
        }
        if *kind == problem::CLOCK {
            example.now = Some(AT);
        }
        if *kind == problem::WAKE_OVER {
            example.wake = Some(api::Wake {
                state: api::WakeState::Expired,
                ..wake()
            });
        }
        (name_of(kind).to_owned(), json!({ "value": example }))
    };
    problem::ALL.iter().map(example).collect()
}

fn content(shape: &Shape) -> Value {
    json!({ "application/json": { "schema": shape.schema, "example": shape.example } })
}

/// `/v1/devices/{}` with the parameter's name, and its description.
fn path_of(pattern: &str) -> (String, Vec<Value>) {
    let (mut path, mut parameters, mut before) = (String::new(), Vec::new(), "");
    for part in pattern.split('/').skip(1) {
        let (name, pattern, example) = match before {
            "devices" => (
                "device",
                "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
                DEVICE,
            ),
            "wakes" if pattern.ends_with("/events") => {
                ("wake", "^[A-Za-z0-9_-]{22,108}$", SERVER_WAKE)
            }
            "wakes" => ("wake", "^[A-Za-z0-9_-]{22,108}$", WAKE),
            "calls" => ("call", "^[A-Za-z0-9_-]{22,108}$", WAKE),
            "presence" => ("number", "^[0-9A-Za-z+*#._-]{1,64}$", "1002"),
            "thresholds" => ("number", "^[0-9A-Za-z+*#._-]{1,64}$", "1001"),
            // Nobody: whoever tries the examples deletes no user.
            "users" => ("uid", "^[0-9A-Za-z+*#._-]{1,64}$", "u-nobody"),
            "blocked" => ("number", "^[0-9A-Za-z+*#._-]{1,64}$", "1003"),
            _ => ("id", "^[^/]+$", "id"),
        };
        if part == "{}" {
            path += &format!("/{{{name}}}");
            parameters.push(json!({
                "name": name, "in": "path", "required": true, "example": example,
                "schema": { "type": "string", "pattern": pattern },
            }));
        } else {
            path += &format!("/{part}");
        }
        before = part;
    }
    (path, parameters)
}

fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let described = operation(route.name);
        let (path, mut parameters) = path_of(route.path);
        if route.name == Name::ShowWake {
            let query = |name: &str, words: &str, schema: Value| json!({ "name": name, "in": "query", "description": words, "schema": schema });
            parameters.push(query(
                "wait",
                "For call servers: seconds until it is answered although nothing has changed.",
                json!({ "type": "integer", "minimum": 0, "maximum": 25 }),
            ));
            parameters.push(query(
                "after",
                "For call servers: the version that is known; the present one unless given.",
                json!({ "type": "integer", "minimum": 0 }),
            ));
        }
        let mut responses = problem_responses(&problems_of(route, &described));
        let good = match (&described.answer, route.name) {
            (Some(shape), Name::ShowWake) => {
                // A call server sees the call that it leads.
                let page = json!({ "summary": "to a page", "value": shape.example });
                let server = json!({ "summary": "to its call server", "value": server_wake() });
                let schema = json!({ "anyOf": [shape.schema, { "$ref": "#/components/schemas/ServerWake" }] });
                json!({ "description": "Done", "content": { "application/json": {
                    "schema": schema, "examples": { "page": page, "server": server },
                } } })
            }
            (Some(shape), _) => json!({ "description": "Done", "content": content(shape) }),
            (None, Name::Metrics) => {
                json!({ "description": "Done", "content": { "text/plain": { "schema": { "type": "string" }, "example": "wakeline_users_online{site=\"demo\"} 3\n" } } })
            }
            (None, _) => json!({ "description": "Done" }),
        };
        if route.name == Name::AskWake {
            // The same call again.
            responses.insert("200".into(), good.clone());
        }
        if route.name == Name::BindDevice {
            responses.insert("201".into(), good.clone());
        }
        if route.name == Name::Health {
            // What was checked is said as well when calls cannot be served.
            responses.insert("503".into(), good.clone());
        }
        responses.insert(described.status.to_string(), good);
        let mut entry = json!({
            "operationId": format!("{:?}", route.name),
            "summary": described.summary,
            "security": security(route.access),
            "responses": responses,
        });
        if !parameters.is_empty() {
            entry["parameters"] = parameters.into();
        }
        if let Some(body) = &described.body {
            entry["requestBody"] =
                json!({ "required": !described.body_optional, "content": content(body) });
        }
        let method = route.method.to_string().to_lowercase();
        paths.entry(path).or_insert_with(|| json!({}))[method] = entry;
    }
    let authorization = |description: &str| json!({ "type": "apiKey", "in": "header", "name": "Authorization", "description": description });
    let bearer = |description: &str| json!({ "type": "http", "scheme": "bearer", "description": description });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wakeline edge",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "REST of the edge. Times are milliseconds since the Unix epoch. What is not known is left out. Errors are problem documents (RFC 9457).",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "examples": problem_examples(),
            "responses": problem_components(),
            "securitySchemes": {
                "operatorKey": bearer("The deployment's OPERATOR_KEY."),
                "siteKey": bearer("One of the site's API keys, for its backend."),
                "token": bearer("A token of a line (JWT, HS256)."),
                "capability": authorization("`Wake` and what the push of this wake carried."),
                "deviceSignature": authorization("`WakelineDevice number=…,at=…,sig=…`, by the device credential."),
                "callServer": bearer("`id.secret` of a call server."),
                "callServerSignature": authorization("`WakelineServer id=…,at=…,sig=…`, an HMAC over the request."),
            },
        },
    })
}

#[test]
fn the_openapi_document_is_fresh() {
    let drawn = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(FILE, drawn).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        kept == drawn,
        "www/public/openapi.json is not fresh: run `cargo xtask docs`"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    found.push(to.clone());
                }
                members.values().for_each(|v| walk(v, found));
            }
            Value::Array(items) => items.iter().for_each(|v| walk(v, found)),
            _ => {}
        }
    }
    let document = document();
    let mut references = Vec::new();
    walk(&document, &mut references);
    assert!(references.len() > ROUTES.len());
    for to in references {
        let pointer = to.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{to}");
    }
}
