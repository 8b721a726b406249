//! [`Entropy`]: randomness as an argument.

use alloc::string::String;
use core::fmt;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// The magic cookie that starts each branch (RFC 3261 §8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A cryptographic random generator, seeded by the driver (from the platform's own source), or by a test.
pub struct Entropy(ChaCha20Rng);

impl Entropy {
    /// From 32 bytes of the platform's randomness.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// From a number: tests and simulations only.
    pub fn for_tests(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// So many random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill_bytes(&mut out);
        out
    }

    /// A random number.
    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number below `bound` (zero when `bound` is zero), for jitter and back-off.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.0.next_u64() % bound
        }
    }

    /// `n` characters of the base64url alphabet, six random bits each.
    pub fn text(&mut self, n: usize) -> String {
        (0..n)
            .map(|_| char::from(ALPHABET[(self.0.next_u32() & 63) as usize]))
            .collect()
    }

    /// A token of 128 random bits in 22 characters of base64url: wake ids, flow tokens.
    ///
    /// The last character carries only the two bits that 16 bytes leave, so that it decodes strictly as base64url.
    pub fn token(&mut self) -> String {
        let mut out = self.text(21);
        out.push(char::from(
            ALPHABET[((self.0.next_u32() & 3) << 4) as usize],
        ));
        out
    }

    /// A branch for a new transaction, with the magic cookie.
    pub fn branch(&mut self) -> String {
        [MAGIC_COOKIE, &self.text(16)].concat()
    }

    /// A From or To tag.
    pub fn tag(&mut self) -> String {
        self.text(12)
    }

    /// A Call-ID without a host part (RFC 7118 forbids nothing, and hosts leak).
    pub fn call_id(&mut self) -> String {
        self.text(22)
    }

    /// A first CSeq: below 2^31 with plenty of room to grow (RFC 3261 §8.1.1.5).
    pub fn cseq(&mut self) -> u32 {
        1 + self.0.next_u32() % 10_000
    }

    /// A random UUID, version 4.
    pub fn uuid(&mut self) -> String {
        let mut b = self.bytes::<16>();
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        let mut out = String::with_capacity(36);
        for (i, byte) in b.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                out.push('-');
            }
            out.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
            out.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
        }
        out
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_tokens_and_another_seed_others() {
        let (mut a, mut b, mut c) = (
            Entropy::for_tests(1),
            Entropy::for_tests(1),
            Entropy::for_tests(2),
        );
        let token = a.token();
        assert_eq!(token, b.token());
        assert_ne!(token, c.token());
        assert_eq!(token.len(), 22);
        assert!(a.branch().starts_with(MAGIC_COOKIE));
        assert_eq!(a.uuid().as_bytes()[14], b'4');
    }
}
