//! A scripted page: raw SIP over its socket, with a temper for incoming calls.

use std::collections::BTreeSet;

use crate::sim::World;
use wakeline_sip::edge::DeviceId;
use wakeline_sip::time::Time;
use wakeline_sip::wire::{Limits, Message, Request, Response};

/// What a page does with an INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// 100, 180, and waits for `Page::answer`.
    Ring,
    /// 100, 180, 200.
    Answer,
    /// 486.
    Busy,
    /// 603.
    Decline,
    /// 100 only.
    Try,
    /// 488.
    Refuse,
}

pub struct Page {
    pub name: String,
    pub number: String,
    pub device: DeviceId,
    pub flow: Option<String>,
    /// Where its sockets come from.
    pub address: Option<String>,
    pub token: String,
    pub temper: Temper,
    /// A frozen tab: frames queue up and nothing is answered.
    pub frozen: bool,
    pub waiting_frames: Vec<Vec<u8>>,
    pub closed_because: Option<&'static str>,
    /// Everything heard, in order.
    pub heard: Vec<(Time, Message)>,
    /// INVITEs that were received and have no final answer of ours.
    pub ringing: Vec<Request>,
    pub instance: bool,
    /// Keepalives that were answered.
    pub pongs: u32,
    /// Dialogs that it has ended or that were ended for it, by Call-ID.
    over: BTreeSet<String>,
    cseq: u32,
    calls: u32,
}

/// 1001 has called 1002, whose device sleeps: the call is parked. Its INVITE comes with it.
pub fn parked() -> (World, usize, usize, String) {
    let (mut world, caller, callee) = World::caller_and_sleeper();
    let invite = world.pages[caller].invite("1002");
    world.send(caller, invite.clone().into_bytes());
    world.settle();
    (world, caller, callee, invite)
}

/// A frozen tab goes on: it reads what has queued up and answers it.
pub fn thaw(world: &mut World, page: usize) {
    world.pages[page].frozen = false;
    let now = world.now;
    for frame in std::mem::take(&mut world.pages[page].waiting_frames) {
        for answer in world.pages[page].receive(now, &frame) {
            if world.pages[page].flow.is_some() {
                world.send(page, answer);
            }
        }
    }
    // Its socket is gone: what it has just read is gone with it.
    if world.pages[page].flow.is_none() {
        world.pages[page].ringing.clear();
    }
}

impl Page {
    pub fn new(number: &str, name: &str) -> Self {
        let mut octets = [0u8; 6];
        for (i, b) in name.bytes().chain(number.bytes()).enumerate() {
            octets[i % 6] = octets[i % 6].wrapping_mul(31).wrapping_add(b);
        }
        let hex: String = octets.iter().map(|b| format!("{b:02x}")).collect();
        Self {
            name: name.to_owned(),
            number: number.to_owned(),
            device: DeviceId::parse(&format!("00000000-0000-4000-8000-{hex}")).unwrap(),
            flow: None,
            address: None,
            token: format!("u{number}/{number}"),
            temper: Temper::Ring,
            frozen: false,
            waiting_frames: Vec::new(),
            closed_because: None,
            heard: Vec::new(),
            ringing: Vec::new(),
            instance: true,
            pongs: 0,
            over: BTreeSet::new(),
            cseq: 0,
            calls: 0,
        }
    }

    fn via(&self, branch: &str) -> String {
        format!(
            "Via: SIP/2.0/WSS {}.invalid;branch=z9hG4bK{branch}\r\n",
            self.name
        )
    }

    pub fn contact(&self) -> String {
        format!("sip:{}@{}.invalid;transport=ws", self.name, self.name)
    }

    /// REGISTER; `expires` 0 unregisters.
    pub fn register(&mut self, expires: Option<u32>) -> Vec<u8> {
        let token = self.token.clone();
        self.register_with(expires, &format!("Authorization: Bearer {token}\r\n"))
    }

