/**
 * Runs calls on mounted MCP servers. Implements Runner.
 *
 * R1. Nothing waits for a server but its own calls: the catalog is what is known of all of them now.
 * R2. When the file is read anew, servers whose entries are the same go on as they are; the calls of one that has changed
 *     finish on what they began with.
 */

import { DurationHistogram } from '../../async/duration-histogram.ts';
import { GuardedList } from '../../async/guarded-list.ts';
import type { Caller } from '../../call/caller.ts';
import type { Catalog } from '../../call/catalog.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall, Runner, RunnerListener, RunnerStats, RunnerStatus } from '../runner.ts';
import { KeptLists } from './catalog/kept-lists.ts';
import type { MountPlan } from './file/config-file.ts';
import { MountedServer } from './server.ts';
import { type Target, UpstreamCall, type UpstreamCallHost } from './upstream-call.ts';

export interface UpstreamRunnerOptions {
  /** Reads what is to be mounted. @throws where it cannot be used. */
  read(): MountPlan;
  /** Tells when that has changed. @returns what ends the watching. */
  watch(onChange: () => void): () => void;
  readonly dataDir: string;
  readonly maxResultBytes: number;
  /** Calls that may wait for one server. */
  readonly queueLimit: number;
  readonly version: string;
}

const HOOKS = ['log', 'notice', 'catalogChanged', 'reloadWanted', 'unit', 'defect'] as const;
/** How long calls may go on that began before their server's entry changed. */
const RETIRE_MS = 600_000;

interface Place {
  readonly server: MountedServer;
  readonly own: string;
  /** Whether a call of it may be made twice. */
  readonly isRepeatable: boolean;
}

export class UpstreamRunner implements Runner {
  readonly name = 'upstream';
  readonly yieldsNames = true;
  readonly #options: UpstreamRunnerOptions;
  readonly #kept: KeptLists;
  readonly #listeners: GuardedList<RunnerListener>;
  readonly #endWatch: () => void;
  readonly #waits = new DurationHistogram();
  readonly #runs = new DurationHistogram();
  readonly #calls = new Set<UpstreamCall>();
  readonly #retiring = new Set<MountedServer>();
  #servers: readonly MountedServer[] = [];
  #tools = new Map<string, Place>();
  #prompts = new Map<string, Place>();
  #resources = new Map<string, MountedServer>();
  #catalog: Catalog = { tools: [], resources: [], prompts: [] };
  /** What was said before anybody listened. */
  #unsaid: Parameters<NonNullable<RunnerListener['log']>>[0][] | null = [];
  #isClosed = false;

