/**
 * Bundles the page into dist, beside what serves it: a script and a style sheet with a hash in their names, and the
 * page that names them.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = (name) => fileURLToPath(new URL(name, import.meta.url));
const target = (name) =>
  fileURLToPath(new URL(`../../../../dist/lib/transports/console/assets/${name}`, import.meta.url));

rmSync(target(''), { recursive: true, force: true });
mkdirSync(target(''), { recursive: true });
const { metafile } = await build({
  entryPoints: { console: source('main.tsx') },
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome123', 'firefox121', 'safari17.5'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  outdir: target(''),
  entryNames: '[name]-[hash]',
  legalComments: 'eof',
  metafile: true,
  logLevel: 'warning',
});
const made = Object.keys(metafile.outputs).map((path) => basename(path));
const named = (extension) => made.find((name) => name.endsWith(extension));
const html = readFileSync(source('index.html'), 'utf8')
  .replace('main.tsx', named('.js'))
  .replace('style.css', named('.css'));
writeFileSync(target('index.html'), html);
