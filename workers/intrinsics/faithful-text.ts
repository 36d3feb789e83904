/**
 * Keeps what one caller's call does to built-ins out of the JSON of another's: a value whose own properties are right
 * still makes a wrong text where a `toJSON` has come to a prototype.
 *
 * F1. Guarded once a thread has had several callers (`guardText`); until then a tool may have what it makes of itself.
 * F2. What differs from when the tool modules had loaded is put back, and told; where it cannot be, there is no text.
 */
import { ToolError } from '../../lib/call/tool-error.ts';
import { defineProperty, deleteProperty, getOwnPropertyDescriptor, setPrototypeOf } from './captured.ts';

const { prototype: objects } = Object;
const { prototype: arrays } = Array;
const { prototype: dates } = Date;
const { prototype: bigints } = BigInt;
const { prototype: maps } = Map;
const { prototype: sets } = Set;
const { prototype: errors } = Error;
const { prototype: strings } = String;
const { prototype: numbers } = Number;
const { prototype: booleans } = Boolean;
const { prototype: buffers } = Buffer;
const typedArrays = Object.getPrototypeOf(Uint8Array.prototype) as object;
const { prototype: dataViews } = DataView;
const { prototype: arrayBuffers } = ArrayBuffer;

type Writer = { readonly toJSON?: unknown };

/** What is there when the tool modules have loaded. */
let dateToJson: unknown;
let toISOString: unknown;
let bufferToJson: unknown;
let typedToJson: unknown;

/** What JSON asks, the name of whose it is, and of Date also what its own `toJSON` calls. */
const ASKED: readonly (readonly [name: string, owner: object, key: string])[] = [
  ['Object', objects, 'toJSON'],
  ['Array', arrays, 'toJSON'],
  ['Date', dates, 'toJSON'],
  ['Date', dates, 'toISOString'],
  ['BigInt', bigints, 'toJSON'],
  ['Map', maps, 'toJSON'],
  ['Set', sets, 'toJSON'],
  ['Error', errors, 'toJSON'],
  ['String', strings, 'toJSON'],
  ['Number', numbers, 'toJSON'],
  ['Boolean', booleans, 'toJSON'],
  ['Buffer', buffers, 'toJSON'],
  ['TypedArray', typedArrays, 'toJSON'],
  ['DataView', dataViews, 'toJSON'],
  ['ArrayBuffer', arrayBuffers, 'toJSON'],
];

/** The same, where no module has added anything of that kind: written out, since it is asked before every chunk. */
const isAsGiven = (): boolean =>
  !('toJSON' in objects) &&
  !('toJSON' in arrays) &&
  !('toJSON' in bigints) &&
  !('toJSON' in maps) &&
  !('toJSON' in sets) &&
  !('toJSON' in errors) &&
  !('toJSON' in strings) &&
  !('toJSON' in numbers) &&
  !('toJSON' in booleans) &&
  dates.toJSON === dateToJson &&
  dates.toISOString === toISOString &&
  buffers.toJSON === bufferToJson &&
  (typedArrays as Writer).toJSON === typedToJson;

interface Asked {
  readonly path: string;
  readonly owner: object;
  readonly key: string;
  readonly descriptor: PropertyDescriptor | undefined;
}

/** The error of a call whose value cannot be told any more: `worker_crashed`, which no tool may throw. */
export class UnfaithfulText extends ToolError {
  readonly #path: string;

  constructor(path: string) {
    super('worker_crashed', `another call changed ${path} on this thread, which is replaced`);
    this.#path = path;
  }

  static isOne(value: unknown): value is UnfaithfulText {
    return typeof value === 'object' && value !== null && #path in value && value.#path !== '';
  }
}

let norm: readonly Asked[] = [];
let isNormAsGiven = true;
let onChange: ((change: string) => void) | null = null;

/** Takes what is there now for right. */
export function noteText(): void {
  norm = ASKED.map(([name, owner, key]) => ({
    path: `${name}.prototype.${key}`,
    owner,
    key,
    descriptor: descriptorOf(owner, key),
  }));
  ({ toJSON: dateToJson, toISOString } = dates);
  ({ toJSON: bufferToJson } = buffers);
  ({ toJSON: typedToJson } = typedArrays as Writer);
  isNormAsGiven = isAsGiven();
}

/** From now on nothing else makes text. @param changed told of what has changed. */
export function guardText(changed: (change: string) => void): void {
  onChange = changed;
}

/** Before text is made. @throws {UnfaithfulText} where it would be wrong. */
export function keepFaithful(): void {
  if (onChange === null || (isNormAsGiven && isAsGiven())) return;
  for (let at = 0; at < norm.length; at++) {
    const asked = norm[at] as Asked;
    const now = getOwnPropertyDescriptor(asked.owner, asked.key);
    if (isSame(now, asked.descriptor)) continue;
    const isBack = asked.descriptor
      ? defineProperty(asked.owner, asked.key, asked.descriptor)
      : deleteProperty(asked.owner, asked.key);
    onChange(asked.path);
    if (!isBack) throw new UnfaithfulText(asked.path);
  }
}

function descriptorOf(owner: object, key: string): PropertyDescriptor | undefined {
  const descriptor = getOwnPropertyDescriptor(owner, key);
  // No prototype: what is put on that of objects is no part of it.
  return descriptor && setPrototypeOf(descriptor, null);
}

function isSame(now: PropertyDescriptor | undefined, norm: PropertyDescriptor | undefined): boolean {
  if (now === undefined || norm === undefined) return now === norm;
  return now.value === norm.value && now.get === norm.get;
}
