/**
 * `mcp.server.operation.duration` of OpenTelemetry's semantic conventions: how long the requests of MCP clients took that
 * run as calls (tools/call, prompts/get, resources/read, completion/complete). Lists and the handshake are answered from
 * memory and not counted.
 *
 * D1. Bounded: methods, codes and transports are few; tools beyond the first 300 count as `_other`, names of none as
 *     `_unknown`. Prompts and resources have no names here.
 */
import { DurationCounter, type DurationCounts } from '../async/duration-histogram.ts';
import { errorTypeOf, rpcCodeOf } from '../call/rpc-code.ts';
import type { RpcOrigin } from '../call/running-call.ts';
import type { EndedCall } from './call-log.ts';

/** So many tools are told apart in metrics. */
export const MOST_TOOLS = 300;

interface Counted {
  readonly labels: Readonly<Record<string, string>>;
  readonly counter: DurationCounter;
}

export class OperationDurations {
  readonly #isTool: (name: string) => boolean;
  readonly #named = new Set<string>();
  readonly #counted = new Map<string, Counted>();

  /** @param isTool whether a tool of that name is loaded. */
  constructor(isTool: (name: string) => boolean) {
    this.#isTool = isTool;
  }

  ended(call: EndedCall): void {
    if (call.rpc) this.#count(call, call.rpc);
  }

  #count({ kind, name, origin, end, hasRun = false }: EndedCall, rpc: RpcOrigin): void {
    const tool = kind === 'tool' ? this.#toolLabel(name) : '';
    const error =
      end.type === 'result' ? '' : errorTypeOf(end.error.code, rpcCodeOf(end.error, kind, hasRun));
    const transport = origin ? 'tcp' : 'pipe';
    const key = `${rpc.method} ${transport} ${error} ${tool}`;
    let counted = this.#counted.get(key);
    if (!counted) {
      const labels = {
        mcp_method_name: rpc.method,
        gen_ai_tool_name: tool,
        error_type: error,
        network_transport: transport,
      };
      counted = { labels, counter: new DurationCounter() };
      this.#counted.set(key, counted);
    }
    counted.counter.record(end.durationMs);
  }

  /** Empty labels say that there is nothing: no tool, no error. */
  samples(): { readonly labels: Counted['labels']; readonly value: DurationCounts }[] {
    return [...this.#counted.values()].map(({ labels, counter }) => ({
      labels,
      value: counter.sinceStart(),
    }));
  }

  #toolLabel(name: string): string {
    if (this.#named.has(name)) return name;
    if (!this.#isTool(name)) return '_unknown';
    if (this.#named.size >= MOST_TOOLS) return '_other';
    this.#named.add(name);
    return name;
  }
}
