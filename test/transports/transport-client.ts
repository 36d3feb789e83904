/**
 * What the shared transport suite needs of a transport: how a client of it calls, cancels, leaves and stops reading.
 */
import type { TestGateway } from '../support/start-gateway.ts';

/** One thing a client was told, in the same words for every transport. */
export type Told =
  | {
      readonly type: 'progress';
      readonly progress: number;
      readonly total: number | null;
      readonly message: string;
    }
  | { readonly type: 'chunk'; readonly index: number; readonly data: unknown }
  | {
      readonly type: 'end';
      readonly status: 'success' | 'error' | 'cancelled' | 'timeout';
      readonly data?: unknown;
      readonly omitted?: boolean;
      readonly error?: ToldError;
      readonly meta?: Readonly<Record<string, unknown>>;
    };

export type ToldEnd = Extract<Told, { type: 'end' }>;

export interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
}

export interface ClientCallOptions {
  readonly timeoutMs?: number;
  readonly result?: 'none' | 'full';
}

/** One call as its client sees it. */
export abstract class ClientCall {
  /** Everything told so far, in order. */
  readonly told: Told[] = [];
  #isClosed = false;
  #waiting: (() => void)[] = [];

  /** Cancels the call in the transport's own way; the connection stays. */
  abstract cancel(): void;
  /** Drops the connection without a word. */
  abstract leave(): void;
  abstract pause(): void;
  abstract resume(): void;

  /** Called by the transport's adapter for every thing it is told about this call. */
  tell(told: Told): void {
    this.told.push(told);
    this.#wake();
  }

  /** Called by the transport's adapter when nothing more can come. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Waits until `holds`; rejects when nothing more can come. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#isClosed)
        throw new Error(`the connection ended; told: ${JSON.stringify(this.told.slice(-3))}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async untilClosed(): Promise<void> {
    while (!this.#isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The call's end. */
  async ended(): Promise<ToldEnd> {
    let end: ToldEnd | undefined;
    await this.until(() => {
      const last = this.told.at(-1);
      end = last?.type === 'end' ? last : undefined;
      return end !== undefined;
    });
    if (!end) throw new Error('unreachable');
    return end;
  }
}

export interface TransportClient {
  call(tool: string, args?: object, options?: ClientCallOptions): ClientCall;
  close(): Promise<void>;
}

/** Makes one client of a gateway, which takes the key `super-secret`. */
export type Connect = (gateway: TestGateway) => Promise<TransportClient>;
