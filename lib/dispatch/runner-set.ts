/**
 * All runners of a gateway, as the dispatcher sees them: one catalog, one health, one close.
 *
 * S1. A new catalog that cannot be merged changes nothing: a reload is refused before the runner swaps anything, and
 *     one that comes unasked is left out until it fits; calls go where they went.
 * S2. One runner that is down makes the gateway `degraded`, not `down`: what the others have is served.
 * S3. A dormant runner is not there, for as long as it is that.
 */
import type { Caller } from '../call/caller.ts';
import type { CallKind, Catalog } from '../call/catalog.ts';
import { ToolError } from '../call/tool-error.ts';
import type { Runner, RunnerStats, RunnerStatus } from '../runners/runner.ts';
import { MergedCatalog, type ToolRoute } from './merged-catalog.ts';
import type { Observers } from './observers.ts';

export class RunnerSet {
  readonly #runners: readonly Runner[];
  readonly #first: Runner;
  readonly #observers: Observers;
  /** Losses that the log has. */
  readonly #told = new Set<string>();
  #merged: MergedCatalog;

  /**
   * @param runners the first of them answers what nobody has, as only a runner words that.
   * @throws {ToolError} `unavailable` when there is none, or two have the same name or offer the same.
   */
  constructor(runners: readonly Runner[], observers: Observers) {
    const [first] = runners;
    if (!first) throw new ToolError('unavailable', 'a gateway needs a runner');
    const names = runners.map(({ name }) => name);
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined)
      throw new ToolError('unavailable', `two runners are named "${twice}"; rename one`);
    this.#runners = runners;
    this.#first = first;
    this.#observers = observers;
    this.#merged = this.#merge();
    const passOn = observers.forRunner();
    for (const runner of runners) runner.listen({ ...passOn, catalogChanged: () => this.#onCatalog(runner) });
  }

  get catalog(): Catalog {
    return this.#merged.catalog;
  }

  /** Why a runner does not know yet what it has. */
  get catalogTrouble(): ToolError | undefined {
    for (const { catalogTrouble } of this.#runners) if (catalogTrouble) return catalogTrouble;
    return undefined;
  }

  tool(name: string): ToolRoute | undefined {
    return this.#merged.tool(name);
  }

  /** Who answers a call; for a tool, `tool` finds that too. */
  ownerOf(kind: CallKind, name: string, args: unknown): Runner {
    return this.#merged.ownerOf(kind, name, args) ?? this.#first;
  }

  get #awake(): readonly Runner[] {
    return this.#runners.filter(({ isDormant }) => isDormant !== true);
  }

  /** @param changed a runner, and the catalog that it is going to have. */
  #merge(changed?: { readonly runner: Runner; readonly catalog: Catalog }): MergedCatalog {
    const merged = new MergedCatalog(
      this.#runners
        .filter((runner) => runner === changed?.runner || runner.isDormant !== true)
        .map((runner) => (runner === changed?.runner ? changed : { runner, catalog: runner.catalog })),
    );
    for (const message of merged.losses) {
      if (this.#told.has(message)) continue;
      this.#told.add(message);
      this.#observers.tell('log', { callId: null, tool: null, level: 'error', message });
    }
    return merged;
  }

  #onCatalog({ name }: Runner): void {
    try {
      this.#merged = this.#merge();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `the new catalog of the runner "${name}" is left out, the one before it stays: ${reason}`;
      this.#observers.tell('log', { callId: null, tool: null, level: 'error', message });
      return;
    }
    this.#observers.tell('catalogChanged', this.#merged.catalog);
  }

  /**
   * Lets every runner that can load its tools anew, one after the other; one that cannot does not keep the others
   * from it.
   * @throws {ToolError} why the first that failed did; that one goes on as before.
   */
  async reload(): Promise<void> {
    const failures: unknown[] = [];
    for (const runner of this.#runners) {
      const accept = (catalog: Catalog) => void this.#merge({ runner, catalog });
      await runner.reload?.(accept).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Settles when every runner knows what it has. */
  async settled(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.settled?.()));
  }

  async acceptChanges(of?: string): Promise<Readonly<Record<string, number>>> {
    const all = await Promise.all(this.#runners.map((runner) => runner.acceptChanges?.(of)));
    return Object.assign({}, ...all);
  }

  /** Watches a resource, wherever it is. @returns what ends that. */
  watch(uri: string): () => void {
    const ends = this.#runners.map((runner) => runner.watch?.(uri));
    return () => {
      for (const end of ends) end?.();
    };
  }

  sessionEnded(caller: Caller): void {
    for (const runner of this.#runners) runner.sessionEnded?.(caller);
  }

  health(): RunnerStatus {
    const all = this.#awake.map((runner) => runner.health());
    if (all.every((status) => status === 'ok')) return 'ok';
    return all.every((status) => status === 'down') ? 'down' : 'degraded';
  }

  /** By name, in the order of the runners. */
  stats(): ReadonlyMap<string, RunnerStats> {
    return new Map(this.#awake.map((runner) => [runner.name, runner.stats()]));
  }

  /**
   * @param graceMs as each runner takes it.
   * @throws what the first runner that could not be closed threw; the others are closed all the same.
   */
  async close(graceMs?: number): Promise<void> {
    const closed = await Promise.allSettled(this.#runners.map((runner) => runner.close(graceMs)));
    for (const one of closed) if (one.status === 'rejected') throw one.reason;
  }
}
