/**
 * What a client is told while its call runs: progress, chunks, logs and a heartbeat, as it wished.
 *
 * T1. Progress and chunks go only to clients that gave a token, logs only to clients that asked for a level.
 * T2. The heartbeat speaks only when nothing else did, and never to a client that does not read.
 */
import type { ToolEvent } from '../../../call/call-events.ts';
import { isWantedLevel } from '../era.ts';
import { notificationText } from '../message.ts';
import type { Outlet } from '../outlet.ts';
import { ProgressSequence } from './progress-sequence.ts';

/** What the client asked to be told during the call. */
export interface CallWishes {
  readonly progressToken?: string | number | undefined;
  readonly logLevel?: string | undefined;
  /** Opt-in to SEP-2998 partial results (experimental). */
  readonly partialResultToken?: string | number | undefined;
}

type Told = Extract<ToolEvent, { type: 'progress' | 'chunks' | 'log' }>;

const HEARTBEAT_MS = 12_000;

export class CallNotifier {
  readonly #name: string;
  readonly #wishes: CallWishes;
  readonly #outlet: Outlet;
  readonly #progress: ProgressSequence | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #partials = 0;

  /** @param name what is called; the `logger` of log messages. */
  constructor(name: string, wishes: CallWishes, outlet: Outlet, heartbeatMs = HEARTBEAT_MS) {
    const { progressToken } = wishes;
    this.#name = name;
    this.#wishes = wishes;
    this.#outlet = outlet;
    if (progressToken === undefined) return;
    this.#progress = new ProgressSequence(progressToken);
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
  }

  started(): void {
    if (this.#progress || this.#wishes.partialResultToken !== undefined) this.#outlet.open();
  }

  tell(event: Told): void {
    if (event.type === 'log') return this.#log(event);
    if (event.type === 'progress') {
      if (this.#progress)
        this.#outlet.send(this.#progress.report(event.progress, event.total, event.message));
    } else {
      if (this.#progress) {
        const write = this.#progress.chunks(event.index, event.items);
        this.#outlet.send(write(), write);
      }
      if (this.#wishes.partialResultToken !== undefined) this.#partial(event);
    }
    this.#heartbeat?.refresh();
  }

  stop(): void {
    clearInterval(this.#heartbeat);
  }

  #beat(): void {
    if (this.#progress && !this.#outlet.ready()) this.#outlet.send(this.#progress.heartbeat());
  }

  #log({ level, message, data }: Extract<Told, { type: 'log' }>): void {
    const { logLevel } = this.#wishes;
    if (logLevel === undefined || !isWantedLevel(level, logLevel)) return;
    const text = JSON.stringify(message);
    const content = data === undefined ? text : `{"message":${text},"data":${data}}`;
    const params = `{"level":"${level}","logger":${JSON.stringify(this.#name)},"data":${content}}`;
    this.#outlet.send(notificationText('notifications/message', params));
  }

  #partial({ index, items }: Extract<Told, { type: 'chunks' }>): void {
    const token = JSON.stringify(this.#wishes.partialResultToken);
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
