/** The calls of the one client over stdio, so that they can be ended together when it leaves. */
import type { Catalog, ToolDescriptor } from '../../../call/catalog.ts';
import type { CallRequest, RunningCall } from '../../../call/running-call.ts';
import type { ToolError } from '../../../call/tool-error.ts';
import type { Calls } from '../../../dispatch/calls.ts';

export class ClientCalls implements Calls {
  readonly #all: Calls;
  readonly #running = new Set<RunningCall>();

  constructor(all: Calls) {
    this.#all = all;
  }

  get catalog(): Catalog {
    return this.#all.catalog;
  }

  get isDraining(): boolean {
    return this.#all.isDraining;
  }

  tool(name: string): ToolDescriptor | undefined {
    return this.#all.tool(name);
  }

  call(request: CallRequest, fault?: ToolError): RunningCall {
    const call = this.#all.call(request, fault);
    this.#running.add(call);
    call.onEnd(() => this.#running.delete(call));
    return call;
  }

  cancel(callId: string, keyId: string): boolean {
    return this.#all.cancel(callId, keyId);
  }

  /** Cancels what runs; each call ends with an error that is still an answer. */
  end(): void {
    for (const call of [...this.#running]) call.cancel('unavailable', 'the client has left');
  }
}
