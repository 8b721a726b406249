//! The wire room behind one function, driven by `tests/bench/client/parse.mjs`: a message as JavaScript has it, a string, in;
//! From, To, Via, Contact and CSeq decoded to owned values.
#![cfg(target_arch = "wasm32")]

use wakeline_sip::wire::{Limits, NameAddr, Params, ParseError, Via, View};
use wasm_bindgen::prelude::*;

/// What is decoded of a message.
struct Decoded {
    from: NameAddr,
    to: NameAddr,
    via: Via,
    contact: NameAddr,
    cseq: (u32, String),
}

impl Decoded {
    fn parse(text: &str) -> Result<Self, ParseError> {
        let view = View::parse(text.as_bytes(), &Limits::default())?;
        let (number, method) = view.cseq()?;
        let via = view.top_via()?;
        Ok(Self {
            from: view.from()?.try_into()?,
            to: view.to()?.try_into()?,
            via: Via {
                transport: via.transport.to_owned(),
                host: via.host.to_owned(),
                port: via.port,
                params: via.params.try_into()?,
            },
            contact: view.contact()?.try_into()?,
            cseq: (number, method.to_owned()),
        })
    }
}

/// Decodes the five headers; answers the number of CSeq, so that nothing can be left out.
#[wasm_bindgen]
pub fn decode(text: &str) -> Result<u32, JsError> {
    let decoded = Decoded::parse(text)?;
    // Dropped here, as a client drops a message that it has dealt with.
    Ok(decoded.cseq.0)
}

/// Everything that was decoded, in the one form in which all contestants are compared.
#[wasm_bindgen]
pub fn told(text: &str) -> Result<String, JsError> {
    let Decoded {
        from,
        to,
        via,
        contact,
        cseq,
    } = Decoded::parse(text)?;
    Ok([
        address(&from),
        address(&to),
        format!(
            "{} {} {} {}",
            via.transport,
            via.host,
            port(via.port),
            params(&via.params)
        ),
        address(&contact),
        format!("{} {}", cseq.0, cseq.1),
    ]
    .join("\n"))
}

fn address(address: &NameAddr) -> String {
    let uri = &address.uri;
    format!(
        "{} {} {} {} {} {} {}",
        address.display.as_deref().unwrap_or("-"),
        uri.scheme.as_str(),
        uri.user.as_deref().unwrap_or("-"),
        uri.host,
        port(uri.port),
        params(&uri.params),
        params(&address.params),
    )
}

fn port(port: Option<u16>) -> String {
    port.map_or_else(|| "-".to_owned(), |port| port.to_string())
}

fn params(params: &Params) -> String {
    let mut all: Vec<_> = params
        .iter()
        // An rport that only asks is not kept by JsSIP.
        .filter(|param| *param != ("rport", None))
        .map(|(name, value)| format!("{name}={}", value.unwrap_or_default()))
        .collect();
    all.sort_unstable();
    format!("[{}]", all.join(","))
}
