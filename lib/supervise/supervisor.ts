/**
 * Keeps a gateway alive: starts the program as a child, and again when it dies. It loads nothing of a gateway.
 *
 * V1. The first gateway's start is the program's own: it says on stderr what is wrong, and its exit code is the
 *     supervisor's. Once one has served, each that dies is followed by another, at the pace of the budget.
 * V2. A gateway that was asked to stop, or exits with 0, is the last; its exit code is the supervisor's.
 * V3. Stops go over the channel and not as signals: a terminal and some service managers signal every process, and the
 *     gateway would count one request as two.
 */
import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import type { Server } from 'node:net';
import { constants } from 'node:os';
import type { Handover } from './handover.ts';
import type { SocketHandle, ToGateway, ToSupervisor } from './messages.ts';
import { RestartBudget } from './restart-budget.ts';

/** How long a gateway that was told to exit at once may take. */
const LAST_MOMENT_MS = 1000;

export interface SupervisorOptions {
  /** The program of a supervised gateway, and its arguments. */
  readonly program: string;
  readonly args: readonly string[];
  readonly handover: Handover;
  /** Tells people what happened, in one line. */
  say(line: string): void;
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #budget = new RestartBudget(() => performance.now());
  #child: ChildProcess | undefined;
  /** When the living gateway became ready. */
  #readyAt: number | undefined;
  #hasServed = false;
  #isStopping = false;
  /** Given instead of the gateway's own, where the supervisor has killed it. */
  #killedCode: number | undefined;
  #endPause: (() => void) | undefined;
  #onFirstServed: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Runs gateways until one is the last. @returns the exit code. */
  async run(): Promise<number> {
    const { handover, say } = this.#options;
    for (;;) {
      const end = await this.#runOne();
      await handover.ended();
      if (this.#isStopping || handover.isOver || end.code === 0 || !this.#hasServed) return this.#codeOf(end);
      const livedMs = this.#readyAt === undefined ? 0 : performance.now() - this.#readyAt;
      const waitMs = this.#budget.restart(livedMs);
      const when = waitMs === 0 ? 'now' : `in ${waitMs / 1000} s`;
      say(`the gateway ended ${wayOf(end)}; another starts ${when}`);
      await this.#pause(waitMs);
      if (this.#isStopping || handover.isOver) return 0;
    }
  }

  /** Passes a request to stop on; nothing is started any more. */
  stop(reason: string): void {
    this.#isStopping = true;
    this.#endPause?.();
    this.#tell({ type: 'stop', reason });
  }

  /** Ends the gateway at once; the exit code is 1. */
  stopNow(): void {
    this.#isStopping = true;
    this.#endPause?.();
    this.#tell({ type: 'stop-now' });
    this.killAfter(LAST_MOMENT_MS, 1);
  }

  /** There is nobody left to serve: ends a wait for the next gateway, and what lives by then after so many milliseconds. */
  endWithin(ms: number): void {
    if (this.#options.handover.isOver) this.#endPause?.();
    // Before the first gateway serves there is nothing to be cut short: it loads what was asked for, as ever.
    if (this.#hasServed) this.killAfter(ms, 0);
    else this.#onFirstServed = () => this.killAfter(ms, 0);
  }

  /** Kills the gateway if it still lives after so many milliseconds; the exit code is `code` then. */
  killAfter(ms: number, code: number): void {
    setTimeout(() => {
      this.#killedCode = code;
      this.#isStopping = true;
      this.#endPause?.();
      this.#child?.kill('SIGKILL');
    }, ms).unref();
  }

  #runOne(): Promise<End> {
    const { program, args, handover, say } = this.#options;
    this.#readyAt = undefined;
    return new Promise((resolve) => {
      const notStarted = (error: unknown) => {
        say(`no process can be started: ${(error as Error).message}`);
        resolve({ code: 1, signal: null });
      };
      try {
        const child = fork(program, args, { stdio: handover.stdio });
        child.on('error', (error) => child.pid === undefined && notStarted(error));
        if (child.pid === undefined) return;
        const isTold = new Promise((told) => child.once('disconnect', told));
        // Its last messages may still be on their way when it is gone.
        child.once('exit', (code, signal) => void isTold.then(() => resolve({ code, signal })));
        child.on('message', (message, handle) => this.#heard(message, handle));
        this.#child = child;
        this.#tell({ type: 'begin' }, handover.begin(child));
      } catch (error) {
        notStarted(error);
      }
    });
  }

  #heard(message: Serializable, handle: unknown): void {
    const told = message as unknown as ToSupervisor;
    if (told.type === 'ready') {
      this.#readyAt = performance.now();
      this.#hasServed = true;
      this.#onFirstServed?.();
      this.#onFirstServed = undefined;
    }
    this.#options.handover.heard(told, (handle as SocketHandle | null) ?? undefined);
  }

  #tell(message: ToGateway, handle?: SocketHandle): void {
    // What cannot be sent was for a gateway that is gone; its exit is told.
    if (this.#child?.connected) this.#child.send(message, handle as Server | undefined, () => {});
  }

  #pause(ms: number): Promise<void> {
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #codeOf({ code, signal }: End): number {
    return this.#killedCode ?? code ?? 128 + (signal ? constants.signals[signal] : 0);
  }
}

const wayOf = ({ code, signal }: End): string =>
  signal === null ? `with exit code ${code}` : `by ${signal}`;
