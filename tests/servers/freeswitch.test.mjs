// What we ship for FreeSWITCH. No registry has it, so it does not run here: the XML is read by libxml, the Lua is run by a real Lua
// with a session that the test plays, against a real edge.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createHash } from 'node:crypto';
import { Device } from '../edge/device.mjs';
import { Sink } from '../edge/sink.mjs';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { FreeSwitchSession, LUA, SHIPPED } from '../lib/servers/freeswitch-stub.mjs';
import { derived } from '../lib/servers/woken.mjs';
import { wellFormed } from '../lib/servers/xml.mjs';

test('every file of the configuration is well-formed, and each X-PRE-PROCESS stands alone on its line', { skip: !wellFormed && 'no xmllint on this machine' }, () => {
  const files = readdirSync(join(SHIPPED, 'conf'), { recursive: true }).filter((name) => name.endsWith('.xml'));
  assert.ok(files.length > 10);
  for (const file of files) {
    const path = join(SHIPPED, 'conf', file);
    wellFormed(path);
    for (const line of wellFormed.lines(path).filter((text) => text.includes('<X-PRE-PROCESS'))) assert.match(line, /^\s*<X-PRE-PROCESS [^<>]*\/>\s*$/, file);
  }
});

test('the lines of pages are made from the site\'s secret, and only H(A1) of it is written', { skip: !wellFormed && 'no xmllint on this machine' }, () => {
  const xml = execFileSync(process.execPath, [join(SHIPPED, 'lines.mjs'), 'phone.example.com', '1001', '1002'], { env: { ...process.env, WAKELINE_SIP_SECRET: 's' }, encoding: 'utf8' });
  const ha1 = createHash('md5').update(`1001:phone.example.com:${derived('s', '1001')}`).digest('hex');
  assert.ok(xml.includes(`value="${ha1}"`));
  assert.ok(!xml.includes(derived('s', '1001')));
  wellFormed.text(xml);
});

