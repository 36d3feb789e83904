/**
 * The news of a server of the stateless era: one request that stays open, and says which news are wanted. Its answer is
 * the end of it.
 *
 * N1. Another wish is another request; the new one is sent before the old one is taken back, so that nothing falls between.
 * N2. A stream that ends is opened anew: after a second, then two, up to thirty, until one has lived for a while.
 */
import type { Peer, RequestListener } from './protocol/peer.ts';
import type { RequestId } from './protocol/wire.ts';

const FIRST_MS = 1000;
const LONGEST_MS = 30_000;
/** Resources are subscribed to one by one: they go in one request. */
const TOGETHER_MS = 50;

export class NewsStream {
  readonly #peer: Peer;
  /** JSON text of the request's params. */
  readonly #params: (uris: readonly string[]) => string;
  readonly #uris = new Set<string>();
  #id: RequestId | null = null;
  #timer: NodeJS.Timeout | undefined;
  #openedAt = 0;
  #waitMs = FIRST_MS;
  #isClosed = false;

  constructor(peer: Peer, params: (uris: readonly string[]) => string) {
    this.#peer = peer;
    this.#params = params;
    this.#open();
  }

  get isOpen(): boolean {
    return this.#id !== null;
  }

  watch(uri: string, isOn: boolean): void {
    if (isOn) this.#uris.add(uri);
    else this.#uris.delete(uri);
    this.#openIn(TOGETHER_MS);
  }

  #openIn(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#open(), ms).unref();
  }

  #open(): void {
    const old = this.#id;
    this.#openedAt = performance.now();
    let id: RequestId | null = null;
    const ended = () => {
      if (this.#id !== id || this.#isClosed) return;
      this.#id = null;
      this.#waitMs =
        performance.now() - this.#openedAt > LONGEST_MS ? FIRST_MS : Math.min(LONGEST_MS, this.#waitMs * 2);
      this.#openIn(this.#waitMs);
    };
    const listener: RequestListener = {
      result: ended,
      // It tells no news at all, as some do not.
      error: () => {
        if (this.#id === id) this.#id = null;
      },
      tooLong: ended,
      lost: ended,
    };
    id = this.#peer.request('subscriptions/listen', () => this.#params([...this.#uris]), listener);
    this.#id = id;
    if (old !== null) this.#peer.cancel(old, 'other news are wanted');
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }
}
