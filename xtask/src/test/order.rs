//! Which files go first: the longest, so that the two that run at once end together.

use std::path::{Path, PathBuf};

/// Files that take half a minute and more in the short run, the longest of each folder first. What stands elsewhere than it should costs
/// seconds, no more.
const LONG: [&str; 30] = [
    "tests/edge/silence.test.mjs",
    "tests/edge/wake.test.mjs",
    "tests/edge/soak.test.mjs",
    "tests/edge/callserver-trust.test.mjs",
    "tests/servers/asterisk.test.mjs",
    "tests/servers/quality.test.mjs",
    "tests/servers/flows.test.mjs",
    "tests/servers/gateway.test.mjs",
    "tests/servers/kamailio.test.mjs",
    "tests/servers/relay.test.mjs",
    "tests/servers/media.test.mjs",
    "tests/servers/phone.test.mjs",
    "tests/servers/registrars.test.mjs",
    "tests/servers/firefox.test.mjs",
    "tests/e2e/tapped.test.mjs",
    "tests/e2e/clock.test.mjs",
    "tests/e2e/between-two.test.mjs",
    "tests/e2e/push-answers.test.mjs",
    "tests/e2e/client/ahead.test.mjs",
    "tests/e2e/client/video.test.mjs",
    "tests/e2e/ends.test.mjs",
    "tests/e2e/client/media.test.mjs",
    "tests/e2e/presence.test.mjs",
    "tests/e2e/microphone.test.mjs",
    "tests/e2e/identity.test.mjs",
    "tests/e2e/lost-party.test.mjs",
    "tests/e2e/subscription.test.mjs",
    "tests/e2e/opening.test.mjs",
    "tests/e2e/answered.test.mjs",
    "tests/e2e/withheld.test.mjs",
];

/// Puts the long files first; the others keep their order.
pub fn longest_first(root: &Path, files: &mut [PathBuf]) {
    files.sort_by_key(|file| {
        let name = file.strip_prefix(root).unwrap_or(file);
        let place = LONG.iter().position(|long| name == Path::new(long));
        place.unwrap_or(LONG.len())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::House;

    #[test]
    fn long_files_go_first_in_their_order_and_the_others_in_theirs() {
        let root = Path::new("/house");
        let of = |names: [&str; 4]| names.map(|name| root.join(name));
        let mut files = of([
            "tests/edge/abuse.test.mjs",
            "tests/edge/rest.test.mjs",
            "tests/edge/silence.test.mjs",
            "tests/edge/wake.test.mjs",
        ]);
        longest_first(root, &mut files);
        let expected = of([
            "tests/edge/silence.test.mjs",
            "tests/edge/wake.test.mjs",
            "tests/edge/abuse.test.mjs",
            "tests/edge/rest.test.mjs",
        ]);
        assert_eq!(files, expected);
    }

    #[test]
    fn every_file_that_is_named_is_there() {
        let house = House::find().expect("tests run inside the repository");
        for name in LONG {
            assert!(house.path(name).is_file(), "{name}");
        }
    }
}
