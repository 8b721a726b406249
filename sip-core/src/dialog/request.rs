//! Requests inside of a dialog (RFC 3261 §12.2.1.1).

use super::{Dialog, DialogState};
use crate::wire::{CSeq, HeaderName, Method, NameAddr, Request, Text, Uri, Via};
use alloc::vec::Vec;

impl Dialog {
    /// The next request of ours: BYE, re-INVITE, UPDATE, INFO … Neither for ACK nor for CANCEL.
    pub fn request(&mut self, method: Method, via: &Via) -> Request {
        self.local_cseq += 1;
        let ends = method == Method::Bye;
        let request = self.build(method, self.local_cseq, via);
        if ends {
            self.state = DialogState::Terminated;
        }
        request
    }

    /// The ACK of a 2xx, with the CSeq number of its INVITE and a branch of its own (RFC 3261 §13.2.2.4). Sent again,
    /// unchanged, whenever the 2xx comes again.
    pub fn ack(&self, invite_cseq: u32, via: &Via) -> Request {
        self.build(Method::Ack, invite_cseq, via)
    }

    /// Gives a request that goes out again the next number: others may have used the one behind its own.
    pub fn renumber(&mut self, request: &mut Request) {
        self.local_cseq += 1;
        set_cseq(request, self.local_cseq);
    }

    fn build(&self, method: Method, cseq: u32, via: &Via) -> Request {
        let (uri, routes) = self.path();
        let mut request = Request::new(
            method,
            uri,
            via,
            &self.local,
            &self.remote,
            &self.id.call_id,
            cseq,
        );
        for route in routes {
            request.headers.push(HeaderName::Route, route.to_text());
        }
        request
    }

    /// Request-URI and Routes; a first hop that is a strict router gets the older form.
    fn path(&self) -> (Uri, Vec<NameAddr>) {
        match self.route_set.split_first() {
            Some((strict, rest)) if !strict.uri.is_loose_router() => {
                let mut routes = rest.to_vec();
                routes.push(NameAddr::new(self.remote_target.clone()));
                let mut uri = strict.uri.clone();
                uri.headers = None;
                uri.params.remove("method");
                (uri, routes)
            }
            _ => (self.remote_target.clone(), self.route_set.clone()),
        }
    }

    /// Must it stay on sips?
    pub const fn is_secure(&self) -> bool {
        self.secure
    }
}

/// A copy of a request with another branch and the next number, without the credentials of the first try.
pub fn numbered(request: &Request, via: &Via) -> Request {
    let mut again = request.clone();
    again.headers.set(HeaderName::Via, via.to_text());
    let number = request.headers.cseq().map_or(0, |c| c.number);
    set_cseq(&mut again, number.saturating_add(1));
    again.headers.remove(HeaderName::Authorization);
    again.headers.remove(HeaderName::ProxyAuthorization);
    again
}

fn set_cseq(request: &mut Request, number: u32) {
    let cseq = CSeq::new(number, request.method.clone());
    request.headers.set(HeaderName::CSeq, cseq.to_text());
}
