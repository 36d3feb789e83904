/**
 * How a list of journeys is read: page by page, each page by one short query.
 *
 * L1. No read stays open between two pages: an open one would hold up the WAL checkpoint for as long as a slow
 *     client takes, and would see nothing of what its own connection writes meanwhile.
 * L2. A page goes on after the last row of the page before (its position in the order), never by an offset.
 * L3. A page ends after some hundred rows (a search: thousands) or PAGE_CHARACTERS of text, so its memory does not
 *     depend on the journeys.
 * L4. A list ends: journeys created, or moved behind it, after its start are not in it. What else changes meanwhile
 *     may be seen as it was before or as it is after.
 * L5. A damaged row has its position and no journey: the list goes on behind it.
 */
import { ToolError } from '../../lib/call/tool-error.ts';
import { isSound, type Journey, SORTS, type Sort } from './journey.ts';
import type { Row, SqlValue } from './sqlite.ts';

const PAGE_ROWS = 200;
/** A search begins anew with every page, and one in another order than its index also finds all there is each time. */
const SEARCH_PAGE_ROWS = 1000;
const SORTED_SEARCH_PAGE_ROWS = 5000;
const PAGE_CHARACTERS = 512 * 1024;

export interface ListFilter {
  readonly status?: string | undefined;
  readonly tag?: string | undefined;
  readonly query?: string | undefined;
  readonly sort: Sort;
}

/** Where a row stands in the order: the value it is sorted by, and its number among equals. */
export interface Position {
  readonly key: string | number;
  readonly seq: number;
}

export interface ListedJourney {
  readonly id: string;
  /** Null where the row is damaged. */
  readonly journey: Journey | null;
  readonly position: Position;
}

/** Bounds of a list, taken at its start (L4). */
export interface ListStart {
  readonly lastSeq: number;
  readonly now: string;
}

/** The order of creation is `seq`: unlike the clock it never steps back. */
const SORT_COLUMN = { createdAt: 'seq', updatedAt: 'updated_at', name: 'name' } as const;

