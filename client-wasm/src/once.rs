//! A value that is told once, to one who waits for it. One thread needs neither the locks nor the size of a library's channel.

use alloc::rc::Rc;
use core::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// Who tells. Dropped without a word, it tells that nothing will come.
pub struct Teller<T>(Rc<RefCell<State<T>>>);

/// Who waits: for the value, or `None` if nobody tells any more.
pub struct Told<T>(Rc<RefCell<State<T>>>);

struct State<T> {
    value: Option<T>,
    over: bool,
    waits: Option<Waker>,
}

/// Both ends.
pub fn channel<T>() -> (Teller<T>, Told<T>) {
    let state = Rc::new(RefCell::new(State {
        value: None,
        over: false,
        waits: None,
    }));
    (Teller(state.clone()), Told(state))
}

impl<T> Teller<T> {
    /// Tells; nobody may be there to hear.
    pub fn tell(self, value: T) {
        self.0.borrow_mut().value = Some(value);
    }
}

impl<T> Drop for Teller<T> {
    fn drop(&mut self) {
        let mut state = self.0.borrow_mut();
        state.over = true;
        let waits = state.waits.take();
        drop(state);
        if let Some(waits) = waits {
            waits.wake();
        }
    }
}

impl<T> Future for Told<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.0.borrow_mut();
        if state.over {
            return Poll::Ready(state.value.take());
        }
        state.waits = Some(context.waker().clone());
        Poll::Pending
    }
}
