/**
 * Requests for what only one gateway of a fleet has: a task, a call that waits for answers, the stream of an older client.
 * Whoever gets one hands it to that gateway, and passes on to its client what comes back.
 *
 * R1. What a client brings back names the gateway (`<random>.<place>`); where that one is gone, so is what it had, and
 *     this gateway answers what it answers for anything that it does not know.
 * R2. A message of the answer is in no write with another, and the gateway that answers waits for the client's reader.
 * R3. A client that leaves ends its request at the other gateway too; a gateway that dies ends it here.
 */
import { randomBytes } from 'node:crypto';
import type { Peers } from '../../../call/peers.ts';
import { ToolError } from '../../../call/tool-error.ts';
import { faultText, McpFault, type McpFaultOptions, refusalFault } from '../fault.ts';
import type { MessageId } from '../message.ts';
import type { Outlet } from '../outlet.ts';

/** Topics. */
const ASKED = 'mcp.asked';
const TOLD = 'mcp.told';
const LEFT = 'mcp.left';
const READ = 'mcp.read';

/** How much may be under way to a client that does not read, in UTF-16 units. */
const WINDOW = 256 * 1024;
/** How often it is seen to that the other gateway is there. */
const LOOK_MS = 2000;

/** What a request is handed over with. */
export interface RelayedRequest {
  readonly keyId: string;
  readonly [field: string]: unknown;
}

/** @param onLeft is given what is to be told when the client leaves. */
export type RelayHandler = (
  request: RelayedRequest,
  outlet: Outlet,
  onLeft: (listener: (isStalled: boolean) => void) => void,
) => void;

type Word =
  | readonly ['taken']
  | readonly ['named', callId: string, headers: readonly string[]]
  | readonly ['open']
  | readonly ['send', text: string]
  | readonly ['respond', text: string, fault?: McpFaultOptions & { code: number; message: string }]
  | readonly ['abandon'];

interface Asked {
  readonly outlet: Outlet;
  readonly id: MessageId;
  readonly watch: NodeJS.Timeout;
  heard: boolean;
  misses: number;
}

export class Relay {
  readonly #peers: Peers;
  readonly #handlers = new Map<string, RelayHandler>();
  readonly #asked = new Map<string, Asked>();
  readonly #served = new Map<string, RelayedOutlet>();

