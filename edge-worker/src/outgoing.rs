//! What others answer to what the edge asks of them.

use worker::{Response, ResponseBody};

/// Hangs up on a body that nobody reads: while one is open the object that asked cannot be forgotten, for as long as the other side
/// likes.
pub fn discard(response: &mut Response) {
    if matches!(response.body(), ResponseBody::Stream(_)) {
        // A stream that is dropped is cancelled.
        drop(response.stream());
    }
}
