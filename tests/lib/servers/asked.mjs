// One question by UDP, to see whether a server is ready.
import dgram from 'node:dgram';

/**
 * Whether what stands at a port of this machine answers as it should within 300 ms. `question` are the octets, or makes them from the port
 * that they are sent from; `right` looks at each answer.
 */
export function asked(port, question, right) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    const done = (answer) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => done(false), 300);
    // Nobody there yet.
    socket.on('error', () => {});
    socket.on('message', (bytes) => done(right(bytes)));
    socket.bind(0, '127.0.0.1', () => {
      const octets = typeof question === 'function' ? question(socket.address().port) : question;
      socket.send(octets, port, '127.0.0.1');
    });
  });
}
