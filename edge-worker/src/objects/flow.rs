//! The flow object: one WebSocket of a page, RFC 5626.
//!
//! - **Stored**: the rows of [`Flow`]; who it is in the socket's attachment and in the object's name.
//! - **Atomic**: one event is one turn; its rows are committed before its frames and envelopes leave.
//! - **Commands**: [`FlowRequest`]. A GET with `Upgrade: websocket` opens the socket.
//! - CRLF keepalives (RFC 5626 §3.5.1) are answered by the platform without waking the object.

#![allow(
    missing_docs,
    reason = "the durable_object macro generates glue without documentation"
)]

use super::driver::Driver;
use super::peer::{Delivery, hand_over, reply};
use super::turn::{Wanted, committed};
use crate::call;
use crate::config::Site;
use crate::objects::push::StoredTarget;
use crate::token::{self, TokenError};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::rc::Rc;
use wakeline_edge_api::SIP_SUBPROTOCOL;
use wakeline_push::{Bare, Target};
use wakeline_sip::edge::{
    BearerError, Claims, DeviceId, Envelope, Flow, FlowInput, FlowOutput, FlowToken, LineToFlow,
    Number, Uid, Verifier,
};
use wakeline_sip::time::Time;
use worker::wasm_bindgen::prelude::*;
use worker::worker_sys::types::WebSocketRequestResponsePair;
use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, WebSocketPair, durable_object,
};

/// The header in which the router names the address that a socket comes from.
pub const ADDRESS: &str = "Wakeline-Address";

/// What other objects ask of a flow object.
#[derive(Debug, Serialize, Deserialize)]
pub enum FlowRequest {
    /// A line's message, as an object of before hands it over. 204 once it is stored, 503 when there is no room for it: it
    /// comes again.
    Deliver(Envelope<LineToFlow>),
}

/// What the socket remembers while the object sleeps.
#[derive(Debug, Serialize, Deserialize)]
struct Attachment {
    site: String,
    flow: String,
    opened_at: u64,
}

/// The Durable Object.
#[durable_object]
pub struct FlowObject {
    inner: Rc<Inner>,
}

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
impl FlowObject {
    /// A line's message: see [`super::peer`].
    pub fn deliver(&self, envelope: &str) -> std::result::Result<JsValue, JsValue> {
        let envelope = serde_json::from_str(envelope).map_err(Error::from)?;
        reply(self.inner.turn(FlowInput::Envelope(envelope))?, None::<()>)
    }

    /// A frame of the page: a turn waits for nothing, and needs no promise.
    pub fn frame(&self, message: JsValue) -> std::result::Result<(), JsValue> {
        let octets = match message.as_string() {
            Some(text) => text.into_bytes(),
            None => js_sys::Uint8Array::new(&message).to_vec(),
        };
        Ok(self.inner.turn(FlowInput::Frame(octets)).map(drop)?)
    }
}

/// What came of a turn.
struct Turn {
    /// False for an envelope that found no room.
    taken: bool,
    /// The machine closed the socket.
    closing: bool,
}

struct Inner {
    driver: Driver,
    machine: RefCell<Option<Flow>>,
}

impl DurableObject for FlowObject {
    fn new(state: State, env: Env) -> Self {
        Self {
            inner: Rc::new(Inner {
                driver: Driver::new(state, env),
                machine: RefCell::new(None),
            }),
        }
    }

    async fn fetch(&self, mut req: Request) -> Result<Response> {
        if req.headers().get("Upgrade")?.is_some() {
            return self.inner.open(req.headers().get(ADDRESS)?);
        }
        match serde_json::from_str(&req.text().await?)? {
            FlowRequest::Deliver(envelope) => {
                let taken = self.inner.turn(FlowInput::Envelope(envelope))?;
                Ok(Response::empty()?.with_status(if taken { 204 } else { 503 }))
            }
        }
    }

    async fn websocket_message(
        &self,
        _ws: WebSocket,
        message: WebSocketIncomingMessage,
    ) -> Result<()> {
        let frame = FlowInput::Frame(match message {
            WebSocketIncomingMessage::String(text) => text.into_bytes(),
            WebSocketIncomingMessage::Binary(octets) => octets,
        });
        self.inner.turn(frame).map(drop)
    }

    async fn websocket_close(
        &self,
        ws: WebSocket,
        code: usize,
        _reason: String,
        _clean: bool,
    ) -> Result<()> {
        // Completes the closing handshake; codes that may not be sent are answered by 1000.
        let code = u16::try_from(code)
            .ok()
            .filter(|c| (3000..5000).contains(c))
            .unwrap_or(1000);
        let _already_closed = ws.close(Some(code), Some(""));
        self.inner.turn(FlowInput::Closed).map(drop)
    }

    async fn websocket_error(&self, _ws: WebSocket, _error: Error) -> Result<()> {
        self.inner.turn(FlowInput::Closed).map(drop)
    }

    async fn alarm(&self) -> Result<Response> {
        self.inner.driver.fired(true);
        self.inner.turn(FlowInput::Timeout)?;
        Response::empty()
    }
}

impl Inner {
    fn open(self: &Rc<Self>, address: Option<String>) -> Result<Response> {
        let identity = self.driver.identity()?;
        let pair = WebSocketPair::new()?;
        let state = &self.driver.state;
        state.accept_web_socket(&pair.server);
        state.set_websocket_auto_response(&WebSocketRequestResponsePair::new("\r\n\r\n", "\r\n")?);
        pair.server.serialize_attachment(Attachment {
            site: identity.site.id.clone(),
            flow: identity.key,
            opened_at: call::now(),
        })?;
        self.turn(FlowInput::Opened { address })?;
        let response = Response::from_websocket(pair.client)?;
        response
            .headers()
            .set("Sec-WebSocket-Protocol", SIP_SUBPROTOCOL)?;
        Ok(response)
    }

