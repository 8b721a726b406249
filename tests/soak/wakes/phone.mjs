// A device of the soak: a scripted page that keeps its place. Its socket comes back when the edge does, its reports are tried
// again while the edge is away, and it does with an INVITE what its person has planned.
import { Device, IncomingCall } from '../../edge/device.mjs';
import { Sink } from '../../edge/sink.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** How long the edge may be away. */
const PATIENCE_MS = 30_000;

export class Phone {
  /** The page is open, and stays so. */
  wanted = false;
  /** Called with each INVITE, and when the page is back on a new socket. */
  onInvite = () => {};
  onBack = () => {};

  static async open(edge, number, { pushable = true } = {}) {
    const phone = new Phone();
    phone.edge = edge;
    phone.device = new Device(edge, number, { token: await edge.token(number, { ttl_s: 86_400 }) });
    phone.device.hangsUp = true;
    const log = phone.device.log;
    const record = log.record.bind(log);
    log.record = (name, fields) => {
      const event = record(name, fields);
      phone.#noticed(event);
      return event;
    };
    if (pushable) {
      phone.sink = await Sink.open({ vapid: edge.vapid });
      await phone.bind();
    }
    return phone;
  }

  bind() {
    return this.#patiently(() => this.device.bind({ sink: this.sink }));
  }

  #noticed({ name, method, message, socket }) {
    if (name === 'request' && method === 'INVITE' && !message.tag('to')) this.onInvite(new IncomingCall(this.device, message));
    if (name === 'closed' && socket === this.device.socket && this.wanted) this.#return();
  }

  /** Once for each time that the socket is lost, however many tries it takes. */
  #return() {
    this.returning ??= this.page().then(() => {
      this.returning = undefined;
      if (this.wanted) this.onBack();
    }, () => {
      this.returning = undefined;
    });
  }

  /** Opens the page, or registers anew where it is open. */
  page() {
    this.wanted = true;
    return (this.opening ??= this.#patiently(async () => {
      const isOpen = this.device.socket?.readyState === 1;
      const answer = isOpen ? await this.device.register() : (await this.device.online(), { status: 200 });
      if (answer.status !== 200) throw new Error(`REGISTER: ${answer.status}`);
    }).finally(() => {
      this.opening = undefined;
    }));
  }

  async leave() {
    this.wanted = false;
    await this.device.close();
  }

  /** A report on a wake, by the invitation's capability where there is one. */
  report(wake, what, capability) {
    return this.#patiently(() => this.device.report(wake, what, { capability }));
  }

  /** The wake as its invitation shows it. */
  ask(wake, capability) {
    return this.#patiently(() => this.edge.api('GET', `/v1/wakes/${wake}`, { token: null, authorization: `Wake ${capability}` }));
  }

  /** While the edge is away, and no longer than a person would. */
  async #patiently(action) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        const answer = await action();
        if (answer?.status >= 500) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
        return answer;
      } catch (error) {
        if (Date.now() > end) throw error;
        await pause(100);
      }
    }
  }

  async close() {
    this.wanted = false;
    await this.device.close();
    await this.sink?.close();
  }
}
