/**
 * Beside calls: messages and who is typing, states that are subscribed to, states that are published.
 *
 * Only the leading tab has them. Bodies are text, and data: never markup.
 */

import { Problem, beside as besideOf, told } from './index.ts';
import type { Call, Phone, Remote } from './index.ts';

interface News {
  what: 'message' | 'composing' | 'sent' | 'state' | 'notified' | 'about';
  id: number; status: number | null; state: string; retryAt: number | null; reason: string | null;
  from: Remote; active: boolean; contentType: string; body: string; branch: number; summary: MessageSummary | null;
  call: string; diverted: Remote | null; private: boolean; referredBy: Remote | null; wantsAnswer: boolean; headers: [string, string][];
}

/** What an incoming call brought with it. */
export interface About {
  /** Whom it was meant for before it was diverted to this line (RFC 5806, RFC 7044). */
  diverted: Remote | null;
  /** The caller withholds who it is (RFC 3323). */
  private: boolean;
  /** Who transferred it here (RFC 3892). */
  referredBy: Remote | null;
  /** It asks to be answered without a person; `ways.autoAnswer` does so. */
  wantsAnswer: boolean;
  /** The headers that the client does not know, and Subject. */
  headers: [string, string][];
}

/** So many messages of one kind. */
export interface MessageCount { kind: string; new: number; old: number; urgentNew: number; urgentOld: number }

/** What waits in a mailbox (RFC 3842). */
export interface MessageSummary { waiting: boolean; account: string | null; counts: MessageCount[] }

/** Carries a message of someone. */
export class MessageEvent extends Event {
  readonly from: Remote;
  readonly contentType: string;
  readonly body: string;

  constructor(o: { from: Remote; contentType: string; body: string }) {
    super('message');
    this.from = o.from;
    this.contentType = o.contentType;
    this.body = o.body;
  }
}

/** Someone types, or stopped. */
export class ComposingEvent extends Event {
  readonly from: Remote;
  readonly active: boolean;

  constructor(from: Remote, active: boolean) {
    super('composing');
    this.from = from;
    this.active = active;
  }
}

/** Carries a state that was subscribed to. */
export class NotifyEvent extends Event {
  readonly contentType: string;
  readonly body: string;
  /** Who of several that answered one subscription, counted from 0. */
  readonly branch: number;
  /** For `message-summary`: what it says. */
  readonly summary: MessageSummary | null;

  constructor(o: { contentType: string; body: string; branch: number; summary: MessageSummary | null }) {
    super('notify');
    this.contentType = o.contentType;
    this.body = o.body;
    this.branch = o.branch;
    this.summary = o.summary;
  }
}

/** Something that lasts until it is ended: a subscription or a publication. Fires `state`; a subscription `notify` too. */
export class Lasting extends EventTarget {
  /** `asking`, `pending`, `active` or `published`, `waiting`, `ended`. */
  state = 'asking';
  /** While `waiting`: when it is tried again, ms since the epoch. */
  retryAt: number | null = null;
  /** When `ended`: with this status; 200 by our own wish. */
  status: number | null = null;
  /** When `ended`: the notifier's word, may be empty. */
  reason: string | null = null;
  readonly id: number;
  readonly #end: () => void;

  /** @internal */
  constructor(id: number, end: () => void) {
    super();
    this.id = id;
    this.#end = end;
  }

  /** Ends it. `state` becomes `ended` when the other side knows. */
  end(): void { this.#end(); }
}

/** A published state. */
export class Publication extends Lasting {
  readonly #change: (body: string) => void;

  /** @internal */
  constructor(id: number, end: () => void, change: (body: string) => void) {
    super(id, end);
    this.#change = change;
  }

  /** Publishes another state in its place. */
  change(body: string): void { this.#change(body); }
}

/** Everything beside the calls of a phone. Fires `message` and `composing`. */
export class Beside extends EventTarget {
  static #of = new WeakMap<Phone, Beside>();
  readonly #phone: Phone;
  readonly #sent = new Map<number, { resolve: (status: number) => void; reject: (problem: Problem) => void }>();
  readonly #lasting = new Map<number, Lasting>();
  readonly #abouts = new Map<string, About>();

