/**
 * What the calls of one caller have left running on their thread when another caller's is to begin: a timer, a server, a
 * watcher, a child process, a request under way. It would run in the other's call, and block it or change what it works on.
 *
 * V1. What there was when the tool modules had loaded is theirs, as many of a kind as there were; more of it is not.
 * V2. Connections are another matter: a client that a call opens is kept for the next call. They are no leftovers where
 *     the modules had one of that kind already, where only calls of shared tools have run, and where they are idle and
 *     said so (`unref`, as `fetch` and HTTP agents do).
 * V3. Asked only when no call runs: Node's list says what there is, not whose it is. It takes a microsecond.
 */
import { OwnMap } from '../../lib/async/own-collections.ts';
import { immediatesWaiting } from '../async-context/own-timers.ts';
import { getActiveResourcesInfo } from '../intrinsics/captured.ts';
import { nestedThreads } from './nested-threads.ts';

/** By Node's names of them. */
const CONNECTIONS: Readonly<Record<string, true>> = {
  TCPSocketWrap: true,
  TLSWrap: true,
  PipeWrap: true,
};

/** What Node calls them, in words. */
const WORDS: Readonly<Record<string, string>> = {
  Timeout: 'a timer',
  Immediate: 'an immediate',
  TCPServerWrap: 'a server',
  PipeServerWrap: 'a server',
  TCPSocketWrap: 'a connection',
  PipeWrap: 'a connection',
  ProcessWrap: 'a child process',
  FSEventWrap: 'a watcher of files',
  StatWatcher: 'a watcher of files',
  MessagePort: 'a port',
  Worker: 'a thread',
};

/** What does not end by itself in a moment, or would run somebody's code when it does. */
const LASTING: Readonly<Record<string, true>> = {
  Timeout: true,
  TCPServerWrap: true,
  PipeServerWrap: true,
  FSEventWrap: true,
  StatWatcher: true,
};

/** Something that a call has left. */
export interface Leftover {
  /** In words. */
  readonly what: string;
  /** Whether there is nothing to wait for. */
  readonly isLasting: boolean;
}

const wordOf = (name: string): string => {
  const word = WORDS[name];
  return word === undefined ? name : `${word} (${name})`;
};

export class Leftovers {
  readonly #norm = count();

  /**
   * @param trustsConnections whether only calls of shared tools have run: what they keep open belongs to the thread.
   * @returns what is there beyond the norm, or null.
   */
  found(trustsConnections: boolean): Leftover | null {
    const now = count();
    let found: Leftover | null = null;
    now.forEach((many, name) => {
      const norm = this.#norm.get(name) ?? 0;
      if (many <= norm || found !== null) return;
      const isConnection = CONNECTIONS[name] === true;
      if (isConnection && trustsConnections) this.#norm.set(name, many);
      else if (!isConnection || norm === 0) found = { what: wordOf(name), isLasting: LASTING[name] === true };
    });
    return found;
  }
}

function count(): OwnMap<string, number> {
  const counts = new OwnMap<string, number>();
  const names = getActiveResourcesInfo();
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  counts.set('Worker', nestedThreads());
  const immediates = (counts.get('Immediate') ?? 0) - immediatesWaiting();
  counts.set('Immediate', immediates);
  return counts;
}
