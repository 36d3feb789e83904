/**
 * What a zod schema has that JSON has no word for (Date, BigInt, Set, Map), in the one form that JSON can give it: told
 * in the advertised schema, and taken by the check.
 *
 * Z1. A schema is its author's: where he uses it himself it parses as ever. What JSON gives is taken only where the
 *     parse is ours, which `FROM_JSON` in its context says.
 * Z2. What no JSON can pass is refused when the tool loads, with what to write; as one alternative of several it is told
 *     as `not: {}`.
 */
import type { z } from 'zod';

/** In the context of a parse of ours (Z1). */
export const FROM_JSON = Symbol('from JSON');

/** Whether the schema says what goes in, or what comes out. */
export type Direction = 'input' | 'output';

type Json = Record<string, unknown>;
type Payload = { value: unknown };
type Context = { readonly [FROM_JSON]?: boolean };
type Place = { readonly path: readonly unknown[] };
type WriteNode = (node: ZodNode, context: unknown, params: Place) => unknown;

/** A schema of any copy of zod 4, as far as this reads and changes it. */
interface ZodNode {
  readonly _zod: {
    readonly def: Readonly<Record<string, unknown>> & { readonly type: string };
    readonly bag?: { readonly Class?: unknown };
    readonly innerType?: ZodNode;
    run(payload: Payload, context: Context): unknown;
    processJSONSchema?: (context: never, json: Json, params: never) => void;
  };
}

const isNode = (value: unknown): value is ZodNode =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && '_zod' in value;

/** Writes the schema of a part; `path` is where it goes. */
type WritePart = (schema: unknown, ...path: string[]) => unknown;

/** What a kind of schema is in JSON. */
interface JsonForm {
  /** A value of the JSON form as the schema wants it; any other value as it is. Absent: as it is. */
  readonly take?: (value: unknown, node: ZodNode) => unknown;
  /** The schema of the JSON form. */
  readonly write: (node: ZodNode, child: WritePart, direction: Direction) => Json;
  /** Whether values that come out have to be written in the form too. */
  readonly isForeign?: boolean;
}

const DATE_TIME =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/;
const INTEGER = /^-?\d{1,1000}$/;

function toBigInt(value: unknown): unknown {
  const isWhole = typeof value === 'string' ? INTEGER.test(value) : Number.isSafeInteger(value);
  return isWhole ? BigInt(value as string | number) : value;
}

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);

const isCoerced = ({ _zod: { def } }: ZodNode): boolean => def['coerce'] === true;

const literals = ({ _zod: { def } }: ZodNode): readonly unknown[] => def['values'] as readonly unknown[];

const isDateTime = (text: string): boolean => {
  const [, year, month, day] = DATE_TIME.exec(text) ?? [];
  return day !== undefined && Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
};

const NOTHING: JsonForm = { write: () => ({ not: {} }) };
/** Absent where that can be; what comes out is null elsewhere. */
const ABSENT: JsonForm = {
  write: (_node, _child, direction) => (direction === 'input' ? { not: {} } : { type: 'null' }),
};
/** What comes out is whatever the instance says. */
const INSTANCE: JsonForm = {
  write: (_node, _child, direction) => (direction === 'input' ? { not: {} } : {}),
};

const FORMS: Readonly<Record<string, JsonForm>> = {
  date: {
    take: (value, node) =>
      typeof value === 'string' && !isCoerced(node) && isDateTime(value) ? new Date(value) : value,
    write: () => ({ type: 'string', format: 'date-time' }),
  },
  bigint: {
    take: (value, node) => (isCoerced(node) ? value : toBigInt(value)),
    write: () => ({ type: ['integer', 'string'], pattern: '^-?\\d+$' }),
    isForeign: true,
  },
  set: {
    take: (value) => (Array.isArray(value) ? new Set(value) : value),
    write: ({ _zod: { def } }, child) => ({
      type: 'array',
      items: child(def['valueType'], 'items'),
      uniqueItems: true,
    }),
    isForeign: true,
  },
  map: {
    take: (value) => (isRecord(value) ? new Map(Object.entries(value)) : value),
    write: ({ _zod: { def } }, child) => ({
      type: 'object',
      propertyNames: child(def['keyType'], 'propertyNames'),
      additionalProperties: child(def['valueType'], 'additionalProperties'),
    }),
    isForeign: true,
  },
  literal: {
    take: (value, node) => {
      const whole = toBigInt(value);
      return !literals(node).includes(value) && literals(node).includes(whole) ? whole : value;
    },
    write: (node) => ({
      enum: literals(node).flatMap((value) => {
        if (typeof value !== 'bigint') return value === undefined ? [] : [value];
        const number = Number(value);
        return Number.isSafeInteger(number) ? [number, String(value)] : [String(value)];
      }),
    }),
    isForeign: true,
  },
  undefined: ABSENT,
  void: ABSENT,
  symbol: NOTHING,
  function: NOTHING,
  nan: NOTHING,
  file: NOTHING,
  custom: INSTANCE,
};

