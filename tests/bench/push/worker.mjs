// The worker of `cpu.mjs`: the push room in workerd, asked by HTTP for a number of pushes.
import { Bench, initSync } from 'wakeline_push_bench.js';
import wasm from 'wakeline_push_bench_bg.wasm';

initSync({ module: wasm });
let bench;

const actions = {
  async open({ vapid, subject, subscriptions }) {
    bench = await Bench.open(vapid.publicKey, vapid.privateKey, subject);
    for (const { endpoint, keys } of subscriptions) bench.device(endpoint, keys.p256dh, keys.auth);
    return Response.json({});
  },
  async run({ pushes, signing }) {
    return Response.json({ octets: await bench.run(pushes, signing) });
  },
  async sample({ device }) {
    const body = new Uint8Array(await bench.body(device));
    return new Response(body, { headers: { 'x-authorization': await bench.authorization(device) } });
  },
};

export default {
  async fetch(request) {
    const action = actions[new URL(request.url).pathname.slice(1)];
    return action ? action(await request.json()) : new Response('no such action', { status: 404 });
  },
};
