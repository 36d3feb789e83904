/**
 * `journeys_tool` on a store of its own, called without a gateway.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ToolError } from '../../lib/call/tool-error.ts';
import type { ToolDefinition } from '../../lib/tool/define-tool.ts';
import type { Journey } from '../../workers/tools/journey.ts';
import type { JourneyRecords } from '../../workers/tools/journey-records.ts';
import { JourneyStore } from '../../workers/tools/journey-store.ts';
import { journeysToolOn } from '../../workers/tools/journeys.ts';
import { PostgresJourneys } from '../../workers/tools/postgres-journeys.ts';
import { openDatabase } from '../../workers/tools/sqlite.ts';
import { callDirectly, type DirectCall } from './direct-call.ts';
import type { PostgresServer } from './postgres-server.ts';
import { refusalOf } from './refusal.ts';

export interface Issue {
  readonly path: string;
  readonly message: string;
  readonly code: string;
}

export class DirectJourneys {
  readonly tool: ToolDefinition;
  readonly #store: JourneyRecords;
  /** Runs a statement behind the store's back. */
  readonly #execute: (sql: string) => Promise<unknown>;
  readonly #remove: () => void;

  private constructor(
    store: JourneyRecords,
    behind: { readonly execute: (sql: string) => Promise<unknown>; readonly remove: () => void },
  ) {
    this.#store = store;
    this.#execute = behind.execute;
    this.#remove = behind.remove;
    this.tool = journeysToolOn(async () => store) as unknown as ToolDefinition;
  }

  static async open(): Promise<DirectJourneys> {
    const dataDir = mkdtempSync(join(tmpdir(), 'journeys-'));
    return new DirectJourneys(await JourneyStore.open(dataDir), {
      async execute(sql) {
        const database = await openDatabase(join(dataDir, 'journeys.db'));
        database.exec(sql);
        database.close();
      },
      remove: () => rmSync(dataDir, { recursive: true, force: true }),
    });
  }

  /** On a database that is emptied first. */
  static async openOn(server: PostgresServer): Promise<DirectJourneys> {
    await server.empty();
    return new DirectJourneys(await PostgresJourneys.open(server.url), {
      execute: (sql) => server.query(sql),
      remove: () => undefined,
    });
  }

  /** Writes what no release would into the row of a journey. */
  async damage(name: string, change: string): Promise<void> {
    await this.#execute(`UPDATE journeys SET ${change} WHERE name = '${name}'`);
  }

  async close(): Promise<void> {
    await this.#store.close();
    this.#remove();
  }

  call(input: object): Promise<DirectCall> {
    return callDirectly(this.tool, input);
  }

  async create(input: object): Promise<Journey> {
    return (await this.call({ action: 'create', ...input })).result as Journey;
  }

  /** The names of a list. */
  async names(input: object): Promise<string[]> {
    const { chunks } = await this.call({ action: 'list', ...input });
    return chunks.map((chunk) => (chunk as Journey).name);
  }

  refusal(input: object): Promise<ToolError> {
    return refusalOf(this.call(input));
  }

  /** What is wrong with the arguments. */
  async issues(input: object): Promise<readonly Issue[]> {
    const error = await this.refusal(input);
    expect(error.code).to.equal('invalid_arguments');
    return (error.details as { issues: readonly Issue[] }).issues;
  }
}
