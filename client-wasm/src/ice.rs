//! STUN and TURN servers of the site, asked for beside the registration and again when they have grown old.

use crate::{clock::now, page::within, plain::member, rest::NO_BODY, session::Session};
use alloc::rc::Rc;
use core::cell::RefCell;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

/// TURN credentials are short-lived.
const FRESH_MS: u64 = 5 * 60_000;
/// A call does not wait longer for them.
const PATIENCE_MS: u32 = 1_000;

/// The servers for the next call.
pub struct IceServers {
    session: Session,
    given: JsValue,
    asked: Rc<RefCell<Option<(u64, Promise)>>>,
}

impl IceServers {
    /// Those that the page gave, or else those of the edge.
    pub fn new(session: Session, given: JsValue) -> Self {
        Self {
            session,
            given,
            asked: Rc::default(),
        }
    }

    /// Asks the edge unless its last answer is fresh.
    pub fn refresh(&self) -> Option<Promise> {
        if self.given.is_truthy() {
            return None;
        }
        if let Some((at, promise)) = &*self.asked.borrow()
            && now().saturating_sub(*at) < FRESH_MS
        {
            return Some(promise.clone());
        }
        let (session, asked) = (self.session.clone(), self.asked.clone());
        let promise = future_to_promise(async move {
            Ok(match session.ask("GET", "/v1/ice", NO_BODY).await {
                Ok(answer) => member(&answer, "ice_servers"),
                Err(_) => {
                    // Without them calls within one network still work; whoever comes next asks again.
                    asked.take();
                    JsValue::UNDEFINED
                }
            })
        });
        *self.asked.borrow_mut() = Some((now(), promise.clone()));
        Some(promise)
    }

    /// The same with new credentials: those before may be why a path was lost.
    pub async fn renewed(&self) -> JsValue {
        self.asked.take();
        self.get().await
    }

    /// `RTCConfiguration.iceServers`, or undefined.
    pub async fn get(&self) -> JsValue {
        let Some(asked) = self.refresh() else {
            return self.given.clone();
        };
        within(PATIENCE_MS, &asked).await
    }

    /// The same for somebody who has the time to wait for the edge's answer.
    pub fn awaited(&self) -> Promise {
        self.refresh()
            .unwrap_or_else(|| Promise::resolve(&self.given))
    }
}
