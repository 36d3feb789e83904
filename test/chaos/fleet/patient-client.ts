/**
 * Clients as they should be: one that is cut off comes back at any gateway, with what it saw last or with its idempotency
 * key, until its call has ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.ts';
import { NEVER_MADE, type ObservedCall, type SeenEvent } from './observed-call.ts';
import { type Format, type Refusal, WIRES } from './wires.ts';

export interface ClientOptions {
  readonly gateways: readonly string[];
  readonly key: string;
  /** Seconds that a call waits for its reader. */
  readonly detach: number;
  readonly random: Random;
  readonly call: ObservedCall;
  readonly tool: string;
  readonly args: object;
  /** False: it asks for the whole answer. */
  readonly isStream: boolean;
  /** Of its streams. */
  readonly format: Format;
  /** For how many milliseconds all has been whole; 0: not yet. What was not begun then is not begun any more. */
  healedMs(): number;
}

/** Silence after which a connection is given up: longer than a healthy gateway's between two events. */
const SILENCE_MS = 5000;
const PAUSE_MS = 150;
/** What has not ended so long after all was healed has no end. */
const HEALED_LIFE_MS = 90_000;

interface Connection {
  readonly abort: AbortController;
  isReplaced: boolean;
  isOver: boolean;
}

export class PatientClient {
  readonly #options: ClientOptions;
  #current: Connection | null = null;
  #mayReconnect = true;
  #hasLeft = false;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Where the next request goes. */
  #gateway(): string {
    return this.#options.random.pick(this.#options.gateways);
  }

  get #isTired(): boolean {
    const { call, healedMs } = this.#options;
    const healed = healedMs();
    return (
      this.#hasLeft || healed > HEALED_LIFE_MS || (healed > 0 && call.callId === null && call.connections > 0)
    );
  }

  /** Makes the call and follows it to its end. */
  run(): Promise<void> {
    return this.#options.isStream ? this.#stream() : this.#ask();
  }

  /** Reads the call as a stream to its end. */
  async #stream(): Promise<void> {
    const { call } = this.#options;
    while (!call.isClosed && !this.#isTired) {
      const wait = await this.#connect();
      if (!call.isClosed) await sleep(wait * (0.5 + this.#options.random.next()));
    }
  }

  /** Another reader of the same client takes the call over, while the first still reads. */
  steal(): void {
    if (this.#current && this.#mayReconnect) {
      this.#current.isReplaced = true;
      void this.#connect().catch(() => undefined);
    }
  }

  /** The connection ends, and nobody says so. */
  drop(): void {
    this.#current?.abort.abort();
  }

  /** The client goes, and does not come back. */
  leave(): void {
    this.#hasLeft = true;
    this.drop();
  }

  async cancel(): Promise<void> {
    const { call, key } = this.#options;
    if (call.callId === null) return;
    try {
      const response = await fetch(`${this.#gateway()}/calls/${call.callId}`, {
        method: 'DELETE',
        headers: { 'X-API-Key': key },
        signal: AbortSignal.timeout(SILENCE_MS),
      });
      await response.arrayBuffer();
      call.note(`cancel: ${response.status}`);
      if (response.status !== 202) return;
      call.isCancelAcknowledged = true;
      call.cancelledAt = Date.now();
    } catch {
      // Unknown whether it was cancelled.
    }
  }

  /** @returns how long to wait before the next, in milliseconds. */
  async #connect(): Promise<number> {
    const { call, key, tool, args, detach, format, random } = this.#options;
    const connection: Connection = { abort: new AbortController(), isReplaced: false, isOver: false };
    this.#current = connection;
    let heardAt = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - heardAt > SILENCE_MS) connection.abort.abort();
    }, 500);
    const gateway = this.#gateway();
    try {
      call.note(`${format} ${gateway.slice(7)} behind ${call.last}`);
      const opened = await WIRES[format]({
        gateway,
        key,
        tool,
        args,
        detach,
        idempotencyKey: call.name,
        left: call.callId === null ? null : { callId: call.callId, after: call.last },
        byPost: random.next() < 0.5,
        signal: connection.abort.signal,
        heard: () => {
          heardAt = performance.now();
        },
      });
      call.connections++;
      if ('refusal' in opened) return this.#refused(opened.refusal);
      call.note('begun');
      call.callId ??= opened.callId;
      for await (const event of opened.events) if (this.#take(event, connection)) return 0;
      call.note('over');
    } catch (error) {
      call.note(`cut off: ${error}`);
    } finally {
      clearInterval(watch);
      connection.isOver = true;
      connection.abort.abort();
    }
    if (this.#current !== connection) await this.#replacement();
    return PAUSE_MS;
  }

  /** Reading goes on elsewhere: waits for that. */
  async #replacement(): Promise<void> {
    const taken = this.#current;
    while (this.#current === taken && !this.#options.call.isClosed && !this.#isTired) {
      await sleep(100);
      if (taken?.isOver) return;
    }
  }

  /** @returns whether the connection has brought all that it may. */
  #take(event: SeenEvent | 'moved', connection: Connection): boolean {
    if (event === 'moved') return true;
    if (connection.isReplaced && this.#current !== connection) return false; // the other has it
    this.#options.call.see(event);
    return this.#options.call.isClosed;
  }

  #refused({ status, code, text, isReplay }: Refusal): number {
    const { call } = this.#options;
    call.note(`${status} ${/"detail":"([^"]*)"/.exec(text)?.[1] ?? text}`);
    if (call.callId === null && isReplay) {
      call.answered(code, null);
      return 0;
    }
    switch (status) {
      case 408: // the gateway was frozen
      case 429:
      case 503:
      case 409:
        return PAUSE_MS * 2;
      case 204:
        if (!call.isClosed) call.violate('end', `204 behind event ${call.last}, and it has no closing event`);
        this.#mayReconnect = false;
        call.answered('gone', []);
        return 0;
      case 410:
        call.goneAfter();
        return 0;
      default:
        // One that was never opened is nowhere: it was refused, and its gateway died before it could say so.
        if (code === 'call_not_found' && call.last === 0) call.answered(NEVER_MADE, null);
        // An end before the stream began is told as a status.
        else if (call.last === 0 && (status > 500 || code === 'cancelled')) call.answered(code, null);
        else call.violate('end', `${status} behind event ${call.last}: ${text.slice(0, 200)}`);
        if (!call.isClosed) call.answered('lost', null);
        return 0;
    }
  }

  /** Asks for the whole answer, again and again with the same idempotency key. */
  async #ask(): Promise<void> {
    const { call, key, tool, args } = this.#options;
    while (!call.isClosed && !this.#isTired) {
      try {
        const response = await fetch(`${this.#gateway()}/tools/${tool}`, {
          method: 'POST',
          headers: { 'X-API-Key': key, 'Content-Type': 'application/json', 'Idempotency-Key': call.name },
          body: JSON.stringify({ arguments: args }),
          signal: AbortSignal.timeout(20_000),
        });
        call.connections++;
        // A call that ran and failed with such a status: that is its end.
        const isReplay = response.headers.get('idempotent-replay') === 'true';
        const answer = (await response.json()) as {
          status: string;
          data?: unknown;
          code?: string;
          detail?: string;
        };
        call.note(`${response.status} ${answer.detail ?? ''}`);
        if (response.status === 200) call.answered('success', answer.data);
        else if (answer.code === 'gone') call.goneAfter();
        else if (![408, 429, 503, 409].includes(response.status) || isReplay)
          call.answered(answer.code ?? '?', null);
      } catch {
        // Cut off.
      }
      if (!call.isClosed) await sleep(PAUSE_MS * (0.5 + this.#options.random.next()));
    }
  }
}
