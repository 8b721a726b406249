//! P-256 in pure Rust.

use p256::SecretKey;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;

use super::{Agreement, Crypto, CryptoError, PublicKey};

/// The `p256` crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

/// A private key of P-256.
pub struct PrivateKey(SecretKey);

impl PrivateKey {
    /// A fresh one.
    ///
    /// # Errors
    /// When the platform has no randomness.
    pub fn generate() -> Result<Self, CryptoError> {
        SecretKey::try_generate()
            .map(Self)
            .map_err(|_| CryptoError::Platform("draw randomness"))
    }

    /// From its 32 octets.
    #[must_use]
    pub fn from_octets(octets: &[u8; 32]) -> Option<Self> {
        SecretKey::from_slice(octets).ok().map(Self)
    }

    /// Its 32 octets.
    #[must_use]
    pub fn to_octets(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let point = self.0.public_key().to_sec1_point(false);
        PublicKey::from_octets(point.as_bytes()).expect("an uncompressed point has this form")
    }
}

impl RustCrypto {
    /// ECDH with a key of one's own.
    ///
    /// # Errors
    /// When the peer's key is not on the curve.
    pub fn agree_with(
        self,
        private: &PrivateKey,
        peer: &PublicKey,
    ) -> Result<Agreement, CryptoError> {
        let peer =
            p256::PublicKey::from_sec1_bytes(peer.as_octets()).map_err(|_| CryptoError::PeerKey)?;
        let shared = p256::ecdh::diffie_hellman(private.0.to_nonzero_scalar(), peer.as_affine());
        Ok(Agreement {
            public: private.public(),
            shared: (*shared.raw_secret_bytes()).into(),
        })
    }
}

impl Crypto for RustCrypto {
    type SigningKey = SigningKey;

    fn salt(&self) -> Result<[u8; 16], CryptoError> {
        <[u8; 16]>::try_generate().map_err(|_| CryptoError::Platform("draw randomness"))
    }

    async fn agree(&self, peer: &PublicKey) -> Result<Agreement, CryptoError> {
        self.agree_with(&PrivateKey::generate()?, peer)
    }

    async fn signing_key(
        &self,
        private: &[u8; 32],
        public: &PublicKey,
    ) -> Result<SigningKey, CryptoError> {
        let key = PrivateKey::from_octets(private).ok_or(CryptoError::SigningKey)?;
        if key.public() == *public {
            Ok(SigningKey::from(key.0))
        } else {
            Err(CryptoError::SigningKey)
        }
    }

    async fn sign(&self, key: &SigningKey, data: &[u8]) -> Result<[u8; 64], CryptoError> {
        let signature: Signature = key.sign(data);
        Ok(signature.to_bytes().into())
    }
}
