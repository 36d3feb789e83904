/**
 * One mounted server: its lines, and what it offers.
 *
 * U1. What it offered last is offered at once; it is started with the first call then. One that was never seen is started
 *     at once, and its lists come when they come.
 * U2. Calls go to the line with the fewest; with `isolation: "session"` each client's session has a line of its own.
 * U3. Lists that change are asked for anew, once for changes that come together.
 */

import { BoundedLines } from '../../async/bounded-lines.ts';
import type { Caller } from '../../call/caller.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall, ServerFigures } from '../runner.ts';
import type { KeptLists } from './catalog/kept-lists.ts';
import { definitionHash, type Offer, offerOf, type ServerLists } from './catalog/offer.ts';
import { Connection } from './connection.ts';
import type { ServerEntry } from './file/server-entry.ts';
import { openHttp } from './http/http-wire.ts';
import { Line, type Waiting } from './line.ts';
import { isObject, textOf } from './protocol/message.ts';
import type { OpenWire } from './protocol/wire.ts';
import { groupUsage } from './stdio/process-group.ts';
import { openStdio } from './stdio/stdio-wire.ts';

export interface ServerListener {
  /** Its offer is another one now. */
  offered(): void;
  updated(uri: string): void;
  log(level: 'debug' | 'info' | 'warning' | 'error', message: string): void;
}

export interface ServerOptions {
  readonly kept: KeptLists;
  readonly maxResultBytes: number;
  readonly queueLimit: number;
  readonly version: string;
}

const LIST_MS = 60_000;
const MOST_PAGES = 200;
const SETTLE_MS = 100;
const MOST_SESSIONS = 256;
/** What a message has beside a result. */
const ENVELOPE_BYTES = 1024 * 1024;
const EMPTY: ServerLists = { tools: [], resources: [], templates: [], prompts: [], capabilities: {} };
const STEP_MS = 2000;

