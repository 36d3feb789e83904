/**
 * A run of a tool: the call, what came of it, and how it is steered.
 *
 * R1. To pause, the gateway is asked to end the call's stream: it brings what was under way, and nobody reads then. The
 *     gateway keeps what comes until its share is full, and the tool waits at its `yield`. Going on asks for what follows
 *     the last event that came, so that no chunk is lost nor comes twice.
 * R2. A connection that breaks is taken up again in the same way.
 * R3. A page that is closed cancels its runs.
 */
import { type Carrier, type CarrierKind, openCarrier } from './carrier.ts';
import { ChunkRing } from './chunk-ring.ts';
import { Emitter } from './emitter.ts';
import { type Failure, failureOf, gateway, type Json, type Tool } from './gateway.ts';

export type Phase = 'waiting' | 'running' | 'paused' | 'success' | 'error' | 'cancelled' | 'timeout';

export interface Question {
  readonly ask: number;
  readonly method: string;
  readonly params: {
    readonly message?: string;
    readonly requestedSchema?: object;
    readonly [name: string]: unknown;
  };
}

export interface RunOrder {
  readonly tool: Tool;
  readonly arguments: Json;
  /** Undefined: the gateway's own. */
  readonly timeoutMs?: number | undefined;
  readonly carrier: CarrierKind;
}

/** What the gateway says of a call that is paused. */
interface Held {
  readonly chunks: number;
  /** Whether none has come since it was looked at before. */
  readonly isStill: boolean;
  readonly hasEnded: boolean;
}

/** As long as the gateway lets a call wait for its reader (DETACH_MAX), which may be less. */
export const DETACH_SECONDS = 300;
const RETRIES = 5;
const LOOK_EVERY_MS = 1000;
let nextId = 1;

export class Run extends Emitter {
  readonly id = nextId++;
  readonly order: RunOrder;
  readonly startedAt = Date.now();
  readonly chunks = new ChunkRing();
  phase: Phase = 'waiting';
  callId = '';
  progress: { progress: number; total: number | null; message: string } | null = null;
  /** JSON text; null while there is none, or where the gateway does not repeat the chunks. */
  result: string | null = null;
  meta: Json | null = null;
  failure: Failure | null = null;
  question: Question | null = null;
  held: Held | null = null;
  durationMs: number | null = null;
  isCancelling = false;
  /** How often its connection broke, since something came. */
  #retries = 0;
  #pausedAt = 0;
  #endedAt = 0;
  #seq = 0;
  #carrier: Carrier | null = null;
  #looking: ReturnType<typeof setInterval> | undefined;

  constructor(order: RunOrder) {
    super();
    this.order = order;
    this.#open();
  }

  get isActive(): boolean {
    return this.phase === 'waiting' || this.phase === 'running' || this.phase === 'paused';
  }

