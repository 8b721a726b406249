// What happened, in the order the test saw it, and a way to await what has not happened yet.

export class EventLog {
  #waiting = new Set();
  events = [];

  /** Records an event; `at` is in ms since the epoch. */
  record(name, fields = {}) {
    const event = { at: Date.now(), ...fields, name };
    this.events.push(event);
    for (const waiter of [...this.#waiting]) waiter(event);
    return event;
  }

  /** A mark: only what is recorded after it is considered by `wait`. */
  mark() {
    return this.events.length;
  }

  find(match, since = 0) {
    const matches = typeof match === 'string' ? (event) => event.name === match : match;
    return this.events.slice(since).find(matches);
  }

  filter(match, since = 0) {
    const matches = typeof match === 'string' ? (event) => event.name === match : match;
    return this.events.slice(since).filter(matches);
  }

  /** Resolves with the first event after `since` that matches, past or future; bounded. */
  wait(match, { since = 0, ms = 10_000, what = String(match) } = {}) {
    const found = this.find(match, since);
    if (found) return Promise.resolve(found);
    const matches = typeof match === 'string' ? (event) => event.name === match : match;
    const { promise, resolve, reject } = Promise.withResolvers();
    const waiter = (event) => {
      if (!matches(event)) return;
      this.#waiting.delete(waiter);
      clearTimeout(timer);
      resolve(event);
    };
    const timer = setTimeout(() => {
      this.#waiting.delete(waiter);
      const seen = this.events.slice(-12).map((event) => event.name).join(', ');
      reject(new Error(`not seen within ${ms} ms: ${what} (last seen: ${seen})`));
    }, ms);
    this.#waiting.add(waiter);
    return promise;
  }
}

/** Polls a condition that no event announces (a state inside another process); bounded. */
export async function until(condition, { ms = 10_000, every = 25, what = String(condition) } = {}) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not so within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
