/**
 * A thread pool behind a link: runs the calls of a gateway that is somewhere else.
 *
 * H1. It admits what it is given: how much that is, is the gateway's to decide. Deadlines are the gateway's too.
 * H2. What one turn of the event loop makes leaves together, sooner where it is much.
 * H3. When the link closes, whoever is at its other end is gone: the calls are cancelled, and given their grace.
 */
import { TransitMap } from '../../async/transit-map.ts';
import { describeThrown, ToolError } from '../../call/tool-error.ts';
import type { RunnerListener } from '../runner.ts';
import type { CallTask } from '../threads/port/frames.ts';
import { WorkerPool } from '../threads/worker-pool.ts';
import { HostedCall } from './hosted-call.ts';
import type { Link } from './link.ts';
import type { HostReport, HostRequest, HostSettings } from './link-frames.ts';

/** Text that waits for the end of the turn; more leaves at once, so that no batch is much larger than a frame. */
const MOST_TEXT = 64 * 1024;

export class Host {
  readonly #link: Link<HostReport, HostRequest>;
  readonly #calls = new TransitMap<number, HostedCall>();
  #pool: WorkerPool | null = null;
  #marksFd: number | undefined;
  /** What the modules hold is wanted as soon as that is known. */
  #isAskedFor = false;
  #outgoing: HostReport[] = [];
  #text = 0;
  #isScheduled = false;
  #isClosed = false;
  #utilization = performance.eventLoopUtilization();

  /** @param onClosed called when the link is closed and the calls have ended, or had their grace. */
  constructor(link: Link<HostReport, HostRequest>, onClosed: () => void) {
    this.#link = link;
    link.listen({
      received: (frames) => {
        for (const frame of frames) this.#onFrame(frame);
      },
      closed: () => void this.#wind().then(onClosed),
    });
  }

  #onFrame(frame: HostRequest): void {
    switch (frame.type) {
      case 'open':
        this.#marksFd = frame.marksFd;
        return void this.#open(frame.settings);
      case 'call':
        return this.#start(frame);
      case 'cancel':
        return this.#calls.get(frame.call)?.cancel(frame.reason);
      case 'credit':
        return this.#calls.get(frame.call)?.giveBack(frame);
      case 'answer': {
        const outcome = frame.error ? { error: ToolError.fromWire(frame.error) } : { value: frame.value };
        return this.#calls.get(frame.call)?.answer(frame.ask, outcome);
      }
      case 'ping':
        return this.#answerPing();
      case 'describe':
        return this.#describe();
      default:
        frame satisfies never;
    }
  }

  async #open(settings: HostSettings): Promise<void> {
    try {
      const pool = await WorkerPool.start(settings);
      pool.listen(this.#listener());
      this.#pool = pool;
      this.#send({ type: 'ready' });
      if (this.#isAskedFor) this.#describe();
    } catch (error) {
      this.#send({ type: 'failed', reason: (error as Error).message });
    }
  }

  #describe(): void {
    if (this.#pool) this.#send({ type: 'described', catalog: this.#pool.catalog });
    else this.#isAskedFor = true;
  }

  #listener(): RunnerListener {
    return {
      log: (record) => this.#send({ type: 'record', record }),
      notice: (notice) => this.#send({ type: 'notice', notice }),
      unit: (event) => this.#send({ type: 'unit', event }),
      defect: ({ during, error, callId }) =>
        this.#send({ type: 'defect', during, error: describeThrown(error), callId }),
    };
  }

  /** A call comes after `ready` only; one that came before has nowhere to run. */
  #start(task: CallTask): void {
    if (!this.#pool || this.#isClosed) return;
    const { call: number, place, callId, kind, name, streams, repeatBytes, caller } = task;
    const call = this.#pool.call({
      callId,
      kind,
      name,
      arguments: task.arguments,
      caller,
      streams,
      repeatBytes,
      abilities: task.abilities,
      logLevel: task.logLevel,
      requestMeta: task.requestMeta,
      trace: task.trace,
      mark: this.#marksFd === undefined ? undefined : { fd: this.#marksFd, place, call: number },
    });
    const hosted = new HostedCall(number, call, {
      send: (report) => this.#send(report),
      ended: () => this.#calls.delete(number),
    });
    this.#calls.set(number, hosted);
    void hosted.run();
  }

  #answerPing(): void {
    const since = performance.eventLoopUtilization(this.#utilization);
    this.#utilization = performance.eventLoopUtilization();
    const { workers, pool } = this.#pool?.stats().own.details ?? { workers: [], pool: { restarts: 0 } };
    this.#send({
      type: 'pong',
      utilization: since.utilization,
      residentBytes: process.memoryUsage.rss(),
      threads: workers,
      restarts: pool.restarts,
    });
  }

  #send(report: HostReport): void {
    this.#outgoing.push(report);
    if (report.type === 'chunks') this.#text += report.text.length;
    else if (report.type === 'result' && report.data !== null) this.#text += report.data.length;
    if (this.#text > MOST_TEXT) return this.#flush();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => {
    this.#isScheduled = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#outgoing.length === 0) return;
    const reports = this.#outgoing;
    this.#outgoing = [];
    this.#text = 0;
    this.#link.send(reports);
  }

  /** Lets the calls hear that their gateway is gone, for as long as a cancelled call may take. */
  async #wind(): Promise<void> {
    this.#isClosed = true;
    for (const hosted of this.#calls.values()) hosted.cancel('unavailable');
    await this.#pool?.close();
  }
}
