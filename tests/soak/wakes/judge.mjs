// What a wake of the soak may have come to, from what truly happened. Each figure of the report is defined here.
//
// - **ghosts**: a page that could be reached rang on, or believed itself answered, more than two seconds after its call was
//   over; an invitation that a push service took was never replaced; or a tap on a stale invitation was told that the call goes
//   on. Each such device counts once.
// - **lost**: a call whose caller heard no end, whose record is missing, or whose BYE the other side never heard.
// - **doubled**: a second, different final response to one INVITE; a second record of one call; two replacements with different
//   words on one device; or a page that rang twice for one call over one socket.
// - **wrong_final**: the caller's final response, the record and the wake's own state do not say the same; or the final is not
//   one that the deeds allow (200 without an answer, 603 without a decline, …); or somebody's deed, alone for a second, did not
//   become the end.
// - **told_wrong**: 182 or 180 without the fact that it tells (a push taken, a notification shown, a tap, a page that alerts), or
//   after the end.
// - **longest_quiet_ms**: the longest time from the end, as the caller heard it, until the last page that rang for the call was
//   quiet and the replacement of each notification had been sent. What was cut off by a restart meanwhile counts from when it was
//   back, the notifications of such a call not at all: a push that died with the process is tried again after 15 s.
const QUIET_MS = 2000;
/** Two deeds closer than this cross on the wire: either may win. */
const CROSSING_MS = 1000;

const isInvitation = (wake) => (e) => e.name === 'push' && e.kind === 'invitation' && e.wake === wake;
const isReplacement = (wake) => (e) => e.name === 'push' && e.kind !== 'invitation' && e.wake === wake;

export class Judge {
  figures = { wakes: 0, ghosts: 0, lost: 0, doubled: 0, wrong_final: 0, told_wrong: 0, longest_quiet_ms: 0 };
  findings = [];
  /** When the edge was away. */
  outages = [];
  wakes = [];

  constructor({ limits, reached }) {
    this.limits = limits;
    this.reached = reached;
  }

