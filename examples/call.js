/** Calls a number and plays the other side; answers the call. A token is signed by your own backend. */
import { Phone, Problem } from 'wakeline';

export async function call({ edge, token, number, audio }) {
  const phone = await Phone.open({ edge, token });
  try {
    const call = await phone.call(number);
    // "waking" while their device is being woken, "ringing" when a page of theirs alerts, "active" when both have agreed.
    call.addEventListener('state', () => console.log(call.state, call.stage ?? ''));
    call.addEventListener('media', () => { audio.srcObject = call.remoteStream; });
    call.addEventListener('ended', () => console.log(call.end.outcome, call.end.by));
    return call;
  } catch (error) {
    // An RFC 9457 problem: its status, and a sentence.
    if (error instanceof Problem) console.error(error.status, error.title);
    throw error;
  }
}
