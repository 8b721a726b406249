// A page and a real phone through real servers: both ways, tones both ways, silence as the control.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasAsterisk } from '../lib/servers/asterisk.mjs';
import { playPhone } from '../plays/phone.mjs';

const browsers = process.env.WAKELINE_FULL ? ['chromium', 'firefox'] : ['chromium'];

for (const browser of browsers) {
  for (const server of ['kamailio', 'asterisk']) {
    const skip = server === 'asterisk' && !hasAsterisk() && 'no Asterisk on this machine';
    test(`a page and a phone talk through ${server}, both ways, in ${browser}`, { timeout: 180_000, skip }, async () => {
      const { report, failures } = await playPhone(server, { browser });
      assert.deepEqual([...failures], [], failures.evidence);
      assert.deepEqual(Object.keys(report), ['page_to_phone', 'phone_to_page']);
    });
  }
}
