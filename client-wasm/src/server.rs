//! A line at a SIP server that is not our edge: no REST, no push, no wake; registration and calls only.

use crate::{
    plain::{FromPlain, plain_object},
    problem::Problem,
};
use alloc::{string::String, vec::Vec};
use wakeline_edge_api::Account;
use wakeline_sip::{agent::Policy, auth::Login, wire::Uri};
use wasm_bindgen::JsValue;

/// A server and who we are there.
pub struct Server {
    /// `wss://…` or `ws://…`, path included, in the order in which they are tried; at least one.
    pub urls: Vec<String>,
    /// Our line.
    pub account: Account,
    /// The device's `+sip.instance`, the same after a reload (RFC 5626 §4.1).
    pub instance: String,
    /// For digest.
    pub login: Option<Login>,
    /// For Bearer (RFC 8898).
    pub token: Option<String>,
    /// How calls are treated there.
    pub policy: Policy,
    /// Flows at the same time.
    #[cfg(feature = "beside")]
    pub flows: u8,
}

/// What a page knows of its line there (`js/line.ts`, which has looked at the addresses).
struct Line {
    /// `wss://…` or `ws://…`, all of one kind; at least one.
    urls: Vec<String>,
    /// The device's id.
    instance: String,
    /// `sip:user@domain`.
    address_of_record: String,
    /// The name that others see; may be empty.
    display_name: String,
    /// The name to authenticate by; the address's user when left out.
    user: Option<String>,
    /// Either this,
    password: Option<String>,
    /// or H(A1),
    ha1: Option<String>,
    /// or a token.
    token: Option<String>,
}

plain_object!(Line {
    urls: "server",
    instance: "instance",
    address_of_record: "addressOfRecord",
    display_name: "displayName",
    user: "user",
    password: "password",
    ha1: "ha1",
    token: "token",
});

impl Server {
    /// Checks what the page says.
    pub fn new(line: &JsValue) -> Result<Self, Problem> {
        let line =
            Line::from_plain(line).ok_or_else(|| wrong("what a line says of itself is text"))?;
        let address: Uri = line
            .address_of_record
            .parse()
            .map_err(|_| wrong("the address is like sip:user@example.com"))?;
        let number = address.username().unwrap_or_default().into_owned();
        let user = line.user.unwrap_or_else(|| number.clone());
        let login = match (line.password, line.ha1) {
            (_, Some(ha1)) => Some(Login::with_ha1(user, ha1)),
            (Some(password), None) => Some(Login::with_password(user, password)),
            (None, None) => None,
        };
        Ok(Self {
            urls: line.urls,
            account: Account {
                uid: String::new(),
                number,
                display_name: line.display_name,
                address_of_record: line.address_of_record,
                sip: None,
            },
            instance: line.instance,
            login,
            token: line.token,
            policy: Policy::default(),
            #[cfg(feature = "beside")]
            flows: 1,
        })
    }
}

fn wrong(message: &str) -> Problem {
    Problem::Browser {
        name: "SyntaxError".into(),
        message: message.into(),
    }
}
