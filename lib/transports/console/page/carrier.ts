/**
 * How the events of one call reach the page: over a WebSocket, or as lines of a streamed response. Both bring the same
 * envelopes, and both can begin where another reader of the call was.
 *
 * C1. Whoever leaves a carrier hears nothing more of it; the call goes on in the gateway, which waits for a reader.
 */
import { BASE, type Failure, failureOf, gateway, type Json, linesOf } from './gateway.ts';

export type CarrierKind = 'socket' | 'stream';

export interface CarrierEvents {
  /** An envelope, as text. */
  line(text: string): void;
  /** Nothing more comes. `failure` where the call was refused before its start. */
  closed(failure?: Failure): void;
}

export interface Carrier {
  answer(ask: number, result: Json): void;
  leave(): void;
}

export interface Order {
  readonly tool: string;
  readonly arguments: Json;
  readonly timeoutMs?: number;
  /** How long the call waits for a reader that has left, in seconds. */
  readonly detach: number;
}

/** Where to go on with a call. */
export interface Place {
  readonly callId: string;
  readonly after: number;
}

const ID = 'run';

export function openCarrier(
  kind: CarrierKind,
  order: Order,
  place: Place | null,
  events: CarrierEvents,
): Carrier {
  return kind === 'socket' ? openSocket(order, place, events) : openStream(order, place, events);
}

const addressOf = (tool: string): string =>
  `${BASE.replace(/^http/, 'ws')}ws/tools/${encodeURIComponent(tool)}`;

function openSocket(order: Order, place: Place | null, events: CarrierEvents): Carrier {
  const socket = new WebSocket(addressOf(order.tool), gateway.protocols);
  let isOpen = false;
  let instead: Carrier | null = null;
  socket.onopen = () => {
    isOpen = true;
    const { tool: _, ...call } = order;
    socket.send(
      JSON.stringify(place ? { event: 'resume', id: ID, ...place } : { event: 'call', id: ID, ...call }),
    );
  };
  socket.onmessage = ({ data }) => events.line(data as string);
  socket.onclose = () => {
    // Why a handshake failed is kept from scripts; the same call as a plain request tells.
    if (isOpen) events.closed();
    else instead = openStream(order, place, events);
  };
  return {
    answer: (ask, result) => socket.send(JSON.stringify({ event: 'answer', id: ID, ask, result })),
    leave() {
      instead?.leave();
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    },
  };
}

function openStream(order: Order, place: Place | null, events: CarrierEvents): Carrier {
  const leaving = new AbortController();
  const { tool, ...call } = order;
  const request = place
    ? gateway.request(`calls/${encodeURIComponent(place.callId)}/events?after=${place.after}`, {
        headers: { Accept: 'application/x-ndjson' },
        signal: leaving.signal,
      })
    : gateway.request(`tools/${encodeURIComponent(tool)}/stream`, {
        method: 'POST',
        headers: { Accept: 'application/x-ndjson' },
        body: JSON.stringify(call),
        signal: leaving.signal,
      });
  const read = async () => {
    const { body, status } = await request;
    if (body && status !== 204) {
      for await (const line of linesOf(body)) {
        if (line !== '') events.line(line);
      }
    }
  };
  read().then(
    () => leaving.signal.aborted || events.closed(),
    (thrown) => leaving.signal.aborted || events.closed(failureOf(thrown)),
  );
  return {
    answer: () => undefined, // nothing is asked there
    leave: () => leaving.abort(),
  };
}
