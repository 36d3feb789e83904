/** The gateway's figures as they move: one GET /stats/stream for the whole page, and the last 300 seconds of it. */
import { Emitter } from './emitter.ts';
import { failureOf, gateway, linesOf } from './gateway.ts';

export interface Sample {
  readonly at: number;
  readonly calls: number;
  readonly chunks: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly inFlight: number;
  readonly queued: number;
  readonly units: Readonly<Record<string, number>>;
  readonly loopDelayMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

export interface Thread {
  readonly id: number;
  readonly state: string;
  readonly callsInFlight: number;
  readonly calls?: readonly { readonly callId: string; readonly name: string }[];
  readonly completed: number;
  readonly heapUsedBytes: number;
  readonly utilization: number;
}

export interface ToolFigures {
  readonly calls: number;
  readonly inFlight: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly chunks: number;
}

/** An MCP server that is mounted. */
export interface Mounted {
  readonly type: 'stdio' | 'http' | 'sse';
  /** Of its connections. */
  readonly states: readonly string[];
  readonly tools: number;
  readonly callsInFlight: number;
  readonly completed: number;
  readonly failures: number;
  readonly processes: number;
  readonly residentBytes: number;
  /** Why it is not connected. */
  readonly reason: string | null;
}

/** A member of a fleet. */
export interface Node {
  readonly id: string;
  readonly role: string;
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly isDraining?: boolean;
  readonly calls?: number;
  readonly groups?: readonly string[];
  readonly capacity?: Readonly<Record<string, number>>;
  readonly busy?: number;
}

/** The fleet, as the gateway of this page sees it. */
export interface Cluster {
  readonly redis: string;
  readonly nodes: readonly Node[];
  readonly hosts: number;
  readonly capacity: number;
  readonly busy: number;
  readonly depth: number;
  readonly oldestMs: number;
  readonly takeovers: number;
  readonly fencedWrites: number;
  readonly resyncs: number;
}

interface Told {
  readonly cluster?: Cluster;
  readonly status: string;
  readonly workers?: readonly Thread[];
  readonly pool?: Readonly<Record<string, unknown>>;
  readonly upstreams?: Readonly<Record<string, Mounted>>;
  readonly tools: Readonly<Record<string, ToolFigures>>;
  readonly now?: Sample;
  readonly history?: readonly Sample[];
}

const KEPT = 300;
const AGAIN_MS = 2000;

export class Live extends Emitter {
  status = '';
  /** Why nothing is told. */
  reason = '';
  samples: readonly Sample[] = [];
  threads: readonly Thread[] = [];
  tools: ReadonlyMap<string, ToolFigures> = new Map();
  pool: Readonly<Record<string, unknown>> = {};
  upstreams: Readonly<Record<string, Mounted>> = {};
  /** Where the gateway is one of a fleet. */
  cluster: Cluster | undefined;
  #leaving: AbortController | undefined;

  start(): void {
    if (this.#leaving) return;
    this.#leaving = new AbortController();
    void this.#follow(this.#leaving.signal);
  }

  stop(): void {
    this.#leaving?.abort();
    this.#leaving = undefined;
    this.status = '';
    this.samples = [];
    this.threads = [];
    this.cluster = undefined;
    this.tools = new Map();
    this.upstreams = {};
    this.changed();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { body } = await gateway.request('stats/stream', {
          headers: { Accept: 'text/event-stream' },
          signal,
        });
        this.reason = '';
        if (body)
          for await (const line of linesOf(body))
            if (line.startsWith('data: ')) this.#take(JSON.parse(line.slice(6)));
      } catch (thrown) {
        if (signal.aborted) return;
        const { code, message } = failureOf(thrown);
        this.reason = message;
        if (code !== 'unreachable') {
          this.changed();
          return; // this key sees no figures
        }
      }
      this.status = 'lost';
      this.changed();
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  #take({ status, workers = [], pool = {}, upstreams = {}, cluster, tools, now, history }: Told): void {
    this.cluster = cluster;
    this.status = status;
    this.threads = workers;
    this.pool = pool;
    this.upstreams = upstreams;
    this.tools = new Map([...(history ? [] : this.tools), ...Object.entries(tools)]);
    this.samples = [...(history ?? this.samples), ...(now ? [now] : [])].slice(-KEPT);
    this.changed();
  }
}
