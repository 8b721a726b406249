// docs/api.md says what the shipped declarations say, and each class of them has its words.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { reference } from '../../xtask/src/reference.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

test('docs/api.md is fresh: `cargo xtask docs` writes it', () => {
  const made = reference(process.env.WAKELINE_TYPES ?? join(ROOT, '.wakeline/stage/npm/types'));
  assert.equal(readFileSync(join(ROOT, 'docs/api.md'), 'utf8'), made);
  for (const name of ['Session', 'Phone', 'Call', 'Beside', 'CallQuality', 'Recording', 'Outcome', 'preflight']) assert.match(made, new RegExp(`^### \\w+ \`${name}\`$`, 'm'), name);
  const mute = made.split(/^### /m).filter((part) => /^class/.test(part) && !/^class `\w+`\n\n[A-Z]/.test(part));
  assert.deepEqual(mute.map((part) => part.split('\n')[0]), [], 'classes without a word');
});
