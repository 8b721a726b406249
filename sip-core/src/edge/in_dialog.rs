//! Requests that the edge makes inside a dialog of two others.

use crate::wire::{HeaderName, Method, Request, Uri};

/// A request to `target`, in the name of whoever is `from`; its Via is the flow's (RFC 3261 §12.2.1.1).
pub fn in_dialog(
    method: Method,
    target: Uri,
    from: &str,
    to: &str,
    call_id: &str,
    cseq: u32,
) -> Request {
    let cseq = format!("{cseq} {method}");
    Request::bare(method, target.without_headers())
        .with(HeaderName::MaxForwards, "70")
        .with(HeaderName::From, from)
        .with(HeaderName::To, to)
        .with(HeaderName::CallId, call_id)
        .with(HeaderName::CSeq, cseq)
}
