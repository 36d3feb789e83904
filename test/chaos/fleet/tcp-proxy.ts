/**
 * The network between a process and its Redis, for tests that break it.
 *
 * X1. What is sent arrives in order or not at all; it may arrive late, and a connection may end at any byte.
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #pairs = new Set<Pair>();
  #delayMs = 0;
  #isRefusing = false;
  /** Bytes of this direction go nowhere until it is open again. */
  #held: 'none' | 'both' | 'answers' = 'none';

  private constructor(server: Server, target: () => number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (near) => this.#pair(near));
  }

  /** @param target the port on 127.0.0.1 that connections go to; asked for each. */
  static async open(target: () => number): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TcpProxy(server, target);
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  #pair(near: Socket): void {
    if (this.#isRefusing) {
      near.destroy();
      return;
    }
    const far = dial(this.#target(), '127.0.0.1');
    const pair = { near, far };
    this.#pairs.add(pair);
    this.#pipe(near, far, pair, false);
    this.#pipe(far, near, pair, true);
  }

  #pipe(from: Socket, to: Socket, pair: Pair, isAnswer: boolean): void {
    from.setNoDelay(true);
    // Frozen as in a network that drops everything: resumed, it goes on where it was.
    let last = Promise.resolve();
    from.on('data', (bytes) => {
      const isFree = this.#delayMs === 0 && this.#held === 'none';
      if (isFree && this.#waiting === 0) return void to.write(bytes);
      this.#waiting++;
      last = last
        .then(() => this.#passage(isAnswer))
        .then(() => {
          this.#waiting--;
          if (!to.destroyed) to.write(bytes);
        });
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#pairs.delete(pair);
      to.destroy();
    });
  }

  /** How much is on its way, on all connections: nothing overtakes it. */
  #waiting = 0;

  async #passage(isAnswer: boolean): Promise<void> {
    if (this.#delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#delayMs));
    while (this.#held === 'both' || (this.#held === 'answers' && isAnswer))
      await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Ends the connections that there are. @param choose which of them. */
  cut(choose: () => boolean = () => true): void {
    for (const { near, far } of this.#pairs)
      if (choose()) {
        near.destroy();
        far.destroy();
      }
  }

  /** Ends all, and lets none begin. */
  refuse(isRefusing: boolean): void {
    this.#isRefusing = isRefusing;
    if (isRefusing) this.cut();
  }

  /** Everything is so late, each way. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Nothing passes: in both directions, or no answer while what is asked is done. */
  hold(what: 'none' | 'both' | 'answers'): void {
    this.#held = what;
  }

  heal(): void {
    this.#isRefusing = false;
    this.#delayMs = 0;
    this.#held = 'none';
  }

  close(): void {
    this.heal();
    this.#server.close();
    this.cut();
  }
}
