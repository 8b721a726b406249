//! Steps out of arbitrary bytes.

/// What is left of the input; when it is used up, zeros and empty slices come.
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The next octet; none at the end.
    pub fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub fn u8(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.u8(), self.u8()])
    }

    /// A slice of the length that the next octet says.
    pub fn slice(&mut self) -> &'a [u8] {
        let length = usize::from(self.u8());
        self.take(length)
    }

    /// A slice of the length that the next two octets say.
    pub fn long_slice(&mut self) -> &'a [u8] {
        let length = usize::from(self.u16());
        self.take(length)
    }

    /// Such a slice as text.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.slice()).into_owned()
    }

    /// One of these.
    pub fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[usize::from(self.u8()) % of.len()]
    }

    /// A frame that is mostly right: some of its octets are overwritten, taken out or pushed apart.
    pub fn bend(&mut self, mut frame: Vec<u8>) -> Vec<u8> {
        for _ in 0..self.u8() % 4 {
            let at = usize::from(self.u16()) % (frame.len() + 1);
            let kind = self.u8();
            let piece = self.slice();
            let end = match kind % 3 {
                0 => at,
                1 => (at + piece.len()).min(frame.len()),
                _ => (at + usize::from(kind)).min(frame.len()),
            };
            frame.splice(at..end, piece.iter().copied());
        }
        frame
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (slice, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        slice
    }
}
