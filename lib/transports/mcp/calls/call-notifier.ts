/**
 * What a client is told while its call runs: progress, chunks, logs and a heartbeat, as it wished.
 *
 * T1. Progress and chunks go only to clients that gave a token, logs only to clients that asked for a level.
 * T2. What a tool reports and what it yields in one step is one notification, in whichever order it does: each waits a
 *     moment for the other.
 * T3. The heartbeat speaks only when nothing else did, and never to a client that does not read.
 */
import type { ToolEvent } from '../../../call/call-events.ts';
import { isWantedLevel } from '../era.ts';
import { jsonText, notificationText } from '../message.ts';
import type { Outlet, ToldSoFar } from '../outlet.ts';
import { type ChunkItems, ProgressSequence, type Report } from './progress-sequence.ts';

/** What the client asked to be told during the call. */
export interface CallWishes {
  readonly progressToken?: string | number | undefined;
  readonly logLevel?: string | undefined;
  /** Of a call that goes on here: what the client has of it. */
  readonly told?: ToldSoFar | undefined;
  /** Opt-in to SEP-2998 partial results (experimental). */
  readonly partialResultToken?: string | number | undefined;
}

type Told = Extract<ToolEvent, { type: 'progress' | 'chunks' | 'log' }>;

const HEARTBEAT_MS = 12_000;

/** Longer than a thread keeps a chunk for its batch, and too short for anybody to notice. */
const REPORT_WAIT_MS = 25;
/** A tool that reports right behind its `yield` does so within this. */
const CHUNK_WAIT_MS = 10;

export class CallNotifier {
  readonly #name: string;
  readonly #wishes: CallWishes;
  readonly #outlet: Outlet;
  readonly #progress: ProgressSequence | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #partials = 0;
  /** The number of the last event of what is sent next; undefined: they have none. */
  #seq: number | undefined;
  #report: Report | undefined;
  #chunk: ChunkItems | undefined;
  #wait: NodeJS.Timeout | undefined;
  #hasReported = false;
  #hasYielded = false;

  /** @param name what is called; the `logger` of log messages. */
  constructor(name: string, wishes: CallWishes, outlet: Outlet, heartbeatMs = HEARTBEAT_MS) {
    const { progressToken } = wishes;
    this.#name = name;
    this.#wishes = wishes;
    this.#outlet = outlet;
    if (progressToken === undefined) return;
    this.#progress = new ProgressSequence(progressToken, wishes.told?.progress);
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
  }

  started(): void {
    if (this.#progress || this.#wishes.partialResultToken !== undefined) this.#outlet.open();
  }

  tell(event: Told): void {
    if (event.type === 'log') {
      this.flush();
      return this.#log(event);
    }
    if (event.type === 'progress') this.#onReport(event);
    else this.#onChunks(event);
    this.#heartbeat?.refresh();
  }

  #onReport(report: Extract<Told, { type: 'progress' }>): void {
    if (!this.#progress) return;
    this.#hasReported = true;
    if (this.#report) this.flush();
    this.#seq = report.seq;
    this.#report = report;
    if (this.#chunk) this.flush();
    else this.#flushIn(REPORT_WAIT_MS);
  }

  #onChunks(event: Extract<Told, { type: 'chunks' }>): void {
    if (this.#wishes.partialResultToken !== undefined) this.#partial(event);
    if (!this.#progress) return;
    if (this.#chunk) this.flush();
    this.#seq = event.seq === undefined ? undefined : event.seq + event.items.length - 1;
    this.#chunk = event;
    // A tool that only yields has nothing to wait for.
    const mayReport = this.#hasReported || !this.#hasYielded;
    this.#hasYielded = true;
    if (this.#report || !mayReport) this.flush();
    else this.#flushIn(CHUNK_WAIT_MS);
  }

  #flushIn(ms: number): void {
    this.#wait = setTimeout(() => this.flush(), ms);
  }

  /** Sends what waits. */
  flush(): void {
    clearTimeout(this.#wait);
    const [report, chunk] = [this.#report, this.#chunk];
    this.#report = undefined;
    this.#chunk = undefined;
    if (!this.#progress) return;
    if (!chunk && !report) return;
    const write = chunk
      ? report
        ? this.#progress.report(report, chunk)
        : this.#progress.chunks(chunk)
      : this.#progress.report(report as Report);
    const told = this.#seq === undefined ? undefined : { seq: this.#seq, progress: this.#progress.last };
    this.#outlet.send(write(), chunk ? write : undefined, told);
  }

  stop(): void {
    clearTimeout(this.#wait);
    clearInterval(this.#heartbeat);
  }

  #beat(): void {
    if (this.#report || this.#chunk) this.flush();
    else if (this.#progress && !this.#outlet.ready()) this.#outlet.send(this.#progress.heartbeat());
  }

  #log({ level, message, data, relayed }: Extract<Told, { type: 'log' }>): void {
    const { logLevel } = this.#wishes;
    if (logLevel === undefined || !isWantedLevel(level, logLevel)) return;
    if (relayed !== undefined) return this.#outlet.send(notificationText('notifications/message', relayed));
    const text = JSON.stringify(message);
    const content = data === undefined ? text : `{"message":${text},"data":${data}}`;
    const params = `{"level":"${level}","logger":${JSON.stringify(this.#name)},"data":${content}}`;
    this.#outlet.send(notificationText('notifications/message', params));
  }

  #partial({ index, items }: Extract<Told, { type: 'chunks' }>): void {
    const token = jsonText(this.#wishes.partialResultToken);
    const seq = this.#partials++;
    const write = () => {
      const blocks = items.map((item) => `{"type":"text","text":${JSON.stringify(item)}}`);
      const structured = `{"index":${index},"items":[${items.join(',')}]}`;
      const params = `{"partialResultToken":${token},"seq":${seq},"content":[${blocks.join(',')}],"structuredContent":${structured}}`;
      return notificationText('notifications/tools/partial_result', params);
    };
    this.#outlet.send(write(), write);
  }
}
