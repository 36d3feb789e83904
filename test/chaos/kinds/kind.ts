/**
 * What a kind of fault is: something that one client does, or has a tool do, over one transport, and how that may end.
 *
 * K1. A fault is judged by what its own client is told. What it does to others, the control calls tell.
 */
import type { BreachKind, CallLog } from '../clients/call-log.ts';
import type { McpHttpCalls } from '../clients/mcp-http-calls.ts';
import type { McpStdioCalls } from '../clients/mcp-stdio-calls.ts';
import type { CallSpec, ChaosCall, Transport, TransportName } from '../clients/transport.ts';
import { TRANSPORT_NAMES } from '../clients/transport.ts';
import type { Random } from '../random.ts';

/** Everything that one fault works with. */
export interface Scene {
  readonly transport: TransportName;
  readonly random: Random;
  readonly key: string;
  readonly calls: Transport;
  readonly port: number;
  /** For what clients of MCP do besides calls. */
  readonly mcpSessions: McpHttpCalls;
  readonly stdio: McpStdioCalls;
  readonly verdict: Verdict;
}

export interface Kind {
  readonly name: string;
  readonly group: 'failures' | 'outputs' | 'memory' | 'stubborn' | 'poison' | 'clients' | 'wire';
  readonly transports: readonly TransportName[];
  /** How many of the transports a round of faults tries it on; default all. */
  readonly perRound?: number;
  /** Takes so much memory or time that no other of these may run beside it. */
  readonly isHeavy?: boolean;
  /** Changes its thread; runs under keys, and over stdio in a process, of the poisoners. */
  readonly isPoison?: boolean;
  play(scene: Scene): Promise<void>;
}

export const ALL = TRANSPORT_NAMES;
export const STREAMS: readonly TransportName[] = ALL.filter((name) => name !== 'rest');
export const HTTP: readonly TransportName[] = ['rest', 'sse', 'ndjson'];
export const MCP_HTTP: readonly TransportName[] = ['mcp-sessions', 'mcp-stateless'];

/** A gateway may always say that it has no room; where that is no answer, the control calls say so. */
const REFUSALS = ['overloaded', 'unavailable'];
/** How long the gateway bears a client that does not read: longer than a busy machine keeps one from it. */
export const STALL_MS = 8000;
/** Longer than the gateway's limit for a call. */
const PATIENCE_MS = 70_000;

/** What one fault has shown: how its calls ended, and what was wrong. */
export class Verdict {
  readonly endings: string[] = [];
  readonly findings: { readonly kind: BreachKind; readonly text: string }[] = [];

  find(kind: BreachKind, text: string): void {
    this.findings.push({ kind, text });
  }

  ended(ending: string): void {
    this.endings.push(ending);
  }

  /** Waits for the call's end and judges it. */
  async ofCall({ log }: ChaosCall, ends: readonly string[] | 'any'): Promise<void> {
    const ending = await endOf(log);
    this.ended(ending);
    this.findings.push(...log.breaches);
    if (ending === 'hung')
      this.find('contract', `no end within ${PATIENCE_MS / 1000} s, ${log.chunks} chunks`);
    else if (ending === 'cut' && (ends === 'any' || !ends.includes('cut')))
      this.find('contract', `cut without an end after ${log.chunks} chunks`);
    else if (ends !== 'any' && !ends.includes(ending) && !REFUSALS.includes(ending))
      this.find('wrong value', `ended ${ending}; expected ${ends.join(' or ')}`);
  }
}

async function endOf(log: CallLog): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS);
  });
  await Promise.race([log.closed, patience]);
  clearTimeout(timer);
  return log.ending ?? 'hung';
}

/** A call of a chaos tool, as the scene's client makes it. */
export function callTool(scene: Scene, how: string, more: Partial<CallSpec> & { readonly n?: number } = {}) {
  const { n = 3, ...rest } = more;
  return scene.calls.call({
    tool: 'chaos',
    nonce: scene.random.nonce(),
    args: { how, n },
    key: scene.key,
    ...rest,
  });
}
