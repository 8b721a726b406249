//! The platform's WebCrypto does what RustCrypto does. Runs in Node, whose WebCrypto is OpenSSL's;
//! workerd's is BoringSSL's and is met by the tests of the edge and by the bench.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "tests")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use wakeline_push::crypto::PrivateKey;
use wakeline_push::{
    AllowList, Crypto, CryptoError, PublicKey, Subscription, Vapid, VapidError, VapidKeys,
    WebCrypto, decrypt, encrypt,
};
use wasm_bindgen_test::wasm_bindgen_test;

/// The browser of RFC 8291 appendix A.
const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const OTHER: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const AUTH: [u8; 16] = [7; 16];

fn private(text: &str) -> PrivateKey {
    PrivateKey::from_octets(&B64.decode(text).unwrap().try_into().unwrap()).unwrap()
}

fn subscription(p256dh: &[u8]) -> Subscription {
    Subscription::parse(
        "https://fcm.googleapis.com/fcm/send/x",
        &B64.encode(p256dh),
        &B64.encode(AUTH),
        &AllowList::default(),
    )
    .unwrap()
}

#[wasm_bindgen_test]
async fn a_browser_reads_what_was_encrypted_with_a_fresh_key_each_time() {
    let crypto = WebCrypto::default();
    let browser = private(PRIVATE);
    let to = subscription(browser.public().as_octets());
    let one = encrypt(&crypto, &to, b"watermelon").await.unwrap();
    let two = encrypt(&crypto, &to, b"watermelon").await.unwrap();
    assert_eq!(decrypt(&browser, &AUTH, &one).unwrap(), b"watermelon");
    assert_eq!(decrypt(&browser, &AUTH, &two).unwrap(), b"watermelon");
    assert_ne!(one[..16], two[..16]);
    assert_ne!(one[21..86], two[21..86]);
}

#[wasm_bindgen_test]
async fn a_key_off_the_curve_is_refused() {
    let mut point = *private(PRIVATE).public().as_octets();
    point[64] ^= 1;
    let refused = encrypt(&WebCrypto::default(), &subscription(&point), b"x").await;
    assert_eq!(refused, Err(CryptoError::PeerKey));
}

#[wasm_bindgen_test]
async fn a_signature_is_es256_of_the_key() {
    let crypto = WebCrypto::default();
    let key = private(PRIVATE);
    let signing = crypto
        .signing_key(&key.to_octets(), &key.public())
        .await
        .unwrap();
    let signature = crypto.sign(&signing, b"data").await.unwrap();
    let verifier = VerifyingKey::from_sec1_bytes(key.public().as_octets()).unwrap();
    verifier
        .verify(b"data", &Signature::from_slice(&signature).unwrap())
        .unwrap();
}

#[wasm_bindgen_test]
async fn vapid_keys_that_do_not_belong_together_are_refused() {
    let public: PublicKey = private(PRIVATE).public();
    let open = async |secret: &str| {
        let keys = VapidKeys::parse(&B64.encode(public.as_octets()), secret).unwrap();
        Vapid::new(&WebCrypto::default(), &keys, "mailto:a@example.com")
            .await
            .err()
    };
    assert_eq!(open(PRIVATE).await, None);
    assert_eq!(
        open(OTHER).await,
        Some(VapidError::Crypto(CryptoError::SigningKey))
    );
}
