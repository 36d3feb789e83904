/** What passes from a gateway that died to the next: the seam between the supervisor and what it supervises for. */
import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { SocketHandle, ToSupervisor } from './messages.ts';

export interface Handover {
  /** The descriptors of a gateway, its channel (`ipc`) among them. */
  readonly stdio: StdioOptions;
  /** A gateway was started, and loads. @returns the socket to send it, if there is one. */
  begin(child: ChildProcess): SocketHandle | undefined;
  /** What the gateway told, in order. */
  heard(message: ToSupervisor, handle: SocketHandle | undefined): void;
  /** It is gone. Settles when everything that it said has been passed on. */
  ended(): Promise<void>;
  /** True: nobody is left to serve, and none is started again. */
  readonly isOver: boolean;
}
