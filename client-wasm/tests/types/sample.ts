// Type-checked by a test: what the README shows must compile against the generated declarations.
import { Phone, Problem, Session } from '../../js/index';
import type { CallEnd, Wake } from '../../js/index';
import { deviceCredential } from '../../js/credential';

export async function sample(edge: string, token: string): Promise<void> {
  const phone = await Phone.open({ edge, token });
  phone.addEventListener('incoming', (e) => e.call.answer());
  phone.addEventListener('waking', (e) => { if (e.wake.state === 'over') console.log(e.wake.outcome); });

  const call = await phone.call('1002');
  call.addEventListener('state', () => console.log(call.state, call.stage, call.remote.displayName));
  call.addEventListener('ended', () => { const end: CallEnd | null = call.end; console.log(end?.outcome, end?.by); });
  call.hold();
  call.addEventListener('refused', (e) => console.log(e.what, e.status, call.held, call.remoteHeld));
  call.dtmf('12#');
  call.addEventListener('digit', (e) => console.log(e.digit));
  const other = await phone.call('1003', { headers: { 'X-Ticket': '42' } });
  call.transfer(other);
  call.addEventListener('transfer', (e) => { if (e.progress === 'done') console.log(call.replaces); });
  const stream: MediaStream | null = call.remoteStream;
  console.log(stream, phone.registration.state, phone.registration.retryAt, phone.role);

  const session = await Session.restore({ edge });
  if (session) await Phone.open({ session, wake: 'x', audio: { echoCancellation: false } });
  const wake: Wake = await phone.ready('x').catch((e: unknown) => { throw e instanceof Problem ? e.status : e; });
  console.log(wake.caller.display_name, (await deviceCredential(edge))?.device);

  const line = await Session.atServer({ server: 'wss://pbx.example.com/ws', addressOfRecord: 'sip:ada@example.com', password: 'p' });
  await Phone.open({ session: line });
  await Phone.open({ server: 'wss://pbx.example.com/ws', addressOfRecord: 'sip:ada@example.com', password: 'p', iceServers: [] });
  // @ts-expect-error a server has an address
  await Session.atServer({ addressOfRecord: 'sip:ada@example.com' });

  // @ts-expect-error there is no such event
  phone.addEventListener('nonsense', () => {});
  // @ts-expect-error a number is text
  await phone.call(1002);
}
