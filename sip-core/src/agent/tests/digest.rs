//! Challenges of a server, and how a request of a page answers them.

use crate::auth::{Algorithm, DigestChallenge, DigestResponse};
use crate::wire::{HeaderName, Request, Response};

/// What a server asks for, unless a test says otherwise.
pub const REALM: &str = "pbx.test";

/// A request is refused until it is proven: 401 by the server itself, 407 by a proxy.
pub fn refused(request: &Request, status: u16, nonce: &str, algorithm: Algorithm) -> Response {
    let challenge = DigestChallenge::new(REALM, nonce, algorithm, false).to_challenge();
    let name = match status {
        401 => HeaderName::WwwAuthenticate,
        _ => HeaderName::ProxyAuthenticate,
    };
    Response::for_request(request, status, "")
        .with_to_tag("pbx")
        .with(name, challenge.to_string())
}

/// By which nonce a request proves in this header that it knows ada's password, and the how many-eth time; none where it does not.
pub fn proven(
    request: &Request,
    header: HeaderName,
    algorithm: Algorithm,
) -> Option<(String, u32)> {
    let found = request.headers.credentials(header).unwrap();
    let answer = DigestResponse::try_from(found.first()?).unwrap();
    let ha1 = algorithm.ha1("ada", REALM, "secret");
    assert!(answer.verify(&ha1, &request.method));
    Some((answer.nonce.clone(), answer.count))
}