    pub fn register_with(&mut self, expires: Option<u32>, more: &str) -> Vec<u8> {
        self.cseq += 1;
        let (number, cseq) = (&self.number, self.cseq);
        let expires = expires.map_or(String::new(), |s| format!(";expires={s}"));
        let instance = if self.instance {
            format!(";+sip.instance=\"<urn:uuid:{}>\";reg-id=1", self.device)
        } else {
            String::new()
        };
        format!(
            "REGISTER sip:example.test SIP/2.0\r\n{}From: <sip:{number}@example.test>;tag=r{}\r\n\
             To: <sip:{number}@example.test>\r\nCall-ID: reg-{}\r\nCSeq: {cseq} REGISTER\r\nMax-Forwards: 70\r\n\
             Contact: <{}>{instance}{expires}\r\nSupported: outbound, path\r\n{more}Content-Length: 0\r\n\r\n",
            self.via(&format!("reg{}{cseq}", self.name)),
            self.name,
            self.name,
            self.contact(),
        )
        .into_bytes()
    }

    /// A new INVITE; its text can be edited before it is sent.
    pub fn invite(&mut self, to: &str) -> String {
        self.calls += 1;
        let (number, n) = (&self.number, self.calls);
        let sdp = "v=0\r\n";
        format!(
            "INVITE sip:{to}@example.test SIP/2.0\r\n{}From: \"Me\" <sip:{number}@example.test>;tag={}{n}\r\n\
             To: <sip:{to}@example.test>\r\nCall-ID: call-{}-{n}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\
             Contact: <{}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            self.via(&format!("inv{}{n}", self.name)),
            self.name,
            self.name,
            self.contact(),
            sdp.len(),
        )
    }

    /// CANCEL of the last INVITE.
    pub fn cancel(&self, to: &str) -> Vec<u8> {
        let (number, n) = (&self.number, self.calls);
        format!(
            "CANCEL sip:{to}@example.test SIP/2.0\r\n{}From: \"Me\" <sip:{number}@example.test>;tag={}{n}\r\n\
             To: <sip:{to}@example.test>\r\nCall-ID: call-{}-{n}\r\nCSeq: 1 CANCEL\r\nMax-Forwards: 70\r\n\
             Content-Length: 0\r\n\r\n",
            self.via(&format!("inv{}{n}", self.name)),
            self.name,
            self.name,
        )
        .into_bytes()
    }

    /// A frame arrived; what is answered at once.
    pub fn receive(&mut self, now: Time, bytes: &[u8]) -> Vec<Vec<u8>> {
        if self.frozen {
            self.waiting_frames.push(bytes.to_vec());
            return Vec::new();
        }
        if bytes == b"\r\n" {
            self.pongs += 1;
            return Vec::new();
        }
        let Ok(message) = Message::parse(bytes, &Limits::DEFAULT) else {
            panic!(
                "the edge sent something malformed: {:?}",
                String::from_utf8_lossy(bytes)
            );
        };
        self.heard.push((now, message.clone()));
        match message {
            Message::Request(request) => self.request(&request),
            Message::Response(response) => self.response(&response),
        }
    }

    fn request(&mut self, request: &Request) -> Vec<Vec<u8>> {
        match request.method.as_str() {
            "INVITE" => {
                if request.headers.to().is_ok_and(|to| to.tag().is_none()) {
                    self.over.remove(request.headers.call_id().unwrap());
                }
                let statuses: &[u16] = match self.temper {
                    Temper::Ring => &[100, 180],
                    Temper::Answer => &[100, 180, 200],
                    Temper::Busy => &[486],
                    Temper::Decline => &[603],
                    Temper::Try => &[100],
                    Temper::Refuse => &[488],
                };
                if statuses.last().is_some_and(|s| *s < 200) {
                    self.ringing.push(request.clone());
                }
                statuses
                    .iter()
                    .map(|status| self.respond(request, *status))
                    .collect()
            }
            "CANCEL" => {
                let branch = request
                    .headers
                    .top_via()
                    .unwrap()
                    .branch()
                    .unwrap()
                    .to_owned();
                let of = |r: &Request| r.headers.top_via().unwrap().branch() == Some(&branch);
                let mut out = vec![self.respond(request, 200)];
                if let Some(at) = self.ringing.iter().position(of) {
                    let invite = self.ringing.remove(at);
                    out.push(self.respond(&invite, 487));
                }
                out
            }
            "ACK" => Vec::new(),
            "BYE" => {
                let first = self
                    .over
                    .insert(request.headers.call_id().unwrap().to_owned());
                vec![self.respond(request, if first { 200 } else { 481 })]
            }
            _ => {
                let call_id = request.headers.call_id().unwrap();
                vec![self.respond(
                    request,
                    if self.over.contains(call_id) {
                        481
                    } else {
                        200
                    },
                )]
            }
        }
    }