  constructor(peers: Peers) {
    this.#peers = peers;
    peers.onTold(ASKED, (text, from) => this.#serve(text, from));
    peers.onTold(TOLD, (text, from) => this.#hear(text, from));
    peers.onTold(LEFT, (text) => {
      const [id = '', why] = text.split('\n');
      this.#served.get(id)?.left(why === 'stalled');
    });
    peers.onTold(READ, (text) => {
      const [id = '', size] = text.split('\n');
      this.#served.get(id)?.read(Number(size));
    });
  }

  /** Answers what other gateways hand over. */
  on(kind: string, handler: RelayHandler): void {
    this.#handlers.set(kind, handler);
  }

  /**
   * Hands a request to the gateway at `place`, if that is another.
   * @param id of the request. @param onGone told when the client has left.
   * @returns false where it is this gateway's to answer (R1).
   */
  async ask(
    place: string | undefined,
    kind: string,
    request: RelayedRequest,
    {
      id,
      outlet,
      onGone,
    }: { id: MessageId; outlet: Outlet; onGone?: (listener: (isStalled: boolean) => void) => void },
  ): Promise<boolean> {
    if (place === undefined || place === this.#peers.place) return false;
    const relayId = randomBytes(9).toString('base64url');
    const watch = setInterval(() => void this.#look(relayId, place), LOOK_MS);
    this.#asked.set(relayId, { outlet, id, watch, heard: false, misses: 0 });
    try {
      if (!(await this.#peers.tell(place, ASKED, JSON.stringify([relayId, kind, request])))) {
        this.#forget(relayId);
        return false;
      }
    } catch (error) {
      this.#forget(relayId);
      throw error;
    }
    onGone?.((isStalled) => {
      this.#forget(relayId);
      this.#peers.tell(place, LEFT, `${relayId}\n${isStalled ? 'stalled' : ''}`).catch(() => undefined);
    });
    return true;
  }

  async #look(relayId: string, place: string): Promise<void> {
    const asked = this.#asked.get(relayId);
    if (!asked) return;
    const isThere = await this.#peers.tell(place, READ, `${relayId}\n0`).catch(() => false);
    if (isThere && asked.heard) asked.misses = 0;
    else if (++asked.misses >= 2) this.#fail(relayId, asked);
  }

  #fail(relayId: string, { outlet, id }: Asked): void {
    this.#forget(relayId);
    const fault = refusalFault(
      new ToolError('unavailable', 'the gateway that has what was asked for is gone', { retryAfterMs: 1000 }),
    );
    outlet.respond(faultText(id, fault), fault);
  }

  #forget(relayId: string): Asked | undefined {
    const asked = this.#asked.get(relayId);
    clearInterval(asked?.watch);
    this.#asked.delete(relayId);
    return asked;
  }

  /** What the other gateway says to a client of this one. */
  #hear(text: string, from: string): void {
    const end = text.indexOf('\n');
    const relayId = text.slice(0, end);
    const asked = this.#asked.get(relayId);
    if (!asked) return;
    asked.heard = true;
    const word = JSON.parse(text.slice(end + 1)) as Word;
    const { outlet } = asked;
    if (word[0] === 'named') outlet.named(word[1], word[2]);
    else if (word[0] === 'open') outlet.open();
    else if (word[0] === 'send') {
      const [, sent] = word;
      outlet.send(sent);
      const read = () => this.#peers.tell(from, READ, `${relayId}\n${sent.length}`).catch(() => undefined);
      void (outlet.ready() ?? Promise.resolve()).then(read);
    } else if (word[0] !== 'taken') {
      this.#forget(relayId);
      if (word[0] === 'abandon') outlet.abandon();
      else outlet.respond(word[1], word[2] && faultFrom(word[2]));
    }
  }

  /** A request that another gateway has handed over. */
  #serve(text: string, from: string): void {
    const [relayId, kind, request] = JSON.parse(text) as [string, string, RelayedRequest];
    const tell = (word: Word) => {
      const last = word[0] === 'respond' || word[0] === 'abandon';
      if (last) this.#served.delete(relayId);
      this.#peers.tell(from, TOLD, `${relayId}\n${JSON.stringify(word)}`).catch(() => undefined);
    };
    const outlet = new RelayedOutlet(tell, () => this.#served.delete(relayId));
    this.#served.set(relayId, outlet);
    tell(['taken']);
    this.#handlers.get(kind)?.(request, outlet, (listener) => outlet.onLeft(listener));
  }

  close(): void {
    for (const relayId of [...this.#asked.keys()]) this.#forget(relayId)?.outlet.abandon();
  }
}

/** Where the answer to another gateway's request goes. */
class RelayedOutlet implements Outlet {
  readonly #tell: (word: Word) => void;
  readonly #forget: () => void;
  #isDone = false;
  #outstanding = 0;
  #gate: { readonly promise: Promise<void>; readonly open: () => void } | undefined;
  #onLeft: ((isStalled: boolean) => void) | undefined;

  constructor(tell: (word: Word) => void, forget: () => void) {
    this.#tell = tell;
    this.#forget = forget;
  }

  onLeft(listener: (isStalled: boolean) => void): void {
    this.#onLeft = listener;
  }

  left(isStalled: boolean): void {
    this.#isDone = true;
    this.#openGate();
    this.#forget();
    this.#onLeft?.(isStalled);
  }

  read(size: number): void {
    this.#outstanding -= size;
    if (this.#outstanding < WINDOW / 2) this.#openGate();
  }

  #openGate(): void {
    this.#gate?.open();
    this.#gate = undefined;
  }

  named(callId: string, headers: readonly string[]): void {
    this.#say(['named', callId, headers]);
  }

  open(): void {
    this.#say(['open']);
  }

  send(text: string): void {
    this.#outstanding += text.length;
    this.#say(['send', text]);
  }

  ready(): Promise<void> | undefined {
    if (this.#isDone || this.#outstanding < WINDOW) return undefined;
    if (!this.#gate) {
      let open = () => {};
      const promise = new Promise<void>((resolve) => {
        open = resolve;
      });
      this.#gate = { promise, open };
    }
    return this.#gate.promise;
  }

  respond(text: string, fault?: McpFault): void {
    if (fault) {
      const { code, message, data, status, headers } = fault;
      this.#say(['respond', text, { code, message, data, status, headers }]);
    } else this.#say(['respond', text]);
    this.#isDone = true;
  }

  abandon(): void {
    this.#say(['abandon']);
    this.#isDone = true;
  }

  #say(word: Word): void {
    if (!this.#isDone) this.#tell(word);
  }
}

const faultFrom = ({
  code,
  message,
  ...more
}: McpFaultOptions & { code: number; message: string }): McpFault => new McpFault(code, message, more);

/** The gateway that an id names. */
export function placeIn(named: unknown): string | undefined {
  return typeof named === 'string' ? /\.([\w-]{12})$/.exec(named)?.[1] : undefined;
}
