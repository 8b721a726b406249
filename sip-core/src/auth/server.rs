//! [`DigestResponse`]: what a server is answered, to be verified (RFC 7616 §3.4).

use alloc::string::String;
use subtle::ConstantTimeEq;

use super::{Algorithm, AuthError};
use crate::pii::Pii;
use crate::wire::{Credentials, Method, Uri};

/// Digest credentials, decoded. Only `qop=auth` is accepted: without it nothing counts the uses of a nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestResponse {
    /// Who claims to ask.
    pub username: Pii<String>,
    /// The realm of the challenge.
    pub realm: String,
    /// The nonce of the challenge; whether it is ours and fresh is for its issuer to say.
    pub nonce: String,
    /// The opaque of the challenge.
    pub opaque: Option<String>,
    /// The URI that was hashed.
    pub uri: String,
    /// The hash.
    pub algorithm: Algorithm,
    /// How often the client used the nonce; must grow.
    pub count: u32,
    cnonce: String,
    count_text: String,
    response: String,
}

impl DigestResponse {
    /// Is the answer right for a user with this H(A1)? Compared in constant time.
    pub fn verify(&self, ha1: &str, method: &Method) -> bool {
        let ha2 = self.algorithm.hash(&[method.as_str(), &self.uri]);
        let expected = self.algorithm.hash(&[
            ha1,
            &self.nonce,
            &self.count_text,
            &self.cnonce,
            "auth",
            &ha2,
        ]);
        expected
            .as_bytes()
            .ct_eq(self.response.to_ascii_lowercase().as_bytes())
            .into()
    }

    /// Was it made for this Request-URI? A proxy before us may have changed the text, not the meaning.
    pub fn is_for(&self, uri: &Uri) -> bool {
        self.uri.parse::<Uri>().is_ok_and(|u| u.equivalent(uri))
    }
}

