/**
 * One child process, which a crew takes for a thread: its pipe is the port.
 *
 * C1. It is never told apart from its group: whoever ends it ends what its tools have started, and what they have
 *     started ends with it.
 * C2. Its standard output is the gateway's standard error, its standard input empty: what a tool writes to descriptor 1
 *     reaches no protocol.
 * C3. What it says is not trusted: what is no batch of frames, or no frame, ends it.
 * C4. It is lost when it has ended; the marks of its calls are read then.
 */
import { type ChildProcess as NodeProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ToolError } from '../../call/tool-error.ts';
import type { Link } from '../host/link.ts';
import type { HostPong, HostReport, HostRequest, HostSettings } from '../host/link-frames.ts';
import { PipeLink } from '../host/pipe-link.ts';
import { Death } from '../threads/ending/thread-death.ts';
import { optionsWithoutPreloads, withoutPreloads } from '../threads/environment/preloads.ts';
import type { HostFrame, ThreadFrame } from '../threads/port/frames.ts';
import type { PoolThread, ThreadPort } from '../threads/thread-source.ts';
import { BegunFile } from './begun-file.ts';
import { LINK_FD, MARKS_FD } from './descriptors.ts';

const PROGRAM = fileURLToPath(new URL('./child-main.js', import.meta.url));
const HAS_GROUPS = process.platform !== 'win32';

/** Beside the largest result, which may take two bytes a character. */
const MORE_BYTES = 16 * 1024 * 1024;

export interface ChildListener {
  /** What is no frame of a thread's. */
  told(report: Extract<HostReport, { type: 'record' | 'unit' | 'defect' }>): void;
  ready(): void;
  /** It cannot load the tools. */
  failed(reason: string): void;
  /** It was given a call. */
  used(): void;
  /** @param how in a few words. */
  ended(child: ChildProcess, how: string): void;
}

type TakenFrame = Exclude<HostReport, { type: 'record' | 'unit' | 'defect' | 'pong' | 'ready' | 'failed' }>;

export class ChildProcess extends EventEmitter implements PoolThread, ThreadPort {
  readonly id: number;
  readonly begun: Int32Array<SharedArrayBuffer>;
  readonly lost: Promise<Death>;
  /** What it said of itself last. */
  pong: HostPong | null = null;
  readonly #listener: ChildListener;
  readonly #marks: BegunFile;
  readonly #process: NodeProcess;
  readonly #link: Link<HostRequest, HostReport>;
  #isEnded = false;
  #hasExited = false;