  private constructor(phone: Phone) {
    super();
    this.#phone = phone;
    phone[told] = (news) => this.#told(news as News);
    phone.addEventListener('calls', () => {
      const known = new Set(phone.calls.map(({ id }) => id));
      for (const id of this.#abouts.keys()) if (!known.has(id)) this.#abouts.delete(id);
    });
  }

  /** That of this phone. */
  static of(phone: Phone): Beside {
    const found = Beside.#of.get(phone) ?? new Beside(phone);
    Beside.#of.set(phone, found);
    return found;
  }

  /** Takes messages of these types too; others are refused (415), so that their sender knows. */
  accept(...types: string[]): void { this.#want({ want: 'accept', types }); }

  /** What an incoming call brought with it; null of a call that came before this was made, or is over. */
  about(call: Call): About | null { return this.#abouts.get(call.id) ?? null; }

  /** Calls, and lets the other side make the offer (RFC 3261 §13.2.1). */
  callWithoutOffer(to: string, { headers = {} }: { headers?: Record<string, string> } = {}): Promise<Call> {
    return new Promise((resolve) => {
      const id = String(this.#want({ want: 'callWithoutOffer', to, headers: Object.entries(headers) }));
      const look = (): void => {
        const call = this.#phone.calls.find((one) => one.id === id);
        if (!call) return;
        this.#phone.removeEventListener('calls', look);
        resolve(call);
      };
      this.#phone.addEventListener('calls', look);
    });
  }

  /** Sends a message. Resolves with 200 when it has arrived, 202 when it will; else throws a `Problem` with its status. */
  message(to: string, body: string, { contentType = 'text/plain' } = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#sent.set(this.#want({ want: 'message', to, body, contentType }), { resolve, reject });
    });
  }

  /** A key was pressed: the other side is told when it begins and when it stops. */
  typing(to: string): void { this.#want({ want: 'typing', to }); }

  /** Is told of a state (`dialog`, `presence`, `message-summary`, `conference` …) until it is ended. */
  subscribe(to: string, event: string, { accept = [], expires = 600 }: { accept?: string[]; expires?: number } = {}): Lasting {
    const id = this.#want({ want: 'subscribe', to, package: event, accept, expires });
    const lasting = new Lasting(id, () => this.#want({ want: 'unsubscribe', id }));
    this.#lasting.set(id, lasting);
    return lasting;
  }

  /** Publishes a state of this line until it is ended. */
  publish(event: string, contentType: string, body: string, { expires = 600 } = {}): Publication {
    const publish = (id: number | null, text: string): number => this.#want({ want: 'publish', id, package: event, contentType, body: text, expires });
    const id = publish(null, body);
    const lasting = new Publication(id, () => this.#want({ want: 'unpublish', id }), (text) => publish(id, text));
    this.#lasting.set(id, lasting);
    return lasting;
  }

  #want(want: object): number { return this.#phone[besideOf](want); }

  #told(news: News): void {
    const lasting = this.#lasting.get(news.id);
    if (news.what === 'about') {
      const { diverted, referredBy, wantsAnswer, headers } = news;
      this.#abouts.set(news.call, { diverted, private: news.private, referredBy, wantsAnswer, headers });
    } else if (news.what === 'message') this.dispatchEvent(new MessageEvent(news));
    else if (news.what === 'composing') this.dispatchEvent(new ComposingEvent(news.from, news.active));
    else if (news.what === 'notified') lasting?.dispatchEvent(new NotifyEvent(news));
    else if (news.what === 'sent') {
      const sent = this.#sent.get(news.id);
      this.#sent.delete(news.id);
      const status = news.status ?? 0;
      if (status >= 200 && status < 300) sent?.resolve(status);
      else sent?.reject(new Problem({ status, type: '/problems/message', title: 'The message was not delivered' }));
    } else if (lasting) {
      Object.assign(lasting, { state: news.state, retryAt: news.retryAt, status: news.status, reason: news.reason });
      if (news.state === 'ended') this.#lasting.delete(news.id);
      lasting.dispatchEvent(new Event('state'));
    }
  }
}
