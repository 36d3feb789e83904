/**
 * What one call's client has been told, and everything about it that is against the contract.
 *
 * L1. Exactly one end, nothing after it, chunks counted from 0 without gaps, progress only upwards.
 * L2. Every payload carries the nonce of its call; another call's nonce is the gravest finding there is.
 * L3. Nothing is kept but counts: a flood must not cost the harness memory.
 */
export type BreachKind = 'contract' | 'wrong caller' | 'wrong value';

export interface Breach {
  readonly kind: BreachKind;
  readonly text: string;
}

export interface CallLogOptions {
  /** False: the thread may be poisoned by the same caller, and what it says of itself is not judged. */
  readonly judgesValues?: boolean;
  readonly onChunk?: (data: unknown, index: number) => void;
}

const NONCE = /n-[0-9a-f]{16}/;

export class CallLog {
  readonly nonce: string;
  readonly breaches: Breach[] = [];
  chunks = 0;
  /** `success`, an error's code, `cut` when the connection ended without a word, `left` when the client did. */
  ending: string | undefined;
  data: unknown;
  readonly #options: CallLogOptions;
  #progress = Number.NEGATIVE_INFINITY;
  #isLeft = false;
  #isCancelled = false;
  #isClosed = false;
  #begun: () => void = () => {};
  #over: () => void = () => {};
  /** Settles with the first thing told, or the end. */
  readonly began = new Promise<void>((resolve) => {
    this.#begun = resolve;
  });
  /** Settles when nothing more can come. */
  readonly closed = new Promise<void>((resolve) => {
    this.#over = resolve;
  });

  constructor(nonce: string, options: CallLogOptions = {}) {
    this.nonce = nonce;
    this.#options = options;
  }

  breach(kind: BreachKind, text: string): void {
    if (this.breaches.length < 5) this.breaches.push({ kind, text });
  }

  noteLeft(): void {
    this.#isLeft = true;
  }

  noteCancelled(): void {
    this.#isCancelled = true;
  }

  started(): void {
    this.#notAfterEnd('started');
    this.#begun();
  }

  progress(value: unknown, message: unknown): void {
    this.#notAfterEnd('progress');
    this.#begun();
    if (typeof value !== 'number' || value <= this.#progress)
      this.breach('contract', `progress ${String(value)} after ${this.#progress}`);
    else this.#progress = value;
    const marked = typeof message === 'string' ? NONCE.exec(message)?.[0] : undefined;
    if (marked !== undefined && marked !== this.nonce) this.#isOfAnother('progress', marked);
  }

  chunk(index: unknown, data: unknown): void {
    this.#notAfterEnd('chunk');
    this.#begun();
    if (index !== this.chunks) this.breach('contract', `chunk ${String(index)} where ${this.chunks} is due`);
    this.chunks++;
    this.#own(data, 'chunk');
    if (this.#options.judgesValues !== false && memberOf(data, 'n') !== index)
      this.breach('wrong value', `chunk ${String(index)} says that it is ${String(memberOf(data, 'n'))}`);
    this.#options.onChunk?.(data, Number(index));
  }

  succeeded(data: unknown): void {
    if (!this.#end('success')) return;
    this.data = data;
    this.#own(data, 'result');
  }

  failed(code: unknown, details?: unknown): void {
    if (typeof code !== 'string' || code === '') this.breach('contract', `an error without a code: ${code}`);
    if (!this.#end(String(code))) return;
    const marked = memberOf(details, 'nonce');
    if (marked !== undefined && marked !== this.nonce) this.#isOfAnother('error', String(marked));
  }

  /** The request was refused or answered in a way that has no name of its own. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.ending === undefined)
      this.ending = this.#isLeft ? 'left' : this.#isCancelled ? 'unanswered' : 'cut';
    this.#begun();
    this.#over();
  }

  #end(ending: string): boolean {
    if (this.ending !== undefined) {
      this.breach('contract', `ended ${ending} after ${this.ending}`);
      return false;
    }
    this.ending = ending;
    this.#begun();
    return true;
  }

  #notAfterEnd(what: string): void {
    if (this.ending !== undefined && this.ending !== 'left')
      this.breach('contract', `${what} after the end (${this.ending})`);
  }

  #own(data: unknown, what: string): void {
    if (this.#options.judgesValues === false) return;
    const marked = memberOf(data, 'nonce');
    if (marked === this.nonce) return;
    if (typeof marked === 'string' && NONCE.test(marked)) this.#isOfAnother(what, marked);
    else this.breach('wrong value', `a ${what} without its nonce: ${shown(data)}`);
  }

  #isOfAnother(what: string, nonce: string): void {
    const kind = nonce === 'n-0000000000000000' ? 'wrong value' : 'wrong caller';
    this.breach(kind, `a ${what} of ${nonce} came to ${this.nonce}`);
  }
}

export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