  /** @throws {ToolError} `unavailable` where it cannot be started. */
  constructor(id: number, settings: HostSettings, listener: ChildListener) {
    super();
    this.id = id;
    this.#listener = listener;
    const places = Math.max(1, settings.callsPerThread);
    this.begun = new Int32Array(new SharedArrayBuffer(places * Int32Array.BYTES_PER_ELEMENT));
    this.#marks = new BegunFile(places);
    const { started, pipe } = this.#start(settings);
    this.#process = started;
    this.#link = new PipeLink(pipe, 2 * settings.settings.maxResultBytes + MORE_BYTES);
    this.#link.listen({
      received: (reports) => this.#onReports(reports),
      closed: (error) => {
        // A broken pipe is how a child ends; what was no frame is why.
        if (error && !this.#isEnded && !('code' in error)) this.emit('message', error.message);
        this.emit('close');
      },
    });
    this.lost = new Promise((resolve) => {
      let how = '';
      const onExit = (told: string) => {
        if (how !== '') return;
        how = told;
        resolve(this.#onExit(how));
      };
      this.#process.once('exit', (code, signal) => onExit(signal ?? `exit code ${code}`));
      this.#process.on('error', (error) => {
        if (this.pid === undefined) onExit(error.message);
      });
    });
    this.#link.send([{ type: 'open', settings, marksFd: MARKS_FD }]);
  }

  #start({ env }: HostSettings): { readonly started: NodeProcess; readonly pipe: Duplex } {
    try {
      const started = spawn(process.execPath, [...flags(), PROGRAM], {
        stdio: ['ignore', 2, 2, 'pipe', this.#marks.fd],
        env: { ...ownEnvironment(), ...env },
        detached: HAS_GROUPS,
        windowsHide: true,
      });
      // Where no descriptor is left there is no pipe, and the error comes as an event too.
      started.on('error', () => {});
      const pipe = started.stdio?.[LINK_FD] as Duplex | undefined;
      if (!pipe) throw new ToolError('unavailable', 'no file descriptor is left for its pipe');
      return { started, pipe };
    } catch (error) {
      this.#marks.close();
      throw error;
    }
  }

  get port(): ThreadPort {
    return this;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Whether somebody has asked it to end. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  postMessage(frames: readonly HostFrame[]): void {
    if (frames.some(({ type }) => type === 'call')) this.#listener.used();
    this.#send(frames);
  }

  #send(frames: readonly HostFrame[]): void {
    try {
      this.#link.send(frames);
    } catch (error) {
      const [only] = frames;
      if (frames.length === 1 && only) this.#refuse(only, error);
      else for (const frame of frames) this.#send([frame]);
    }
  }

  /** Values from code may be such as no other process can have, like shared memory. */
  #refuse(frame: HostFrame, error: unknown): void {
    const reason = `it cannot be sent to another process (${(error as Error).message}); give JSON values`;
    const wire = ToolError.toWire(new ToolError('invalid_arguments', reason));
    if (frame.type === 'answer')
      return this.#link.send([{ type: 'answer', call: frame.call, ask: frame.ask, error: wire }]);
    if (frame.type !== 'call') throw error;
    const { call } = frame;
    this.emit('message', [
      { type: 'error', call, chunks: 0, error: wire, ranMs: null } satisfies ThreadFrame,
    ]);
  }

  refresh(): void {
    if (!this.#hasExited) this.#marks.read(this.begun);
  }

  close(): void {
    this.#link.close();
  }

  end(): void {
    this.#isEnded = true;
    this.#killGroup();
  }

  #killGroup(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(HAS_GROUPS ? -pid : pid, 'SIGKILL');
    } catch {
      // Nothing is left of it.
    }
  }

  #onExit(how: string): Death {
    this.#killGroup();
    this.refresh();
    this.#hasExited = true;
    this.#marks.close();
    this.#listener.ended(this, how);
    const text = this.#isEnded
      ? 'the process of the call was ended because a call in it did not stop or blocked it'
      : `the process of the call ended in the middle of it (${how})`;
    return new Death('worker_crashed', text);
  }

  #onReports(reports: readonly HostReport[]): void {
    const frames: ThreadFrame[] = [];
    for (const report of reports) {
      const frame = this.#frameOf(report);
      if (frame) frames.push(frame);
    }
    if (frames.length > 0) this.emit('message', frames);
  }

  /** @returns what a thread would have posted; null for what is no thread's business. */
  #frameOf(report: HostReport): ThreadFrame | null {
    switch (report?.type) {
      case 'record':
      case 'unit':
      case 'defect':
        this.#listener.told(report);
        return null;
      case 'ready':
        this.#listener.ready();
        return hello(null);
      case 'failed':
        this.#listener.failed(report.reason);
        return hello(report.reason);
      case 'described':
        return { ...report, failure: null };
      case 'pong': {
        this.pong = report;
        let heapUsedBytes = 0;
        for (const thread of report.threads) heapUsedBytes += thread.heapUsedBytes;
        // Its own pool watches its memory.
        return { type: 'pong', heapUsedBytes, heldBytes: 0, utilization: report.utilization };
      }
      default:
        // The crew looks at its shape, as at any thread's.
        return report satisfies TakenFrame as ThreadFrame;
    }
  }
}

const hello = (failure: string | null): ThreadFrame => ({
  type: 'hello',
  failure,
  threadId: null,
  kernelId: null,
});

/** What Node and libuv take from the environment; tools are not shown it. */
const ownEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    ['NODE_OPTIONS', 'UV_THREADPOOL_SIZE'].flatMap((name) => {
      const value = process.env[name];
      if (value === undefined) return [];
      return [[name, name === 'NODE_OPTIONS' ? optionsWithoutPreloads(value) : value]];
    }),
  );

/** Flags of Node that this process has, but for those that want something of which there is one: a port, a file;
 * and for what it preloads. */
function flags(): string[] {
  const kept = withoutPreloads(process.execArgv)?.flat() ?? process.execArgv;
  return kept.filter(
    (flag) => flag !== undefined && !/^--(?:inspect|debug|test|watch)/.test(flag),
  ) as string[];
}
