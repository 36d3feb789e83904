/**
 * How much memory this process may use: the machine's, or less where a container says so.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/** Above this a limit of cgroup v1 means none: it is the largest whole number of pages. */
const NO_LIMIT = 2 ** 60;

/** What is left to the rest of the machine: its caches, and what the process takes between two looks. */
const SHARE = 0.8;

/** @returns in bytes, the default of MEMORY_LIMIT. */
export function defaultMemoryLimit(root = '/', machine = totalmem()): number {
  return Math.floor(SHARE * Math.min(machine, cgroupLimit(root)));
}

/**
 * The least limit of the control groups that the process is in, v1 or v2; infinite where there is none.
 * @param root of the file system, for tests.
 */
function cgroupLimit(root: string): number {
  const memberships = readText(join(root, 'proc/self/cgroup')).split('\n');
  let least = Number.POSITIVE_INFINITY;
  for (const membership of memberships) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(membership) ?? [];
    if (path === undefined) continue;
    const isV2 = controllers === '';
    if (!isV2 && !controllers?.split(',').includes('memory')) continue;
    const base = join(root, 'sys/fs/cgroup', isV2 ? '' : 'memory');
    const file = isV2 ? 'memory.max' : 'memory.limit_in_bytes';
    for (const group of ancestors(path)) least = Math.min(least, limitIn(join(base, group, file)));
  }
  return least;
}

/** A group is held to its ancestors' limits too; in a container its path may not be seen, while the root is its own. */
function ancestors(path: string): string[] {
  return path === '/' ? [path] : [path, ...ancestors(dirname(path))];
}

/** `max` is v2's word for no limit. */
function limitIn(file: string): number {
  const limit = Number.parseInt(readText(file), 10);
  return limit > 0 && limit < NO_LIMIT ? limit : Number.POSITIVE_INFINITY;
}

/** Empty where it is not there: on other systems, or where the path is another namespace's. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
