// The cable between a call server and its edge, to be pulled and put back: what is asked at that moment gets no answer.
import { connect, createServer } from 'node:net';

export class Cable {
  #ends = new Set();
  #pulled = false;

  /** To a port of this machine. */
  static async open(to) {
    const cable = new Cable();
    cable.server = createServer({ noDelay: true }, (near) => {
      if (cable.#pulled) return near.destroy();
      const far = connect({ port: to, host: '127.0.0.1', noDelay: true });
      for (const [end, other] of [[near, far], [far, near]]) {
        cable.#ends.add(end);
        end.on('error', () => {}).on('close', () => {
          cable.#ends.delete(end);
          other.destroy();
        });
        end.pipe(other);
      }
      return undefined;
    });
    await new Promise((resolve) => cable.server.listen(0, '127.0.0.1', resolve));
    cable.origin = `http://127.0.0.1:${cable.server.address().port}`;
    return cable;
  }

  pull() {
    this.#pulled = true;
    for (const end of this.#ends) end.destroy();
  }

  putBack() {
    this.#pulled = false;
  }

  async close() {
    this.pull();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
