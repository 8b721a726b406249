/** Takes every call to this line with the same two buttons, and sends what is typed as digits. Answers the phone. */
import { Phone, Session } from 'wakeline';

export async function answer({ edge, number, password, audio, take, leave, keys }) {
  // Stored in this browser: after the first sign-in `Session.restore` opens the line without a password.
  const session = (await Session.restore({ edge })) ?? (await Session.signIn({ edge, number, password }));
  const phone = await Phone.open({ session });
  phone.addEventListener('incoming', ({ call }) => {
    take.onclick = () => call.answer();
    leave.onclick = () => (call.state === 'incoming' ? call.reject() : call.hangUp());
    keys.oninput = () => call.dtmf(keys.value.slice(-1));
    call.addEventListener('media', () => { audio.srcObject = call.remoteStream; });
    call.addEventListener('ended', () => { take.onclick = leave.onclick = keys.oninput = null; });
  });
  return phone;
}
