/**
 * `mcp-streaming-gateway/testing`: runs tools in a test as a gateway runs them, on worker threads, with their schemas
 * checked and their deadlines held, and opens no port.
 */
import type { ToolError } from './call/tool-error.ts';
import { createGateway, type GatewayOptions, type LogLevel } from './index.ts';

export interface RunOptions {
  /** Milliseconds. Default and upper limit: the tool's own and the gateway's. */
  readonly timeoutMs?: number;
  /** Cancels the run when it aborts. */
  readonly signal?: AbortSignal;
}

/** What a run has told, as its clients get it: every value has been through JSON. */
export interface ToolRunReport {
  /** What the tool returned; of one that returned nothing, the list of its chunks, or null where it yields none. */
  readonly data: unknown;
  readonly chunks: readonly unknown[];
  readonly progress: readonly {
    readonly progress: number;
    readonly total: number | null;
    readonly message: string;
  }[];
  /** What it put into `ctx.meta`. */
  readonly meta: Readonly<Record<string, unknown>>;
  readonly logs: readonly { readonly level: LogLevel; readonly message: string }[];
}

export interface ToolTests {
  /** Names of the tools that were loaded, sorted. */
  readonly tools: readonly string[];
  /** @throws {ToolError} what the run ended with, where it failed: `code`, `message` and `details` as a client sees them. */
  run(tool: string, args?: Readonly<Record<string, unknown>>, options?: RunOptions): Promise<ToolRunReport>;
  /** Ends the threads; without it they keep the test's process alive. */
  close(): Promise<void>;
}

/**
 * Loads tool modules on a thread. There is nobody to ask: `ctx.elicit` and the like are refused, as by a client that cannot.
 * @param modules paths, from the working folder, or URLs of modules or folders.
 * @param options settings of the gateway. Default: one to two threads, a log of errors alone.
 * @throws {ToolError} `unavailable` when a module cannot be used, with the reason.
 * @example const tests = await testTools(new URL('./tools/', import.meta.url));
 * const { data } = await tests.run('word_count', { text: 'a b' });
 */
export async function testTools(
  modules: string | URL | readonly (string | URL)[],
  options: Omit<GatewayOptions, 'tools'> = {},
): Promise<ToolTests> {
  const tools = typeof modules === 'string' || modules instanceof URL ? [modules] : modules;
  const settings = { minWorkers: 1, maxWorkers: 2, logLevel: 'ERROR', ...options } as const;
  const gateway = await createGateway({ ...settings, tools });
  const logsOf = new Map<string, { level: LogLevel; message: string }[]>();
  gateway.observe({
    log: ({ callId, level, message }) => logsOf.get(callId ?? '')?.push({ level, message }),
  });
  return {
    tools: gateway.tools().map(({ name }) => name),
    async run(tool, args, runOptions) {
      const chunks: unknown[] = [];
      const progress: { progress: number; total: number | null; message: string }[] = [];
      const logs: { level: LogLevel; message: string }[] = [];
      const call = gateway.call(tool, args, runOptions);
      logsOf.set(call.callId, logs);
      try {
        for await (const event of call) {
          if (event.type === 'chunks') for (const item of event.items) chunks.push(JSON.parse(item));
          else if (event.type === 'progress')
            progress.push({ progress: event.progress, total: event.total, message: event.message });
          else if (event.type === 'error') throw event.error satisfies ToolError;
          else if (event.type === 'result') {
            const data = event.repeats && chunks.length > 0 ? chunks : JSON.parse(event.data ?? 'null');
            const meta = event.meta ? JSON.parse(event.meta) : {};
            return { data, chunks, progress, meta, logs };
          }
        }
        throw new Error(`the run of ${tool} has no end`);
      } finally {
        logsOf.delete(call.callId);
      }
    },
    close: () => gateway.close({ drainMs: 0 }),
  };
}
