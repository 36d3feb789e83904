/**
 * The pages that people read: README.md, docs/, .github/ and the changelog, with their blocks of code.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Page {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

const read = (path: string): Page => ({ path, text: readFileSync(join(ROOT, path), 'utf8') });

const below = (folder: string): Page[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => read(`${folder}/${name.replaceAll('\\', '/')}`));

export const README = read('README.md');
export const DOCS: readonly Page[] = below('docs');
export const PAGES: readonly Page[] = [README, ...DOCS, ...below('.github'), read('CHANGELOG.md')];

/** The page of that path. @throws {Error} when there is none. */
export function page(path: string): Page {
  const found = PAGES.find((candidate) => candidate.path === path);
  if (!found) throw new Error(`there is no ${path}`);
  return found;
}

/** One fenced block: what stands behind the fence, and what is in it. */
export interface Block {
  readonly path: string;
  readonly info: string;
  readonly text: string;
}

/** The blocks of what users read, in order. */
export const blocks: readonly Block[] = [README, ...DOCS].flatMap(({ path, text }) =>
  [...text.matchAll(/^```(\S.*)\n([\s\S]*?)^```$/gm)].map(([, info = '', code = '']) => ({
    path,
    info,
    text: code,
  })),
);

/** The one block with these words behind its fence. */
export function block(info: string): string {
  const [found, another] = blocks.filter((candidate) => candidate.info === info);
  if (!found || another) throw new Error(`there must be one block ${info}`);
  return found.text;
}

/** The lines of shell in the pages, continuations joined, comments gone. */
export const shellLines: readonly string[] = blocks
  .filter(({ info }) => info === 'sh')
  .flatMap(({ text }) =>
    text
      .replace(/\\\n\s*/g, ' ')
      .trimEnd()
      .split('\n'),
  )
  .map((line) => line.replace(/ +# .*$/, ''));
