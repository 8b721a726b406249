// A browser at rest: what it starts a while after it was last used (the next content process, for one) is
// behind it, so that each measured tap finds it as another one does.
import { readdirSync, readFileSync } from 'node:fs';

/** How long it has to do nothing, and how long that is waited for, ms. */
const QUIET = 500;
const PATIENCE = 10_000;

/** Ticks of processor that a process and all that it started have had. */
function ticks(root) {
  const all = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name, in brackets, may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      all.set(Number(pid), { parent: Number(fields[1]), spent: Number(fields[11]) + Number(fields[12]) });
    } catch {
      // It has ended meanwhile.
    }
  }
  const ours = (pid) => pid === root || (all.has(pid) && ours(all.get(pid).parent));
  return [...all].filter(([pid]) => ours(pid)).reduce((sum, [, { spent }]) => sum + spent, 0);
}

/** Awaits that the process and its children do nothing any more. Answers whether that was so. */
export async function atRest({ pid }) {
  const end = Date.now() + PATIENCE;
  for (let before = ticks(pid); Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, QUIET));
    const now = ticks(pid);
    if (now - before <= 1) return true;
    before = now;
  }
  return false;
}
