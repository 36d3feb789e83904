/**
 * What `journeys_tool` needs of whatever keeps its journeys: a SQLite file (journey-store.ts) or PostgreSQL
 * (postgres-journeys.ts). The two behave alike; the same tests run over both.
 *
 * R1. A write that was answered is durable; a write that was not answered happened wholly or not at all.
 * R2. A damaged row harms nothing but itself: lists leave it out, and the log tells of it.
 */
import { CHANGEABLE, type Journey, type JourneyChanges, type JourneyFields } from './journey.ts';
import type { ListedJourney, ListFilter, Position } from './journey-list.ts';

export interface JourneyStats {
  readonly total: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byTag: Readonly<Record<string, number>>;
}

export interface JourneyRecords {
  /** @throws {ToolError} `not_found`; `unavailable` for one whose row is damaged. */
  get(id: string): Promise<Journey>;
  create(fields: JourneyFields): Promise<Journey>;
  /** @throws {ToolError} `not_found`; `conflict` when the version is not `expectedVersion`. */
  update(id: string, changes: JourneyChanges, expectedVersion?: number): Promise<Journey>;
  /** @throws {ToolError} `not_found` */
  delete(id: string): Promise<void>;
  /** Creates all or none. `onBatch` hears how many are written, and stops everything by throwing. */
  import(journeys: readonly JourneyFields[], onBatch: (written: number) => void): Promise<void>;
  /** The journeys that fit, in order, page by page, each read when it is asked for; at most `most`, after `after`. */
  pages(
    filter: ListFilter,
    after?: Position | null,
    most?: number,
  ): AsyncGenerator<readonly ListedJourney[], void, void>;
  stats(): Promise<JourneyStats>;
  /** False when it was deleted, or another put in its place: what is written here is then lost. */
  isInPlace(): boolean;
  close(): unknown;
}

/** Only what may change: callers may pass all of a tool's input. */
export function changedOf(changes: JourneyChanges): Partial<JourneyFields> {
  const given = CHANGEABLE.filter((name) => changes[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, changes[name]]));
}

const MOST_TOLD = 100;

/** Tells the log of damaged rows, once a row. */
export class DamageLog {
  readonly #place: string;
  readonly #told = new Set<string>();

  constructor(place: string) {
    this.#place = place;
  }

  tell(page: readonly ListedJourney[]): void {
    for (const { id, journey } of page) {
      if (journey || this.#told.has(id)) continue;
      if (this.#told.size < MOST_TOLD) this.#told.add(id);
      else return;
      console.warn(
        `journey ${id.slice(0, 100)} is damaged in ${this.#place} and left out of lists; delete it`,
      );
    }
  }
}
