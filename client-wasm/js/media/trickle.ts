/** Candidates that come after their description (RFC 8840). Loaded by a call that has some. */

/** Several that come at once go together, ms. */
const TOGETHER_MS = 20;
/** Whoever has gathered for so long is not waited for any more, ms. */
const PATIENCE_MS = 15_000;

/** Of a description: its candidates stream by stream, and what they belong to. */
export function fragmentOf(sdp: string, complete: boolean): string {
  const lines = sdp.split(/\r?\n/);
  const some = (list: string[], name: RegExp): string[] => list.filter((line) => name.test(line));
  const starts = lines.flatMap((line, at) => (line.startsWith('m=') ? [at] : []));
  const streams = starts.map((from, n) => lines.slice(from, starts[n + 1]));
  return [
    ...some(lines, /^a=ice-ufrag:/).slice(0, 1),
    ...some(lines, /^a=ice-pwd:/).slice(0, 1),
    ...(complete ? ['a=end-of-candidates'] : []),
    ...streams.flatMap((stream) => [stream[0] ?? '', ...some(stream, /^a=mid:/), ...some(stream, /^a=candidate:/)]),
    '',
  ].join('\r\n');
}

const count = (sdp: string): number => sdp.split('\na=candidate:').length;

/** Tells the candidates of this connection that are not in what was described, each time with those before, until there are no more. */
export function follow(connection: RTCPeerConnection, described: string, tell: (fragment: string) => void): void {
  const until = performance.now() + PATIENCE_MS;
  let told = count(described);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const events = ['icecandidate', 'icegatheringstatechange'];
  const look = (): void => void (timer ??= setTimeout(say, TOGETHER_MS));
  const over = (): void => { for (const event of events) connection.removeEventListener(event, look); };
  const say = (): void => {
    timer = undefined;
    const { localDescription, iceGatheringState, connectionState } = connection;
    const complete = iceGatheringState === 'complete';
    if (complete || performance.now() > until) over();
    // The call may be over, for this tab, too.
    if (!localDescription || connectionState === 'closed') return over();
    if (count(localDescription.sdp) === told) return;
    told = count(localDescription.sdp);
    try {
      tell(fragmentOf(localDescription.sdp, complete));
    } catch {
      over();
    }
  };
  for (const event of events) connection.addEventListener(event, look);
  look();
}

/** Takes candidates of the other side. Those that are known already, or of another description, change nothing. */
export function take(connection: RTCPeerConnection, fragment: string): void {
  let usernameFragment: string | null = null;
  let sdpMid: string | null = null;
  let index = -1;
  const add = (candidate: string): void =>
    void connection.addIceCandidate({ candidate, usernameFragment, ...(sdpMid === null ? { sdpMLineIndex: Math.max(index, 0) } : { sdpMid }) }).catch(() => undefined);
  let ended = false;
  for (const line of fragment.split(/\r?\n/)) {
    const [, name, value = ''] = /^(?:a=)?([a-z-]+)[:=]?(.*)$/.exec(line) ?? [];
    if (name === 'ice-ufrag') usernameFragment = value;
    else if (name === 'm') [index, sdpMid] = [index + 1, null];
    else if (name === 'mid') sdpMid = value;
    else if (name === 'candidate') add(`candidate:${value}`);
    else if (name === 'end-of-candidates') ended = true;
  }
  if (ended) void connection.addIceCandidate().catch(() => undefined);
}