    /// The ACK of what was heard, as RFC 3261 wants it.
    fn response(&mut self, response: &Response) -> Vec<Vec<u8>> {
        let cseq = response.headers.cseq().unwrap();
        if cseq.method.as_str() == "BYE" {
            self.over
                .insert(response.headers.call_id().unwrap().to_owned());
        }
        if cseq.method.as_str() != "INVITE" || response.status < 200 {
            return Vec::new();
        }
        if response.status >= 300 {
            let via = response.headers.get("Via").unwrap().to_owned();
            return vec![self.in_dialog_of(response, "ACK", cseq.number, Some(via))];
        }
        vec![self.in_dialog_of(response, "ACK", cseq.number, None)]
    }

    fn respond(&self, request: &Request, status: u16) -> Vec<u8> {
        let mut response = Response::for_request(request, status, "").with_record_routes(request);
        if status > 100 {
            response = response.with_to_tag(&format!("t{}", self.name));
        }
        if (180..300).contains(&status) {
            response
                .headers
                .push("Contact", format!("<{}>", self.contact()));
        }
        response.to_bytes()
    }

    /// Any final answer to one of the INVITEs that ring here.
    pub fn answer_nth(&mut self, nth: usize, status: u16) -> (Request, Vec<u8>) {
        let invite = self.ringing.remove(nth);
        let answer = self.respond(&invite, status);
        (invite, answer)
    }

    /// 200 to the oldest INVITE that rings here.
    pub fn answer(&mut self) -> Vec<u8> {
        let invite = self.ringing.remove(0);
        self.respond(&invite, 200)
    }

    /// Any final answer to the oldest INVITE that rings here.
    pub fn answer_with(&mut self, status: u16) -> Vec<u8> {
        let invite = self.ringing.remove(0);
        self.respond(&invite, status)
    }

    /// A request of the caller inside the dialog that this response made.
    pub fn in_dialog_of(
        &self,
        response: &Response,
        method: &str,
        cseq: u32,
        via: Option<String>,
    ) -> Vec<u8> {
        let contact = response
            .headers
            .contact()
            .ok()
            .flatten()
            .map(|c| c.uri.to_string());
        let mut routes = response.headers.get_all("Record-Route");
        routes.reverse();
        let routes: String = routes
            .iter()
            .map(|route| format!("Route: {route}\r\n"))
            .collect();
        let via = via.map_or_else(
            || {
                let call = response.headers.call_id().unwrap();
                self.via(&format!("{method}{cseq}{}{call}", self.name))
            },
            |v| format!("Via: {v}\r\n"),
        );
        let routes = if response.status < 300 {
            routes
        } else {
            String::new()
        };
        format!(
            "{method} {} SIP/2.0\r\n{via}{routes}From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
             Max-Forwards: 70\r\nContact: <{}>\r\nContent-Length: 0\r\n\r\n",
            contact.unwrap_or_else(|| "sip:example.test".into()),
            response.headers.get("From").unwrap(),
            response.headers.get("To").unwrap(),
            response.headers.get("Call-ID").unwrap(),
            self.contact(),
        )
        .into_bytes()
    }

    /// A request of the caller inside its answered call.
    pub fn as_caller(&self, method: &str, cseq: u32) -> Vec<u8> {
        let answer = self
            .responses()
            .into_iter()
            .rev()
            .find(|r| r.status == 200 && cseq_is(&r.headers, "INVITE"));
        self.in_dialog_of(answer.expect("the call was answered"), method, cseq, None)
    }

