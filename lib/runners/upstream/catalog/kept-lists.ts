/**
 * What servers offered last, kept in DATA_DIR: a gateway that starts knows its tools before any server runs; and the
 * definitions of tools that were accepted.
 *
 * K1. Lists are of one entry: one that has changed is another server, whose lists are not known.
 * K2. What cannot be read or written costs a start of the server, and no more.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileWatch } from '../../../async/file-watch.ts';
import { isObject } from '../protocol/message.ts';
import type { ServerLists } from './offer.ts';

const FOLDER = 'upstreams';
const MOST_BYTES = 16 * 1024 ** 2;

export class KeptLists {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, FOLDER);
  }

  lists(name: string, fingerprint: string): ServerLists | null {
    const kept = this.#read(`${name}.json`);
    if (!isObject(kept) || kept['fingerprint'] !== fingerprint) return null;
    const { tools, resources, templates, prompts, capabilities } = isObject(kept['lists'])
      ? kept['lists']
      : {};
    const isWhole = [tools, resources, templates, prompts].every(Array.isArray) && isObject(capabilities);
    return isWhole ? (kept['lists'] as unknown as ServerLists) : null;
  }

  keep(name: string, fingerprint: string, lists: ServerLists): void {
    this.#write(`${name}.json`, { fingerprint, lists });
  }

  /** Tells when what is accepted of a server has changed: by another process. @returns what ends that. */
  watchPins(name: string, onChange: () => void): () => void {
    const watch = new FileWatch([join(this.#folder, `${name}.pins.json`)], onChange);
    return () => watch.close();
  }

  /** Hashes of accepted definitions, by tool; null where none of the server was ever accepted. */
  pins(name: string): Readonly<Record<string, string>> | null {
    const kept = this.#read(`${name}.pins.json`);
    return isObject(kept) ? (kept as Record<string, string>) : null;
  }

  /** @throws where they cannot be written: a definition that is not kept is not pinned. */
  pin(name: string, hashes: Readonly<Record<string, string>>): void {
    if (!this.#write(`${name}.pins.json`, hashes)) throw new Error(`${this.#folder} cannot be written`);
  }

  #read(file: string): unknown {
    try {
      return JSON.parse(readFileSync(join(this.#folder, file), 'utf8'));
    } catch {
      return null;
    }
  }

  #write(file: string, value: unknown): boolean {
    const text = JSON.stringify(value);
    if (text.length > MOST_BYTES) return false;
    const path = join(this.#folder, file);
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(temporary, text, { mode: 0o600 });
      renameSync(temporary, path);
      return true;
    } catch {
      return false;
    }
  }
}
