/**
 * The runners of a host in a fleet as one: what they have together, and who of them runs what. Their records go to the
 * host's log.
 */
import type { Catalog } from '../call/catalog.ts';
import type { AdmittedCall, Runner, RunnerListener, ToolNotice } from '../runners/runner.ts';
import { Observers } from './observers.ts';
import { RunnerSet } from './runner-set.ts';

export class HostedRunnerSet {
  readonly #observers = new Observers();
  readonly #set: RunnerSet;

  /** @throws {ToolError} `unavailable` when two offer the same. */
  constructor(runners: readonly Runner[], listener: RunnerListener) {
    this.#set = new RunnerSet(runners, this.#observers);
    this.#observers.add(listener);
  }

  catalog(): Catalog {
    return this.#set.catalog;
  }

  owner({ kind = 'tool', name, arguments: args }: AdmittedCall): Runner | undefined {
    return kind === 'tool' ? this.#set.tool(name)?.runner : this.#set.ownerOf(kind, name, args);
  }

  onNotice(listener: (notice: ToolNotice) => void): void {
    this.#observers.add({ notice: listener });
  }

  onCatalog(listener: () => void): void {
    this.#observers.add({ catalogChanged: listener });
  }
}