export class MountedServer {
  readonly entry: ServerEntry;
  readonly #options: ServerOptions;
  readonly #listener: ServerListener;
  readonly #lines: Line[];
  readonly #sessions = new Map<string, Line>();
  /** Lines of sessions that are ending. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #told: BoundedLines;
  readonly #watched = new Map<string, number>();
  #lists: ServerLists | null;
  #offer: Offer;
  #listing: NodeJS.Timeout | undefined;
  readonly #endPins: () => void;
  #failures = 0;
  #completed = 0;
  #isClosed = false;
  #settle: () => void = () => undefined;
  readonly #settled: Promise<void>;

  constructor(entry: ServerEntry, options: ServerOptions, listener: ServerListener) {
    this.entry = entry;
    this.#options = options;
    this.#listener = listener;
    this.#told = new BoundedLines((kind, held) =>
      this.#log('warning', `${held} more of ${kind} were not told`),
    );
    this.#lists = options.kept.lists(entry.name, entry.fingerprint);
    this.#offer = this.#offered();
    this.#lines = Array.from({ length: entry.instances }, () => this.#newLine(entry.idleMs));
    this.#settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#endPins = entry.pin ? options.kept.watchPins(entry.name, () => this.#offerAnew()) : () => undefined;
    if (this.#lists || entry.fault !== null) this.#settle();
    if (entry.fault !== null) this.#log('error', entry.fault);
    else if (!this.#lists) this.#lines[0]?.start();
  }

  get offer(): Offer {
    return this.#offer;
  }

  /** Settles when its lists are known, or it cannot be reached. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  /** The line for a call. */
  lineFor({ caller }: AdmittedCall): (waiting: Waiting) => () => void {
    const { fault, name, isolation } = this.entry;
    if (fault !== null || this.#isClosed) {
      const reason = fault ?? 'it is no longer mounted';
      return refusing(
        new ToolError('unavailable', `the server "${name}" cannot be reached: ${reason}`, {
          retryable: false,
        }),
      );
    }
    if (isolation === 'shared') {
      const line = this.#lines.reduce((least, one) => (rank(one) < rank(least) ? one : least));
      return (waiting) => line.use(waiting);
    }
    const key = sessionKey(caller);
    let line = this.#sessions.get(key);
    if (!line) {
      for (const [old, { state, load }] of this.#sessions)
        if (state !== 'ready' && load === 0) this.#sessions.delete(old);
      if (this.#sessions.size >= MOST_SESSIONS)
        return refusing(new ToolError('overloaded', `${MOST_SESSIONS} sessions use the server "${name}"`));
      line = this.#newLine(this.entry.idleMs);
      this.#sessions.set(key, line);
    }
    const own = line;
    return (waiting) => own.use(waiting);
  }

  /** What a client's session has had for itself ends with it. */
  sessionEnded(caller: Caller): void {
    const line = this.#sessions.get(sessionKey(caller));
    if (!line) return;
    this.#sessions.delete(sessionKey(caller));
    const ended = line.close(STEP_MS).finally(() => this.#leaving.delete(ended));
    this.#leaving.add(ended);
  }

  /** A call of its has ended. */
  completed(): void {
    this.#completed++;
  }

  #newLine(idleMs: number): Line {
    const { name, isolation, startMs } = this.entry;
    const { version, queueLimit } = this.#options;
    const line: Line = new Line({
      name,
      idleMs,
      mostWaiting: queueLimit,
      connect: (lost) =>
        new Connection(
          { open: this.#wire(), startMs, version, isOneSession: isolation === 'session' },
          {
            listChanged: () => this.#listSoon(line),
            updated: (uri) => this.#listener.updated(this.#offer.uris.outward(uri)),
            log: ({ level, data }) => this.#onLog(String(level), data),
            trouble: (kind, detail) => this.#onTrouble(kind, detail),
            lost,
          },
        ),
      opened: (connection) => this.#onOpen(line, connection),
      failed: (reason) => {
        this.#failures++;
        this.#settle();
        if (this.#told.passes('failures')) this.#log('warning', reason);
      },
    });
    return line;
  }

  #wire(): OpenWire {
    const { source } = this.entry;
    const maxBytes = this.#options.maxResultBytes + ENVELOPE_BYTES;
    const log = (line: string) => {
      if (this.#told.passes('stderr')) this.#log('info', line);
    };
    return source.kind === 'stdio' ? openStdio(source, { maxBytes, log }) : openHttp(source, { maxBytes });
  }

  #onOpen(line: Line, connection: Connection): void {
    for (const uri of this.#watched.keys()) connection.watch(uri, true);
    if (line === this.#lines[0] || this.entry.isolation === 'session') void this.#list(line);
  }

  #listSoon(line: Line): void {
    clearTimeout(this.#listing);
    this.#listing = setTimeout(() => void this.#list(line), SETTLE_MS).unref();
  }

  async #list(line: Line): Promise<void> {
    const { connection } = line;
    if (!connection) return;
    try {
      const { capabilities } = connection;
      const all = async (has: string, method: string, member: string) =>
        has in capabilities ? await listed(connection, method, member) : [];
      const lists: ServerLists = {
        tools: await all('tools', 'tools/list', 'tools'),
        resources: await all('resources', 'resources/list', 'resources'),
        // Many servers have resources and do not know of templates.
        templates: await all('resources', 'resources/templates/list', 'resourceTemplates').catch(() => []),
        prompts: await all('prompts', 'prompts/list', 'prompts'),
        capabilities,
      };
      this.#adopt(lists);
    } catch (error) {
      if (!this.#isClosed) this.#log('warning', `its lists cannot be had: it ${(error as Error).message}`);
    }
    this.#settle();
  }

  #adopt(lists: ServerLists): void {
    const { name, fingerprint } = this.entry;
    if (this.#isClosed || JSON.stringify(lists) === JSON.stringify(this.#lists)) return;
    this.#lists = lists;
    this.#options.kept.keep(name, fingerprint, lists);
    this.#offerAnew();
  }

  #offerAnew(): void {
    if (this.#isClosed) return;
    this.#offer = this.#offered();
    this.#listener.offered();
  }

  #offered(): Offer {
    const { entry } = this;
    const lists = this.#lists ?? EMPTY;
    let accepted = entry.pin && this.#lists ? this.#options.kept.pins(entry.name) : null;
    if (entry.pin && this.#lists && accepted === null) {
      accepted = pinsOf(lists);
      try {
        this.#options.kept.pin(entry.name, accepted);
      } catch (error) {
        this.#log('error', `its tools cannot be pinned: ${(error as Error).message}`);
      }
    }
    const pins = accepted;
    const offer = offerOf(entry, lists, (tool, hash) => !entry.pin || pins?.[tool] === hash);
    for (const loss of offer.losses) this.#log('error', loss);
    return offer;
  }

  /** Asks for its lists, and accepts its tools as they are now. @returns how many. @throws {ToolError} */
  async accept(): Promise<number> {
    const [line] = this.#lines;
    await new Promise<void>((resolve, reject) => {
      const { fault, name } = this.entry;
      if (!line || fault !== null) reject(new ToolError('unavailable', `server "${name}": ${fault}`));
      else line.use({ ready: () => resolve(), refused: reject });
    });
    if (line) await this.#list(line);
    const pins = pinsOf(this.#lists ?? EMPTY);
    this.#options.kept.pin(this.entry.name, pins);
    this.#offerAnew();
    return Object.keys(pins).length;
  }

  /** Asks for the news of a resource, by its own URI. @returns what ends that. */
  watch(uri: string): () => void {
    const count = this.#watched.get(uri) ?? 0;
    this.#watched.set(uri, count + 1);
    const tell = (isOn: boolean) => {
      for (const { connection } of [...this.#lines, ...this.#sessions.values()]) connection?.watch(uri, isOn);
    };
    if (count === 0) tell(true);
    return () => {
      const left = (this.#watched.get(uri) ?? 1) - 1;
      if (left > 0) this.#watched.set(uri, left);
      else if (this.#watched.delete(uri)) tell(false);
    };
  }

  #onLog(level: string, data: unknown): void {
    if (!this.#told.passes('its log')) return;
    const known =
      level === 'debug' || level === 'info' || level === 'warning' || level === 'error' ? level : 'info';
    this.#log(known, textOf(data) ?? JSON.stringify(data) ?? '');
  }

  #onTrouble(kind: 'junk' | 'stray', detail: string): void {
    if (!this.#told.passes(kind)) return;
    const what =
      kind === 'junk' ? 'wrote what is no message of MCP' : 'answered what was not asked, or twice';
    this.#log('warning', `${what}: ${detail}`);
  }

  #log(level: 'debug' | 'info' | 'warning' | 'error', message: string): void {
    this.#listener.log(level, `server "${this.entry.name}": ${message}`);
  }

  get #allLines(): readonly Line[] {
    return [...this.#lines, ...this.#sessions.values()];
  }

  /** Whether a call that came now would be taken. */
  get isUp(): boolean {
    if (this.entry.fault !== null) return false;
    return this.#lines.some(({ state }) => state !== 'waiting');
  }

  get depth(): number {
    return this.#allLines.reduce((sum, { depth }) => sum + depth, 0);
  }

  get callsInFlight(): number {
    return this.#allLines.reduce((sum, { load }) => sum + load, 0);
  }

  figures(): ServerFigures {
    let processes = 0;
    let residentBytes = 0;
    for (const pid of this.#allLines.flatMap((line) => line.processes)) {
      const usage = groupUsage(pid);
      processes += usage.processes;
      residentBytes += usage.residentBytes;
    }
    return {
      isUp: this.isUp,
      callsInFlight: this.callsInFlight,
      failures: this.#failures,
      processes,
      residentBytes,
    };
  }

  /** For /stats: nothing of its entry that could be secret. */
  view(): Readonly<Record<string, unknown>> {
    const { source, instances, isolation, pin, fault } = this.entry;
    const lines = this.#allLines;
    return {
      type: source.kind,
      ...this.figures(),
      states: lines.map(({ state }) => state),
      ...(isolation === 'session' ? { sessions: this.#sessions.size } : { instances }),
      tools: this.#offer.tools.size,
      completed: this.#completed,
      ...(pin ? { pinned: true } : {}),
      ...(this.#offer.losses.length === 0 ? {} : { leftOut: this.#offer.losses }),
      reason: fault ?? lines.map(({ reason }) => reason).find((reason) => reason !== '') ?? null,
    };
  }

  /** Ends its connections; calls that run are told. */
  async close(stepMs = STEP_MS): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#listing);
    this.#endPins();
    this.#settle();
    await Promise.all([...this.#allLines.map((line) => line.close(stepMs)), ...this.#leaving]);
  }

  /** Ends them once no call runs any more. */
  async retire(mostMs: number): Promise<void> {
    this.#isClosed = true;
    const until = performance.now() + mostMs;
    while (this.callsInFlight > 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS).unref());
    await this.close();
  }
}

const sessionKey = ({ keyId, session = '' }: Caller): string => `${keyId}\0${session}`;

const refusing =
  (error: ToolError) =>
  (waiting: Waiting): (() => void) => {
    waiting.refused(error);
    return () => undefined;
  };

/** Which line a call should take: one that is there, with few calls. */
const rank = ({ state, load }: Line): number =>
  load + (state === 'ready' ? 0 : state === 'waiting' ? 1e9 : 0.5);

function pinsOf({ tools }: ServerLists): Record<string, string> {
  return Object.fromEntries(
    tools.flatMap((tool) => {
      const name = isObject(tool) ? textOf(tool['name']) : undefined;
      return name === undefined ? [] : [[name, definitionHash(tool)]];
    }),
  );
}

/** All pages of a list. */
async function listed(connection: Connection, method: string, member: string): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const result = await connection.ask(method, cursor === undefined ? {} : { cursor }, LIST_MS);
    const entries = isObject(result) ? result[member] : undefined;
    if (!Array.isArray(entries)) throw new Error(`answered ${method} without "${member}"`);
    all.push(...entries);
    const next = isObject(result) ? textOf(result['nextCursor']) : undefined;
    if (next === undefined || next === cursor) break;
    cursor = next;
  }
  return all;
}