    fn restore(&self) -> Result<Flow> {
        let identity = self.driver.identity()?;
        let config = identity
            .site
            .machine_config()
            .map_err(|e| Error::RustError(e.to_string()))?;
        let token = FlowToken::parse(&identity.key).map_err(|e| Error::RustError(e.to_string()))?;
        let verifier = Box::new(Tokens {
            site: identity.site,
        });
        Flow::restore(
            config,
            token,
            self.driver.entropy()?,
            verifier,
            self.driver.rows()?,
        )
        .map_err(|e| Error::RustError(e.to_string()))
    }

    /// One event: feed, store, send, set the alarm. False for an envelope that found no room.
    fn turn(self: &Rc<Self>, input: FlowInput) -> Result<bool> {
        let mut machine = self.machine.borrow_mut();
        // A restart of the platform cuts sockets without a close event: the rows must not go on believing in one.
        let gone = !matches!(input, FlowInput::Opened { .. } | FlowInput::Closed)
            && self.driver.state.get_websockets().is_empty();
        let mut inputs = vec![input];
        if gone {
            inputs.insert(0, FlowInput::Closed);
        }
        let mut taken = true;
        while !inputs.is_empty() {
            let turn = self.run(&mut machine, inputs.remove(0));
            let Ok(Turn {
                taken: this,
                closing,
            }) = turn
            else {
                // What it had in mind was not stored: it starts again from its rows.
                *machine = None;
                self.driver.recover();
                return turn.map(|_| false);
            };
            taken = this;
            if closing {
                inputs.push(FlowInput::Closed);
            }
        }
        Ok(taken)
    }

    fn run(self: &Rc<Self>, machine: &mut Option<Flow>, input: FlowInput) -> Result<Turn> {
        let flow = match machine {
            Some(flow) => flow,
            none => none.insert(self.restore()?),
        };
        let taken = flow.handle_input(Time(call::now()), input);
        let effects = committed(
            std::iter::from_fn(|| flow.poll_output()).map(|output| match output {
                FlowOutput::Row(change) => Wanted::Row(change),
                effect => Wanted::Effect(effect),
            }),
            |changes| self.driver.commit(changes),
        )?;
        let mut closing = false;
        for effect in effects {
            match effect {
                FlowOutput::Send(envelope) => self.deliver(envelope),
                FlowOutput::Frame(octets) => self.frame(&octets),
                FlowOutput::Close { code, reason } => {
                    closing = true;
                    for socket in self.driver.state.get_websockets() {
                        let _already_closed = socket.close(Some(code), Some(reason));
                    }
                }
                FlowOutput::Row(_) => {}
            }
        }
        self.driver.schedule(flow.deadline(), || {
            let this = self.clone();
            move || {
                this.driver.fired(false);
                this.background(FlowInput::Timeout);
            }
        })?;
        Ok(Turn { taken, closing })
    }

    /// An event that nobody waits for.
    fn background(self: &Rc<Self>, input: FlowInput) {
        if let Err(error) = self.turn(input) {
            worker::console_error!("event=failure of=flow error={error}");
        }
    }

    fn deliver(self: &Rc<Self>, envelope: Envelope<wakeline_sip::edge::FlowToLine>) {
        let this = self.clone();
        self.driver.spawn(async move {
            let id = envelope.id();
            match hand_over(&this.driver.env, &envelope).await {
                Delivery::Answered(msg) => this.background(FlowInput::Answered { id, msg }),
                Delivery::Taken => this.background(FlowInput::Delivered(id)),
                Delivery::Lost => {}
            }
        });
    }

    fn frame(&self, octets: &[u8]) {
        for socket in self.driver.state.get_websockets() {
            let sent = match std::str::from_utf8(octets) {
                Ok(text) => socket.send_with_str(text),
                Err(_) => socket.send_with_bytes(octets),
            };
            if let Err(error) = sent {
                // The close event follows and tells the machine.
                worker::console_log!("event=unsent error={error}");
            }
        }
    }
}

/// Tokens of one site.
struct Tokens {
    site: Rc<Site>,
}

impl Verifier for Tokens {
    fn bearer(&self, token: &str, now: Time) -> std::result::Result<Claims, BearerError> {
        let claims = token::verify(&self.site, now.as_millis(), token).map_err(|e| match e {
            TokenError::Expired => BearerError::Expired,
            _ => BearerError::Invalid,
        })?;
        let device = claims.dev.as_deref().map(DeviceId::parse).transpose();
        Ok(Claims {
            number: Number::parse(&claims.num).map_err(|_| BearerError::Invalid)?,
            uid: Uid::parse(&claims.sub).map_err(|_| BearerError::Invalid)?,
            display_name: claims.name,
            device: device.map_err(|_| BearerError::Invalid)?,
            expires_at: Time(claims.exp * 1000),
            issued_at: Some(Time(claims.iat.saturating_mul(1000))),
        })
    }

    fn push_target(&self, provider: &str, prid: &str) -> Option<String> {
        if provider != "webpush" {
            return None;
        }
        let target = StoredTarget {
            target: Target::Bare(Bare::parse(prid, &self.site.allow_list().ok()?).ok()?),
            origin: String::new(),
            vapid: Some(self.site.vapid_keys().ok()?.public_key()),
        };
        serde_json::to_string(&target).ok()
    }

    fn push_capabilities(&self) -> Option<String> {
        let key = self.site.vapid_keys().ok()?.public_key();
        Some(format!("*;+sip.pns=\"webpush\";+sip.vapid=\"{key}\""))
    }
}
