/** The pages hold together: tables are the code's, links lead somewhere, files they name exist, nothing is unlinked. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { expect } from 'chai';
import { TABLES, withFreshTable } from './generated-tables.ts';
import { DOCS, PAGES, type Page, page, README, ROOT } from './pages.ts';

/** A page's links, without what is written as code. */
function linksOf({ text }: Page): { target: string; anchor: string }[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s#]*)(?:#([^)\s]*))?\)/g)]
    .map(([, target = '', anchor = '']) => ({ target, anchor }))
    .filter(({ target }) => !/^[a-z]+:/.test(target));
}

/** The page a link leads to, from the root. */
const placeOf = ({ path }: Page, target: string) =>
  target === '' ? path : posix.normalize(posix.join(posix.dirname(path), target));

/** A heading's anchor as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

describe('the pages', () => {
  it('have a README that fits a few screens', () => {
    expect(README.text.split('\n').length).to.be.at.most(140);
  });

  it('have no mark of a merge left in them', () => {
    const marked = PAGES.filter(({ text }) => /^(<{7}|={7}|>{7})( |$)/m.test(text));
    expect(marked.map(({ path }) => path)).to.deep.equal([]);
  });

  for (const { path, name, make } of TABLES)
    it(`have in ${path} the table that the code makes`, () => {
      const { text } = page(path);
      expect(withFreshTable(text, name, make()), 'run `npm run docs`').to.equal(text);
    });

  it('link only to what exists', () => {
    const broken = PAGES.flatMap((from) =>
      linksOf(from)
        .filter(({ target, anchor }) => {
          const place = placeOf(from, target);
          if (!existsSync(join(ROOT, place))) return true;
          if (anchor === '') return false;
          const headings = readFileSync(join(ROOT, place), 'utf8').matchAll(/^#+ (.+)$/gm);
          return ![...headings].some(([, heading = '']) => anchorOf(heading) === anchor);
        })
        .map(({ target, anchor }) => `${from.path} → ${target}#${anchor}`),
    );
    expect(broken).to.deep.equal([]);
  });

  it('are all reached from the README', () => {
    const reached = new Set([README.path]);
    // A set may grow while it is walked.
    for (const path of reached) {
      const from = PAGES.find((candidate) => candidate.path === path);
      for (const { target } of from ? linksOf(from) : []) if (from) reached.add(placeOf(from, target));
    }
    const covered = (path: string) => reached.has(path) || reached.has(dirname(path));
    expect(DOCS.map(({ path }) => path).filter((path) => !covered(path))).to.deep.equal([]);
  });

  it('have in docs/api.md every name that the package exports', () => {
    const index = readFileSync(join(ROOT, 'lib/index.ts'), 'utf8');
    const lists = [...index.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
      names.split(','),
    );
    const own = [...index.matchAll(/^export (?:async function|function|type|interface|const) (\w+)/gm)];
    const exported = [...lists, ...own.map(([, name = '']) => name)]
      .map((name) => name.trim().replace(/^type /, ''))
      .filter((name) => name !== '');
    expect(exported).to.include.members(['createGateway', 'defineTool', 'ToolContext']);
    const { text } = page('docs/api.md');
    expect(exported.filter((name) => !text.includes(`\`${name}\``))).to.deep.equal([]);
  });

  it('name only scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const named = PAGES.flatMap(({ text }) => [...text.matchAll(/npm run ([\w:]+)/g)]);
    expect(named.length).to.be.above(5);
    expect(named.map(([, name = '']) => name).filter((name) => !(name in scripts))).to.deep.equal([]);
  });

  it('name only files that exist', () => {
    // A decision tells what was so on its day.
    const current = PAGES.filter(
      ({ path }) => !path.startsWith('docs/decisions/') && path !== 'CHANGELOG.md',
    );
    const named = current.flatMap(({ path, text }) =>
      [...text.matchAll(/`((?:lib|workers|bin|test|docs|dist|\.github)\/[\w./-]+)`/g)].map(
        ([, file = '']) => ({ path, file }),
      ),
    );
    expect(named.length).to.be.above(10);
    expect(named.filter(({ file }) => !existsSync(join(ROOT, file)))).to.deep.equal([]);
  });
});
