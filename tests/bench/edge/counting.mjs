// Runs in workerd in front of the worker: counts what its objects are asked and what they write, without a change to it.
import * as edge from './index.js';

const counts = { requests: 0, rows: 0, alarms: 0 };
let patched = false;

function patch(ctx) {
  if (patched) return;
  patched = true;
  const sql = Object.getPrototypeOf(ctx.storage.sql);
  const { exec } = sql;
  sql.exec = function counted(...args) {
    const cursor = exec.apply(this, args);
    counts.rows += cursor.rowsWritten;
    return cursor;
  };
  const storage = Object.getPrototypeOf(ctx.storage);
  const { setAlarm } = storage;
  storage.setAlarm = function counted(...args) {
    counts.alarms += 1;
    return setAlarm.apply(this, args);
  };
}

const counted = (Original) => class extends Original {
  constructor(ctx, env) {
    super(ctx, env);
    patch(ctx);
  }

  fetch(request) { counts.requests += 1; return super.fetch(request); }
  deliver(envelope) { counts.requests += 1; return super.deliver(envelope); }
  alarm() { counts.requests += 1; return super.alarm(); }
  webSocketMessage(...args) { counts.requests += 1; return super.webSocketMessage(...args); }
  webSocketClose(...args) { counts.requests += 1; return super.webSocketClose(...args); }
};

export const FlowObject = counted(edge.FlowObject);
export const LineObject = counted(edge.LineObject);
export const MeterObject = edge.MeterObject;
export const VendorObject = edge.VendorObject;
export default class extends edge.default {
  fetch(request) {
    return new URL(request.url).pathname === '/bench/counts' ? Response.json(counts) : super.fetch(request);
  }
}
