/**
 * A process and all that it starts, as one group: it ends as a whole.
 *
 * G1. The ladder: its stdin ends, then SIGTERM, then SIGKILL, each after a step, and always to the whole group. A server
 *     that npx has started is its grandchild, and gets them too.
 * G2. Where the first of them has ended, by itself or not, the others are ended behind it.
 * G3. When this process ends, however it does that itself, no group is left.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

const STEP_MS = 2000;
const LOOK_MS = 20;
/** A pipe may tell its end a moment after its process did. */
const LAST_WORDS_MS = 500;
const IS_WINDOWS = process.platform === 'win32';

const groups = new Set<number>();
let isWatching = false;

/** Ends what is left of all groups, at once. */
function endAll(): void {
  for (const pid of groups) signal(pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    if (IS_WINDOWS) {
      if (name !== 0) spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' });
      return name !== 0;
    }
    return process.kill(-pid, name);
  } catch {
    return false;
  }
}

export class ProcessGroup {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #exited: Promise<void>;
  #hasExited = false;
  #closing: Promise<void> | null = null;

  /** @param onExit told once, in words that follow "the server". */
  constructor({ command, args, env, cwd }: Program, onExit: (reason: string) => void) {
    this.#child = spawn(command, args, {
      env,
      cwd,
      detached: !IS_WINDOWS,
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { pid } = this.#child;
    if (pid !== undefined) {
      groups.add(pid);
      if (!isWatching) process.on('exit', endAll);
      isWatching = true;
    }
    this.#child.stdin.on('error', () => undefined); // it has gone: its end tells more
    this.#exited = new Promise((resolve) => {
      const end = (reason: string) => {
        if (this.#hasExited) return;
        this.#hasExited = true;
        onExit(reason);
        resolve();
        void this.close();
      };
      this.#child.once('error', (error) => end(`could not be started (${error.message})`));
      this.#child.once('exit', (code, by) => end(by ? `was ended by ${by}` : `ended with exit code ${code}`));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get stdin(): Writable {
    return this.#child.stdin;
  }

  get stdout(): Readable {
    return this.#child.stdout;
  }

  get stderr(): Readable {
    return this.#child.stderr;
  }

  /** Climbs the ladder; settles when nothing of the group is left. */
  close(stepMs = STEP_MS): Promise<void> {
    this.#closing ??= this.#end(stepMs);
    return this.#closing;
  }

  async #end(stepMs: number): Promise<void> {
    const { pid } = this.#child;
    this.#child.stdin.end();
    // A pipe that nobody reads keeps a process from ending that writes.
    this.#child.stdout.resume();
    if (pid === undefined) return;
    if (!this.#hasExited) await this.#gone(stepMs, () => this.#hasExited);
    for (const name of ['SIGTERM', 'SIGKILL'] as const) {
      if (!isAlive(pid)) break;
      signal(pid, name);
      await this.#gone(stepMs, () => this.#hasExited && !isAlive(pid));
    }
    groups.delete(pid);
    const { stdout, stderr } = this.#child;
    await this.#gone(LAST_WORDS_MS, () => stdout.readableEnded && stderr.readableEnded);
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) stream.destroy();
    await this.#exited;
  }

  /** Waits until it is, or the time is over. */
  async #gone(ms: number, is: () => boolean): Promise<void> {
    const until = performance.now() + ms;
    while (!is() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Whether a group has a process that is more than an entry which nobody has collected. */
function isAlive(pid: number): boolean {
  if (!signal(pid, 0)) return false;
  if (process.platform !== 'linux') return true;
  return membersOf(pid).length > 0;
}

/** The processes of a group that are alive. */
function membersOf(group: number): number[] {
  const all = processes();
  return all
    .filter(({ pgrp, state }) => pgrp === group && state !== 'Z' && state !== 'X')
    .map(({ pid }) => pid);
}

interface ProcessLine {
  readonly pid: number;
  readonly pgrp: number;
  readonly state: string;
}

function processes(): ProcessLine[] {
  return readdirNumbers('/proc').flatMap((pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [state = '', , pgrp] = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return [{ pid, pgrp: Number(pgrp), state }];
    } catch {
      return [];
    }
  });
}

const readdirNumbers = (path: string): number[] =>
  readdirSync(path)
    .map(Number)
    .filter((number) => number > 0);

/** Processes of a group, and the memory that they hold, where the system tells that. */
export function groupUsage(group: number): { readonly processes: number; readonly residentBytes: number } {
  if (process.platform !== 'linux') return { processes: 1, residentBytes: 0 };
  const pids = membersOf(group);
  let residentBytes = 0;
  for (const pid of pids) {
    try {
      residentBytes += Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES;
    } catch {
      // it has ended meanwhile
    }
  }
  return { processes: pids.length, residentBytes };
}

const PAGE_BYTES = 4096;
