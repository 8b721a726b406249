//! The WebSocket to the edge (RFC 7118). Each socket tells its owner what happened until it is dropped.

use crate::listener::EventListener;
use crate::{opening::octets, problem::Problem};
use alloc::{boxed::Box, vec::Vec};
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

impl Socket {
    /// Opens a socket to this address, or takes `offered`, which leads there.
    pub fn open(
        url: &str,
        offered: Option<WebSocket>,
        tell: impl Fn(SocketEvent) + Clone + 'static,
    ) -> Result<Self, Problem> {
        let socket = match offered {
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
                    if let Some(bytes) = event
                        .dyn_ref()
                        .and_then(|e: &MessageEvent| octets(&e.data()))
                    {
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
        let _ = match core::str::from_utf8(frame) {
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
