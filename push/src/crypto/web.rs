//! P-256 by the platform: WebCrypto, as Workers, browsers and Node have it.
//!
//! Each call into the platform costs more than some of the work it does, so there are four per
//! message, two at a time, and whatever can be made once is made once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use js_sys::{Array, ArrayBuffer, JsString, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{Agreement, Crypto, CryptoError, PublicKey};

#[wasm_bindgen]
extern "C" {
    /// An opaque key that the platform holds.
    #[derive(Clone)]
    pub type CryptoKey;

    type KeyPair;
    #[wasm_bindgen(method, getter, js_name = publicKey)]
    fn public_key(this: &KeyPair) -> CryptoKey;
    #[wasm_bindgen(method, getter, js_name = privateKey)]
    fn private_key(this: &KeyPair) -> CryptoKey;

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn get_random_values(into: &mut [u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    fn import_key(
        format: &JsString,
        key: &JsValue,
        algorithm: &Object,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = generateKey, catch)]
    fn generate_key(
        algorithm: &Object,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = exportKey, catch)]
    fn export_key(format: &JsString, key: &CryptoKey) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = deriveBits, catch)]
    fn derive_bits(algorithm: &Object, key: &CryptoKey, bits: u32) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = sign, catch)]
    fn sign(algorithm: &Object, key: &CryptoKey, data: &Uint8Array) -> Result<Promise, JsValue>;
}

/// The platform's WebCrypto, with the arguments that never change.
#[derive(Clone, Debug)]
pub struct WebCrypto {
    raw: JsString,
    ecdh: Object,
    ecdsa: Object,
    no_usage: Array,
    derive: Array,
    public: JsValue,
}

impl Default for WebCrypto {
    fn default() -> Self {
        Self {
            raw: "raw".into(),
            ecdh: object(&[("name", "ECDH"), ("namedCurve", "P-256")]),
            ecdsa: object(&[
                ("name", "ECDSA"),
                ("namedCurve", "P-256"),
                ("hash", "SHA-256"),
            ]),
            no_usage: Array::new(),
            derive: Array::of1(&"deriveBits".into()),
            public: "public".into(),
        }
    }
}

impl Crypto for WebCrypto {
    type SigningKey = CryptoKey;

    fn salt(&self) -> Result<[u8; 16], CryptoError> {
        let mut salt = [0; 16];
        get_random_values(&mut salt).map_err(|_| CryptoError::Platform("draw randomness"))?;
        Ok(salt)
    }

    async fn agree(&self, peer: &PublicKey) -> Result<Agreement, CryptoError> {
        let failed = |_| CryptoError::Platform("agree on a key");
        let octets = Uint8Array::from(&peer.as_octets()[..]);
        let peer = import_key(&self.raw, &octets, &self.ecdh, false, &self.no_usage)
            .map_err(|_| CryptoError::PeerKey)?;
        let pair = generate_key(&self.ecdh, false, &self.derive).map_err(failed)?;
        let peer = JsFuture::from(peer)
            .await
            .map_err(|_| CryptoError::PeerKey)?;
        let pair: KeyPair = JsFuture::from(pair).await.map_err(failed)?.unchecked_into();

        let with_peer = Object::new();
        Reflect::set(&with_peer, &"name".into(), &"ECDH".into()).map_err(failed)?;
        Reflect::set(&with_peer, &self.public, &peer).map_err(failed)?;
        let shared = derive_bits(&with_peer, &pair.private_key(), 256).map_err(failed)?;
        let public = export_key(&self.raw, &pair.public_key()).map_err(failed)?;
        let shared = octets_of(shared)
            .await
            .ok_or(CryptoError::Platform("agree on a key"))?;
        let public = octets_of::<{ PublicKey::LEN }>(public).await;
        let public = public
            .and_then(|o| PublicKey::from_octets(&o))
            .ok_or(CryptoError::Platform("export a key"))?;
        Ok(Agreement { public, shared })
    }

    async fn signing_key(
        &self,
        private: &[u8; 32],
        public: &PublicKey,
    ) -> Result<CryptoKey, CryptoError> {
        let failed = |_| CryptoError::SigningKey;
        let (x, y) = public.as_octets()[1..].split_at(32);
        let base64 = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        let jwk = object(&[
            ("kty", "EC"),
            ("crv", "P-256"),
            ("x", &base64(x)),
            ("y", &base64(y)),
            ("d", &base64(private)),
        ]);
        let usages = Array::of1(&"sign".into());
        let key = import_key(&"jwk".into(), &jwk, &self.ecdsa, false, &usages).map_err(failed)?;
        Ok(JsFuture::from(key).await.map_err(failed)?.unchecked_into())
    }

    async fn sign(&self, key: &CryptoKey, data: &[u8]) -> Result<[u8; 64], CryptoError> {
        const FAILED: CryptoError = CryptoError::Platform("sign");
        let signature = sign(&self.ecdsa, key, &Uint8Array::from(data)).map_err(|_| FAILED)?;
        octets_of(signature).await.ok_or(FAILED)
    }
}

/// The octets that a promise brings, when it keeps it and they are as many.
async fn octets_of<const N: usize>(promise: Promise) -> Option<[u8; N]> {
    let buffer: ArrayBuffer = JsFuture::from(promise).await.ok()?.unchecked_into();
    let view = Uint8Array::new(&buffer);
    if view.length() as usize != N {
        return None;
    }
    let mut octets = [0; N];
    view.copy_to(&mut octets);
    Some(octets)
}

fn object(members: &[(&str, &str)]) -> Object {
    let object = Object::new();
    for (name, value) in members {
        let _ = Reflect::set(&object, &(*name).into(), &(*value).into());
    }
    object
}