function formOf(node: ZodNode): JsonForm | undefined {
  const { def, bag } = node._zod;
  if (def.type === 'literal' && !literals(node).some((value) => typeof value === 'bigint')) return undefined;
  if (def.type === 'custom' && typeof bag?.Class !== 'function') return undefined;
  return Object.hasOwn(FORMS, def.type) ? FORMS[def.type] : undefined;
}

const HAS_TEXT_KEYS = new Set(['string', 'enum', 'template_literal']);

/** Why no JSON passes the schema, and what to write; undefined where some does. */
function refusalOf({ _zod: { def, bag } }: ZodNode, direction: Direction): string | undefined {
  switch (def.type) {
    case 'symbol':
    case 'function':
    case 'file':
      return `z.${def.type}() has no JSON form; describe what the JSON holds, and make the ${def.type} of it in run`;
    case 'nan':
      return 'z.nan() has no JSON form; write z.null(), or a number';
    case 'map': {
      const key = def['keyType'];
      const type = isNode(key) ? key._zod.def.type : '';
      const hasText =
        HAS_TEXT_KEYS.has(type) ||
        (type === 'literal' && literals(key as ZodNode).every((value) => typeof value === 'string'));
      if (hasText) return undefined;
      return 'z.map() has a JSON form, an object, only where its keys are strings; write z.array(z.tuple([key, value])), and make the Map of it in run';
    }
    case 'custom': {
      const name = typeof bag?.Class === 'function' ? bag.Class.name : undefined;
      if (name === undefined || direction === 'output') return undefined;
      return `no JSON is an instance of ${name}; describe what the JSON holds, and make the ${name} of it in run`;
    }
    default:
      return undefined;
  }
}

/** A schema that has been looked at. */
export interface Prepared {
  /** Whether JSON has no word for something in it: its parses are to be told of FROM_JSON. */
  readonly isSpecial: boolean;
  /** Whether what comes out of it is to be written in its JSON form. */
  readonly isForeign: boolean;
}

/** Below what a schema holds others, by how they are named in a sentence. */
const PARTS = ['innerType', 'left', 'right', 'catchall', 'rest', 'keyType', 'valueType'] as const;

/**
 * Makes a schema take the JSON form of what it holds, and write it.
 * @param write writes the schema of a part: zod's own.
 * @throws {TypeError} where no JSON can pass it, with the place and what to write (Z2).
 */
export function prepare(schema: z.ZodType, direction: Direction): Prepared {
  const seen = new Set<ZodNode>();
  let isSpecial = false;
  let isForeign = false;
  const visit = (node: unknown, path: string, isBinding: boolean): void => {
    if (!isNode(node) || seen.has(node)) return;
    seen.add(node);
    const { def } = node._zod;
    const form = formOf(node);
    const refusal = isBinding ? refusalOf(node, direction) : undefined;
    if (refusal !== undefined)
      throw new TypeError(path === '' ? `cannot be checked: ${refusal}` : `at "${path}": ${refusal}`);
    if (form) {
      isSpecial = true;
      isForeign ||= form.isForeign === true;
      teach(node, form);
    }
    if (def.type === 'function') return;
    for (const part of PARTS) visit(def[part], path, isBinding);
    visit(def['element'], `${path}[]`, isBinding);
    if (def.type === 'lazy') visit(node._zod.innerType, path, isBinding);
    if (def.type === 'pipe') {
      const makesIn = isNode(def['in']) && def['in']._zod.def.type === 'transform';
      const shown = direction === 'output' || makesIn ? 'out' : 'in';
      visit(def['in'], path, isBinding && shown === 'in');
      visit(def['out'], path, isBinding && shown === 'out');
    }
    // One alternative that no JSON passes does no harm.
    if (def.type === 'union') for (const option of def['options'] as unknown[]) visit(option, path, false);
    if (def.type === 'tuple')
      for (const [at, item] of (def['items'] as unknown[]).entries())
        visit(item, `${path}[${at}]`, isBinding);
    if (def.type === 'object')
      for (const [name, member] of Object.entries(def['shape'] as Json))
        visit(member, path === '' ? name : `${path}.${name}`, isBinding);
  };
  visit(schema, '', true);
  return { isSpecial, isForeign };
}

const taught = new WeakSet<ZodNode>();

/** zod's own writer of the schema of a part; known once something is to be written. */
let writeNode: WriteNode | undefined;

export function writePartsBy(write: unknown): void {
  writeNode = write as WriteNode;
}

function teach(node: ZodNode, { take, write }: JsonForm): void {
  if (taught.has(node)) return;
  taught.add(node);
  const internals = node._zod;
  internals.processJSONSchema = (context: { readonly io: Direction }, json, params: Place) => {
    const child: WritePart = (part, ...path) =>
      writeNode?.(part as ZodNode, context, { ...params, path: [...params.path, ...path] });
    Object.assign(json, write(node, child, context.io));
  };
  if (!take) return;
  const { run } = internals;
  internals.run = (payload, context) => {
    if (context[FROM_JSON] === true) payload.value = take(payload.value, node);
    return run(payload, context);
  };
}
