// The worker's entry module: hands events to the wasm, and outlives it.
//
// A Rust panic (or any other trap) leaves a wasm instance that must not be used again. Here such an
// instance is replaced before the next event, the calls that were under way in it fail instead of
// hanging, and each Durable Object is made anew from its storage, which it can stand at any time.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import * as edge from "./index.js";

const state = edge.__worker_init_state();
let generation = 0;
let trapped = false;
/** Rejecters of the calls under way in the present instance. */
const underWay = new Set();

function noteTrap(error) {
  if (!(error instanceof WebAssembly.RuntimeError) || trapped) return;
  trapped = true;
  console.error("the wasm trapped and will be replaced", error.stack ?? error);
  for (const reject of underWay) reject(error);
  underWay.clear();
}

// A trap inside a future surfaces here; the promise of its call would never settle.
addEventListener("error", (event) => noteTrap(event.error));

// The Rust futures ask for a microtask at each step. The platform's own queueMicrotask makes a function of its own for each; a
// promise does not. Whatever a task throws is reported as before.
globalThis.queueMicrotask = (task) => {
  Promise.resolve().then(() => {
    try {
      task();
    } catch (error) {
      noteTrap(error);
      throw error;
    }
  });
};

function freshInstance() {
  if (!trapped && !state.criticalError) return;
  edge.__wbg_reset_state();
  state.criticalError = false;
  state.instanceId += 1;
  trapped = false;
  generation += 1;
}

/** Runs one call into the wasm so that a trap rejects it. */
function guarded(call) {
  freshInstance();
  return new Promise((resolve, reject) => {
    underWay.add(reject);
    const settle = (how) => (value) => {
      underWay.delete(reject);
      how(value);
    };
    try {
      Promise.resolve(call()).then(settle(resolve), settle(reject));
    } catch (error) {
      settle(reject)(error);
      noteTrap(error);
    }
  });
}

/** A Durable Object class around a Rust one. */
function durable(name) {
  return class extends DurableObject {
    #rust = null;
    #generation = -1;

    #call(method, ...args) {
      return guarded(() => {
        if (this.#generation !== generation) {
          this.#rust = new edge[name](this.ctx, this.env);
          this.#generation = generation;
        }
        return this.#rust[method](...args);
      });
    }

    fetch(request) {
      return this.#call("fetch", request);
    }

    alarm() {
      return this.#call("alarm");
    }

    webSocketMessage(socket, message) {
      return this.#call("frame", message);
    }

    /** An envelope of another object. */
    deliver(envelope) {
      return this.#call("deliver", envelope);
    }

    webSocketClose(socket, code, reason, wasClean) {
      return this.#call("webSocketClose", socket, code, reason, wasClean);
    }

    webSocketError(socket, error) {
      return this.#call("webSocketError", socket, error);
    }
  };
}

export const FlowObject = durable("FlowObject");
export const LineObject = durable("LineObject");
export const MeterObject = durable("MeterObject");
export const VendorObject = durable("VendorObject");

export default class extends WorkerEntrypoint {
  fetch(request) {
    return guarded(() => edge.fetch(request, this.env, this.ctx));
  }

  scheduled(controller) {
    return guarded(() => edge.scheduled(controller, this.env, this.ctx));
  }
}
