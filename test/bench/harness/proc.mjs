/**
 * What /proc tells about a process and everything below it. A process that ends while it is looked at counts as nothing.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux tells CPU time in hundredths of a second, whatever the kernel's own tick is. */
const MS_PER_TICK = 10;

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The fields of a `stat` file after the name, which may itself hold blanks and brackets. */
const statFields = (pid) => {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
};

/** Pids of a process and everything below it. */
export function processesUnder(root) {
  const childrenOf = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(statFields(entry)?.[1]);
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(entry)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(childrenOf.get(pid) ?? []));
  return found;
}

/** CPU time that the processes, with all their threads, have used so far. */
export function cpuMsUnder(root) {
  let ticks = 0;
  for (const pid of processesUnder(root)) {
    const fields = statFields(pid);
    if (fields !== undefined) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * MS_PER_TICK;
}

/** CPU time of a process's main thread: of a server in Node, what no number of cores makes more of. */
export function mainCpuMsOf(pid) {
  const fields = statFields(`${pid}/task/${pid}`);
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/**
 * Memory of the processes: resident; with pages that several processes map counted once in all (`sharedOnce`: what the
 * machine would get back); and without what comes from files (`anonymous`: what does not change when others map these too).
 */
export function memoryBytesUnder(root) {
  const bytes = { resident: 0, sharedOnce: 0, anonymous: 0 };
  for (const pid of processesUnder(root)) {
    const rollup = read(`/proc/${pid}/smaps_rollup`);
    if (rollup === undefined) continue;
    bytes.resident += Number(/^Rss:\s+(\d+)/m.exec(rollup)[1]) * 1024;
    bytes.sharedOnce += Number(/^Pss:\s+(\d+)/m.exec(rollup)[1]) * 1024;
    bytes.anonymous += Number(/^Anonymous:\s+(\d+)/m.exec(rollup)[1]) * 1024;
  }
  return bytes;
}

/** Resident memory of one process, cheap enough to poll. */
export const residentBytesOf = (pid) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

const sum = (values) => values.reduce((total, one) => total + Number(one), 0);

/** CPU time of all that runs on the machine, and of this process with its children that have ended. */
function cpuMsOfAllAndOwn() {
  const [user, nice, system, , , , , stolen] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/)
    .slice(1);
  const own = sum(statFields('self').slice(11, 15));
  return { all: sum([user, nice, system, stolen]) * MS_PER_TICK, own: own * MS_PER_TICK };
}

/**
 * Watches what else the machine does. @returns a function that tells how many cores others took since; all children
 * must have ended by then.
 */
export function watchOthers() {
  const startedAt = performance.now();
  const before = cpuMsOfAllAndOwn();
  return () => {
    const now = cpuMsOfAllAndOwn();
    const others = now.all - before.all - (now.own - before.own);
    return Math.max(0, others / (performance.now() - startedAt));
  };
}
