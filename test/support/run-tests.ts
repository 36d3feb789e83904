/**
 * `npm test`, and `npm test -- PATH… [mocha's flags]`: runs Mocha on what was built from the given sources, on all tests
 * when no path is given.
 *
 * T1. A path is a test file or a folder under test/, as it lies in the tree or built, from the folder npm runs in; either
 *     slash will do. It must exist: a misspelt path that ran nothing would look like a success.
 * T2. All else goes to Mocha as it came, `--grep 'words of a title'` for one.
 * T3. Mocha runs in this process, so that its exit code, its signals and its inspector are this command's; so do the tests
 *     of a given path. All tests together are spread over processes, file by file: much of their time is waiting for
 *     processes that start, and they use no port or folder that another could have.
 */
import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../', import.meta.url);
const ALL = 'dist/test/**/*.test.js';
/** `test/…`, `./test/…`, `dist/test/…`; a folder itself may end without its slash. */
const PATH = /^(?:\.\/)?(?:dist\/)?(test(?:\/.*)?)$/;

const built = process.argv.slice(2).map((word) => {
  const [, path] = PATH.exec(word.replaceAll('\\', '/')) ?? [];
  return path === undefined ? { word, isPath: false } : { word: builtFrom(path), isPath: true };
});

function builtFrom(path: string): string {
  const place = `dist/${path.replace(/\.ts$/, '.js')}`;
  const target = fileURLToPath(new URL(place, ROOT));
  if (existsSync(target) && statSync(target).isDirectory()) return `${place.replace(/\/$/, '')}/**/*.test.js`;
  if (existsSync(target) && place.endsWith('.test.js')) return place;
  console.error(`${path} is no test: give a folder under test/ or a file that ends with .test.ts`);
  process.exit(2);
}

process.chdir(fileURLToPath(ROOT));
process.argv.splice(2, Number.POSITIVE_INFINITY, ...built.map(({ word }) => word));
// T3: two at least, since they wait; four at most, since what they measure should not be their neighbours.
const jobs = Math.min(4, Math.max(2, availableParallelism()));
if (!built.some(({ isPath }) => isPath)) process.argv.push('--parallel', '--jobs', String(jobs), ALL);
await import(new URL('node_modules/mocha/bin/mocha.js', ROOT).href);
