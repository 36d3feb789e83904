/**
 * What a journey is, and what the arguments of `journeys_tool` may look like.
 *
 * J1. The advertised input is one flat object: MCP clients and model vendors refuse a top-level oneOf. Which
 *     fields an action needs is `NEEDS`, checked by the tool.
 * J2. Every text is well-formed Unicode without NUL: SQLite's C strings end at a NUL, and UTF-8 cannot carry a
 *     lone surrogate, so such a text would come back changed.
 * J3. Lengths count characters (code points), as JSON Schema does, not UTF-16 units.
 */
import { z } from 'zod';

const STATUSES = ['draft', 'active', 'paused', 'completed', 'archived'] as const;
const ACTIONS = ['list', 'get', 'create', 'update', 'delete', 'import', 'stats'] as const;
export const SORTS = ['createdAt', '-createdAt', 'updatedAt', '-updatedAt', 'name', '-name'] as const;

export type Action = (typeof ACTIONS)[number];
export type Sort = (typeof SORTS)[number];

/** A well-formed text; `most` and `least` count characters. */
function text(least = 0, most = Number.POSITIVE_INFINITY) {
  const lengths = { ...(least > 0 ? { minLength: least } : {}), ...(most < 1e9 ? { maxLength: most } : {}) };
  return z
    .string()
    .superRefine((value, context) => {
      const refuse = (message: string) => context.addIssue({ code: 'custom', message, input: value });
      if (value.includes('\0')) refuse('must not contain a NUL character');
      if (/\p{Surrogate}/u.test(value)) refuse('must be well-formed Unicode, and has a lone surrogate');
      if (value.length < least) refuse(`must have at least ${least} character${least === 1 ? '' : 's'}`);
      if (value.length > most && [...value].length > most) refuse(`must have at most ${most} characters`);
    })
    .meta(lengths);
}

const Step = z.object({
  name: text(1, 200),
  description: text().optional(),
  done: z.boolean().default(false),
});

const fields = {
  name: text(1, 200).describe('Name of the journey.'),
  description: text().describe('Free text.'),
  status: z.enum(STATUSES).describe('State of the journey. In a list: only journeys in that state.'),
  tags: z.array(text(1)).describe('Labels, each once.'),
  steps: z.array(Step).describe('What there is to do, in order.'),
};

/** What a caller gives for a new journey. */
const JourneyFields = z.object({
  ...fields,
  description: fields.description.default(''),
  status: fields.status.default('draft'),
  tags: fields.tags.default([]),
  steps: fields.steps.default([]),
});

export type JourneyFields = z.output<typeof JourneyFields>;
export const parseJourneyFields = (input: unknown): JourneyFields => JourneyFields.parse(input);

/** A journey as clients see it. */
export const Journey = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  status: z.enum(STATUSES),
  tags: z.array(z.string()),
  steps: z.array(z.object({ name: z.string(), description: z.string().optional(), done: z.boolean() })),
  version: z.int(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

export type Journey = z.output<typeof Journey>;

type Unchecked = Readonly<Record<'status' | 'tags' | 'steps' | 'version', unknown>>;

/** Whether what the file has in place of those is what the schema says; at a fraction of its cost a row. */
export function isSound({ status, tags, steps, version }: Unchecked): boolean {
  return (
    (STATUSES as readonly unknown[]).includes(status) &&
    Number.isSafeInteger(version) &&
    Array.isArray(tags) &&
    tags.every((tag) => typeof tag === 'string') &&
    Array.isArray(steps) &&
    steps.every(isStep)
  );
}

function isStep(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, description, done } = value as Record<string, unknown>;
  const isDescribed = description === undefined || typeof description === 'string';
  return typeof name === 'string' && typeof done === 'boolean' && isDescribed;
}

export const JourneysInput = z.object({
  action: z.enum(ACTIONS).describe('What to do.'),
  id: z.string().optional().describe('get, update, delete: which journey.'),
  name: fields.name.optional(),
  description: fields.description.optional(),
  status: fields.status.optional(),
  tags: fields.tags.optional(),
  steps: fields.steps.optional(),
  expectedVersion: z
    .int()
    .min(1)
    .optional()
    .describe('update: refuse with a conflict unless the journey still has this version.'),
  tag: text(1).optional().describe('list: only journeys with this tag.'),
  // Long enough for any search, and too short for one that keeps the thread busy.
  query: text(0, 1000)
    .optional()
    .describe('list: only journeys whose name, description and tags contain words that begin like these.'),
  sort: z.enum(SORTS).optional().describe('list: order; "-" for descending. Default createdAt.'),
  limit: z.int().min(1).optional().describe('list: at most so many; meta.nextCursor leads to the rest.'),
  cursor: z.string().optional().describe('list: meta.nextCursor of the page before.'),
  journeys: z.array(JourneyFields).optional().describe('import: the journeys to create, all or none.'),
});

export type JourneysInput = z.output<typeof JourneysInput>;

/** Which arguments an action cannot do without. */
export const NEEDS: Readonly<Record<Action, readonly (keyof JourneysInput)[]>> = {
  list: [],
  get: ['id'],
  create: ['name'],
  update: ['id'],
  delete: ['id'],
  import: ['journeys'],
  stats: [],
};

/** The fields that `update` can change. */
export const CHANGEABLE = ['name', 'description', 'status', 'tags', 'steps'] as const;
export type JourneyChanges = { readonly [K in (typeof CHANGEABLE)[number]]?: JourneyFields[K] | undefined };
