//! The functions of a wasm in an order in which they compress well: each behind those that are most like it.
//!
//! A compressor finds what was said before, and the nearer it stands the fewer octets say where. wasm-opt knows how to sort functions by
//! their names; they are given names here that say the order.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};

/// The pass that puts them into that order. The level of optimisation is for how functions are written: nothing is optimised anew.
pub const SORT: [&str; 4] = [
    "--optimize-level=2",
    "--shrink-level=1",
    "--low-memory-unused",
    "--reorder-functions-by-name",
];

/// What is compared: octets in a row.
const ROW: usize = 4;
/// How much the likeness to the function before counts still, one function later.
const FADING: f64 = 0.7;
/// Octets that all functions have in common.
const ALIKE: f64 = 50.0;

const IMPORTS: u8 = 2;
const CODE: u8 = 10;

/// The wasm with names of its functions that say their places.
pub fn named(wasm: &[u8]) -> Result<Vec<u8>> {
    let Read { imported, bodies } = read(wasm).context("the wasm is not as expected")?;
    let mut names = Vec::new();
    let mut places = vec![0; bodies.len()];
    for (place, function) in order(&bodies).into_iter().enumerate() {
        places[function] = place;
    }
    number(&mut names, bodies.len());
    for (function, place) in places.into_iter().enumerate() {
        number(&mut names, imported + function);
        text(&mut names, &format!("{place:06}"));
    }
    let mut section = Vec::new();
    text(&mut section, "name");
    section.push(1);
    number(&mut section, names.len());
    section.extend(names);
    let mut named = wasm.to_vec();
    named.push(0);
    number(&mut named, section.len());
    named.extend(section);
    Ok(named)
}

/// The largest first, then always the one that shares most with those before, the nearest above all.
fn order(bodies: &[&[u8]]) -> Vec<usize> {
    // Sorted: the same wasm comes out of the same wasm.
    let rows: Vec<Vec<&[u8]>> = bodies
        .iter()
        .map(|body| {
            let mut rows: Vec<_> = body.windows(ROW).collect();
            rows.sort_unstable();
            rows.dedup();
            rows
        })
        .collect();
    let mut having: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (function, rows) in rows.iter().enumerate() {
        for row in rows {
            having.entry(row).or_default().push(function);
        }
    }
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    let mut likeness = vec![0.0; bodies.len()];
    let mut order = Vec::with_capacity(bodies.len());
    while !left.is_empty() {
        let worth = |function: usize| {
            let length = bodies[function].len() as f64;
            match order.is_empty() {
                true => length,
                false => likeness[function] / (length + ALIKE).sqrt(),
            }
        };
        let best = (0..left.len())
            .rev()
            .max_by(|a, b| worth(left[*a]).total_cmp(&worth(left[*b])))
            .expect("some are left");
        let next = left.remove(best);
        order.push(next);
        likeness.iter_mut().for_each(|it| *it *= FADING);
        for row in &rows[next] {
            let alike = &having[row];
            // What many have tells little.
            let weight = 1.0 / (alike.len() as f64 + 1.0).log2();
            for function in alike {
                likeness[*function] += weight;
            }
        }
    }
    order
}

/// What is wanted of a wasm.
struct Read<'a> {
    /// How many functions are imported: they are counted first.
    imported: usize,
    /// The code of each function.
    bodies: Vec<&'a [u8]>,
}

fn read(wasm: &[u8]) -> Result<Read<'_>> {
    let mut rest = Octets(wasm.strip_prefix(b"\0asm\x01\0\0\0").context("no wasm")?);
    let (mut imported, mut bodies) = (0, Vec::new());
    while !rest.0.is_empty() {
        let kind = rest.octet()?;
        let length = rest.number()?;
        let mut section = Octets(rest.take(length)?);
        match kind {
            IMPORTS => {
                for _ in 0..section.number()? {
                    imported += usize::from(section.imports_function()?);
                }
            }
            CODE => {
                for _ in 0..section.number()? {
                    let length = section.number()?;
                    bodies.push(section.take(length)?);
                }
            }
            _ => {}
        }
    }
    Ok(Read { imported, bodies })
}

/// What is still to be read.
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn octet(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).context("it ends early")?;
        self.0 = rest;
        Ok(taken)
    }

    /// LEB128.
    fn number(&mut self) -> Result<usize> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let octet = self.octet()?;
            number |= usize::from(octet & 0x7f) << shift;
            if octet < 0x80 {
                return Ok(number);
            }
            shift += 7;
            if shift > 28 {
                bail!("a number is longer than it may be");
            }
        }
    }

    /// Reads one import: is it a function?
    fn imports_function(&mut self) -> Result<bool> {
        for _ in ["module", "name"] {
            let length = self.number()?;
            self.take(length)?;
        }
        let kind = self.octet()?;
        match kind {
            0 => drop(self.number()?),
            1 => {
                self.octet()?;
                self.limits()?;
            }
            2 => self.limits()?,
            3 => drop(self.take(2)?),
            4 => {
                self.octet()?;
                self.number()?;
            }
            other => bail!("an import of kind {other}"),
        }
        Ok(kind == 0)
    }

    fn limits(&mut self) -> Result<()> {
        let flags = self.octet()?;
        self.number()?;
        if flags & 1 != 0 {
            self.number()?;
        }
        Ok(())
    }
}

fn number(to: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        to.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn text(to: &mut Vec<u8>, text: &str) {
    number(to, text.len());
    to.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_stands_together_behind_the_largest() {
        let bodies: [&[u8]; 4] = [b"abcdefgh", b"12345678", b"abcdefgi and more", b"12345679"];
        assert_eq!(order(&bodies), [2, 0, 1, 3]);
    }

    #[test]
    fn functions_are_named_by_their_places_behind_those_that_are_imported() {
        let import = b"\x02\x07\x01\x01a\x01b\x00\x00";
        let code = b"\x0a\x0a\x02\x02\x00\x0b\x05\x00\x41\x00\x1a\x0b";
        let wasm = [b"\0asm\x01\0\0\0", &import[..], &code[..]].concat();
        let named = named(&wasm).expect("a wasm");
        assert!(named.starts_with(&wasm));
        assert!(named.ends_with(b"\x04name\x01\x11\x02\x01\x06000001\x02\x06000000"));
    }

    #[test]
    fn what_ends_early_is_no_wasm() {
        assert!(named(b"\0asm\x01\0\0\0\x0a\x7f").is_err());
        assert!(named(b"").is_err());
    }
}
