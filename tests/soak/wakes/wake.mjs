// One wake of the soak: who calls, what each person does, what the push services make of it, and what truly happened.
import { setTimeout as pause } from 'node:timers/promises';

/** Random numbers from a seed (mulberry32): the same seed plans the same wakes. */
export function dice(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    chance: (p) => next() < p,
    upTo: (n) => Math.floor(next() * n),
    pick: (weights) => {
      const entries = Object.entries(weights);
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      return entries.find(([, weight]) => (left -= weight) < 0)?.[0] ?? entries[0][0];
    },
  };
}

/** What a push service says to the next pushes. */
function services(roll) {
  switch (roll.pick({ well: 10, throttled: 2, broken: 2, gone: 1, slow: 2, hangs: 1, bad: 1 })) {
    case 'throttled':
      return [{ status: 429, headers: { 'retry-after': String(1 + roll.upTo(2)) } }];
    case 'broken':
      return [500, 503].slice(0, 1 + roll.upTo(2));
    case 'gone':
      return [410];
    case 'slow':
      return [{ status: 201, ms: 200 + roll.upTo(2500) }];
    case 'hangs':
      return [{ status: 'none', hangs: true }];
    case 'bad':
      return [{ status: 503, headers: { 'retry-after': '1' } }, 429, 500];
    default:
      return [];
  }
}

/** What everybody means to do in this wake. */
export function plan(roll, phones) {
  return {
    cancelAfter: roll.chance(0.25) ? roll.upTo(4000) : null,
    talk: 50 + roll.upTo(400),
    hangsUp: roll.chance(0.5) ? 'caller' : 'callee',
    persons: phones.map(() => ({
      open: roll.chance(0.3),
      frozen: roll.chance(0.1),
      services: services(roll),
      shown: roll.chance(0.8),
      after: roll.upTo(1500),
      act: roll.pick({ tap: 8, decline: 1, ignore: 3, late: 2 }),
      // A tap that never becomes a ready.
      fails: roll.chance(0.1),
      onInvite: roll.pick({ answer: 7, decline: 2, busy: 2, ringOn: 2 }),
      ringFor: roll.upTo(1200),
    })),
  };
}

/** Plays one wake; answers the truth of it, for the judge. */
export async function play({ caller, phones, plan: planned }) {
  const truth = {
    begun: Date.now(),
    alerted: [],
    decisive: [],
    shown: [],
    opened: [],
    ready: [],
    over: null,
    lateTaps: [],
    planned,
  };
  for (const [nth, phone] of phones.entries()) {
    const person = planned.persons[nth];
    if (phone.dropped) {
      // Its subscription had gone, and the edge takes it from nobody any more: the page has made a new one since.
      phone.sink.renew();
      await phone.bind();
      phone.dropped = false;
    }
    if (person.open) await phone.page();
    else await phone.leave();
    phone.sink.answers = [...person.services];
    phone.device.alive = !person.frozen;
    phone.mark = phone.sink.log.mark();
    phone.onInvite = (incoming) => answer(truth, phone, person, incoming, nth).catch(() => {});
    phone.onBack = () => {};
  }
  await caller.page();
  const mark = caller.device.log.mark();
  const call = caller.device.call(phones[0].device.number);
  let over = caller.device.socket;
  truth.call = call;
  truth.mark = mark;
  caller.onBack = () => {
    // A socket that came back just before the call was made carries it already.
    if (caller.device.socket === over) return;
    over = caller.device.socket;
    truth.cameBack = true;
    if (!truth.over) call.again();
  };
  const persons = phones.map((phone, nth) => act(truth, phone, planned.persons[nth], nth).catch((error) => {
    truth.trouble ??= error;
  }));
  const cancelling = cancel(truth, planned).catch(() => {});
  const final = await call.final({ ms: 75_000 }).catch((error) => {
    truth.trouble = error;
    return null;
  });
  truth.over = Date.now();
  truth.final = final;
  truth.state = final?.wake?.state;
  truth.wake = final?.wake?.id;
  caller.onBack = () => {};
  if (final?.status === 200) await talk(truth, phones, call, planned).catch((error) => {
    truth.talkTrouble = error;
  });
  await cancelling;
  await Promise.race([Promise.all(persons), pause(300)]);
  await late(truth, phones).catch((error) => {
    truth.trouble ??= error;
  });
  return truth;
}

