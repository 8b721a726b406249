//! One line of progress for anything that takes longer than a moment.
//!
//! On a terminal the line lives; elsewhere (CI, a pipe) a line is printed at the start, every
//! [`PERIOD`] and at the end, so that nobody watches silence.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_secs(10);
const REDRAW: Duration = Duration::from_millis(200);
const WIDTH: usize = 96;

/// A step under way.
#[derive(Debug)]
pub struct Progress {
    label: String,
    last: String,
    started: Instant,
    told: Instant,
    live: bool,
}

impl Progress {
    /// Says that a step begins.
    pub fn start(label: &str) -> Self {
        let live = std::io::stdout().is_terminal();
        if live {
            print!("  {label} …");
            let _ = std::io::stdout().flush();
        } else {
            println!("  {label} …");
        }
        Self {
            label: label.to_owned(),
            last: String::new(),
            started: Instant::now(),
            told: Instant::now(),
            live,
        }
    }

    /// Notes what the step wrote last (or nothing new) and tells of it when it is time.
    pub fn tick(&mut self, line: Option<&str>) {
        if let Some(line) = line.map(str::trim).filter(|line| !line.is_empty()) {
            line.clone_into(&mut self.last);
        }
        let period = if self.live { REDRAW } else { PERIOD };
        if self.told.elapsed() < period {
            return;
        }
        self.told = Instant::now();
        let told = format!("  {} … {}: {}", self.label, self.time(), self.last);
        let told = shorten(&told, WIDTH);
        if self.live {
            print!("\r\x1b[2K{told}");
            let _ = std::io::stdout().flush();
        } else {
            println!("{told}");
        }
    }

    /// Says that the step succeeded.
    pub fn done(self) {
        self.close("done");
    }

    /// Says that the step failed.
    pub fn failed(self) {
        self.close("failed");
    }

    fn close(&self, how: &str) {
        let clear = if self.live { "\r\x1b[2K" } else { "" };
        println!("{clear}  {}: {how} ({})", self.label, self.time());
    }

    fn time(&self) -> String {
        in_words(self.started.elapsed())
    }
}

/// A duration for people: `0.4 s`, `12 s`, `3 min 20 s`.
pub fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// A line of at most so many characters.
pub fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_like_words() {
        assert_eq!(in_words(Duration::from_millis(420)), "0.4 s");
        assert_eq!(in_words(Duration::from_secs(42)), "42 s");
        assert_eq!(in_words(Duration::from_secs(200)), "3 min 20 s");
    }

    #[test]
    fn a_long_line_is_cut_at_characters_not_bytes() {
        let cut = shorten(&"é".repeat(200), WIDTH);
        assert_eq!(cut.chars().count(), WIDTH);
    }
}
