//! What a page may say: its socket opens and closes, it answers, asks in its dialogs, and reports about a wake.

use std::collections::VecDeque;

use wakeline_sip::edge::{FlowInput, LineCommand};
use wakeline_sip::wire::{HeaderName, Request, Response};

use super::messages::device;
use super::{NUMBERS, STATUSES, World};
use crate::bytes::Bytes;

/// One page and its socket.
#[derive(Default)]
pub(super) struct Page {
    pub(super) flow: Option<String>,
    /// The last requests and responses that it heard, and the last INVITE that it sent.
    pub(super) requests: VecDeque<Request>,
    pub(super) responses: VecDeque<Response>,
    pub(super) invite: Option<Request>,
    pub(super) count: u32,
}

impl World {
    pub(super) fn open(&mut self, page: usize) {
        self.close(page);
        self.opened += 1;
        let flow = format!("flow:demo:f{}", self.opened);
        self.pages[page].flow = Some(flow.clone());
        self.flow(&flow, FlowInput::Opened { address: None });
    }

    pub(super) fn close(&mut self, page: usize) {
        if let Some(flow) = self.pages[page].flow.take() {
            self.flow(&flow, FlowInput::Closed);
        }
    }

    pub(super) fn frame(&mut self, page: usize, bytes: Vec<u8>) {
        if let Some(flow) = self.pages[page].flow.clone() {
            self.flow(&flow, FlowInput::Frame(bytes));
        }
    }

    /// A response to something that the page heard.
    pub(super) fn answer(&mut self, page: usize, bytes: &mut Bytes<'_>) {
        let which = usize::from(bytes.u8());
        let status = *bytes.pick(&STATUSES);
        let heard = &self.pages[page].requests;
        if heard.is_empty() {
            return;
        }
        let request = &heard[which % heard.len()];
        let mut response = Response::for_request(request, status, "").with_record_routes(request);
        if status > 100 {
            response = response.with_to_tag(&format!("t{page}"));
        }
        response.headers.push(
            HeaderName::Contact,
            format!("<sip:p{page}@p{page}.invalid;transport=ws>"),
        );
        if status == 200 {
            response = response.with_body("application/sdp", "v=0\r\n");
        }
        let frame = bytes.bend(response.to_bytes());
        self.frame(page, frame);
    }

    /// CANCEL, ACK and what follows in the dialog of the page's own INVITE.
    pub(super) fn own_dialog(&mut self, page: usize, bytes: &mut Bytes<'_>) {
        let method = *bytes.pick(&["CANCEL", "ACK", "BYE", "INVITE", "INFO", "UPDATE"]);
        let Some(invite) = self.pages[page].invite.clone() else {
            return;
        };
        self.pages[page].count += 1;
        let count = self.pages[page].count;
        let answer = self.pages[page].responses.iter().rev().find(|r| {
            r.headers.call_id() == invite.headers.call_id()
                && r.headers.to().is_ok_and(|to| to.tag().is_some())
        });
        let mut request = invite.clone();
        request.method = method.parse().expect("a method");
        let number = if matches!(method, "CANCEL" | "ACK") {
            1
        } else {
            count
        };
        request
            .headers
            .set(HeaderName::CSeq, format!("{number} {method}"));
        if let (true, Some(answer)) = (method != "CANCEL", answer) {
            if let Some(to) = answer.headers.get(HeaderName::To) {
                request.headers.set(HeaderName::To, to);
            }
            if answer.is_success() || method != "ACK" {
                request.headers.set(
                    HeaderName::Via,
                    format!("SIP/2.0/WSS p{page}.invalid;branch=z9hG4bKd{page}{count}"),
                );
            }
            for route in answer.headers.get_all(HeaderName::RecordRoute) {
                request.headers.push(HeaderName::Route, route);
            }
        }
        let frame = bytes.bend(request.to_bytes());
        self.frame(page, frame);
    }

    /// A request in the dialog of an INVITE that the page heard.
    pub(super) fn heard_dialog(&mut self, page: usize, bytes: &mut Bytes<'_>) {
        let method = *bytes.pick(&["BYE", "INVITE", "INFO", "ACK", "CANCEL"]);
        let heard = self.pages[page]
            .requests
            .iter()
            .rev()
            .find(|r| r.method.as_str() == "INVITE");
        let Some(heard) = heard.cloned() else { return };
        self.pages[page].count += 1;
        let count = self.pages[page].count;
        let mut request = heard.clone();
        request.method = method.parse().expect("a method");
        let (from, to) = (heard.headers.get(HeaderName::From), heard.headers.to());
        if let (Some(from), Ok(to)) = (from, to) {
            let tagged = to.with_tag(format!("t{page}"));
            request.headers.set(HeaderName::From, tagged.to_string());
            request.headers.set(HeaderName::To, from);
        }
        for route in heard.headers.get_all(HeaderName::RecordRoute) {
            request.headers.push(HeaderName::Route, route);
        }
        request.headers.set(
            HeaderName::Via,
            format!("SIP/2.0/WSS p{page}.invalid;branch=z9hG4bKh{page}{count}"),
        );
        request
            .headers
            .set(HeaderName::CSeq, format!("{count} {method}"));
        let frame = bytes.bend(request.to_bytes());
        self.frame(page, frame);
    }

    /// A device speaks of a wake.
    pub(super) fn report(&mut self, page: usize, bytes: &mut Bytes<'_>) {
        let which = usize::from(bytes.u8());
        let kind = bytes.u8() % 6;
        if self.wakes.is_empty() {
            return;
        }
        let (_, wake) = self.wakes[which % self.wakes.len()].clone();
        let device = device(page);
        let command = match kind {
            0 => LineCommand::Shown { wake, device },
            1 => LineCommand::Opened { wake, device },
            2 | 3 => LineCommand::Ready { wake, device },
            4 => LineCommand::Decline { wake, device },
            _ => LineCommand::Wake {
                wake,
                device: Some(device),
            },
        };
        self.command(NUMBERS[page], command);
    }
}
