// What a page keeps of its calls, after a forced collection: its heap and the memory of the core, of whichever side keeps more.
import { calls } from '../../e2e/client/census.mjs';

/** `{after_50, after_200, wasm_after_50, wasm_after_200, connections, tracks, sockets}`: octets, and what is open after the last call. */
export async function heapAfter({ few, many }) {
  const looks = Object.values(await calls({ few, many }));
  const worst = looks.sort(([a, b], [c, d]) => d.heap / c.heap - b.heap / a.heap)[0];
  const [first, last] = worst;
  const { connections, tracks, sockets } = last;
  return { [`after_${few}`]: first.heap, [`after_${many}`]: last.heap, [`wasm_after_${few}`]: first.wasm, [`wasm_after_${many}`]: last.wasm, connections, tracks, sockets };
}
