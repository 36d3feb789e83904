/** What the kernel knows of a process, from /proc (Linux only). */
import { readdirSync, readFileSync } from 'node:fs';

const count = (folder: string): number => readdirSync(folder).length;

export const openFiles = (pid: number): number => count(`/proc/${pid}/fd`);

export const threadCount = (pid: number): number => count(`/proc/${pid}/task`);

export function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/** Processes that were started by any thread of `pid`. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  });
}

export interface ProcessFigures {
  readonly fds: number;
  readonly threads: number;
  readonly rssMib: number;
  readonly children: number;
}

/** @throws {Error} when the process is gone. */
export function figuresOf(pid: number): ProcessFigures {
  return {
    fds: openFiles(pid),
    threads: threadCount(pid),
    rssMib: residentMib(pid),
    children: childrenOf(pid).length,
  };
}
