// A third one in a world: another caller, or another device of a line that is there already, in a browser of its own. It has
// no push service: it rings while its page is open.
import { join } from 'node:path';
import { writeTone } from './audio.mjs';
import { Chromium } from './browsers/chromium.mjs';
import { PhonePage } from './phone.mjs';

/** Hertz of its microphone. */
const TONE = 770;

/** Opens a page for `account` and signs in; its side is "third". */
export async function third(world, account) {
  const origin = world.wire.origin('third');
  const browser = await Chromium.open({ desktop: world.desktop, tone: writeTone(join(world.desktop.dir, 'third.wav'), TONE), origins: [origin], headless: true });
  world.browsers.third = browser;
  try {
    const phone = await PhonePage.open(browser, `${origin}/`, 'third');
    phone.browser = browser;
    await phone.signIn(account);
    const { state } = await phone.until(['set-up', 'keypad']);
    if (state === 'set-up') await phone.press('setup-skip');
    await phone.until('keypad', { registration: 'registered' });
    return phone;
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** Dials, and answers the INVITE with a mark of the wire taken just before it. */
export async function dials(world, phone, number) {
  const wire = world.wire.log.mark();
  await phone.dial(number);
  return { wire, invite: await world.wire.sip(phone.side, 'sent', /^INVITE /, { since: wire }) };
}

/** Back to the keypad, out of whatever call it is in. */
export async function atRest(phone) {
  const { state } = await phone.look();
  if (['calling', 'answering', 'active'].includes(state)) {
    await phone.press('hang-up');
    await phone.until('ended');
  }
  if (state === 'ringing') await phone.press('decline');
  if ((await phone.until(['ended', 'keypad', 'missed', 'devices'])).state === 'ended') await phone.press('ended-close');
  await phone.page.$('[data-testid="nav-keypad"]').then((key) => key?.click());
  await phone.until('keypad', { registration: 'registered' });
}