  /** @throws {StartFault} where the file cannot be used. */
  constructor(options: UpstreamRunnerOptions) {
    this.#options = options;
    this.#kept = new KeptLists(options.dataDir);
    this.#listeners = new GuardedList(HOOKS, (hook, error) => {
      if (hook !== 'defect')
        this.#listeners.tell('defect', { during: `a listener of "${hook}"`, error, callId: null });
    });
    this.#mount(options.read());
    this.#catalog = this.#gathered();
    this.#endWatch = options.watch(() => {
      this.reload(() => undefined).catch((error: unknown) =>
        this.#log('error', `the servers stay as they are: ${(error as Error).message}`),
      );
    });
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  listen(listener: RunnerListener): () => void {
    const end = this.#listeners.add(listener);
    const unsaid = listener.log ? (this.#unsaid ?? []) : [];
    if (listener.log) this.#unsaid = null;
    for (const record of unsaid) this.#listeners.tell('log', record);
    return end;
  }

  #log(level: 'debug' | 'info' | 'warning' | 'error', message: string): void {
    const record = { callId: null, tool: null, level, message };
    if (this.#unsaid) this.#unsaid.push(record);
    else this.#listeners.tell('log', record);
  }

  /** Makes the servers of a plan the mounted ones. */
  #mount({ servers, notices }: MountPlan): void {
    for (const notice of notices) this.#log('warning', notice);
    const { maxResultBytes, queueLimit, version } = this.#options;
    const before = new Map(this.#servers.map((server) => [server.entry.fingerprint, server]));
    this.#servers = servers.map((entry) => {
      const same = before.get(entry.fingerprint);
      before.delete(entry.fingerprint);
      if (same) return same;
      return new MountedServer(
        entry,
        { kept: this.#kept, maxResultBytes, queueLimit, version },
        {
          offered: () => this.#onOffer(),
          updated: (uri) => this.#listeners.tell('notice', { type: 'resource-updated', uri }),
          log: (level, message) => this.#log(level, message),
        },
      );
    });
    for (const gone of before.values()) {
      this.#retiring.add(gone);
      void gone.retire(RETIRE_MS).finally(() => this.#retiring.delete(gone));
    }
  }

  #onOffer(): void {
    if (this.#isClosed) return;
    this.#catalog = this.#gathered();
    this.#listeners.tell('catalogChanged', this.#catalog);
  }

  /** What all servers offer; of two with one name the first has it. */
  #gathered(): Catalog {
    this.#tools = new Map();
    this.#prompts = new Map();
    this.#resources = new Map();
    const uris = new Set<string>();
    const all: { -readonly [List in 'tools' | 'resources' | 'prompts']: Catalog[List][number][] } = {
      tools: [],
      resources: [],
      prompts: [],
    };
    const isLost = (kind: string, name: string, server: MountedServer, other: MountedServer | undefined) => {
      if (other)
        this.#log(
          'error',
          `server "${server.entry.name}": its ${kind} "${name}" is left out: the server "${other.entry.name}" has that name`,
        );
      return other !== undefined;
    };
    for (const server of this.#servers) {
      const { catalog, tools, prompts } = server.offer;
      for (const tool of catalog.tools) {
        if (isLost('tool', tool.name, server, this.#tools.get(tool.name)?.server)) continue;
        const { readOnlyHint, idempotentHint } = tool.annotations ?? {};
        const isRepeatable = readOnlyHint === true || idempotentHint === true;
        this.#tools.set(tool.name, { server, own: tools.get(tool.name) ?? tool.name, isRepeatable });
        all.tools.push(tool);
      }
      for (const prompt of catalog.prompts) {
        if (isLost('prompt', prompt.name, server, this.#prompts.get(prompt.name)?.server)) continue;
        const own = prompts.get(prompt.name) ?? prompt.name;
        this.#prompts.set(prompt.name, { server, own, isRepeatable: true });
        all.prompts.push(prompt);
      }
      for (const resource of catalog.resources) {
        const uri = resource.uri ?? resource.uriTemplate;
        if (this.#resources.has(resource.name) || (uri !== undefined && uris.has(uri))) continue;
        if (uri !== undefined) uris.add(uri);
        this.#resources.set(resource.name, server);
        all.resources.push(resource);
      }
    }
    const byName = (one: { readonly name: string }, other: { readonly name: string }) =>
      one.name < other.name ? -1 : 1;
    return {
      tools: all.tools.sort(byName),
      resources: all.resources.sort(byName),
      prompts: all.prompts.sort(byName),
    };
  }

  call(request: AdmittedCall): RunningCall {
    const found = this.#isClosed ? undefined : this.#targetOf(request);
    const host: UpstreamCallHost = {
      ended: (call) => {
        this.#calls.delete(call);
        found?.server.completed();
        this.#waits.record(call.waitedMs);
        if (call.hasStarted) this.#runs.record(call.ranMs);
      },
      defect: (defect) => this.#listeners.tell('defect', defect),
    };
    const call = new UpstreamCall(request, found?.target ?? null, host);
    if (!found) {
      const { kind = 'tool', name } = request;
      call.fail(
        this.#isClosed
          ? new ToolError('unavailable', 'the gateway is shutting down')
          : new ToolError(
              kind === 'tool' ? 'tool_not_found' : 'not_found',
              `there is no ${kind} ${JSON.stringify(name)}`,
            ),
      );
      return call;
    }
    this.#calls.add(call);
    call.begin(found.server.lineFor(request));
    return call;
  }

  #targetOf(request: AdmittedCall): { readonly server: MountedServer; readonly target: Target } | undefined {
    const { kind = 'tool', name } = request;
    const args = request.arguments as Readonly<Record<string, unknown>>;
    const made = (
      server: MountedServer,
      method: string,
      own: string,
      body: string,
      isRepeatable: boolean,
    ) => ({
      server,
      target: {
        method,
        name: own,
        body,
        server: server.entry.name,
        uris: server.offer.uris,
        isRepeatable,
        maxResultBytes: this.#options.maxResultBytes,
      },
    });
    if (kind === 'tool') {
      const place = this.#tools.get(name);
      if (!place) return undefined;
      const body = `"name":${JSON.stringify(place.own)},"arguments":${JSON.stringify(args ?? {})}`;
      return made(place.server, 'tools/call', place.own, body, place.isRepeatable);
    }
    if (kind === 'prompt') {
      const place = this.#prompts.get(name);
      const body = `"name":${JSON.stringify(place?.own)},"arguments":${JSON.stringify(args)}`;
      return place && made(place.server, 'prompts/get', place.own, body, true);
    }
    if (kind === 'resource') {
      const server = this.#resources.get(name);
      const uri = server?.offer.uris.inward(String(args['uri']));
      return server && made(server, 'resources/read', uri ?? '', `"uri":${JSON.stringify(uri)}`, true);
    }
    const isPrompt = args['ref'] === 'prompt';
    const place = this.#prompts.get(name);
    const server = isPrompt ? place?.server : this.#resources.get(name);
    if (!server) return undefined;
    const template = this.#catalog.resources.find((one) => one.name === name)?.uriTemplate ?? '';
    const ref = isPrompt
      ? { type: 'ref/prompt', name: place?.own }
      : { type: 'ref/resource', uri: server.offer.uris.inward(template) };
    const argument = { name: args['argument'], value: args['value'] };
    const body = `"ref":${JSON.stringify(ref)},"argument":${JSON.stringify(argument)},"context":${JSON.stringify({ arguments: args['context'] ?? {} })}`;
    return made(server, 'completion/complete', isPrompt ? (place?.own ?? '') : (ref.uri ?? ''), body, true);
  }

  watch(uri: string): () => void {
    const server = this.#servers.find(({ offer }) => {
      const has =
        'subscribe' in offer || offer.catalog.resources.some(({ uriPrefix }) => uriPrefix !== undefined);
      return has && uri.startsWith(offer.uris.head);
    });
    return server ? server.watch(server.offer.uris.inward(uri)) : () => undefined;
  }

  sessionEnded(caller: Caller): void {
    for (const server of [...this.#servers, ...this.#retiring]) server.sessionEnded(caller);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#servers.map(({ settled }) => settled));
  }

  async reload(accept: (catalog: Catalog) => void): Promise<void> {
    const plan = this.#options.read();
    accept({ ...this.#catalog });
    this.#mount(plan);
    this.#onOffer();
  }

  /** Accepts the definitions of pinned servers as they are now. @returns how many tools each has, by its name. */
  async acceptChanges(only?: string): Promise<Readonly<Record<string, number>>> {
    const chosen = this.#servers.filter(({ entry }) =>
      only === undefined ? entry.pin : entry.name === only,
    );
    return Object.fromEntries(
      await Promise.all(chosen.map(async (server) => [server.entry.name, await server.accept()] as const)),
    );
  }

  health(): RunnerStatus {
    const up = this.#servers.filter(({ isUp }) => isUp).length;
    if (up === this.#servers.length) return 'ok';
    return up === 0 ? 'down' : 'degraded';
  }

  stats(): RunnerStats {
    const up = this.#servers.filter(({ isUp }) => isUp).length;
    const views = this.#servers.map((server) => [server.entry.name, server] as const);
    return {
      status: this.health(),
      callsInFlight: this.#calls.size,
      queue: {
        depth: this.#servers.reduce((sum, { depth }) => sum + depth, 0),
        limit: this.#options.queueLimit * Math.max(1, this.#servers.length),
      },
      waitMs: this.#waits.percentiles(),
      waits: this.#waits.sinceStart(),
      runMs: this.#runs.percentiles(),
      servers: Object.fromEntries(views.map(([name, server]) => [name, server.figures()])),
      own: {
        summary: { upstreams: { mounted: this.#servers.length, up } },
        details: { upstreams: Object.fromEntries(views.map(([name, server]) => [name, server.view()])) },
      },
    };
  }

  async close(graceMs = 4000): Promise<void> {
    this.#isClosed = true;
    this.#endWatch();
    for (const call of [...this.#calls]) call.cancel('unavailable', 'the gateway is shutting down');
    const stepMs = Math.max(100, Math.min(2000, graceMs / 2));
    await Promise.all([...this.#servers, ...this.#retiring].map((server) => server.close(stepMs)));
  }
}
