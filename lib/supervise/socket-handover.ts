/**
 * The hand-over of HTTP: the listening socket.
 *
 * S1. The first gateway binds it, so that whatever is wrong with address or port is told as ever. Its handle comes here,
 *     and goes to each successor.
 * S2. It is held and never listened on: connections that come while no gateway lives wait in its backlog, and the next
 *     one takes them.
 */

import type { Handover } from './handover.ts';
import type { SocketHandle, ToSupervisor } from './messages.ts';

export class SocketHandover implements Handover {
  readonly stdio = ['inherit', 'inherit', 'inherit', 'ipc'] as const satisfies Handover['stdio'];
  readonly isOver = false;
  #socket: SocketHandle | undefined;

  begin(): SocketHandle | undefined {
    return this.#socket;
  }

  heard(message: ToSupervisor, handle: SocketHandle | undefined): void {
    if (message.type === 'bound') this.#socket = handle;
  }

  async ended(): Promise<void> {}
}