    /// A request of the caller in the early dialog that the last ringing made.
    pub fn as_early_caller(&self, method: &str, cseq: u32) -> Vec<u8> {
        let ringing = self.responses().into_iter().rfind(|r| r.status == 180);
        self.in_dialog_of(ringing.expect("it rings"), method, cseq, None)
    }

    /// A provisional response to the INVITE that is not answered yet, said reliably (RFC 3262).
    pub fn ring_reliably(&self, rseq: u32) -> Vec<u8> {
        let ringing = self.respond(self.ringing.first().expect("an INVITE was heard"), 180);
        let ringing = String::from_utf8(ringing).expect("it is text");
        let more = format!("Require: 100rel\r\nRSeq: {rseq}\r\nContent-Length");
        ringing.replacen("Content-Length", &more, 1).into_bytes()
    }

    /// A request of the callee inside the call of the last INVITE it heard.
    pub fn as_callee(&self, method: &str, cseq: u32) -> Vec<u8> {
        let begins = |r: &&Request| r.headers.to().is_ok_and(|to| to.tag().is_none());
        let invite = self
            .requests("INVITE")
            .into_iter()
            .rfind(begins)
            .expect("an INVITE was heard");
        self.in_dialog_of_invite(invite, method, cseq)
    }

    /// A request of the callee inside the call of this INVITE.
    pub fn in_dialog_of_invite(&self, invite: &Request, method: &str, cseq: u32) -> Vec<u8> {
        let contact = invite.headers.contact().unwrap().unwrap().uri.to_string();
        let routes = invite.headers.get_all("Record-Route");
        let routes: String = routes
            .iter()
            .map(|route| format!("Route: {route}\r\n"))
            .collect();
        format!(
            "{method} {contact} SIP/2.0\r\n{}{routes}From: {};tag=t{}\r\nTo: {}\r\nCall-ID: {}\r\n\
             CSeq: {cseq} {method}\r\nMax-Forwards: 70\r\nContact: <{}>\r\nContent-Length: 0\r\n\r\n",
            self.via(&format!("{method}{cseq}{}{}", self.name, invite.headers.call_id().unwrap())),
            invite.headers.get("To").unwrap(),
            self.name,
            invite.headers.get("From").unwrap(),
            invite.headers.get("Call-ID").unwrap(),
            self.contact(),
        )
        .into_bytes()
    }

    // ---- what was heard ----

    pub fn requests(&self, method: &str) -> Vec<&Request> {
        let request = |message| match message {
            &(_, Message::Request(ref request)) if request.method.as_str() == method => {
                Some(request)
            }
            _ => None,
        };
        self.heard.iter().filter_map(request).collect()
    }

    pub fn responses(&self) -> Vec<&Response> {
        let response = |message| match message {
            &(_, Message::Response(ref response)) => Some(response),
            _ => None,
        };
        self.heard.iter().filter_map(response).collect()
    }

    /// Status and phrase of each response to an INVITE, 100 left out.
    pub fn progress(&self) -> Vec<String> {
        let invite = self
            .responses()
            .into_iter()
            .filter(|r| cseq_is(&r.headers, "INVITE") && r.status > 100);
        invite
            .map(|r| format!("{} {}", r.status, r.reason))
            .collect()
    }

    pub fn last_final(&self) -> Option<&Response> {
        self.responses()
            .into_iter()
            .rev()
            .find(|r| r.status >= 200 && cseq_is(&r.headers, "INVITE"))
    }

    /// Statuses of responses to a method.
    pub fn statuses(&self, method: &str) -> Vec<u16> {
        let of = self
            .responses()
            .into_iter()
            .filter(|r| cseq_is(&r.headers, method));
        of.map(|r| r.status).collect()
    }
}

fn cseq_is(headers: &wakeline_sip::wire::Headers, method: &str) -> bool {
    headers
        .cseq()
        .is_ok_and(|cseq| cseq.method.as_str() == method)
}
