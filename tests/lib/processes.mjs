// Child processes that a test owns: each in a group of its own, its output in a file, and all of
// them ended when the test process ends, however it ends.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const owned = new Set();

/** Starts `command`; `stdio` beyond 0–2 may be asked for. The child is ended with the test. */
export function start(command, args, { env = process.env, logDir, name = command, stdio = [] } = {}) {
  mkdirSync(logDir, { recursive: true });
  const logFile = join(logDir, `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, {
    env,
    detached: true,
    stdio: [stdio[0] ?? 'ignore', stdio[1] ?? log, stdio[2] ?? log, ...stdio.slice(3)],
  });
  closeSync(log);
  child.exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      owned.delete(child);
      resolve({ code, signal });
    });
    child.once('error', (error) => {
      owned.delete(child);
      resolve({ error });
    });
  });
  child.logText = () => readFileSync(logFile, 'utf8');
  child.logTail = () => readFileSync(logFile, 'utf8').slice(-2000);
  owned.add(child);
  return child;
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

/** Ends a child and everything it started: politely, then for certain. */
export async function end(child, graceMs = 3000) {
  if (child.exitCode === null && child.signalCode === null) {
    signalGroup(child, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
    await child.exited;
    clearTimeout(timer);
  }
  signalGroup(child, 'SIGKILL');
}

process.on('exit', () => {
  for (const child of owned) signalGroup(child, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(130));
}

/** Resolves with the first line that `stream` prints. */
export function firstLine(stream, what, ms = 10_000) {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`${what} said nothing within ${ms} ms`)), ms);
    stream.setEncoding('utf8');
    stream.on('data', (chunk) => {
      text += chunk;
      const at = text.indexOf('\n');
      if (at < 0) return;
      clearTimeout(timer);
      resolve(text.slice(0, at).trim());
    });
    stream.once('end', () => {
      clearTimeout(timer);
      reject(new Error(`${what} ended before it said anything`));
    });
  });
}