  #found(figure, truth, why) {
    this.figures[figure] += 1;
    this.findings.push(`${figure}: ${truth.wake ?? truth.call?.callId}: ${why}`);
  }

  /** Whether the edge was away, or had just come back, in this time. */
  #away(from, to) {
    return this.outages.some((outage) => outage.from - 1000 < to && (outage.to ?? Infinity) + 5000 > from);
  }

  /** Judges what can be seen when a wake is over; `sweep` does the rest. */
  async judge(truth, phones) {
    this.figures.wakes += 1;
    this.wakes.push({ truth, phones, marks: phones.map((phone) => phone.mark) });
    if (!truth.final) return this.#found('lost', truth, `no end: ${truth.trouble?.message}`);
    this.#told(truth, phones);
    this.#final(truth, phones);
    for (const [nth, phone] of phones.entries()) await this.#pageQuiet(truth, phone, nth);
    if (truth.winner && !this.#away(truth.begun, truth.over + 8000)) {
      if (truth.byeHeard === null) this.#found('lost', truth, 'the other side never heard BYE');
      else this.#quiet(truth, truth.byeHeard - truth.hungUp, 'the other side of a call that was hung up');
    }
    for (const { nth, states } of truth.lateTaps) {
      if (states.some((state) => state !== truth.state)) this.#found(states.some((state) => /^(targeted|pushed|shown|opened|registered|ready|invited|ringing)$/.test(state)) ? 'ghosts' : 'wrong_final', truth, `device ${nth} tapped late and was told ${states}, the caller ${truth.state}`);
    }
    return undefined;
  }

  #quiet(truth, ms, what) {
    this.figures.longest_quiet_ms = Math.max(this.figures.longest_quiet_ms, ms);
    if (ms > QUIET_MS) this.#found('ghosts', truth, `${what}: ${ms} ms`);
  }

  #told(truth, phones) {
    const heard = truth.call.device.log.events.slice(truth.mark);
    const mine = heard.filter((e) => e.name === 'response' && e.message.callId === truth.call.callId && e.message.cseq.method === 'INVITE' && e.message.status > 100);
    const finals = new Map();
    let over = false;
    for (const { at, message } of mine) {
      if (message.status >= 200) {
        over = true;
        finals.set(`${message.status} ${message.tag('to')}`, message);
        continue;
      }
      const before = (list) => list.some((it) => (it.at ?? it) <= at);
      const facts = {
        Pushed: () => phones.some((phone) => phone.sink.log.filter(isInvitation(message.wake?.id)).some((e) => e.at <= at && e.status === 201)),
        Shown: () => before(truth.shown),
        Opened: () => before(truth.opened),
        Ringing: () => message.status === 180 && before(truth.alerted),
      };
      if (over) this.#found('told_wrong', truth, `${message.start} after the end`);
      else if (!facts[message.reason]?.()) this.#found('told_wrong', truth, message.start);
    }
    if (finals.size > 1) this.#found('doubled', truth, [...finals.keys()].join(', '));
  }

  #final(truth, phones) {
    const { final, state, over } = truth;
    const did = (status) => truth.decisive.some((deed) => deed.status === status && deed.at <= over);
    const lasted = over - truth.begun;
    const refused = phones.some((phone) => phone.sink.log.filter((e) => e.name === 'push', phone.mark).some((e) => e.status !== 201));
    const away = this.#away(truth.begun, over);
    const allowed = {
      '200 answered': () => did(200),
      '603 declined': () => did(603),
      '486 busy': () => did(486),
      '487 cancelled': () => did(487) || away,
      '480 expired': () => lasted >= Math.min(this.limits.ready_s, this.limits.ring_s) * 1000 - 50,
      '480 unanswered': () => truth.alerted.length > 0,
      '480 unreachable': () => refused || away,
      '480 unbound': () => refused || away,
    }[`${final.status} ${state}`];
    if (!(allowed?.() ?? (away && [408, 503].includes(final.status)))) {
      this.#found('wrong_final', truth, `${final.start} (${state}; ${final.header('reason')}) after ${lasted} ms, of ${JSON.stringify(truth.decisive)}`);
      return;
    }
    // An answer, a decline for the line or a CANCEL that nothing else crossed is the end.
    const first = truth.decisive.filter(({ status }) => status !== 486).sort((one, other) => one.at - other.at)[0];
    const crossed = first && truth.decisive.some((deed) => deed !== first && Math.abs(deed.at - first.at) < CROSSING_MS);
    const late = first && over - first.at < CROSSING_MS && final.status === 480;
    if (first && first.at <= over && !crossed && !late && !away && first.status !== final.status) {
      this.#found('wrong_final', truth, `${first.status} came first and alone, the end was ${final.start} (${state}), of ${JSON.stringify(truth.decisive)}`);
    }
  }

  /** Every page that rang for this wake is quiet. */
  async #pageQuiet(truth, phone, nth) {
    const log = phone.device.log;
    const rang = log.filter((e) => e.name === 'request' && e.method === 'INVITE' && !e.message.tag('to') && e.message.callId === truth.call.callId);
    const sockets = new Map();
    for (const { message, at } of rang) {
      const closed = () => log.find((e) => e.name === 'closed' && e.at >= at)?.at;
      const won = phone === truth.winner && message.finalStatus === 200 && message.ourTag === truth.final.tag('to');
      if (won) continue;
      const wanted = message.finalStatus === 200 ? 'BYE' : 'CANCEL';
      const ended = () => (message.finalStatus === 200 ? undefined : message.finalAt) ?? log.find((e) => e.name === 'request' && e.method === wanted && e.message.callId === truth.call.callId && e.at >= at)?.at ?? closed();
      if (ended() === undefined) {
        await log.wait((e) => (e.name === 'request' && e.method === wanted && e.message.callId === truth.call.callId) || e.name === 'closed', { since: log.events.length, ms: 4 * QUIET_MS }).catch(() => {});
      }
      if (ended() === undefined) this.#found('ghosts', truth, `device ${nth} rings on (${wanted} never came)`);
      else this.#quiet(truth, ended() - truth.over, `device ${nth}`);
      const round = log.filter((e) => e.name === 'closed' && e.at < at).length;
      sockets.set(round, (sockets.get(round) ?? 0) + 1);
    }
    if ([...sockets.values()].some((times) => times > 1)) this.#found('doubled', truth, `device ${nth} rang ${rang.length} times over one socket`);
  }

  /** When all wakes are over: notifications and records. */
  async sweep(rows) {
    for (const { truth, phones, marks } of this.wakes) {
      if (!truth.wake) continue;
      for (const [nth, phone] of phones.entries()) await this.#notification(truth, phone, nth, marks[nth]);
    }
    const found = await rows();
    const known = new Map(this.wakes.filter(({ truth }) => truth.wake).map(({ truth }) => [truth.wake, truth]));
    for (const row of found) if (!known.has(row.id)) this.#found('doubled', { wake: row.id }, `a record of no call that was made: ${JSON.stringify(row)}`);
    for (const truth of known.values()) {
      const mine = found.filter((row) => row.id === truth.wake);
      if (mine.length === 0) this.#found('lost', truth, 'no record');
      else if (mine[0].outcome !== truth.state) this.#found('wrong_final', truth, `the record says ${mine[0].outcome}, the caller heard ${truth.state}`);
    }
    return this.figures;
  }

  async #notification(truth, phone, nth, mark) {
    const { log } = phone.sink;
    const invited = log.filter(isInvitation(truth.wake), mark).filter((e) => e.status === 201 || e.hangs);
    // Whose own user ended it needs no word, nor does a subscription that is gone.
    const own = truth.decisive.some((deed) => deed.nth === nth && [200, 603].includes(deed.status));
    const gone = log.filter((e) => e.name === 'push' && e.status === 410, mark).length > 0;
    if (invited.length === 0 || own || gone) return;
    const kinds = new Set(log.filter(isReplacement(truth.wake), mark).map((e) => e.kind));
    if (kinds.size > 1) this.#found('doubled', truth, `device ${nth} was told ${[...kinds]}`);
    const replaced = await log.wait((e) => isReplacement(truth.wake)(e) && e.status === 201, { since: mark, ms: Math.max(100, truth.over + 60_000 - Date.now()) }).catch(() => null);
    if (!replaced) this.#found('ghosts', truth, `the notification of device ${nth} is left (${[...kinds]})`);
    const first = log.find(isReplacement(truth.wake), mark);
    // A push that is still on its way to a slow service is waited for, or the invitation might come last.
    const inFlight = invited.some((e) => e.hangs || (e.ms && e.at + e.ms > truth.over));
    if (first && !inFlight && !this.#away(truth.begun, truth.over + 16_000)) this.#quiet(truth, first.at - truth.over, `notification of device ${nth}`);
  }
}