impl TryFrom<&Credentials> for DigestResponse {
    type Error = AuthError;
    fn try_from(credentials: &Credentials) -> Result<Self, AuthError> {
        if !credentials.is("Digest") {
            return Err(AuthError::OtherScheme);
        }
        let text = |name: &str| {
            credentials
                .params
                .text(name)
                .map(alloc::borrow::Cow::into_owned)
        };
        let must = |name: &str| {
            text(name)
                .filter(|t| !t.is_empty())
                .ok_or(AuthError::Incomplete)
        };
        if !must("qop")?.eq_ignore_ascii_case("auth") {
            return Err(AuthError::UnknownProtection);
        }
        let count_text = must("nc")?;
        let count = u32::from_str_radix(&count_text, 16)
            .ok()
            .filter(|_| count_text.len() == 8);
        Ok(Self {
            username: Pii(must("username")?),
            realm: must("realm")?,
            nonce: must("nonce")?,
            opaque: text("opaque"),
            uri: must("uri")?,
            algorithm: Algorithm::parse(text("algorithm").as_deref())?,
            count: count.ok_or(AuthError::Malformed)?,
            cnonce: must("cnonce")?,
            count_text,
            response: must("response")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DigestChallenge, DigestClient, Login};
    use super::*;
    use crate::entropy::Entropy;

    fn login(password: &str) -> Login {
        Login::with_password("Mufasa", password)
    }

    fn method(text: &str) -> Method {
        text.parse().unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_7616_come_out() {
        // RFC 7616 §3.9.1
        for (algorithm, response) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                Algorithm::Sha256,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
            let mut client = DigestClient::new(DigestChallenge::new(
                "http-auth@example.org",
                nonce,
                algorithm,
                false,
            ));
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            let answer = client.answer_with(
                &login("Circle of Life"),
                &method("GET"),
                "/dir/index.html",
                cnonce,
            );
            assert_eq!(answer.params.get("response"), Some(response));
            let ha1 = algorithm.ha1("Mufasa", "http-auth@example.org", "Circle of Life");
            assert!(
                DigestResponse::try_from(&answer)
                    .unwrap()
                    .verify(&ha1, &method("GET"))
            );
        }
    }

    #[test]
    fn the_vector_of_rfc_2617_comes_out() {
        // RFC 2617 §3.5
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let mut client = DigestClient::new(DigestChallenge::new(
            "testrealm@host.com",
            nonce,
            Algorithm::Md5,
            false,
        ));
        let answer = client.answer_with(
            &login("Circle Of Life"),
            &method("GET"),
            "/dir/index.html",
            "0a4f113b",
        );
        assert_eq!(
            answer.params.get("response"),
            Some("6629fae49393a05397450978507c4ef1")
        );
    }

    #[test]
    fn a_server_without_qop_is_answered_in_the_old_form() {
        let mut challenge = DigestChallenge::new(
            "testrealm@host.com",
            "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            Algorithm::Md5,
            false,
        );
        challenge.qop_auth = false;
        let answer = DigestClient::new(challenge).answer_with(
            &login("CircleOfLife"),
            &method("GET"),
            "/dir/index.html",
            "",
        );
        // RFC 2069 §2.4, with the response of its erratum 749
        assert_eq!(
            answer.params.get("response"),
            Some("1949323746fe6a43ef61f9606e7febea")
        );
        assert!(!answer.params.has("nc"));
        assert_eq!(
            DigestResponse::try_from(&answer),
            Err(AuthError::Incomplete)
        );
    }

    #[test]
    fn each_use_of_a_nonce_is_counted_and_a_wrong_password_refused() {
        let mut entropy = Entropy::for_tests(1);
        let mut client = DigestClient::new(DigestChallenge::new(
            "example.com",
            "n",
            Algorithm::Sha256,
            false,
        ));
        let ha1 = Algorithm::Sha256.ha1("Mufasa", "example.com", "right");
        for count in 1..=3 {
            let answer = client.answer(
                &login("right"),
                &Method::Register,
                "sip:example.com",
                &mut entropy,
            );
            let answer: Credentials = answer.to_string().parse().unwrap();
            let response = DigestResponse::try_from(&answer).unwrap();
            assert_eq!(response.count, count);
            assert!(response.verify(&ha1, &Method::Register));
            assert!(!response.verify(&ha1, &Method::Invite));
            assert!(response.is_for(&"sip:EXAMPLE.com".parse().unwrap()));
            assert!(!response.is_for(&"sip:example.org".parse().unwrap()));
        }
        let answer = client.answer(
            &login("wrong"),
            &Method::Register,
            "sip:example.com",
            &mut entropy,
        );
        assert!(
            !DigestResponse::try_from(&answer)
                .unwrap()
                .verify(&ha1, &Method::Register)
        );
    }

    #[test]
    fn a_refused_password_is_not_tried_again_but_a_stale_nonce_is() {
        let mut entropy = Entropy::for_tests(1);
        let first = DigestChallenge::new("example.com", "n1", Algorithm::Sha256, false);
        let mut client = DigestClient::new(first.clone());
        assert!(client.may_retry(&first));
        let _ = client.answer(
            &login("x"),
            &Method::Register,
            "sip:example.com",
            &mut entropy,
        );
        assert!(!client.may_retry(&DigestChallenge::new(
            "example.com",
            "n2",
            Algorithm::Sha256,
            false
        )));
        assert!(client.may_retry(&DigestChallenge::new(
            "example.com",
            "n2",
            Algorithm::Sha256,
            true
        )));
    }

    #[test]
    fn the_topmost_challenge_that_is_spoken_is_chosen() {
        let challenges: Vec<crate::wire::Challenge> = [
            r#"Bearer realm="x""#,
            r#"Digest realm="x", nonce="1", algorithm=SHA-512-256, qop="auth""#,
            r#"Digest realm="x", nonce="2", algorithm=SHA-256, qop="other""#,
            r#"Digest realm="x", nonce="3", algorithm=SHA-256, qop="auth-int, auth", opaque="o", stale=TRUE"#,
            r#"Digest realm="x", nonce="4""#,
        ]
        .iter()
        .map(|t| t.parse().unwrap())
        .collect();
        let chosen = DigestChallenge::choose(&challenges).unwrap();
        assert_eq!(
            (
                chosen.nonce.as_str(),
                chosen.opaque.as_deref(),
                chosen.stale
            ),
            ("3", Some("o"), true)
        );
        let again = DigestChallenge::try_from(&chosen.to_challenge()).unwrap();
        assert_eq!(again, chosen);
        assert_eq!(DigestChallenge::choose(&challenges[..3]), None);
    }

    #[test]
    fn incomplete_or_malformed_credentials_are_named() {
        let whole = r#"Digest username="a", realm="r", nonce="n", uri="sip:h", response="00", qop=auth, nc=00000001, cnonce="c""#;
        assert!(DigestResponse::try_from(&whole.parse::<Credentials>().unwrap()).is_ok());
        for (from, to, error) in [
            ("username=\"a\", ", "", AuthError::Incomplete),
            ("nc=00000001", "nc=1", AuthError::Malformed),
            ("nc=00000001", "nc=0000000g", AuthError::Malformed),
            ("qop=auth", "qop=auth-int", AuthError::UnknownProtection),
            ("Digest", "Basic", AuthError::OtherScheme),
            (
                "nonce=\"n\"",
                "nonce=\"n\", algorithm=X",
                AuthError::UnknownAlgorithm,
            ),
        ] {
            let credentials: Credentials = whole.replace(from, to).parse().unwrap();
            assert_eq!(DigestResponse::try_from(&credentials), Err(error), "{to}");
        }
    }

    #[test]
    fn no_password_reaches_a_log() {
        assert!(!format!("{:?}", login("secret")).contains("secret"));
    }

    #[test]
    fn a_session_binds_its_key_and_auth_int_covers_the_body() {
        let challenge: crate::wire::Challenge =
            r#"Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth-int""#
                .parse()
                .unwrap();
        let challenge = DigestChallenge::try_from(&challenge).unwrap();
        assert!(challenge.session && challenge.covers_body);
        let mut client = DigestClient::new(challenge);
        let mut entropy = Entropy::for_tests(1);
        let request = crate::wire::Request::bare(method("INVITE"), "sip:b@h".parse().unwrap())
            .with_body("application/sdp", b"v=0\xff".to_vec());
        let mut bound = None;
        for count in ["00000001", "00000002"] {
            let answer = client.answer_request(&login("p"), &request, &mut entropy);
            let param = |name: &str| answer.params.text(name).unwrap().into_owned();
            assert_eq!(answer.params.get("algorithm"), Some("MD5-sess"));
            assert_eq!(
                (param("qop").as_str(), param("nc").as_str()),
                ("auth-int", count)
            );
            let md5 = Algorithm::Md5;
            // RFC 7616 §3.4.2: the key stays that of the first nonce and cnonce.
            let key = bound.get_or_insert_with(|| {
                md5.hash(&[&md5.ha1("Mufasa", "r", "p"), "n", &param("cnonce")])
            });
            let ha2 = md5.hash(&["INVITE", "sip:b@h", &md5.hash_body(b"v=0\xff")]);
            let right = md5.hash(&[key, "n", count, &param("cnonce"), "auth-int", &ha2]);
            assert_eq!(param("response"), right);
        }
        client.follow(r#"nextnonce="n2", qop=auth-int"#);
        let answer = client.answer_request(&login("p"), &request, &mut entropy);
        assert_eq!(answer.params.text("nonce").as_deref(), Some("n2"));
        assert_eq!(answer.params.get("nc"), Some("00000001"));
    }
}
