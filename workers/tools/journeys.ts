/**
 * `journeys_tool`: lists, creates, reads, updates, deletes and imports journeys; the gateway's own example of a tool
 * that waits for a disk and streams a list of any length.
 *
 * T1. A list is read while the client reads it: the thread holds one page of it.
 * T2. What an action needs beyond the advertised schema is checked here (NEEDS), as `invalid_arguments`.
 */
import { ToolError } from '../../lib/call/tool-error.ts';
import { defineTool, type ToolContext } from '../../lib/tool/define-tool.ts';
import { CHANGEABLE, Journey, JourneysInput, NEEDS, parseJourneyFields } from './journey.ts';
import { decodeCursor, encodeCursor } from './journey-list.ts';
import type { JourneyRecords } from './journey-records.ts';
import { journeyUri } from './journey-resources.ts';
import { threadStore } from './thread-store.ts';

/** The tool on a store of its own: `open` is asked at every call. */
export const journeysToolOn = (open: () => Promise<JourneyRecords>) =>
  defineTool({
    name: 'journeys_tool',
    title: 'Journeys',
    description:
      'Lists, creates, reads, updates, deletes and imports journeys: named plans with a status, tags and steps. Actions: list (streams, filters by status, tag and words), get, create, update, delete, import, stats.',
    input: JourneysInput,
    chunk: Journey,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    isolation: 'shared',
    async run(input, context) {
      checkNeeds(input);
      if (input.action === 'list') context.progress(1, 3, 'Loading data...');
      const store = await open();
      return input.action === 'list' ? list(store, input, context) : answer(store, input, context);
    },
  });

export const journeysTool = journeysToolOn(threadStore);

async function* list(store: JourneyRecords, input: JourneysInput, context: ToolContext) {
  const { status, tag, query, sort = 'createdAt', limit = Number.MAX_SAFE_INTEGER, cursor } = input;
  let last = cursor === undefined ? null : decodeCursor(cursor, sort);
  let count = 0;
  let damaged = 0;
  // One more than wanted tells whether there is a next page.
  for await (const page of store.pages({ status, tag, query, sort }, last, limit + 1)) {
    for (const { journey, position } of page) {
      if (!journey) {
        context.meta['damaged'] = ++damaged;
        last = position;
        continue;
      }
      if (count === limit && last) {
        context.meta['nextCursor'] = encodeCursor(sort, last);
        break;
      }
      yield journey;
      last = position;
      count++;
    }
  }
  const told = damaged === 0 ? '' : `, ${damaged} damaged and left out`;
  context.progress(3, 3, `${count === 1 ? '1 journey' : `${count} journeys`}${told}`);
}

async function answer(store: JourneyRecords, input: JourneysInput, context: ToolContext): Promise<unknown> {
  const { id = '', journeys = [] } = input;
  switch (input.action) {
    case 'get':
      return store.get(id);
    case 'create': {
      const journey = await store.create(parseJourneyFields(input));
      context.resourcesChanged();
      return journey;
    }
    case 'update': {
      const journey = await store.update(id, input, input.expectedVersion);
      context.resourceUpdated(journeyUri(id));
      return journey;
    }
    case 'delete':
      await store.delete(id);
      context.resourceUpdated(journeyUri(id));
      context.resourcesChanged();
      return { id, deleted: true };
    case 'import':
      await store.import(journeys, (written) => {
        context.progress(written, journeys.length, `${written} of ${journeys.length} journeys`);
        context.signal.throwIfAborted();
      });
      if (journeys.length > 0) context.resourcesChanged();
      return { imported: journeys.length };
    default:
      return store.stats();
  }
}

function checkNeeds(input: JourneysInput): void {
  const missing = NEEDS[input.action].filter((name) => input[name] === undefined);
  const issues = missing.map((path) => ({
    path: String(path),
    message: `action "${input.action}" needs ${path}`,
    code: 'required',
  }));
  if (input.action === 'update' && CHANGEABLE.every((name) => input[name] === undefined)) {
    issues.push({
      path: '',
      message: `action "update" needs at least one of ${CHANGEABLE.join(', ')}`,
      code: 'required',
    });
  }
  if (issues.length === 0) return;
  throw new ToolError('invalid_arguments', issues.map(({ message }) => message).join('; '), {
    details: { issues },
  });
}
