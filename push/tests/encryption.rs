//! RFC 8291 with RustCrypto: the appendix's vector, and that a browser reads what we write.
#![allow(clippy::unwrap_used, reason = "tests")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use pollster::block_on;
use proptest::prelude::*;
use wakeline_push::crypto::{Agreement, Crypto, CryptoError, PrivateKey, PublicKey, RustCrypto};
use wakeline_push::{AllowList, MAX_PLAINTEXT, Subscription, decrypt, encrypt};

const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

/// Draws the random values of the appendix.
struct Appendix;

impl Crypto for Appendix {
    type SigningKey = ();
    fn salt(&self) -> Result<[u8; 16], CryptoError> {
        Ok(octets("DGv6ra1nlYgDCS1FRnbzlw"))
    }
    async fn agree(&self, peer: &PublicKey) -> Result<Agreement, CryptoError> {
        RustCrypto.agree_with(
            &private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
            peer,
        )
    }
    async fn signing_key(&self, _: &[u8; 32], _: &PublicKey) -> Result<(), CryptoError> {
        Ok(())
    }
    async fn sign(&self, (): &(), _: &[u8]) -> Result<[u8; 64], CryptoError> {
        Err(CryptoError::Platform("sign"))
    }
}

fn octets<const N: usize>(text: &str) -> [u8; N] {
    B64.decode(text).unwrap().try_into().unwrap()
}

fn private(text: &str) -> PrivateKey {
    PrivateKey::from_octets(&octets(text)).unwrap()
}

fn subscription(p256dh: &str, auth: &str) -> Subscription {
    Subscription::parse(
        "https://fcm.googleapis.com/fcm/send/x",
        p256dh,
        auth,
        &AllowList::default(),
    )
    .unwrap()
}

#[test]
fn the_vector_of_rfc_8291_appendix_a_is_met_byte_for_byte() {
    let body = block_on(encrypt(
        &Appendix,
        &subscription(P256DH, AUTH),
        b"When I grow up, I want to be a watermelon",
    ))
    .unwrap();
    let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
    assert_eq!(B64.encode(body), expected);
}

#[test]
fn the_browser_of_the_appendix_reads_its_message() {
    let body = block_on(encrypt(
        &Appendix,
        &subscription(P256DH, AUTH),
        b"When I grow up, I want to be a watermelon",
    ))
    .unwrap();
    let receiver = private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
    assert_eq!(
        decrypt(&receiver, &octets(AUTH), &body).unwrap(),
        b"When I grow up, I want to be a watermelon"
    );
}

#[test]
fn the_longest_message_is_4096_octets_and_one_more_is_refused() {
    let to = subscription(P256DH, AUTH);
    assert_eq!(MAX_PLAINTEXT, 3993);
    assert_eq!(
        block_on(encrypt(&RustCrypto, &to, &[b'x'; MAX_PLAINTEXT]))
            .unwrap()
            .len(),
        4096
    );
    assert_eq!(
        block_on(encrypt(&RustCrypto, &to, &[b'x'; MAX_PLAINTEXT + 1])),
        Err(CryptoError::TooLong)
    );
}

#[test]
fn each_message_has_a_key_and_a_salt_of_its_own() {
    let to = subscription(P256DH, AUTH);
    let (a, b) = (
        block_on(encrypt(&RustCrypto, &to, b"x")).unwrap(),
        block_on(encrypt(&RustCrypto, &to, b"x")).unwrap(),
    );
    assert_ne!(a[..16], b[..16]);
    assert_ne!(a[21..86], b[21..86]);
}

#[test]
fn a_key_off_the_curve_is_refused() {
    let mut point: [u8; 65] = octets(P256DH);
    point[64] ^= 1;
    let to = subscription(&B64.encode(point), AUTH);
    assert_eq!(
        block_on(encrypt(&RustCrypto, &to, b"x")),
        Err(CryptoError::PeerKey)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encrypted_is_read_and_nothing_else_is(plain in prop::collection::vec(any::<u8>(), 0..=MAX_PLAINTEXT), auth: [u8; 16], flip: prop::sample::Index) {
        let receiver = PrivateKey::generate().unwrap();
        let to = subscription(&B64.encode(receiver.public().as_octets()), &B64.encode(auth));
        let mut body = block_on(encrypt(&RustCrypto, &to, &plain)).unwrap();
        prop_assert_eq!(decrypt(&receiver, &auth, &body), Some(plain));
        let at = 86 + flip.index(body.len() - 86);
        body[at] ^= 1;
        prop_assert_eq!(decrypt(&receiver, &auth, &body), None);
    }

    #[test]
    fn no_octets_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decrypt(&private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), &octets(AUTH), &body);
    }
}