interface PageQuery {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** The query for the page after `after`. Only fixed text goes into the SQL; every value is bound. */
export function pageQuery(
  filter: ListFilter,
  start: ListStart,
  after: Position | null,
  most: number,
): PageQuery {
  const descending = filter.sort.startsWith('-');
  const column = SORT_COLUMN[filter.sort.replace('-', '') as keyof typeof SORT_COLUMN];
  const beyond = descending ? '<' : '>';
  const direction = descending ? 'DESC' : 'ASC';
  const conditions = ['seq <= ?'];
  const values: SqlValue[] = [start.lastSeq];
  const where = (condition: string, ...bound: SqlValue[]) => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (filter.status !== undefined) where('status = ?', filter.status);
  if (filter.tag !== undefined) {
    where('EXISTS (SELECT 1 FROM journey_tags t WHERE t.tag = ? AND t.seq = journeys.seq)', filter.tag);
  }
  if (after && column === 'seq') where(`seq ${beyond} ?`, after.seq);
  else if (after) where(`(${column}, seq) ${beyond} (?, ?)`, after.key, after.seq);
  if (column === 'updated_at' && !descending) where('updated_at <= ?', start.now);

  let from = 'journeys';
  const words = searchWords(filter.query);
  if (words !== null && column === 'seq') {
    // The index walks in the order of rowid, so a page costs what it shows, however many match.
    from = 'journey_search CROSS JOIN journeys ON journeys.seq = journey_search.rowid';
    where('journey_search MATCH ?', words);
    if (after) where(`journey_search.rowid ${beyond} ?`, after.seq);
  } else if (words !== null) {
    where('seq IN (SELECT rowid FROM journey_search WHERE journey_search MATCH ?)', words);
  }
  const order =
    column === 'seq'
      ? `${words === null ? 'seq' : 'journey_search.rowid'} ${direction}`
      : `${column} ${direction}, seq ${direction}`;
  return {
    sql: `SELECT journeys.* FROM ${from} WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ?`,
    values: [...values, Math.min(most, pageRows(words !== null, column === 'seq'))],
  };
}

function pageRows(searches: boolean, inOrderOfIndex: boolean): number {
  if (!searches) return PAGE_ROWS;
  return inOrderOfIndex ? SEARCH_PAGE_ROWS : SORTED_SEARCH_PAGE_ROWS;
}

/** What a row may be long by. */
const LONG_COLUMNS = ['description', 'tags', 'steps'] as const;

/** Reads rows until the page is full (L3). */
export function readPage(rows: Iterable<unknown>, sort: Sort): ListedJourney[] {
  const page: ListedJourney[] = [];
  let characters = 0;
  for (const row of rows as Iterable<Row>) {
    const position = { key: sortKey(row, sort), seq: Number(row['seq']) };
    page.push({ id: String(row['id']), journey: toJourney(row), position });
    for (const column of LONG_COLUMNS) characters += String(row[column]).length;
    if (characters >= PAGE_CHARACTERS) break;
  }
  return page;
}

function sortKey(row: Row, sort: Sort): string | number {
  if (sort.endsWith('name')) return String(row['name']);
  return sort.endsWith('updatedAt') ? String(row['updated_at']) : Number(row['seq']);
}

/**
 * User text as an FTS5 query: every word quoted, so that nothing in it is syntax, all of them needed, each the
 * beginning of a word. Null when there is no word.
 */
function searchWords(query: string | undefined): string | null {
  const words = new Set(query?.split(/\s+/u));
  words.delete('');
  if (words.size === 0) return null;
  return [...words].map((word) => `"${word.replaceAll('"', '""')}"*`).join(' AND ');
}

/** The journey of a row; null where the row is damaged. */
function toJourney(row: Row): Journey | null {
  const journey = {
    id: String(row['id']),
    name: String(row['name']),
    description: String(row['description']),
    status: row['status'] as Journey['status'],
    tags: parsed(row['tags']),
    steps: parsed(row['steps']),
    version: Number(row['version']),
    createdAt: String(row['created_at']),
    updatedAt: String(row['updated_at']),
  };
  return isSound(journey) ? (journey as Journey) : null;
}

/** The same. @throws {ToolError} `unavailable` when the row is damaged. */
export function soundJourney(row: Row): Journey {
  const journey = toJourney(row);
  if (journey) return journey;
  const text = `journey ${row['id']} is damaged in the file of the journeys; delete it, or restore the file`;
  throw new ToolError('unavailable', text, { retryable: false });
}

/** Undefined for what is no JSON. */
function parsed(column: SqlValue | undefined): unknown {
  try {
    return JSON.parse(String(column));
  } catch {
    return undefined;
  }
}

/** A position as a client carries it to the next page: opaque to it, and tied to its sort. */
export function encodeCursor(sort: Sort, { key, seq }: Position): string {
  return Buffer.from(JSON.stringify([SORTS.indexOf(sort), key, seq])).toString('base64url');
}

/** @throws {ToolError} `invalid_arguments` for anything that `encodeCursor` did not make for this sort. */
export function decodeCursor(cursor: string, sort: Sort): Position {
  const [order, key, seq] = parseCursor(cursor);
  if (SORTS[order as number] === undefined || !Number.isSafeInteger(seq)) {
    throw badCursor('is not a cursor of this tool: pass meta.nextCursor of the page before');
  }
  if (SORTS[order as number] !== sort)
    throw badCursor(`belongs to a list with sort "${SORTS[order as number]}"`);
  if (typeof key !== (sort.endsWith('createdAt') ? 'number' : 'string')) throw badCursor('is damaged');
  return { key: key as string | number, seq: seq as number };
}

function parseCursor(cursor: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

function badCursor(problem: string): ToolError {
  return new ToolError('invalid_arguments', `cursor ${problem}`, {
    details: { issues: [{ path: 'cursor', message: problem, code: 'custom' }] },
  });
}