  get elapsedMs(): number {
    return this.durationMs ?? (this.#endedAt || Date.now()) - this.startedAt;
  }

  get pausedMs(): number {
    return Date.now() - this.#pausedAt;
  }

  get canPause(): boolean {
    return this.phase === 'running' && this.callId !== '' && !this.isCancelling;
  }

  pause(): void {
    if (!this.canPause) return;
    this.phase = 'paused';
    this.#pausedAt = Date.now();
    this.held = null;
    this.#looking = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    gateway
      .request(`calls/${encodeURIComponent(this.callId)}/events`, { method: 'DELETE' })
      .catch(() => undefined);
    this.changed();
  }

  goOn(): void {
    if (this.phase !== 'paused') return;
    clearInterval(this.#looking);
    this.phase = 'running';
    this.held = null;
    if (!this.#carrier) this.#open(); // what is still under way comes first
    this.changed();
  }

  cancel(): void {
    if (!this.isActive || this.isCancelling) return;
    if (this.callId === '') {
      this.#carrier?.leave();
      return this.#end('cancelled', { code: 'cancelled', message: 'cancelled before the tool had started' });
    }
    this.isCancelling = true;
    gateway
      .request(`calls/${encodeURIComponent(this.callId)}`, { method: 'DELETE' })
      .catch((thrown) => {
        // It has ended meanwhile: its end is on its way.
        if (failureOf(thrown).code !== 'call_not_found') this.isCancelling = false;
      })
      .then(() => {
        this.goOn();
        this.changed();
      });
    this.changed();
  }

  /** For a page that goes away: no answer is awaited. */
  abandon(): void {
    if (this.isActive && this.callId !== '')
      gateway
        .request(`calls/${encodeURIComponent(this.callId)}`, { method: 'DELETE', keepalive: true })
        .catch(() => undefined);
  }

  answer(result: Json): void {
    if (!this.question) return;
    this.#carrier?.answer(this.question.ask, result);
    this.question = null;
    this.changed();
  }

  #open(): void {
    const { tool, timeoutMs, carrier } = this.order;
    const order = {
      tool: tool.name,
      arguments: this.order.arguments,
      detach: DETACH_SECONDS,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    const place = this.callId === '' ? null : { callId: this.callId, after: this.#seq };
    this.#carrier = openCarrier(carrier, order, place, {
      line: (text) => this.#take(text),
      closed: (failure) => this.#onClosed(failure),
    });
  }

  #onClosed(failure: Failure | undefined): void {
    if (this.phase === 'paused') this.#carrier = null;
    if (!this.isActive || this.phase === 'paused') return;
    const isRefused = failure !== undefined && failure.code !== 'unreachable';
    if (isRefused || this.callId === '' || this.#retries >= RETRIES) {
      return this.#end('error', failure ?? { code: 'unreachable', message: 'the connection was lost' });
    }
    const waitMs = 250 * 2 ** this.#retries++;
    setTimeout(() => this.phase === 'running' && this.#open(), waitMs);
  }

  #take(text: string): void {
    this.#retries = 0;
    if (text.startsWith('{"event":"chunk"')) this.#takeChunk(text);
    else this.#takeEvent(JSON.parse(text));
    this.changed();
  }

  /** Takes a chunk's text out of its envelope without parsing it: there may be very many. */
  #takeChunk(text: string): void {
    const from = text.indexOf('"data":') + '"data":'.length;
    const mark = text.lastIndexOf(',"seq":');
    const hasSeq = mark > from && /^\d+\}$/.test(text.slice(mark + 7));
    this.#seq = hasSeq ? Number(text.slice(mark + 7, -1)) : this.#seq + 1;
    this.chunks.push(text.slice(from, hasSeq ? mark : -1));
    if (this.phase === 'waiting') this.phase = 'running';
  }

  #takeEvent(event: {
    readonly event: string;
    readonly seq?: number;
    readonly [name: string]: unknown;
  }): void {
    if (event.seq !== undefined && event.event !== 'complete') this.#seq = event.seq;
    switch (event.event) {
      case 'started':
        this.callId = String(event['callId']);
        this.phase = 'running';
        return;
      case 'progress':
        this.progress = event as unknown as NonNullable<Run['progress']>;
        return;
      case 'restarted':
        this.chunks.clear();
        return;
      case 'elicit':
        this.question = event as unknown as Question;
        return;
      case 'error':
        if ((event['error'] as Failure).code === 'conflict' && this.phase === 'paused') return; // it has moved
        this.failure = event['error'] as Failure;
        return;
      case 'complete': {
        const { status, data, durationMs, meta } = event;
        if (status === 'moved') return this.#onMoved();
        if (data !== undefined && event['omitted'] !== true) this.result = JSON.stringify(data);
        this.meta = (meta as Json | undefined) ?? null;
        this.durationMs = (durationMs as number | undefined) ?? null;
        this.#end(status as Phase, this.failure);
      }
    }
  }

  /** The stream has ended: we asked for that, or somebody else reads the call. */
  #onMoved(): void {
    this.#carrier?.leave();
    this.#carrier = null;
    if (this.phase === 'paused') return;
    const isOurs = this.#pausedAt > 0;
    this.#pausedAt = 0;
    if (isOurs) this.#open();
    else this.#end('error', { code: 'conflict', message: 'another reader took the call over' });
  }

  #end(phase: Phase, failure: Failure | null): void {
    clearInterval(this.#looking);
    this.#endedAt = Date.now();
    this.phase = phase === 'success' || phase === 'cancelled' || phase === 'timeout' ? phase : 'error';
    this.failure = failure;
    this.question = null;
    this.isCancelling = false;
    this.#carrier?.leave();
    this.#carrier = null;
    this.changed();
  }

  /** What the tool does while nobody reads: it runs ahead a little, and holds. */
  async #look(): Promise<void> {
    try {
      const path = `calls/${encodeURIComponent(this.callId)}`;
      const { chunks, status } = await gateway.json<{ chunks: number; status: string }>(path);
      if (this.phase !== 'paused') return;
      const hasEnded = status !== 'running' && status !== 'queued';
      this.held = { chunks, isStill: this.held?.chunks === chunks, hasEnded };
    } catch {
      this.held = null; // it is looked at again
    }
    this.changed();
  }
}

/** The runs of this session, newest first. */
class Runs extends Emitter {
  all: readonly Run[] = [];

  start(order: RunOrder): Run {
    const run = new Run(order);
    this.all = [run, ...this.all];
    this.changed();
    return run;
  }

  /** Takes a run that has ended off the list. */
  remove(run: Run): void {
    this.all = this.all.filter((one) => one !== run);
    this.changed();
  }
}

export const runs = new Runs();

addEventListener('pagehide', () => {
  for (const run of runs.all) run.abandon();
});
