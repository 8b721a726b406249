//! What happens to something of the browser, heard until it is dropped.

use alloc::boxed::Box;
use wasm_bindgen::prelude::*;
use web_sys::{Event, EventTarget};

/// One kind of event at one target.
pub struct EventListener {
    target: EventTarget,
    name: &'static str,
    hear: Closure<dyn FnMut(Event)>,
}

impl EventListener {
    /// Listens until it is dropped.
    pub fn new(
        target: &EventTarget,
        name: &'static str,
        mut hear: impl FnMut(&Event) + 'static,
    ) -> Self {
        Self::boxed(target, name, Box::new(move |event| hear(&event)))
    }

    fn boxed(target: &EventTarget, name: &'static str, hear: Box<dyn FnMut(Event)>) -> Self {
        let hear = Closure::wrap(hear);
        // Only what is no event target throws.
        let _ = target.add_event_listener_with_callback(name, hear.as_ref().unchecked_ref());
        Self {
            target: target.clone(),
            name,
            hear,
        }
    }
}

impl Drop for EventListener {
    fn drop(&mut self) {
        let _ = self
            .target
            .remove_event_listener_with_callback(self.name, self.hear.as_ref().unchecked_ref());
    }
}
