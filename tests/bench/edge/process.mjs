// What a server's processes use: memory that is theirs (PSS) and processor time.
import { readFileSync, readdirSync } from 'node:fs';

const read = (file) => { try { return readFileSync(file, 'utf8'); } catch { return ''; } };

/** A process and all that it started, by parent ids. */
export function family(pid) {
  const parents = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => [Number(name), Number(read(`/proc/${name}/stat`).split(') ').at(-1).split(' ')[1])]);
  const all = [pid];
  for (let at = 0; at < all.length; at += 1) all.push(...parents.filter(([, parent]) => parent === all[at]).map(([child]) => child));
  return all;
}

/** The workerd below this Node process. */
export const workerd = () => family(process.pid).filter((pid) => /workerd/.test(read(`/proc/${pid}/comm`)));

/** Memory in kB: proportional, so that what processes share counts once. */
export const memory = (pids) => pids.reduce((sum, pid) => sum + Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0), 0);

/** Processor time in ms, of all threads. */
export function cpu(pids) {
  return pids.reduce((sum, pid) => {
    const stat = read(`/proc/${pid}/stat`).split(') ').at(-1).split(' ');
    return sum + (Number(stat[11]) + Number(stat[12])) * 10;
  }, 0);
}

/** How many files these processes hold open, and how many one may. */
export function files(pids) {
  const open = pids.map((pid) => { try { return readdirSync(`/proc/${pid}/fd`).length; } catch { return 0; } });
  const limit = /^Max open files\s+(\d+)/m.exec(read(`/proc/${pids[0]}/limits`))?.[1] ?? 'unknown';
  return `${Math.max(0, ...open)} of ${limit} open files`;
}
