// A registrar of our own over a real WebSocket: it says what a test wants said.
import { WebSocketServer } from 'ws';
import { Message } from '../../edge/device.mjs';

/** A response to this request of a page: `[status, ...headers]`. */
export function answer(message, [status, ...headers]) {
  const copied = ['via', 'from', 'call-id', 'cseq'].map((name) => `${name}: ${message.header(name)}`);
  return [`SIP/2.0 ${status} x`, ...copied, `To: ${message.header('to')};tag=r`, ...headers, 'Content-Length: 0', '', ''].join('\r\n');
}

export const granted = (message) => [200, `Contact: ${message.header('contact')}`];

/** Answers each request of a page by `answers(message, socket)`: a status with headers, or nothing where that has said enough. */
export async function registrar(answers) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'sip' });
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (socket) => socket.on('message', (data) => {
    const message = new Message(data.toString());
    if (!message.method || message.method === 'ACK') return;
    const said = answers(message, socket);
    if (said) socket.send(answer(message, said));
  }));
  return { url: `ws://127.0.0.1:${server.address().port}`, close: () => { for (const one of server.clients) one.terminate(); server.close(); } };
}
