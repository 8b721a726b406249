//! The page itself: its time, what is on its screen, when time may have passed unseen (`js/core/page.js`); work beside what it does.

use alloc::boxed::Box;
use core::{future::Future, pin::Pin};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

type Tell = Closure<dyn Fn(Option<bool>)>;

#[wasm_bindgen(module = "/js/core/page.js")]
extern "C" {
    #[wasm_bindgen(js_name = sleep)]
    fn slept(ms: u32) -> Promise;
    #[wasm_bindgen(js_name = within)]
    fn within_ms(ms: u32, answer: &Promise) -> Promise;
    // Throws nothing; it is caught because what takes only objects would be no function of the glue's own.
    #[wasm_bindgen(js_name = painted, catch)]
    fn frame() -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch)]
    fn hints(tell: &Tell) -> Result<AbortController, JsValue>;
}

/// Work that nobody waits for. One kind of task for all: each of its own costs wasm.
pub fn beside(work: impl Future<Output = ()> + 'static) {
    let work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(work);
    spawn_local(work);
}

/// Resolves after this many milliseconds.
pub async fn sleep(ms: u32) {
    // Nothing rejects it.
    let _ = JsFuture::from(slept(ms)).await;
}

/// What is answered within this time; undefined where nothing is.
pub async fn within(ms: u32, answer: &Promise) -> JsValue {
    JsFuture::from(within_ms(ms, answer))
        .await
        .unwrap_or_default()
}

/// Resolves when the next frame is on the screen, or there is none to wait for.
pub async fn painted() {
    if let Ok(frame) = frame() {
        let _ = JsFuture::from(frame).await;
    }
}

/// The browser's hints, heard until it is dropped.
pub struct Hints {
    deaf: Option<AbortController>,
    _tell: Tell,
}

impl Hints {
    /// Tells that the network came or went, or, with `None`, that time may have passed unseen.
    pub fn hear(tell: impl Fn(Option<bool>) + 'static) -> Self {
        let tell = Tell::new(tell);
        Self {
            deaf: hints(&tell).ok(),
            _tell: tell,
        }
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        if let Some(deaf) = &self.deaf {
            deaf.abort();
        }
    }
}
