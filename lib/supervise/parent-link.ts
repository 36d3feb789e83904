/**
 * A supervised gateway's end of the channel to its supervisor.
 *
 * P1. There is always a listener: until the gateway serves it is the one given at first.
 * P2. A channel that closes means that the supervisor died: that is a request to stop, so that no gateway is left behind.
 */
import { type Server, Socket } from 'node:net';
import {
  CLIENT_INPUT,
  CLIENT_OUTPUT,
  type SocketHandle,
  type ToGateway,
  type ToSupervisor,
} from './messages.ts';

export interface StopListener {
  stop(reason: string): void;
  stopNow(): void;
}

export class ParentLink {
  /** The socket that an earlier gateway has bound, if one has. */
  readonly #begun: Promise<SocketHandle | undefined>;
  #listener: StopListener;

  /**
   * To be made once a process, before anything is awaited.
   * @param atFirst what a stop does to a gateway that does not serve yet.
   */
  constructor(atFirst: StopListener) {
    this.#listener = atFirst;
    this.#begun = new Promise((resolve) => {
      process.on('message', (message: ToGateway, handle: unknown) => {
        if (message.type === 'begin') resolve((handle as SocketHandle | null) ?? undefined);
        else if (message.type === 'stop') this.#listener.stop(message.reason);
        else this.#listener.stopNow();
      });
    });
    const orphaned = () => this.#listener.stop('the supervisor is gone');
    if (process.connected) process.on('disconnect', orphaned);
    else orphaned();
  }

  onStop(listener: StopListener): void {
    this.#listener = listener;
  }

  /** For `listen`: the socket of an earlier gateway, and where this one's goes if it is the first. */
  async socketKeeper(): Promise<{
    readonly inherited: SocketHandle | undefined;
    keep(server: Server): void;
  }> {
    return {
      inherited: await this.#begun,
      keep: (server) => this.#tell({ type: 'bound' }, handleOf(server)),
    };
  }

  /** For `connect`: the client as the supervisor passes it on. */
  clientStreams(): { readonly stdin: Socket; readonly stdout: Socket } {
    return {
      stdin: new Socket({ fd: CLIENT_INPUT, readable: true, writable: false }),
      stdout: new Socket({ fd: CLIENT_OUTPUT, readable: false, writable: true }),
    };
  }

  /** @param repeatable the tools of which a call that was cut off may be made again. */
  ready(repeatable: readonly string[] = []): void {
    this.#tell({ type: 'ready', repeatable });
  }

  #tell(message: ToSupervisor, handle?: SocketHandle): void {
    // A supervisor that died meanwhile is told of by `disconnect`.
    process.send?.(message, handle as Server | undefined, {}, () => {});
  }
}

/**
 * The socket of a server, to be sent to another process. The server itself would be listened on by whoever receives
 * it, and the supervisor must hold the socket without taking connections from it.
 */
function handleOf(server: Server): SocketHandle {
  const { _handle: handle } = server as Server & { readonly _handle?: SocketHandle | null };
  if (!handle) throw new Error('this version of Node does not show the socket of a server');
  return handle;
}
