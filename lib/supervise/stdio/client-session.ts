/**
 * What one MCP client and its gateway have under way, as the lines between them tell: enough to answer for a gateway
 * that died, and to bring the next one to where it was.
 *
 * C1. A request that a gateway takes with it gets exactly one answer, an error; one that was answered or cancelled
 *     gets none.
 * C2. What is replayed is what a gateway has agreed to: a handshake, a log level or a subscription that was answered
 *     with an error is not. Answers to the replay never reach the client, whose ids they do not use.
 * C3. Questions to the client (elicitation, sampling, roots) are numbered by each gateway from 0: those of a later one
 *     get ids of their own. A question whose gateway died is taken back, and a late answer is dropped.
 * C4. Lines that are no messages pass: the gateway refuses them. Most lines of a gateway are told apart by how they
 *     begin, as chunks come by the hundred thousand; where that is not enough they are parsed.
 */
import { randomUUID } from 'node:crypto';

/** Where lines go. */
export interface SessionEnds {
  toGateway(text: string): void;
  toClient(text: string, isResponse: boolean): void;
}

type Id = string | number;
type Message = Readonly<Record<string, unknown>>;

interface OpenRequest {
  /** Of most no more than what an error about it needs: arguments may be large. */
  readonly message: Message;
  /** How many requests with this id wait; a client that uses one twice gets an error for the second. */
  count: number;
}

const NOTIFICATION = '{"jsonrpc":"2.0","method":"notifications/';
const CANCELLED = 'notifications/cancelled';
const RESPONSE = /^\{"jsonrpc":"2\.0","id":("(?:[^"\\]|\\.)*"|-?\d+),"(result|error)":/;
/** The one revision in which a line may hold several messages. */
const BATCH_VERSION = '2025-03-26';
/** Outside what JSON-RPC keeps for itself: 1000 and the status of `worker_crashed`. */
const CRASHED = 1502;

export class ClientSession {
  readonly #ends: SessionEnds;
  /** Requests of the client, by the JSON text of their id. */
  readonly #open = new Map<string, OpenRequest>();
  /** Questions of the gateway: the JSON text of the id that the client knows, and the gateway's own id. */
  readonly #questions = new Map<string, Id>();
  /** Ids of what was replayed and is not answered yet, and what follows the answer. */
  readonly #replayed = new Map<string, (() => void) | undefined>();
  readonly #replayId = `supervisor-${randomUUID()}`;
  #generation = 1;
  #repeatable: ReadonlySet<string> = new Set();
  /** What the next gateway is told: */
  #initialize: Message | undefined;
  #version: unknown;
  #initialized: Message | undefined;
  #setLevel: Message | undefined;
  readonly #subscribed = new Map<unknown, Message>();

  constructor(ends: SessionEnds) {
    this.#ends = ends;
  }

