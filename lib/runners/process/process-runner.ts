/**
 * Runs calls in child processes. Implements Runner.
 *
 * R1. It is a pool like that of the threads (queue, choice, ladder, liveness), whose threads are processes.
 * R2. It has all tools, which its first child describes, or those that another runner leaves to it. While it has none it
 *     is dormant: nothing runs and nothing waits.
 * R3. Where children end as soon as they start, a call is told so at once.
 */
import { GuardedList } from '../../async/guarded-list.ts';
import type { Catalog } from '../../call/catalog.ts';
import type { RunningCall } from '../../call/running-call.ts';
import type { AdmittedCall, Proposal, Runner, RunnerListener, RunnerStatus } from '../runner.ts';
import { type PoolOptions, WorkerPool } from '../threads/worker-pool.ts';
import { ChildProcesses } from './child-processes.ts';
import { childSettings } from './child-settings.ts';
import { type ProcessPoolStats, processStats } from './process-stats.ts';

const NOTHING: Catalog = { tools: [], resources: [], prompts: [] };
const HOOKS = ['log', 'notice', 'catalogChanged', 'reloadWanted', 'unit', 'defect'] as const;

export class ProcessRunner implements Runner {
  readonly name = 'process';
  /** Absent where another runner loads the modules: it proposes what has changed. */
  readonly reload?: (accept: (catalog: Catalog) => void) => Promise<void>;
  readonly #options: PoolOptions;
  readonly #listeners: GuardedList<RunnerListener>;
  #pool: WorkerPool | null = null;
  #children: ChildProcesses | null = null;
  /** What was proposed; null where the children are to say what there is. */
  #proposed: Catalog | null;
  #isClosed = false;

  private constructor(options: PoolOptions, proposed: Catalog | null) {
    this.#options = {
      ...options,
      name: this.name,
      unit: 'process',
      threads: (_options, host) => {
        const children = new ChildProcesses(childSettings(options), host);
        // The first are the pool's own; the others load the modules on trial.
        this.#children ??= children;
        return children;
      },
    };
    this.#listeners = new GuardedList(HOOKS, (hook, error) => {
      if (hook !== 'defect')
        this.#listeners.tell('defect', { during: `a listener of "${hook}"`, error, callId: null });
    });
    this.#proposed = proposed;
    if (proposed === null) this.reload = async (accept) => this.#pool?.reload(accept);
  }

  /**
   * One with all tools; a child has loaded them.
   * @throws {ToolError} `unavailable` when they cannot be loaded.
   */
  static async ofAll(options: PoolOptions): Promise<ProcessRunner> {
    const runner = new ProcessRunner(options, null);
    runner.#adopt(await WorkerPool.start(runner.#options));
    return runner;
  }

  /** One without tools, to which some may be proposed. */
  static ofSome(options: PoolOptions): ProcessRunner {
    return new ProcessRunner(options, NOTHING);
  }

  get catalog(): Catalog {
    return this.#proposed ?? this.#pool?.catalog ?? NOTHING;
  }

  get isDormant(): boolean {
    const { tools, resources, prompts } = this.catalog;
    if (tools.length + resources.length + prompts.length > 0) return false;
    return this.#pool === null || this.#pool.stats().callsInFlight === 0;
  }

  #adopt(pool: WorkerPool): WorkerPool {
    this.#pool = pool;
    const passOn = HOOKS.map((hook) => [hook, (event: never) => this.#listeners.tell(hook, event)]);
    pool.listen(Object.fromEntries(passOn) as RunnerListener);
    return pool;
  }

  listen(listener: RunnerListener): () => void {
    return this.#listeners.add(listener);
  }

  /** What another runner has loaded and leaves to this one. */
  propose(catalog: Catalog): Proposal {
    const before = this.#proposed;
    this.#proposed = catalog;
    return {
      accept: () => this.#accept(catalog),
      withdraw: () => {
        this.#proposed = before;
      },
    };
  }

  #accept(catalog: Catalog): void {
    if (this.#pool) return this.#pool.swap(catalog);
    if (this.isDormant || this.#isClosed) return;
    this.#awake();
    this.#listeners.tell('catalogChanged', catalog);
  }

  call(request: AdmittedCall): RunningCall {
    return this.#awake().call(request);
  }

  /** The pool, which costs a timer while it has no children. */
  #awake(): WorkerPool {
    return this.#pool ?? this.#adopt(WorkerPool.over(this.#options, this.catalog));
  }

  /** Why no call can be run; null where one can. */
  get #trouble(): string | null {
    return this.#children?.trouble ?? null;
  }

  health(): RunnerStatus {
    if (this.#trouble !== null) return 'down';
    return this.#pool?.health() ?? 'ok';
  }

  stats(): ProcessPoolStats {
    return processStats(this.#awake().stats(), this.#children, this.health());
  }

  async close(graceMs?: number): Promise<void> {
    this.#isClosed = true;
    await this.#pool?.close(graceMs);
  }
}
