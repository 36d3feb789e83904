/**
 * The single connection mode of graphql-sse: one stream, which its client has reserved, for the results of all its
 * operations.
 *
 * V1. A reservation is of the key that made it: to any other its token is unknown.
 * V2. It ends with its stream, and with it all its operations; where no stream comes, after a while.
 * V3. Operations may be sent before their stream is there: their results wait for it, and so do their tools.
 */
import { randomUUID } from 'node:crypto';
import { ToolError } from '../../../call/tool-error.ts';
import type { Operation } from '../operations/operation.ts';
import type { EventStream } from './event-stream.ts';

const UNUSED_MS = 30_000;
/** Of one key. */
const MAX_UNUSED = 100;

export class Reservation {
  readonly token: string = randomUUID();
  readonly keyId: string;
  readonly operations = new Map<string, Operation>();
  /** The stream, once it is there; undefined where none has come. */
  readonly connected: Promise<EventStream | undefined>;
  #connect: (stream: EventStream | undefined) => void = () => {};
  #stream: EventStream | undefined;
  #isOver = false;

  constructor(keyId: string) {
    this.keyId = keyId;
    this.connected = new Promise((resolve) => {
      this.#connect = resolve;
    });
  }

  get isUsed(): boolean {
    return this.#stream !== undefined || this.#isOver;
  }

  connect(stream: EventStream): void {
    this.#stream = stream;
    this.#connect(stream);
  }

  /** Ends what its client has asked for. */
  end(message: string): void {
    this.#isOver = true;
    for (const operation of this.operations.values()) operation.cancel('cancelled', message);
    this.operations.clear();
    this.#stream?.end();
    this.#connect(undefined);
  }
}

export class Reservations {
  readonly #byToken = new Map<string, Reservation>();

  /** @throws {ToolError} overloaded, where too many of the key wait for their streams. */
  make(keyId: string): Reservation {
    const unused = [...this.#byToken.values()].filter((one) => one.keyId === keyId && !one.isUsed);
    if (unused.length >= MAX_UNUSED) {
      throw new ToolError('overloaded', `${MAX_UNUSED} reserved streams of yours wait for their GET`);
    }
    const reservation = new Reservation(keyId);
    this.#byToken.set(reservation.token, reservation);
    setTimeout(() => {
      if (!reservation.isUsed) this.end(reservation, 'the reserved stream was never opened');
    }, UNUSED_MS).unref();
    return reservation;
  }

  /** @throws {ToolError} not_found */
  find(token: string, keyId: string): Reservation {
    const found = this.#byToken.get(token);
    if (found?.keyId === keyId) return found;
    throw new ToolError('not_found', 'the token of the event stream is unknown; PUT /graphql for another');
  }

  end(reservation: Reservation, message: string): void {
    if (this.#byToken.delete(reservation.token)) reservation.end(message);
  }

  /** @param keyIds of which keys; undefined: all. */
  endAll(message: string, keyIds?: ReadonlySet<string>): void {
    for (const reservation of this.#byToken.values())
      if (keyIds?.has(reservation.keyId) ?? true) this.end(reservation, message);
  }
}