  /** A line of the client, while a gateway serves. */
  fromClient(text: string): void {
    const value = parsed(text);
    if (!Array.isArray(value)) {
      const taken = isMessage(value) ? this.#take(value) : value;
      if (taken === undefined) return;
      return this.#ends.toGateway(taken === value ? text : JSON.stringify(taken));
    }
    if (this.#version !== BATCH_VERSION) return this.#ends.toGateway(text);
    const taken = value.map((one) => (isMessage(one) ? this.#take(one) : one));
    const left = taken.filter((one) => one !== undefined);
    if (left.length > 0) this.#ends.toGateway(JSON.stringify(left));
  }

  /** A line of the gateway. */
  fromGateway(text: string): void {
    if (text.startsWith(NOTIFICATION) && !text.startsWith(`${NOTIFICATION}cancelled"`))
      return this.#ends.toClient(text, false);
    const [, key, outcome] = RESPONSE.exec(text) ?? [];
    if (key !== undefined) return this.#answered(key, outcome === 'result', text);
    const value = parsed(text);
    if (!isMessage(value)) return; // cut off, or from elsewhere: no client could read it
    const { id, method } = value;
    if (method === undefined) this.#answered(JSON.stringify(id), 'result' in value, text);
    else if (isId(id)) this.#ask(value, id);
    else if (method === CANCELLED) this.#takeBack(value);
    else this.#ends.toClient(text, false);
  }

  /** A gateway serves. @param repeatable the tools of which a lost call may be made again. */
  served(repeatable: readonly string[]): void {
    this.#repeatable = new Set(repeatable);
  }

  /** Brings a new gateway to where the last one was; `done` follows its handshake, or at once where there was none. */
  replay(done: () => void): void {
    if (!this.#initialize) return done();
    this.#repeat(this.#initialize, 'initialize', () => {
      if (this.#initialized) this.#ends.toGateway(JSON.stringify(this.#initialized));
      if (this.#setLevel) this.#repeat(this.#setLevel, 'level');
      let n = 0;
      for (const subscribe of this.#subscribed.values()) this.#repeat(subscribe, `subscription-${n++}`);
      done();
    });
  }

  /** The gateway died: answers what it had not. */
  lost(): void {
    for (const [key, { message, count }] of this.#open) {
      const text = crashText(key, this.#mayRepeat(message));
      for (let n = 0; n < count; n++) this.#ends.toClient(text, true);
    }
    for (const key of this.#questions.keys()) {
      const params = `{"requestId":${key},"reason":"the gateway ended while it waited for the answer"}`;
      this.#ends.toClient(`{"jsonrpc":"2.0","method":"${CANCELLED}","params":${params}}`, false);
    }
    this.#open.clear();
    this.#questions.clear();
    this.#replayed.clear();
    this.#generation++;
  }

  /** @returns the message as the gateway gets it, or undefined when it is dropped. */
  #take(message: Message): Message | undefined {
    const { id, method } = message;
    if (method === undefined)
      return 'result' in message || 'error' in message ? this.#reply(message) : message;
    if (isId(id)) {
      const open = this.#open.get(JSON.stringify(id));
      if (open) open.count++;
      else this.#open.set(JSON.stringify(id), { message: keptOf(message), count: 1 });
    } else if (method === CANCELLED) {
      // One that nobody runs any more has been answered, by the gateway or for it.
      return this.#open.delete(JSON.stringify(paramsOf(message)['requestId'])) ? message : undefined;
    } else if (method === 'notifications/initialized') this.#initialized = message;
    return message;
  }

  #reply(message: Message): Message | undefined {
    const key = JSON.stringify(message['id']);
    const id = this.#questions.get(key);
    if (id === undefined) return undefined;
    this.#questions.delete(key);
    return id === message['id'] ? message : { ...message, id };
  }

  #answered(key: string, isSuccess: boolean, text: string): void {
    if (this.#replayed.has(key)) {
      const follow = this.#replayed.get(key);
      this.#replayed.delete(key);
      return follow?.();
    }
    const open = this.#open.get(key);
    if (open && --open.count === 0) this.#open.delete(key);
    if (open && isSuccess) this.#agreed(open.message, text);
    this.#ends.toClient(text, true);
  }

  /** What a gateway has agreed to the next one is asked for too. */
  #agreed(message: Message, text: string): void {
    const { uri } = paramsOf(message);
    switch (message['method']) {
      case 'initialize':
        this.#initialize = message;
        this.#version = (parsed(text) as { result?: Message }).result?.['protocolVersion'];
        this.#initialized = this.#setLevel = undefined;
        this.#subscribed.clear();
        return;
      case 'logging/setLevel':
        this.#setLevel = message;
        return;
      case 'resources/subscribe':
        this.#subscribed.set(uri, message);
        return;
      case 'resources/unsubscribe':
        this.#subscribed.delete(uri);
        return;
    }
  }

  #repeat(message: Message, name: string, follow?: () => void): void {
    const id = `${this.#replayId}-${this.#generation}-${name}`;
    this.#replayed.set(JSON.stringify(id), follow);
    this.#ends.toGateway(JSON.stringify({ ...message, id }));
  }

  #ask(question: Message, id: Id): void {
    const known = this.#knownAs(id);
    this.#questions.set(JSON.stringify(known), id);
    this.#ends.toClient(JSON.stringify({ ...question, id: known }), false);
  }

  #takeBack(cancel: Message): void {
    const params = paramsOf(cancel);
    const { requestId } = params;
    if (!isId(requestId)) return;
    const known = this.#knownAs(requestId);
    this.#questions.delete(JSON.stringify(known));
    this.#ends.toClient(JSON.stringify({ ...cancel, params: { ...params, requestId: known } }), false);
  }

  /** The id of a question as its client knows it. */
  #knownAs(id: Id): Id {
    return this.#generation === 1 ? id : `${this.#replayId}-${this.#generation}-${JSON.stringify(id)}`;
  }

  /** A tool that may be called again says so; a task is gone with its gateway; all else only reads. */
  #mayRepeat(message: Message): boolean {
    const method = String(message['method']);
    if (method === 'tools/call') return this.#repeatable.has(String(paramsOf(message)['name']));
    return !method.startsWith('tasks/');
  }
}

const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is Id => typeof value === 'string' || Number.isSafeInteger(value);

const paramsOf = (message: Message): Message => {
  const { params } = message;
  return isMessage(params) ? params : {};
};

/** Requests that the next gateway is told again. */
const REPEATED: ReadonlySet<unknown> = new Set(['initialize', 'logging/setLevel', 'resources/subscribe']);

function keptOf(message: Message): Message {
  const { method } = message;
  const { name, uri } = paramsOf(message);
  return REPEATED.has(method) ? message : { method, params: { name, uri } };
}

/** Null where the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The answer to a request whose gateway died. @param key the JSON text of its id. */
function crashText(key: string, retryable: boolean): string {
  const error = {
    code: CRASHED,
    message: 'the gateway ended while the request ran',
    data: { code: 'worker_crashed', status: 502, retryable },
  };
  return `{"jsonrpc":"2.0","id":${key},"error":${JSON.stringify(error)}}`;
}
