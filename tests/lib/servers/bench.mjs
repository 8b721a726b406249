// A bench of real SIP servers and phones: each a process of its own with its own run folder and ports, on loopback
// only, ready when its start is awaited, ended with the bench.
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, start } from '../processes.mjs';

/** Whose domain it is, on every server of the bench. */
export const DOMAIN = 'bench.test';

/** A line's password, on every server of the bench. */
export const passwordOf = (user) => `secret of ${user}`;

export class Bench {
  static open() {
    const bench = new Bench();
    bench.dir = mkdtempSync(join(tmpdir(), 'wakeline-servers-'));
    bench.parts = [];
    return bench;
  }

  /** An empty folder of its own for a part. */
  folder(name) {
    const dir = join(this.dir, `${name}-${this.parts.length}`);
    mkdirSync(dir, { recursive: true });
    return dir;
  }

  /** Starts one part (`Kamailio`, `Asterisk`, …) and waits until it is ready. */
  async add(Part, options = {}) {
    const part = new Part();
    this.parts.push(part);
    part.dir = this.folder(part.name);
    try {
      await part.open(options);
    } catch (error) {
      error.message += `\n${part.name} said: ${part.process?.logTail() ?? 'nothing'}`;
      throw error;
    }
    return part;
  }

  /** What each part wrote, for the evidence of a failed test. */
  logs() {
    return this.parts.map((part) => `== ${part.name}\n${part.process?.logTail() ?? ''}`).join('\n');
  }

  async close() {
    for (const part of this.parts.reverse()) await part.close();
    this.parts = [];
    if (!process.env.WAKELINE_KEEP) rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** One process of the bench. */
export class Part {
  /** Starts the program in the part's own folder. */
  run(command, args, options = {}) {
    this.process = start(command, args, { logDir: this.dir, name: this.name, ...options });
    this.process.exited.then((how) => { this.gone = how; });
    return this.process;
  }

  /** Awaits readiness; a program that has ended will never be ready. */
  alive() {
    if (this.gone) throw new Error(`${this.name} ended: ${JSON.stringify(this.gone)}`);
    return true;
  }

  async close() {
    if (this.process) await end(this.process);
  }
}
