/**
 * The names under which what servers offer is offered here.
 *
 * N1. `server__tool`, of letters, digits, `_` and `-`, at most 48 characters: what every vendor of models takes, with
 *     room for what clients put in front. What is longer is cut and ends in a hash of the whole.
 * N2. A name depends on its server and itself alone, never on what else there is.
 */
import { createHash } from 'node:crypto';

const MOST = 48;
const HASH = 6;

/** A server's name as names of tools begin with it: without `__`, and no `_` at either end. */
export function serverName(given: string): string {
  const plain = sanitized(given)
    .replace(/_{2,}/g, '_')
    .replace(/^_+|_+$/g, '');
  if (plain === '') return 'server';
  // Some vendors want a letter first.
  return /^[A-Za-z]/.test(plain) ? plain : `mcp-${plain}`;
}

const sanitized = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, '_');

/** @param prefix null: the name alone. */
export function offeredName(prefix: string | null, name: string): string {
  const whole = sanitized(prefix === null ? name : `${prefix}__${name}`);
  if (whole.length <= MOST) return whole;
  const hash = createHash('sha256')
    .update(`${prefix ?? ''}\0${name}`)
    .digest('hex')
    .slice(0, HASH);
  return `${whole.slice(0, MOST - HASH - 1)}_${hash}`;
}

/** URIs of a server as they are here: its name is put before the scheme, `files+file:///a`. */
export class UriMap {
  readonly #head: string;

  /** @param prefix null: they stay what they are. */
  constructor(prefix: string | null) {
    this.#head = prefix === null ? '' : `${prefix.replaceAll('_', '-').toLowerCase()}+`;
  }

  /** What all of them begin with. */
  get head(): string {
    return this.#head;
  }

  outward(uri: string): string {
    return `${this.#head}${uri}`;
  }

  /** The server's own; one that is not from here stays what it is. */
  inward(uri: string): string {
    return uri.startsWith(this.#head) ? uri.slice(this.#head.length) : uri;
  }
}
