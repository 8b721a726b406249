/**
 * A script of its own ahead of everything else: the wasm core is compiled, and for a tapped invitation the socket is
 * opened, beside the parsing of the page's own code. Each millisecond here is one in which a caller waits.
 */
import wasm from '../../build/client/wakeline_client_bg.wasm?url';
import { compile, dial } from '../../client-wasm/js/early.ts';

performance.mark('wakeline:script');

export const core = compile(wasm);
export const socket = location.search.includes('wake=') ? dial(location.origin) : null;