async function cancel(truth, { cancelAfter }) {
  if (cancelAfter === null) return;
  await pause(cancelAfter);
  if (truth.over) return;
  truth.cancelled = Date.now();
  truth.decisive.push({ at: truth.cancelled, status: 487 });
  await truth.call.cancel();
}

/** What a person does with the notification. */
async function act(truth, phone, person, nth) {
  if (person.act === 'ignore' || (person.open && !person.frozen)) return;
  const arrived = await phone.sink.log.wait((e) => e.name === 'push' && e.kind === 'invitation' && (e.status === 201 || e.hangs), {
    since: phone.mark,
    ms: 20_000,
  }).catch(() => null);
  if (!arrived || truth.over) return;
  const { wake, said } = arrived;
  const capability = said.wakeline.capability;
  if (person.shown) {
    truth.shown.push(Date.now());
    await phone.report(wake, 'shown', capability);
  }
  await pause(person.after);
  if (truth.over || person.act === 'late') return;
  if (person.act === 'decline') {
    const at = Date.now();
    const { status } = await phone.report(wake, 'decline', capability);
    if (status === 200) truth.decisive.push({ at, status: 603, nth });
    return;
  }
  truth.opened.push(Date.now());
  await phone.report(wake, 'opened', capability);
  if (person.fails) return;
  phone.device.alive = true;
  await phone.page();
  const ready = async () => {
    truth.ready.push(Date.now());
    await phone.report(wake, 'ready');
  };
  phone.onBack = () => {
    if (!truth.over) ready().catch(() => {});
  };
  await ready();
}

/** What a page does with an INVITE. */
async function answer(truth, phone, person, incoming, nth) {
  incoming.ring();
  truth.alerted.push({ at: Date.now(), nth });
  if (person.onInvite === 'ringOn') return;
  await pause(person.ringFor);
  const { invite } = incoming;
  if (invite.final || phone.device.socket?.readyState !== 1) return;
  const status = { answer: 200, decline: 603, busy: 486 }[person.onInvite];
  truth.decisive.push({ at: Date.now(), status, nth });
  if (status === 200) {
    (phone.talks ??= new Map()).set(invite.callId, incoming);
    await incoming.answer();
  } else {
    incoming.refuse(status, status === 603 ? 'Decline' : 'Busy Here');
  }
}

/** Both talk, one hangs up, the other hears of it. */
async function talk(truth, phones, call, { talk: ms, hangsUp }) {
  const tag = truth.final.tag('to');
  const winner = phones.find((phone) => phone.talks?.get(call.callId)?.invite.ourTag === tag);
  truth.winner = winner;
  if (!winner) return;
  const incoming = winner.talks.get(call.callId);
  await pause(ms);
  const hears = (log) => log.wait((e) => e.name === 'request' && e.method === 'BYE' && e.message.callId === call.callId, { ms: 5000 });
  const [dialog, other] = hangsUp === 'caller' ? [call.dialog, winner.device.log] : [incoming.dialog, call.device.log];
  truth.hungUp = Date.now();
  const heard = hears(other).then((event) => event.at, () => null);
  const ended = dialog.request('BYE').then(() => Date.now(), () => null);
  truth.byeHeard = await heard;
  truth.byeAnswered = await ended;
}

/** Taps on invitations of a wake that is over. */
async function late(truth, phones) {
  if (!truth.wake) return;
  for (const [nth, phone] of phones.entries()) {
    if (truth.planned.persons[nth].act !== 'late') continue;
    const arrived = phone.sink.log.find((e) => e.name === 'push' && e.kind === 'invitation' && e.wake === truth.wake, phone.mark);
    if (!arrived) continue;
    const opened = await phone.report(truth.wake, 'opened', arrived.said.wakeline.capability);
    const shown = await phone.ask(truth.wake, arrived.said.wakeline.capability);
    truth.lateTaps.push({ nth, states: [opened, shown].map(({ body }) => body.state ?? body.wake?.state ?? `status ${opened.status}`) });
  }
}
