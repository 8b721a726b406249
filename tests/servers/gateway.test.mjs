// A mobile calls a sleeping page through a real call server with the configuration that we ship: the cases of `play gateway`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALL_SERVERS } from '../lib/gateway-world.mjs';
import { mainBrowsers } from '../lib/world.mjs';
import { CASES, playGateway } from '../plays/gateway.mjs';

const ENDS = { strong: 'answered', weak: 'answered', unbound: 'unbound', untapped: 'expired', cancelled: 'cancelled' };

for (const browser of mainBrowsers()) {
  for (const server of Object.keys(CALL_SERVERS)) {
    test(`a mobile calls a sleeping page through ${server}, in ${browser}`, { timeout: 300_000 }, async () => {
      const { report, failures } = await playGateway(server, { browser });
      assert.deepEqual([...failures], [], failures.evidence);
      assert.deepEqual(Object.fromEntries(report.cases.map(({ name, ended }) => [name, ended])), ENDS);
      assert.deepEqual(Object.keys(ENDS), Object.keys(CASES));
    });
  }
}
