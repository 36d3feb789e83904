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

  get isDraining(): boolean {
    return this.#all.isDraining;
  }

  get drainRefusal(): ToolError | undefined {
    return this.#all.drainRefusal;
  }

  catalogOf(keyId: string): Catalog {
    return this.#all.catalogOf(keyId);
  }

  tool(name: string, keyId: string): ToolDescriptor | undefined {
    return this.#all.tool(name, keyId);
  }

  quotasOf(...subject: Parameters<Calls['quotasOf']>): ReturnType<Calls['quotasOf']> {
    return this.#all.quotasOf(...subject);
  }

  call(request: CallRequest, fault?: ToolError): RunningCall {
    return this.#noted(this.#all.call(request, fault));
  }

  async callOnce(...once: Parameters<Calls['callOnce']>): Promise<RunningCall> {
    return this.#noted(await this.#all.callOnce(...once));
  }

  async resume(point: Parameters<Calls['resume']>[0]): Promise<RunningCall> {
    return this.#noted(await this.#all.resume(point));
  }

  find(callId: string, keyId: string): ReturnType<Calls['find']> {
    return this.#all.find(callId, keyId);
  }

  list(keyId: string): ReturnType<Calls['list']> {
    return this.#all.list(keyId);
  }

  cancel(callId: string, keyId: string): boolean {
    return this.#all.cancel(callId, keyId);
  }

  /** Cancels what runs; each call ends with an error that is still an answer. */
  end(): void {
    for (const call of [...this.#running]) call.cancel('unavailable', 'the client has left');
  }

  #noted(call: RunningCall): RunningCall {
    this.#running.add(call);
    call.onEnd(() => this.#running.delete(call));
    return call;
  }
}
