//! One alarm that also goes off on time in a hidden page: browsers slow a hidden page's own timers down to one a
//! minute, but not those of its workers (keepalive would come too late). The worker is made for the first alarm that is far away:
//! until then nothing is slowed down, and a page that is being opened has better things to do.

use crate::{listener::EventListener, timeout::Timeout};
use alloc::rc::Rc;
use core::cell::{OnceCell, RefCell};
use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, MessageEvent, Url, Worker};

/// Each message sets the alarm anew (ms), or takes it away (negative).
const SCRIPT: &str =
    "let t;onmessage=e=>{clearTimeout(t);if(e.data>=0)t=setTimeout(()=>postMessage(0),e.data)}";

/// An alarm that goes off within this time, ms, is on time without a worker: browsers begin to slow timers down later than that.
const NEAR_MS: u32 = 15_000;

/// The alarm. Setting it replaces what was set before.
pub struct Alarm {
    ring: Rc<dyn Fn()>,
    /// Once it is wanted; none inside where a page's policy forbids one: its own timers are used then.
    worker: OnceCell<Option<(Worker, EventListener)>>,
    fallback: RefCell<Option<Timeout>>,
}

impl Alarm {
    /// An alarm that calls `ring`.
    pub fn new(ring: impl Fn() + 'static) -> Self {
        Self {
            ring: Rc::new(ring),
            worker: OnceCell::new(),
            fallback: RefCell::new(None),
        }
    }

    /// It ticks in a worker.
    pub fn in_worker(&self) -> bool {
        self.worker.get().is_some_and(Option::is_some)
    }

    fn worker(&self) -> Option<(Worker, EventListener)> {
        let worker = start()?;
        let ring = self.ring.clone();
        let listener = EventListener::new(&worker, "message", move |event| {
            if event.dyn_ref::<MessageEvent>().is_some() {
                ring();
            }
        });
        Some((worker, listener))
    }

    /// Rings once after this many milliseconds; never when `None`.
    pub fn set(&self, after: Option<u32>) {
        if after.is_some_and(|ms| ms > NEAR_MS) {
            self.worker.get_or_init(|| self.worker());
        }
        // One of the two holds what is set.
        self.fallback.take();
        match self.worker.get() {
            Some(Some((worker, _))) => {
                // Only a message that cannot be cloned fails; a number can.
                let _ = worker.post_message(&after.map_or(-1.0, f64::from).into());
            }
            _ => {
                *self.fallback.borrow_mut() = after.map(|ms| {
                    let ring = self.ring.clone();
                    Timeout::new(ms, move || ring())
                });
            }
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(Some((worker, _))) = self.worker.get() {
            worker.terminate();
        }
    }
}

fn start() -> Option<Worker> {
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let script =
        Blob::new_with_str_sequence_and_options(&Array::of1(&SCRIPT.into()), &options).ok()?;
    let url = Url::create_object_url_with_blob(&script).ok()?;
    let worker = Worker::new(&url).ok();
    // The worker has its script; without one there is nothing to keep either.
    let _ = Url::revoke_object_url(&url);
    worker
}
