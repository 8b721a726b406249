//! The WebSocket to the edge (RFC 7118). Each socket tells its owner what happened until it is dropped.

use crate::problem::Problem;
use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::RefCell;
use wakeline_edge_api::SIP_SUBPROTOCOL;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{BinaryType, MessageEvent, WebSocket};

/// What a socket tells.
pub enum SocketEvent {
    /// It is open and the edge speaks SIP on it.
    Open,
    /// A message, or a keepalive.
    Frame(Vec<u8>),
    /// It is closed, or never opened.
    Closed,
}

/// An open or opening socket; dropping it closes it silently.
pub struct Socket {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

thread_local! {
    /// A socket that the page opened before this core was there.
    static OFFERED: RefCell<Option<WebSocket>> = const { RefCell::new(None) };
}

/// Hands over a socket that is on its way to the edge already; the next one that is wanted for its edge is this one.
#[wasm_bindgen(js_name = offerSocket)]
pub fn offer_socket(socket: WebSocket) {
    OFFERED.set(Some(socket));
}

/// The socket that was offered, if it leads there and may still be used.
fn offered(url: &str) -> Option<WebSocket> {
    OFFERED.take().filter(|socket| {
        socket.url() == url
            && [WebSocket::CONNECTING, WebSocket::OPEN].contains(&socket.ready_state())
    })
}

impl Socket {
    /// Opens a socket to this address.
    pub fn open(url: &str, tell: impl Fn(SocketEvent) + Clone + 'static) -> Result<Self, Problem> {
        let socket = match offered(url) {
            Some(socket) => socket,
            None => {
                WebSocket::new_with_str(url, SIP_SUBPROTOCOL).map_err(|e| Problem::from_js(&e))?
            }
        };
        if socket.ready_state() == WebSocket::OPEN {
            // Its event is past: told again, once the owner holds the socket.
            let tell = tell.clone();
            spawn_local(async move { tell(SocketEvent::Open) });
        }
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on = |name: &'static str, tell: Box<dyn Fn(&web_sys::Event)>| {
            EventListener::new(&socket, name, move |event| tell(event))
        };
        let (opened, framed, closed) = (tell.clone(), tell.clone(), tell);
        let listeners = [
            on("open", Box::new(move |_| opened(SocketEvent::Open))),
            on(
                "message",
                Box::new(move |event| {
                    if let Some(bytes) = event.dyn_ref::<MessageEvent>().and_then(octets) {
                        framed(SocketEvent::Frame(bytes));
                    }
                }),
            ),
            // An error is always followed by close.
            on("close", Box::new(move |_| closed(SocketEvent::Closed))),
        ];
        Ok(Self {
            socket,
            _listeners: listeners,
        })
    }

    /// Sends one frame: text when it is UTF-8, as RFC 7118 prefers.
    pub fn send(&self, frame: &[u8]) {
        // A closing socket drops it, and its `close` follows.
        let _ = match std::str::from_utf8(frame) {
            Ok(text) => self.socket.send_with_str(text),
            Err(_) => self.socket.send_with_u8_array(frame),
        };
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.socket.close();
    }
}

fn octets(event: &MessageEvent) -> Option<Vec<u8>> {
    let data = event.data();
    if let Some(text) = data.as_string() {
        return Some(text.into_bytes());
    }
    data.dyn_ref::<ArrayBuffer>()
        .map(|buffer| Uint8Array::new(buffer).to_vec())
}
