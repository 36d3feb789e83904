/**
 * Tells when a client left before its answer was complete.
 *
 * The request's own 'close' is no sign of that: it may fire as soon as the body is read. The response's 'close' is one,
 * but never comes for an answer that waits behind another on the same connection; the socket's does. One whose turn it is
 * needs no listener there: Node has one.
 */
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';

/** Calls `closed` once, when the response is done or its client gone; `hasLeft` tells the two apart. */
export function onceClosed(
  { socket }: GatewayRequest,
  response: GatewayResponse,
  closed: (hasLeft: boolean) => void,
): void {
  if (response.closed || socket.destroyed) return closed(!response.writableFinished);
  if (response.socket !== null) {
    response.on('close', () => closed(!response.writableFinished));
    return;
  }
  let isClosed = false;
  const close = () => {
    if (isClosed) return; // a socket's listeners are called even when one of them removes the next
    isClosed = true;
    socket.off('close', close);
    closed(!response.writableFinished);
  };
  socket.on('close', close);
  response.on('close', close);
}
