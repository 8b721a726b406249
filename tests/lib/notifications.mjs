// What the notification daemon was asked to show, read from the bus itself, and a person's hand on
// it: a real mouse click on the notification, or one of its buttons.
import { writeFileSync } from 'node:fs';
import { EventLog, until } from './events.mjs';

const INTERFACE = 'org.freedesktop.Notifications';
const ARGUMENTS = { Notify: 8, NotificationClosed: 2, ActionInvoked: 2, 'method return': 1 };

/** Parses `dbus-monitor` text into messages `{kind, time, serial, replySerial, member, args}`. */
export class MonitorParser {
  #message = null;
  #text = null;

  constructor(onMessage) {
    this.onMessage = onMessage;
  }

  line(line) {
    if (this.#text !== null) return this.#continueText(line);
    const head = /^(method call|method return|signal|error) time=([\d.]+) sender=(\S+) -> destination=(.*?) serial=(\d+)(?: reply_serial=(\d+))?(?:.*member=(\w+))?/.exec(line);
    if (head) {
      const [, kind, time, sender, destination, serial, replySerial, member] = head;
      this.#message = { kind, time: Number(time) * 1000, sender, destination: destination.split(' ')[0], serial, replySerial, member, args: [] };
      return undefined;
    }
    // Only top-level arguments and the flat list of actions matter; both are strings and numbers.
    const string = /^( +)string "(.*)$/.exec(line);
    if (string && this.#message) {
      this.#text = { depth: string[1].length, value: '' };
      return this.#continueText(string[2]);
    }
    const number = /^ {3}u?int32 (-?\d+)$/.exec(line);
    if (number) this.#argument(Number(number[1]));
    if (/^ {3}array \[/.test(line)) this.#argument([]);
    return undefined;
  }

  // A string may hold line breaks; it ends with a quote at the end of a line.
  #continueText(piece) {
    if (!piece.endsWith('"')) {
      this.#text.value += `${piece}\n`;
      return;
    }
    const { depth, value } = this.#text;
    this.#text = null;
    const text = value + piece.slice(0, -1);
    const list = this.#message?.args.at(-1);
    if (depth === 3) this.#argument(text);
    else if (Array.isArray(list) && depth === 6) list.push(text);
  }

  // The text form does not say where a message ends; its number of arguments does.
  #argument(value) {
    const message = this.#message;
    if (!message) return;
    message.args.push(value);
    if (message.args.length < (ARGUMENTS[message.member ?? message.kind] ?? Infinity)) return;
    this.#message = null;
    this.onMessage(message);
  }
}

export class Notifications {
  #mouse;
  #calls = new Map();
  /** id → {id, title, body, actions, at} of what is on the screen now. */
  displayed = new Map();
  log = new EventLog();

  constructor({ desktop, choice, screen }) {
    this.desktop = desktop;
    this.choice = choice;
    this.screen = screen;
  }

  async listen() {
    const monitor = this.desktop.start('stdbuf', ['-oL', 'dbus-monitor', '--session', `interface='${INTERFACE}'`, "type='method_return'"], {
      name: 'dbus-monitor',
      stdio: [, 'pipe'],
    });
    const parser = new MonitorParser((message) => this.#seen(message));
    let rest = '';
    monitor.stdout.setEncoding('utf8');
    const ready = Promise.withResolvers();
    monitor.stdout.on('data', (chunk) => {
      ready.resolve();
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) parser.line(line);
    });
    monitor.exited.then(() => ready.reject(new Error(`dbus-monitor ended: ${monitor.logTail()}`)));
    await ready.promise;
    // It stands by: to start one takes time of its own.
    this.#mouse = this.desktop.start('xdotool', ['-'], { name: 'mouse', stdio: ['pipe'] });
  }

  #seen({ kind, time, sender, destination, serial, replySerial, member, args }) {
    if (kind === 'method call' && member === 'Notify') {
      const [app, replaces, , title, body, actions = []] = args;
      this.#calls.set(`${sender}/${serial}`, { app, replaces, title, body, actions: pairs(actions), at: time });
    } else if (kind === 'method return' && this.#calls.has(`${destination}/${replySerial}`)) {
      const call = this.#calls.get(`${destination}/${replySerial}`);
      this.#calls.delete(`${destination}/${replySerial}`);
      const notification = { ...call, id: args[0] };
      this.displayed.set(notification.id, notification);
      this.log.record('shown', notification);
    } else if (kind === 'signal' && member === 'NotificationClosed') {
      const notification = this.displayed.get(args[0]);
      this.displayed.delete(args[0]);
      this.log.record('closed', { ...notification, id: args[0], reason: args[1], at: time });
    } else if (kind === 'signal' && member === 'ActionInvoked') {
      this.log.record('action', { id: args[0], key: args[1], at: time });
    }
  }

  /** Awaits a notification that matches; `since` is a mark of `log`. */
  shown(match = () => true, { since = 0, ms = 15_000, what = 'a notification' } = {}) {
    return this.log.wait((event) => event.name === 'shown' && match(event), { since, ms, what });
  }

  /**
   * A click of the mouse on the newest notification. Answers what was pressed, and `at`, when the button of the mouse went
   * down: read here and now, for a monitor of the bus may be late to see it on a busy machine.
   */
  async click({ ms = 5000 } = {}) {
    const since = this.log.mark();
    // The daemon has answered before it draws: the mouse waits for the window.
    await this.desktop.run('xdotool', 'search', '--sync', '--onlyvisible', '--class', 'dunst');
    await this.desktop.run('xdotool', 'mousemove', String(this.screen.width - 200), '38');
    const at = Date.now();
    this.#mouse.stdin.write('click 1\n');
    const { id, key } = await this.log.wait('action', { since, ms, what: 'the click to reach the notification' });
    return { id, key, at };
  }

  /** Presses the button with this text. */
  async press(text, { ms = 5000 } = {}) {
    const since = this.log.mark();
    writeFileSync(this.choice, `${text}\n`);
    await this.desktop.run('dunstctl', 'context');
    return this.log.wait('action', { since, ms, what: `the button "${text}" to be pressed` });
  }

  /** Clears the screen, as a person sweeping them away would; what comes meanwhile is swept away as well. */
  async dismissAll() {
    const swept = async () => {
      await this.desktop.run('dunstctl', 'close-all');
      return this.displayed.size === 0;
    };
    await until(swept, { ms: 5000, every: 50, what: 'the notifications to be closed' });
  }
}

function pairs(list) {
  const answer = [];
  for (let i = 0; i + 1 < list.length; i += 2) answer.push({ key: list[i], text: list[i + 1] });
  return answer;
}
