/**
 * Has a process's main thread collect its garbage, and tells what is left: what a heap holds between two collections
 * says nothing about what is lost in it. Speaks to Node's inspector, which a signal opens.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** For the process's NODE_OPTIONS: a free port, for when the inspector is opened. */
export const INSPECTABLE = '--inspect-port=127.0.0.1:0';

/** What Node says on stderr. */
const LISTENING = /Debugger listening on (ws:\S+)/;

export class HeapInspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #last = 0;

  private constructor(url: string) {
    this.#socket = new WebSocket(url, { perMessageDeflate: false });
    this.#socket.on('error', () => {});
    this.#socket.on('message', (text) => {
      const { id, result } = JSON.parse(String(text)) as { id?: number; result?: unknown };
      if (id === undefined) return;
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
    this.#socket.on('close', () => {
      for (const resolve of this.#waiting.values()) resolve(undefined);
      this.#waiting.clear();
    });
  }

  /**
   * @param stderr what the process has said so far.
   * @throws {Error} when the process does not open its inspector within half a minute.
   */
  static async open(pid: number, stderr: () => string): Promise<HeapInspector> {
    process.kill(pid, 'SIGUSR1');
    for (let tries = 0; tries < 600; tries++) {
      const url = LISTENING.exec(stderr())?.[1];
      if (url !== undefined) {
        const inspector = new HeapInspector(url);
        await once(inspector.#socket, 'open');
        return inspector;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`process ${pid} does not open its inspector`);
  }

  /** @returns bytes of the heap that are left after a collection; undefined when the process is gone. */
  async usedBytes(): Promise<number | undefined> {
    await this.#ask('HeapProfiler.collectGarbage');
    const usage = (await this.#ask('Runtime.getHeapUsage')) as { usedSize: number } | undefined;
    return usage?.usedSize;
  }

  #ask(method: string): Promise<unknown> {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.resolve(undefined);
    const id = ++this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method }));
    });
  }

  close(): void {
    this.#socket.terminate();
  }
}
