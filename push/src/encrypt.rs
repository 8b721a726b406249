//! Message encryption for Web Push, RFC 8291, as one `aes128gcm` record of RFC 8188.
//!
//! Only the key agreement goes through [`Crypto`]. HKDF and AES-GCM over a few hundred octets are
//! done here in Rust: five trips to WebCrypto cost several times the work itself.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::crypto::{Agreement, Crypto, CryptoError, PublicKey};
use crate::subscription::Subscription;

/// Octets of plaintext that fit one push message of 4,096 octets (RFC 8291 §4): the header takes
/// 86, the delimiter 1, the tag 16.
pub const MAX_PLAINTEXT: usize = 4096 - HEADER - 1 - TAG;

/// Salt, record size, key length, key (RFC 8188 §2.1).
const HEADER: usize = 16 + 4 + 1 + PublicKey::LEN;
const TAG: usize = 16;
const RECORD_SIZE: u32 = 4096;
/// Ends the last record (RFC 8188 §2).
const LAST: u8 = 2;

/// The body of a push message that only the subscription's browser can read.
///
/// # Errors
/// When the subscription's key is no point of the curve, or the plaintext is too long.
pub async fn encrypt<C: Crypto>(
    crypto: &C,
    to: &Subscription,
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    if plaintext.len() > MAX_PLAINTEXT {
        return Err(CryptoError::TooLong);
    }
    let salt = crypto.salt()?;
    let agreement = crypto.agree(to.p256dh()).await?;
    seal(to, &agreement, &salt, plaintext)
}

pub(crate) fn seal(
    to: &Subscription,
    with: &Agreement,
    salt: &[u8; 16],
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let keys = Keys::derive(to.auth(), &with.shared, to.p256dh(), &with.public, salt);
    let mut record = Vec::with_capacity(plaintext.len() + 1 + TAG);
    record.extend_from_slice(plaintext);
    record.push(LAST);
    let sealed = keys
        .cipher
        .encrypt(&keys.nonce, record.as_slice())
        .map_err(|_| CryptoError::TooLong)?;

    let mut body = Vec::with_capacity(HEADER + sealed.len());
    body.extend_from_slice(salt);
    body.extend_from_slice(&RECORD_SIZE.to_be_bytes());
    body.push(PublicKey::LEN as u8);
    body.extend_from_slice(with.public.as_octets());
    body.extend_from_slice(&sealed);
    Ok(body)
}

struct Keys {
    cipher: Aes128Gcm,
    nonce: Nonce<aes_gcm::aead::consts::U12>,
}

impl Keys {
    /// RFC 8291 §3.3–3.4: the input keying material is bound to both keys and to the
    /// authentication secret; RFC 8188 §2.2–2.3 turns it into a key and a nonce.
    fn derive(
        auth: &[u8; 16],
        shared: &[u8; 32],
        receiver: &PublicKey,
        sender: &PublicKey,
        salt: &[u8; 16],
    ) -> Self {
        const FITS: &str = "HKDF-SHA-256 gives up to 8,160 octets";
        let (mut ikm, mut key, mut nonce) = ([0; 32], [0; 16], [0; 12]);
        Hkdf::<Sha256>::new(Some(auth), shared)
            .expand_multi_info(
                &[b"WebPush: info\0", receiver.as_octets(), sender.as_octets()],
                &mut ikm,
            )
            .expect(FITS);
        let hkdf = Hkdf::<Sha256>::new(Some(salt), &ikm);
        hkdf.expand(b"Content-Encoding: aes128gcm\0", &mut key)
            .expect(FITS);
        hkdf.expand(b"Content-Encoding: nonce\0", &mut nonce)
            .expect(FITS);
        Self {
            cipher: Aes128Gcm::new(&key.into()),
            nonce: nonce.into(),
        }
    }
}

/// Reads a push message as a browser does. For tests.
#[cfg(feature = "rustcrypto")]
#[must_use]
pub fn decrypt(
    private: &crate::crypto::PrivateKey,
    auth: &[u8; 16],
    body: &[u8],
) -> Option<Vec<u8>> {
    let (salt, rest) = body.split_first_chunk::<16>()?;
    let (size, rest) = rest.split_first_chunk::<4>()?;
    let (len, rest) = rest.split_first()?;
    let (sender, sealed) = rest.split_at_checked(usize::from(*len))?;
    if sealed.len() > usize::try_from(u32::from_be_bytes(*size)).ok()? {
        return None;
    }
    let sender = PublicKey::from_octets(sender)?;
    let agreement = crate::crypto::RustCrypto
        .agree_with(private, &sender)
        .ok()?;
    let keys = Keys::derive(auth, &agreement.shared, &private.public(), &sender, salt);
    let mut plain = keys.cipher.decrypt(&keys.nonce, sealed).ok()?;
    // Padding: any number of zeros after the delimiter.
    while plain.pop_if(|octet| *octet == 0).is_some() {}
    (plain.pop()? == LAST).then_some(plain)
}
