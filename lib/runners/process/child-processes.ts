/**
 * Child processes as the threads of a crew: each has one thread, and takes what a thread takes. So a call of a tool that
 * wants a process has one of its own, and whatever it does to that process hits nobody else.
 */
import { EventEmitter } from 'node:events';
import type { HostReport, HostSettings } from '../host/link-frames.ts';
import { Death } from '../threads/ending/thread-death.ts';
import type { PoolThread, SourceHost, ThreadSource } from '../threads/thread-source.ts';
import { type ChildListener, ChildProcess } from './child-process.ts';
import { StartBackoff } from './start-backoff.ts';

/** One that ends sooner, without a call, has not started properly. */
const SETTLED_MS = 1000;

export class ChildProcesses implements ThreadSource {
  readonly backoff = new StartBackoff();
  /** A process can always be ended. */
  readonly stuck = 0;
  readonly #settings: HostSettings;
  readonly #host: SourceHost;
  readonly #children = new Map<number, ChildProcess>();
  #nextId = 1;

  constructor(settings: HostSettings, host: SourceHost) {
    this.#settings = settings;
    this.#host = host;
  }

  get count(): number {
    let count = 0;
    for (const child of this.#children.values()) if (!child.isEnded) count++;
    return count;
  }

  get mayStart(): boolean {
    return this.backoff.mayStart;
  }

  get trouble(): string | null {
    const { trouble } = this.backoff;
    return trouble && `${trouble}; the log has more`;
  }

  child(id: number): ChildProcess | undefined {
    return this.#children.get(id);
  }

  spawn(): PoolThread {
    const id = this.#nextId++;
    let readyAt = Number.POSITIVE_INFINITY;
    const listener: ChildListener = {
      told: (report) => this.#onTold(id, report),
      ready: () => {
        readyAt = performance.now();
      },
      failed: (reason) => this.backoff.failed(reason),
      used: () => {
        this.backoff.succeeded();
        readyAt = Number.NEGATIVE_INFINITY;
      },
      ended: (ended, how) => {
        this.#children.delete(id);
        if (ended.isEnded) return;
        if (ended.pid === undefined) this.backoff.refused(how);
        else if (performance.now() - readyAt < SETTLED_MS) this.backoff.failed(how);
        this.#host.listeners.tell('unit', {
          unit: 'process',
          id,
          kind: 'crashed',
          isTrouble: true,
          detail: how,
        });
      },
    };
    try {
      const child = new ChildProcess(id, this.#settings, listener);
      this.#children.set(id, child);
      return child;
    } catch (error) {
      this.backoff.refused(error instanceof Error ? error.message : String(error));
      this.#host.onError(error);
      return stillborn(id);
    }
  }

  #onTold(id: number, report: Extract<HostReport, { type: 'record' | 'unit' | 'defect' }>): void {
    const { listeners } = this.#host;
    if (report.type === 'record') return listeners.tell('log', report.record);
    if (report.type === 'defect') return listeners.tell('defect', report);
    const { unit, id: part, kind, isTrouble, detail } = report.event;
    const about = `its ${unit} ${part}${detail === '' ? '' : `: ${detail}`}`;
    listeners.tell('unit', { unit: 'process', id, kind: `${unit}-${kind}`, isTrouble, detail: about });
  }

  async destroy(): Promise<void> {
    const children = [...this.#children.values()];
    for (const child of children) child.end();
    await Promise.all(children.map(({ lost }) => lost));
  }
}

/** What could not be started at all. */
function stillborn(id: number): PoolThread {
  const port = Object.assign(new EventEmitter(), { postMessage: () => undefined, close: () => undefined });
  const begun = new Int32Array(new SharedArrayBuffer(0));
  const lost = Promise.resolve(new Death('worker_crashed', 'the process of the call could not be started'));
  return { id, port, begun, lost, end: () => undefined };
}
