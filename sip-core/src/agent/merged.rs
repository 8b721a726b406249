//! A request that a proxy has sent to two of our flows is one request, whichever came first (RFC 3261 §8.2.2.2).

use super::flow::FlowId;
use super::post::push;
use crate::time::{Duration, Time};
use crate::wire::{HeaderName, Request};
use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// For so long the slower one may be on its way.
const REMEMBERED: Duration = Duration::from_secs(32);

/// The requests that came of late, each with its flow.
#[derive(Debug, Default)]
pub struct Merged(Vec<(String, FlowId, Time)>);

impl Merged {
    /// Did it come on another flow before?
    pub fn is_again(&mut self, request: &Request, flow: FlowId, now: Time) -> bool {
        let Some(name) = name(request) else {
            return false;
        };
        self.0.retain(|(_, _, until)| now < *until);
        match self.0.iter().find(|(known, _, _)| *known == name) {
            Some((_, first, _)) => *first != flow,
            None => {
                push(&mut self.0, (name, flow, now + REMEMBERED));
                false
            }
        }
    }
}

/// What is the same on all paths.
fn name(request: &Request) -> Option<String> {
    let headers = &request.headers;
    let mut name = headers.call_id().ok()?.to_owned();
    for part in [headers.from().ok()?.tag()?, headers.get(HeaderName::CSeq)?] {
        name.push(' ');
        name.push_str(part);
    }
    Some(name)
}
