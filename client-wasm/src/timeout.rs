//! The page's own timers.

use alloc::boxed::Box;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(call: &Function, ms: i32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

/// Calls a function of JavaScript once, after this many milliseconds.
pub fn later(ms: u32, call: &Function) -> JsValue {
    set_timeout(call, i32::try_from(ms).unwrap_or(i32::MAX))
}

/// Resolves after this many milliseconds.
pub async fn sleep(ms: u32) {
    let slept = Promise::new(&mut |resolve, _| {
        later(ms, &resolve);
    });
    // Nothing rejects it.
    let _ = JsFuture::from(slept).await;
}

/// Something that is done later, unless this is dropped before.
pub struct Timeout {
    timer: JsValue,
    _call: Closure<dyn FnMut()>,
}

impl Timeout {
    /// Calls once, after this many milliseconds.
    pub fn new(ms: u32, call: impl FnOnce() + 'static) -> Self {
        let mut call = Some(call);
        Self::boxed(
            ms,
            Box::new(move || {
                if let Some(call) = call.take() {
                    call();
                }
            }),
        )
    }

    fn boxed(ms: u32, call: Box<dyn FnMut()>) -> Self {
        let call = Closure::wrap(call);
        Self {
            timer: later(ms, call.as_ref().unchecked_ref()),
            _call: call,
        }
    }
}

impl Drop for Timeout {
    fn drop(&mut self) {
        clear_timeout(&self.timer);
    }
}