describe('the Lua script, against a stub of the session', { skip: !LUA && 'no Lua on this machine' }, () => {
  let edge, scripts;
  const open = [];

  before(async () => {
    edge = await Edge.open({ assets: null, sites: [{ call_servers: [{ id: 'pbx', may: ['wake', 'gateway'] }]}] });
    scripts = mkdtempSync(join(tmpdir(), 'wakeline-freeswitch-'));
    cpSync(join(SHIPPED, 'scripts/wakeline.lua'), join(scripts, 'wakeline.lua'));
    configure();
  }, { timeout: 60_000 });
  after(async () => {
    await Promise.all(open.map((it) => it.close()));
    await edge?.close();
    rmSync(scripts, { recursive: true, force: true });
  }, { timeout: 30_000 });

  function configure(more = '') {
    const credential = `pbx.${edge.secrets.test.call_servers.pbx[0]}`;
    writeFileSync(join(scripts, 'wakeline_config.lua'), `return { origin = "${edge.origin}", credential = "${credential}", give_up_s = 40, ring_s = 20, direct_s = 5, parked = 200, parked_per_line = 8, ${more} }`);
  }

  async function sleeping(number, uid) {
    await edge.account(number, { display_name: `Line ${number}`, ...(uid && { uid }) });
    const { body } = await edge.api('POST', '/v1/tokens', { body: { number, uid: uid ?? number } });
    const page = new Device(edge, number, { token: body.token });
    const sink = await Sink.open({ vapid: edge.vapid });
    assert.equal((await page.bind({ sink })).status, 201);
    open.push(sink);
    return { page, sink };
  }

  const caller = { caller_id_number: '13800000000', caller_id_name: 'Zoe "Q" O\'Hara \\ 张三, [x]{y}' };
  const credential = () => `Bearer pbx.${edge.secrets.test.call_servers.pbx[0]}`;
  const wakeOf = async (id) => (await edge.api('GET', `/v1/wakes/${id}?wait=0`, { authorization: credential() })).body;
  const state = (id, wanted) => until(async () => (await wakeOf(id)).state === wanted, { every: 50, what: `wake ${id} is ${wanted}` });

  test('woken, ready, called, answered, over', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1002');
    let registered = '';
    const session = new FreeSwitchSession(scripts, {
      variables: caller,
      contacts: () => registered,
      bridge: async (words, self) => {
        self.words = words;
        await self.event(words, 'ring');
        await state(self.wake, 'ringing');
        await self.event(words, 'answer');
        await state(self.wake, 'answered');
        return 'SUCCESS';
      },
    });
    const done = session.run('wake', '1002');
    const { wake, said } = await sink.push('invitation');
    assert.match(JSON.stringify(said), /Zoe/);
    session.wake = wake;
    registered = 'sofia/wakeline/sip:a@1.invalid;transport=ws,sofia/wakeline/sip:b@2.invalid;transport=ws';
    assert.equal(session.words, undefined, 'registered, not ready: nobody is called');
    assert.equal((await page.report(wake, 'ready')).status, 200);
    await done;
    assert.match(session.words, new RegExp(`sip_h_Wakeline-Wake=${wake};state=invited`));
    assert.equal(session.words.match(/leg_progress_timeout=4/g).length, 2, 'each address is a leg');
    assert.deepEqual([...session.database], [], 'nothing is left behind');
    await Promise.all(session.beside);
  });

  test('declined on another device while the page rings: the call ends at once', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1011');
    const session = new FreeSwitchSession(scripts, {
      variables: caller,
      contacts: () => 'sofia/wakeline/sip:a@1.invalid;transport=ws',
      bridge: async (words, self) => {
        await self.event(words, 'ring');
        await state(self.wake, 'ringing');
        assert.equal((await page.report(self.wake, 'decline')).status, 200);
        await until(() => !self.up, { ms: 10_000, what: 'the call is taken out of bridge' });
        return 'ORIGINATOR_CANCEL';
      },
    });
    sink.push('invitation').then(({ wake }) => { session.wake = wake; });
    // It is bridged when both are known.
    const contacts = session.contacts;
    session.contacts = () => session.wake ? contacts() : '';
    const done = session.run('wake', '1011');
    await until(() => session.wake);
    await page.report(session.wake, 'ready');
    await done;
    assert.equal(session.cause, 'CALL_REJECTED');
    await Promise.all(session.beside);
    await state(session.wake, 'declined');
  });

  test('a page that comes by the push is not called before its "ready"; one that was here is, also by its user\'s name', { timeout: 60_000 }, async () => {
    for (const [number, uid] of [['1012'], ['1013', 'u-1013']]) {
      const { page, sink } = await sleeping(number, uid);
      let registered = '';
      const session = new FreeSwitchSession(scripts, { variables: { ...caller, ...(uid && { 'sip_h_X-Uid': uid }) }, contacts: () => registered, bridge: (words, self) => { self.words = words; return 'USER_BUSY'; } });
      const done = session.run('gateway', uid ? '13900000000' : number);
      const { wake, said } = await sink.push('invitation');
      registered = `sofia/wakeline/sip:${number}@1.invalid;transport=ws`;
      await page.report(wake, 'opened', { capability: said.wakeline.capability });
      const asked = session.log.mark();
      await session.log.wait((e) => e.name === 'asked' && /wait=1/.test(e.url) && session.log.filter('asked', asked).length > 2, { since: asked, what: 'it goes on asking' });
      assert.equal(session.words, undefined, 'nobody is called');
      assert.equal((await page.report(wake, 'ready')).status, 200);
      await done;
      assert.match(session.words, new RegExp(`sip:${number}@`));

      const open = new FreeSwitchSession(scripts, { variables: { ...caller, ...(uid && { 'sip_h_X-Uid': uid }) }, contacts: () => registered, bridge: (words, self) => { self.words = words; return 'CALL_REJECTED'; } });
      await open.run('gateway', uid ? '13900000000' : number);
      assert.match(open.words, new RegExp(`sip:${number}@`));
      assert.equal(open.cause, 'CALL_REJECTED');
    }
  });

  test('an unknown line, one without device, one that declines', { timeout: 60_000 }, async () => {
    await edge.account('1005', {});
    for (const [number, expected] of [['1999', 'UNALLOCATED_NUMBER'], ['1005', 'NO_ANSWER']]) {
      const session = new FreeSwitchSession(scripts, { variables: caller });
      await session.run('wake', number);
      assert.equal(session.cause, expected);
    }
    const { page, sink } = await sleeping('1006');
    const session = new FreeSwitchSession(scripts, { variables: caller });
    const done = session.run('wake', '1006');
    const { wake } = await sink.push('invitation');
    await page.report(wake, 'decline');
    await done;
    assert.equal(session.cause, 'CALL_REJECTED');
  });

  test('a caller who hangs up while parked leaves a missed call', { timeout: 60_000 }, async () => {
    const { sink } = await sleeping('1007');
    const session = new FreeSwitchSession(scripts, { variables: caller });
    const done = session.run('wake', '1007');
    const { wake } = await sink.push('invitation');
    session.up = false;
    await done;
    await sink.push('cancelled');
    await state(wake, 'cancelled');
  });

  test('a contact that is dead is waited for, and its page called when it is ready', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1008');
    const session = new FreeSwitchSession(scripts, {
      variables: caller,
      contacts: () => 'sofia/wakeline/sip:old@1.invalid;transport=ws',
      bridge: (words, self) => {
        self.tries = (self.tries ?? 0) + 1;
        return self.tries === 1 ? 'PROGRESS_TIMEOUT' : 'USER_BUSY';
      },
    });
    const done = session.run('wake', '1008');
    const { wake } = await sink.push('invitation');
    await until(() => session.tries === 1);
    assert.equal((await page.report(wake, 'ready')).status, 200);
    await done;
    assert.deepEqual([session.tries, session.cause], [2, 'USER_BUSY']);
    await state(wake, 'busy');
  });

  test('the gateway asks: strong calls the mobile, its failure diverts', { timeout: 60_000 }, async () => {
    const { sink } = await sleeping('1009');
    const session = new FreeSwitchSession(scripts, { variables: { ...caller, 'sip_h_X-Signal-Dbm': '-70' }, bridge: (words, self) => { self.words = words; return 'NO_USER_RESPONSE'; } });
    const done = session.run('gateway', '1009');
    await sink.push('invitation');
    assert.equal(session.words, '{originate_timeout=5}sofia/wakeline/1009@192.0.2.10:5060');
    session.up = false;
    await done;
    const odd = new FreeSwitchSession(scripts, { variables: { ...caller, 'sip_h_X-Signal-Dbm': 'strong' } });
    await odd.run('gateway', '1009');
    assert.equal(odd.cause, 'INVALID_NUMBER_FORMAT');
  });

  test('after a restart the edge hears which calls are gone', { timeout: 60_000 }, async () => {
    const { sink } = await sleeping('1010');
    const session = new FreeSwitchSession(scripts, { variables: caller });
    session.run('wake', '1010').catch(() => {});
    const { wake } = await sink.push('invitation');
    await until(() => session.database.has(wake));
    const next = new FreeSwitchSession(scripts);
    next.database = new Set([wake]);
    await next.run('restarted');
    await state(wake, 'cancelled');
    assert.deepEqual([...next.database], []);
    session.up = false;
  });

  test('an edge that is not there ends the call with 503', { timeout: 60_000 }, async () => {
    writeFileSync(join(scripts, 'wakeline_config.lua'), 'return { origin = "http://127.0.0.1:9", credential = "x.y", give_up_s = 5, ring_s = 5, direct_s = 5, parked = 9, parked_per_line = 9 }');
    const session = new FreeSwitchSession(scripts, { variables: caller });
    await session.run('wake', '1002');
    assert.equal(session.cause, 'SWITCH_CONGESTION');
    configure();
  });
});
