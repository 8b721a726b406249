// Runs in workerd in front of the worker: lines of the version before, which take envelopes as requests only.
import { DurableObject } from 'cloudflare:workers';
import * as edge from './index.js';

export const { FlowObject, MeterObject, VendorObject } = edge;
export class LineObject extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.line = new edge.LineObject(ctx, env);
  }

  fetch(request) { return this.line.fetch(request); }

  alarm() { return this.line.alarm(); }
}
export default edge.default;
