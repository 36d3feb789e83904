/**
 * Looks into the heaps of threads from outside, by Node's inspector: what is asked is answered in the middle of a
 * tight loop too, where no frame would be read. Only one long built-in call (a sort, a parse) is waited for.
 *
 * I1. No port, no domain that slows code down: a session within the process, on heaps alone.
 * I2. `collect` is what a sampling profile does before it is given: one full collection, in the middle of a loop too. (`gc()`
 *     would need a flag for the whole process.) `shrink` waits for the thread's event loop, and then takes some times as long.
 * I3. A thread that ends, or cannot be reached, answers null.
 * I4. One for the whole process, there from before the first thread of ours and for good. To attach, Node goes through its list
 *     of threads and tells us of each; where one begins or ends in between, which interrupts our code, the list changes under
 *     it, and the process dies (SIGSEGV in `WorkerManager::SetAutoAttach`; Node 20 to 26).
 */
import type { Session } from 'node:inspector';

type Inspector = typeof import('node:inspector');

interface Reply {
  readonly id?: number;
  readonly result?: { readonly usedSize?: number };
}

interface Question {
  readonly thread: number;
  readonly resolve: (reply: Reply | null) => void;
}

/** So many bytes between two samples that none is taken. */
const NEVER = 2 ** 30;

export class HeapProbe {
  static #shared: HeapProbe | undefined;
  readonly #session: Session;
  /** The inspector's name of each thread, by Node's. */
  readonly #names = new Map<number, string>();
  readonly #threads = new Map<string, number>();
  readonly #questions = new Map<number, Question>();
  #nextId = 1;

  private constructor() {
    this.#session = this.#open();
  }

  /** To be asked for before a thread is started (I4). */
  static get shared(): HeapProbe {
    HeapProbe.#shared ??= new HeapProbe();
    return HeapProbe.#shared;
  }

  /** Whether this Node can look into heaps: one built without an inspector, or run with `--permission`, cannot. */
  static isAvailable(): boolean {
    try {
      const { Session: Inspecting } = inspector();
      const session = new Inspecting();
      session.connect();
      session.disconnect();
      return true;
    } catch {
      return false;
    }
  }

  /** Bytes in use on the thread's heap, garbage that has not been collected included. */
  async used(thread: number): Promise<number | null> {
    const reply = await this.#ask(thread, 'Runtime.getHeapUsage');
    return reply?.result?.usedSize ?? null;
  }

  /** Collects the thread's garbage. @returns bytes in use afterwards. */
  async collect(thread: number): Promise<number | null> {
    void this.#ask(thread, 'HeapProfiler.startSampling', { samplingInterval: NEVER });
    void this.#ask(thread, 'HeapProfiler.getSamplingProfile');
    void this.#ask(thread, 'HeapProfiler.stopSampling');
    return this.used(thread);
  }

  /**
   * Makes the thread give back what memory it can: it collects until no more comes of it, moves what is left together, and
   * returns the pages. Answered when its event loop turns. @returns bytes in use afterwards.
   */
  async shrink(thread: number): Promise<number | null> {
    const reply = await this.#ask(thread, 'HeapProfiler.collectGarbage');
    return reply && this.used(thread);
  }

  #ask(thread: number, method: string, params?: object): Promise<Reply | null> {
    const name = this.#names.get(thread);
    if (name === undefined) return Promise.resolve(null);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#questions.set(id, { thread, resolve });
      const message = JSON.stringify({ id, method, params });
      this.#session.post('NodeWorker.sendMessageToWorker', { sessionId: name, message }, (error) => {
        if (error !== null) this.#answer(id, null);
      });
    });
  }

  #open(): Session {
    const session = new (inspector().Session)();
    session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
      const thread = threadOf(workerInfo.title);
      this.#names.set(thread, sessionId);
      this.#threads.set(sessionId, thread);
    });
    session.on('NodeWorker.detachedFromWorker', ({ params: { sessionId } }) => this.#detach(sessionId));
    session.on('NodeWorker.receivedMessageFromWorker', ({ params: { message } }) => {
      const reply = JSON.parse(message) as Reply;
      if (reply.id !== undefined) this.#answer(reply.id, reply);
    });
    session.connect();
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
    return session;
  }

  #answer(id: number, reply: Reply | null): void {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    question?.resolve(reply);
  }

  #detach(name: string): void {
    const thread = this.#threads.get(name);
    this.#threads.delete(name);
    if (thread === undefined) return;
    this.#names.delete(thread);
    for (const [id, question] of this.#questions) if (question.thread === thread) this.#answer(id, null);
  }
}

/** Only the title tells Node's number of a thread; `workerId` counts what the session has met. A test pins the text. */
const threadOf = (title: string): number => Number(/^\[worker (\d+)\]/.exec(title)?.[1]);

/** By name: importing it fails where there is none. */
function inspector(): Inspector {
  return process.getBuiltinModule('node:inspector');
}
