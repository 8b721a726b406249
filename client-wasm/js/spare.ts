/**
 * The connection of the next call, made while nobody calls: its certificate, its place for a voice, its offer. It has touched neither microphone
 * nor network, and knows no servers yet; those of the call are told to it.
 */
import { granted, voice } from './describe.ts';

/** A certificate is good for a month (WebRTC §4.9.1); a page may stay open for longer. */
const FRESH_MS = 86_400_000;

type Create = () => Promise<RTCSessionDescriptionInit>;

/** Makes the offer of a call of sound ahead: it is the connection's first one, unless that call wants more. */
async function offerAhead(connection: RTCPeerConnection): Promise<void> {
  voice(connection);
  const create = connection.createOffer.bind(connection) as Create;
  let ahead: RTCSessionDescriptionInit | null = await create();
  const first: Create = async () => {
    const offer = ahead;
    ahead = null;
    return offer && connection.getTransceivers().length === 1 ? offer : create();
  };
  Object.assign(connection, { createOffer: first });
}

export class Spare {
  #kept: { connection: RTCPeerConnection; until: number } | null = null;
  #making: object | null = null;

  /** Has one. None where the person is to be asked for the microphone: that takes longer than all of this. */
  async keep(make: () => RTCPeerConnection): Promise<void> {
    if (this.#kept || this.#making) return;
    const own = (this.#making = {});
    let connection: RTCPeerConnection | null = null;
    try {
      if (!(await granted()) || this.#making !== own) return;
      connection = make();
      await offerAhead(connection);
      if (this.#making !== own) return;
      this.#kept = { connection, until: Date.now() + FRESH_MS };
      connection = null;
    } catch {
      // Calls are made without.
    } finally {
      connection?.close();
      if (this.#making === own) this.#making = null;
    }
  }

  take(configuration: RTCConfiguration): RTCPeerConnection | null {
    const kept = this.#kept;
    this.#kept = null;
    if (!kept) return null;
    const { connection, until } = kept;
    try {
      if (until > Date.now()) {
        connection.setConfiguration({ ...connection.getConfiguration(), ...configuration });
        return connection;
      }
    } catch {
      // What a browser does not take from it, it takes from a new one.
    }
    connection.close();
    return null;
  }

  drop(): void {
    this.#kept?.connection.close();
    this.#kept = this.#making = null;
  }
}
