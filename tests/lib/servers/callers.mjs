// Callers behind a voice gateway, played by sipp over UDP: each of them dials one number, and lets the call end in one way.

const NOTHING = 'Content-Length: 0\n\n';
const SDP = `Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 [call_number] IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 9 RTP/AVP 8
a=rtpmap:8 PCMA/8000
`;

/** A request of its own, repeated as UDP wants it; CANCEL and the ACK of a refusal are of the transaction that the INVITE opened. */
const request = (method, { uri = 'sip:[field0]@[remote_ip]:[remote_port]', to = '', extra = '', body = NOTHING, own = false } = {}) => `<send${method === 'ACK' ? '' : ' retrans="500"'}><![CDATA[
${method} ${uri} SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];rport;branch=${own ? '[branch]' : 'z9hG4bK[pid]c[call_number]'}
Max-Forwards: 70
${extra}From: <sip:[field1]@[local_ip]>;tag=[pid]t[call_number]
To: <sip:[field0]@[remote_ip]>${to}
Call-ID: [call_id]
CSeq: ${method === 'BYE' ? 2 : 1} ${method}
Contact: <sip:[field1]@[local_ip]:[local_port]>
${body}]]></send>`;
const got = (status, more = '') => `<recv response="${status}" ${more}/>`;
const maybe = (...statuses) => statuses.map((status) => got(status, 'optional="true"')).join('');

const INVITE = request('INVITE', { body: SDP });
const refused = (status) => `${INVITE}${maybe(100, 182, 183, 180)}${got(status)}${request('ACK', { to: '[peer_tag_param]' })}`;
const STEPS = {
  // Talks a moment and hangs up.
  answered: () => `${INVITE}${maybe(100, 182, 183, 180)}${got(200, 'rrs="true"')}
${request('ACK', { uri: '[next_url]', to: '[peer_tag_param]', extra: '[routes]\n', own: true })}
<pause milliseconds="200"/>
${request('BYE', { uri: '[next_url]', to: '[peer_tag_param]', extra: '[routes]\n', own: true })}
${got(200)}`,
  declined: () => refused(603),
  busy: () => refused(486),
  // Nobody taps, and they have had enough: a while after they were told the last thing that they are told.
  cancelled: ({ hears, patience }) => `${INVITE}${hears === 100 ? '' : maybe(100)}${got(hears)}
<pause milliseconds="${patience}"/>
${request('CANCEL')}
${maybe(200)}${got(487)}${request('ACK', { to: '[peer_tag_param]' })}`,
};

/**
 * What sipp plays so that calls end like this (`answered`, `declined`, `busy`, `cancelled`). Rows: number called, number calling. Whoever
 * cancels does so `patience` ms after `hears`.
 */
export const scenario = (end, { hears = 182, patience = 500 } = {}) => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="${end}">
${STEPS[end]({ hears, patience })}
</scenario>
`;
