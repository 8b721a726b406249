//! The page itself: when what was shown is on the screen; work beside what it does.

use crate::timeout::{later, sleep};
use alloc::boxed::Box;
use core::{future::Future, pin::Pin};
use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};
use web_sys::VisibilityState;

/// A hidden page paints nothing; a busy one is not waited for longer than this.
const PAINT_CAP_MS: u32 = 100;

/// Work that nobody waits for. One kind of task for all: each of its own costs wasm.
pub fn beside(work: impl Future<Output = ()> + 'static) {
    let work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(work);
    spawn_local(work);
}

/// Resolves when the next frame is on the screen, or there is none to wait for.
pub async fn painted() {
    let Some(window) = web_sys::window() else {
        return;
    };
    let visible = window
        .document()
        .is_some_and(|d| d.visibility_state() == VisibilityState::Visible);
    if !visible {
        return;
    }
    let frame = Promise::new(&mut |resolve, _| {
        // The callback runs before the frame is painted; a task after it runs behind the painting.
        let painted = Closure::once_into_js(move || {
            later(0, &resolve);
        });
        let _ = window.request_animation_frame(painted.unchecked_ref());
    });
    let cap = future_to_promise(async {
        sleep(PAINT_CAP_MS).await;
        Ok(JsValue::UNDEFINED)
    });
    // Neither of them rejects.
    let _ = JsFuture::from(Promise::race(&Array::of2(&frame, &cap))).await;
}
