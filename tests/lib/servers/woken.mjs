// A scripted page that registers at a call server while its edge wakes it: SIP and digest towards the one, REST towards the other.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { Device } from '../../edge/device.mjs';

const hex = (octets) => randomBytes(octets).toString('hex');
const md5 = (text) => createHash('md5').update(text).digest('hex');
const FINGERPRINT = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0').toUpperCase()).join(':');

/** An answer that a WebRTC endpoint of a call server takes; no sound will follow. */
export const WEBRTC = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=rtpmap:0 PCMU/8000', 'a=ice-ufrag:page',
  'a=ice-pwd:page-page-page-page-page', `a=fingerprint:sha-256 ${FINGERPRINT}`, 'a=setup:active', 'a=rtcp-mux', 'a=mid:0', 'a=sendrecv', '',
].join('\r\n');

/** What the edge gives a page as its password where the site's scheme is `derived`. */
export const derived = (secret, number) => createHmac('sha1', secret).update(number).digest('base64');

export class Woken extends Device {
  sdp = WEBRTC;

  hangsUp = true;

  /** `server` is the call server's WebSocket, `password` what it takes for this line. */
  constructor(edge, number, { server, password, username = number, ...more }) {
    super(edge, number, more);
    Object.assign(this, { server, password, username });
  }

  /** What a challenge of the call server wants to see with such a request. */
  #proof(challenge, method, uri) {
    const of = (name) => new RegExp(`${name}="?([^",]+)`).exec(challenge)?.[1];
    const cnonce = hex(6);
    const ha1 = md5(`${this.username}:${of('realm')}:${this.password}`);
    const response = md5([ha1, of('nonce'), '00000001', cnonce, 'auth', md5(`${method}:${uri}`)].join(':'));
    const opaque = of('opaque') ? `, opaque="${of('opaque')}"` : '';
    return `Digest username="${this.username}", realm="${of('realm')}", nonce="${of('nonce')}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="${cnonce}"${opaque}`;
  }

  /** REGISTER, the challenge, REGISTER with digest; answers the last response. */
  async register(options = {}) {
    const refused = await super.register({ authorization: null, ...options });
    const challenge = refused.header('www-authenticate');
    if (refused.status !== 401 || !challenge) return refused;
    return super.register({ ...options, authorization: this.#proof(challenge, 'REGISTER', `sip:${this.domain}`) });
  }

  /** Calls a number: INVITE, the challenge, INVITE with digest; answers the call. */
  async dials(number) {
    const call = this.call(number);
    const refused = await call.final();
    const [field, challenge] = [[401, 'Authorization', 'www-authenticate'], [407, 'Proxy-Authorization', 'proxy-authenticate']]
      .filter(([status]) => status === refused.status).map(([, name, asked]) => [name, refused.header(asked)])[0] ?? [];
    if (!challenge) throw new Error(`an INVITE without proof is answered ${refused.start}`);
    return this.call(number, { headers: [`${field}: ${this.#proof(challenge, 'INVITE', call.uri)}`] });
  }
}
