/** A line at a SIP server of any make (Kamailio, Asterisk, FreeSWITCH): no edge, nobody is woken. Answers the phone. */
import { Phone } from 'wakeline';

export async function pbx({ server, addressOfRecord, password }) {
  const phone = await Phone.open({ server, addressOfRecord, password });
  await new Promise((resolve, reject) => {
    const look = () => {
      if (phone.registration.state === 'registered') resolve();
      if (phone.registration.state === 'refused') reject(new Error(`the server said ${phone.registration.reason}`));
    };
    phone.addEventListener('registration', look);
    look();
  });
  return phone;
}
